"""The data of a run: as given, found again, told to people and decided on; and what tells runs apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from easiness import spec
from easiness.data import (
    Dataset,
    Decisions,
    LabelledExamples,
    load_dataset,
    part_of,
    read_decisions,
    with_groups,
)
from easiness.errors import BadInput
from easiness.features import code_behind, find_features, ready_features
from easiness.inputs import tell
from easiness.lazy import Array, Integers, Reals
from easiness.regular_file import in_words
from easiness.store import Run

R = TypeVar("R")


def given_data(data: Any, loading: spec.Loading, group: Any = None) -> Dataset:
    """The data that a user gives to be measured: from a source, or loaded already.

    A `Dataset` is held out from, limited and relabelled as `load_dataset` does it. How to get at a source
    (``data_root``, ``download``, ``allow_outside``) is settled by then.
    """
    if not isinstance(data, Dataset):
        return load_dataset(data, **vars(loading), group=group)
    if loading.skip_unreadable and not data.load_options.skip_unreadable:
        raise BadInput(
            f"{data.name}: a Dataset is loaded already, unreadable images and all; give skip_unreadable to "
            "load_dataset"
        )
    if data.standard is not None:  # it was held out from others, and is now seen by itself
        data = replace(data, standard=None)
    return part_of(with_groups(data, group), loading)


def find_data(run: Run, data: Any, option: str = "--data") -> tuple[Dataset | None, str]:
    """The data of a run, or ``None`` and why they cannot be found."""
    ref = run.spec.data
    if data is not None:
        examples = load_as(data, ref)
        is_same = examples.fingerprint == ref.train.fingerprint
        return (examples if is_same else _recorded_examples(run, examples, data)), ""
    try:
        if ref.source is None:
            path = run.kept_examples()
            if path is None:
                return None, f"the run does not say where they are ({option} names them)"
            return replace(load_dataset(path, classes=run.classes), ids=run.ids), ""
        examples = load_as(ref.source, ref)
        if examples.fingerprint != ref.train.fingerprint:
            return None, f"the data at {ref.source} have changed since the run ({option} names others)"
    except BadInput as error:
        return None, f"the data of the run cannot be read ({error})"
    return examples, ""


def _recorded_examples(run: Run, data: Dataset, source: Any) -> Dataset:
    """The examples of a recorded run among the data, of which its loop may have left out some, as unreadable.

    Data of another fingerprint can only be those of a recorded run, which may not know that of images.
    """
    where = data.name if isinstance(source, Dataset | tuple | list) else source
    if run.spec.measured is not None:
        ref = run.spec.data.train
        raise BadInput(
            f"{where}: these are not the data of {run.path} ({len(data)} and {ref.num_examples} "
            f"examples, fingerprints {data.fingerprint[:8]} and {ref.fingerprint[:8]}); "
            "give the source it was measured on"
        )
    own = set(run.ids.tolist())
    some = np.array([at for at, name in enumerate(data.ids.tolist()) if name in own], np.int64)
    same = (
        data.classes == run.classes
        and np.array_equal(data.ids[some], run.ids)
        and np.array_equal(data.labels[some], run.labels)
    )
    if not same:
        raise BadInput(
            f"{where}: these are not the data of {run.path} (ids, labels or classes differ); give the data "
            "it was recorded on"
        )
    return data if len(some) == len(data) else replace(data.part(some), held_out=data.held_out, standard=None)


def load_as(data: Any, ref: spec.DatasetRef) -> Dataset:
    if not isinstance(data, Dataset):
        return load_dataset(data, limit=ref.limit, **ref.load_options().model_dump())
    if len(data) == ref.train.num_examples:
        return data
    holdout = ref.holdout if data.held_out is None else None
    labels = ref.labels if data.load_options.labels is None else None
    return given_data(data, spec.Loading(limit=ref.limit, holdout=holdout, labels=labels))


def data_of(run: Run, data: Any = None, option: str = "--data") -> Dataset:
    """The data of a run, from the ``data`` given or where they were when it was made; as `find_data`."""
    examples, why = find_data(run, data, option)
    if examples is None:
        raise BadInput(f"{run.path}: its data are needed, and {why}")
    return examples


def has_held_out(run: Run) -> bool:
    return run.spec.data.held_out is not None and all(trial.has("held_out") for trial in run.trials)


def find_split(run: Run, data: Any, split: spec.Split) -> tuple[Dataset | None, str]:
    """The data of a split of a run, or ``None`` and why they cannot be found; as `find_data` otherwise."""
    examples, why = find_data(run, data)
    if examples is None or split == "train":
        return examples, why
    held_out, ref = examples.held_out, run.spec.data.held_out
    if held_out is not None and ref is not None and held_out.fingerprint == ref.fingerprint:
        return held_out, ""
    is_other = "has no held-out split" if held_out is None else "has another held-out split"
    if data is not None:
        beside = ", unlike" if held_out is None else " than"
        problem = f"{is_other}{beside} {run.path}"
        raise BadInput(f"{examples.name}: {problem}; give the source that it was measured on")
    return None, f"{examples.name} {is_other} since the run (--data names others)"


def positions_in(data: Dataset, run: Run, split: spec.Split = "train") -> Integers:
    """Where each example [K] of a split of the run is in ``data``, which are of this split, by its id.

    In a run of tags it is that of each question.
    """
    own = run.ids if split == "train" else run.examples(split)[0]
    there, examples = data.questions.ids, data.questions.examples
    if there.dtype == own.dtype and np.array_equal(there, own):
        return examples
    where = dict(zip(there.tolist(), examples.tolist(), strict=True))
    ids = own.tolist()
    unknown = [name for name in ids if name not in where]
    if unknown:
        raise BadInput(
            f"{data.name}: has no example with the id {unknown[0]} of {run.path}; give the source it was "
            "measured on"
        )
    return np.array([where[name] for name in ids], np.int64)


def run_values(run: Run, data: Dataset, positions: Integers, function: Callable[[Array], R]) -> list[R]:
    """``function`` of the examples at ``positions`` [n] of the run, decoded from its data."""
    return data.map(positions_in(data, run)[positions], function)


def recipe_of(run: Run, data: Dataset) -> spec.Recipe:
    """The recipe of a run, or for one recorded in somebody's own loop the usual one of its data."""
    if run.spec.measured is not None:
        return run.spec.measured.recipe
    return spec.make_recipe(data.recipe_defaults, {}, origin="recipe", kind=data.kind.name)


def features_of(run: Run, data: Dataset) -> tuple[list[Mapping[str, Reals]] | None, str]:
    """The features [K, D] that the heads of a run have seen, by split, in the order of its ``data``.

    They are made again where the file beside the run is gone, but not by code of somebody's whom nobody has
    said to trust. Where they cannot be had it is ``None``, and why.
    """
    heads = run.spec.heads
    assert heads is not None
    vectors: list[Mapping[str, Reals]] = []
    for ref in heads.features:
        module = None if run.is_trusted else code_behind(ref.name)
        if module is not None:
            return None, (
                f"its features {ref.name} are made by code of the module {module}, which runs only for those "
                "who say that they trust the run (--trust, or in Python open_run(..., trust=True))"
            )
        try:
            source = find_features(ref.name, data)
            if source.identity != ref.identity:
                return None, f"the features {ref.name} have changed since the run"
            vectors.append(ready_features(source, data, features_beside(run.path), tell))
        except BadInput as error:
            return None, f"its features cannot be made again ({error})"
    return vectors, ""


def features_beside(out: Path) -> Path:
    """The folder of the features of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-features"


def cache_beside(out: Path) -> Path:
    """The folder of cached photos of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-cache"


class CellTexts(NamedTuple):
    """A ``column`` for a table of examples, with the ``texts`` of its cells."""

    column: str
    texts: list[str]


def cell_texts(data: Dataset, rows: Integers) -> CellTexts | None:
    """The texts of the examples at ``rows`` of the data, or their paths where their ids are positions.

    ``None`` where the ids are paths already, or where the examples are neither texts nor files.
    """
    kind = data.kind
    if kind.export_form.form == "text":
        return CellTexts(kind.export_form.column, data.map(rows, kind.plain))
    if kind.files is None or data.ids.dtype != np.int64 or not len(rows):
        return None
    paths = [Path(data.stored.name(at)) for at in rows.tolist()]
    return CellTexts("path", [in_words(path.absolute()) for path in paths]) if paths[0].is_file() else None


def data_version(run: Run) -> str:
    """The name of the data of a run, and the version of the labels of its splits: ``photos@3fa2c0d1e5b7``."""
    return run.spec.data.version


def labelled_examples(run: Run, split: spec.Split) -> LabelledExamples:
    ids, labels = run.examples(split)
    noun = "training example" if split == "train" else "held-out example"
    return LabelledExamples(str(run.path), ids, labels, run.classes, noun, run.spec.data.tag_names)


def decisions_on(run: Run, file: str | os.PathLike[str], split: spec.Split = "train") -> Decisions:
    """The decisions on the labels of a run in a file that the page, `audit` or a person has written.

    It may be the JSON that Label Studio exports, with the answers of one person.
    """
    return read_decisions(file, labelled_examples(run, split), split, data_version(run))


_ANOTHER = "choose another --out"


def difference(plan: spec.RunSpec, precision: spec.Precision, existing: spec.AnySpec) -> str | None:
    """The first setting in which a run differs from a plan, and the remedy; ``None`` where it goes on."""
    run = existing.measured
    if run is None:
        return f"it was recorded, from a training loop of your own or as outcomes; {_ANOTHER}"
    if run.data.identity() != plan.data.identity():
        without_unreadable = run.data.num_unreadable and not plan.data.skip_unreadable
        remedy = "give --skip-unreadable, as the run was made" if without_unreadable else _ANOTHER
        return f"{_data_difference(run.data, plan.data)}; {remedy}"
    there, here = {**_training(run, plan), **_recording(run)}, {**_training(plan, run), **_recording(plan)}
    if precision != "auto":
        there["precision"], here["precision"] = run.resolved.precision, precision
    name = next((name for name in here if there[name] != here[name]), None)
    verb = "are" if name in ("observations", "versions of the features") else "is"
    return name and f"{name} {verb} {there[name]} in the run, {here[name]} here; {_ANOTHER}"


def training_difference(one: spec.RunSpec, other: spec.RunSpec) -> str | None:
    """The first setting in which the training of two runs differs, in words; ``None`` where none does.

    Seeds, data, splits and what is kept may differ: the trials of both are draws of the same procedure.
    """
    first, second = _training(one, other), _training(other, one)
    first["precision"], second["precision"] = one.resolved.precision, other.resolved.precision
    name = next((name for name in first if first[name] != second[name]), None)
    return name and f"{name} is {first[name]} in one and {second[name]} in the other"


def _training(run: spec.RunSpec, other: spec.RunSpec) -> dict[str, Any]:
    """The settings of a run that decide its training, in words; features count by what they are."""
    heads, others = run.heads, other.heads
    settings: dict[str, Any] = {
        "model": run.model,
        "file of pretrained weights": _short(run.pretrained),
        **{f"recipe setting {name}": value for name, value in run.recipe.model_dump().items()},
        "recipe version": run.recipe_version,
        "train share": run.train_share,
        "drawing of examples": run.draw,
        "same steps": run.same_steps,
        "steps of so many examples": run.steps_of,
        "dealing to folds": _short(run.dealt),
        "kind of trials": "trainings" if heads is None else "heads on features",
    }
    if heads is None or others is None:
        return settings
    if [one.identity for one in heads.features] != [one.identity for one in others.features]:
        settings["features"] = tuple(one.name for one in heads.features)
        settings["versions of the features"] = tuple(_short(one.identity) for one in heads.features)
    return {
        **settings,
        "shares": heads.shares,
        "groups of examples": _short(heads.groups),
        "epochs": heads.epochs,
    }


def _recording(run: spec.RunSpec) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "observations": run.observe,
        "splits observed": [probe.name for probe in run.probes],
        "logits kept": run.probes[0].keep_logits,
        "weights kept": run.keep_weights,
    }


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]


def _data_difference(run: spec.DatasetRef, here: spec.DatasetRef) -> str:
    if run.train.num_examples != here.train.num_examples:
        return f"the run has {run.train.num_examples} examples, the data here {here.train.num_examples}"
    if run.classes != here.classes:
        return "the classes of the data are others"
    if run.train.fingerprint != here.train.fingerprint:
        return "the data are others (the fingerprints of the training examples differ)"
    return "the held-out split of the data is another"
