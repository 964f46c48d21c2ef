"""The data and the trained networks of a run: as they are given, and found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset, grouped, load_dataset, part_of
from easiness.errors import BadInput
from easiness.features import code_behind, find_features, ready_features
from easiness.inputs import tell
from easiness.spec import DatasetRef, Loading, Recipe, Split, make_recipe
from easiness.store import Run

R = TypeVar("R")


def given_data(source: Any, loading: Loading, group: Any = None) -> Dataset:
    """The data that a user gives to be measured: from a source, or loaded already.

    A `Dataset` is held out from, limited and relabelled as `load_dataset` does it. How to get at a source
    (``data_root``, ``download``, ``allow_outside``) is settled by then.
    """
    if not isinstance(source, Dataset):
        return load_dataset(source, **vars(loading), group=group)
    if loading.skip_unreadable and not source.load_options.skip_unreadable:
        raise BadInput(
            f"{source.name}: a Dataset is loaded already, unreadable images and all; give skip_unreadable to "
            "load_dataset"
        )
    if source.standard is not None:  # it was held out from others, and is now seen by itself
        source = replace(source, standard=None)
    return part_of(grouped(source, group), loading)


def find_data(run: Run, source: Any, option: str = "--data") -> tuple[Dataset | None, str]:
    """The data of a run, or ``None`` and why they cannot be found."""
    ref = run.spec.data
    if source is not None:
        data = load_as(source, ref)
        return data if data.fingerprint == ref.train.fingerprint else _recorded(run, data, source), ""
    try:
        if ref.source is None:
            kept = _kept_data(run)
            return kept, "" if kept else f"the run does not say where they are ({option} names them)"
        data = load_as(ref.source, ref)
        if data.fingerprint != ref.train.fingerprint:
            return None, f"the data at {ref.source} have changed since the run ({option} names others)"
    except BadInput as error:
        return None, f"the data of the run cannot be read ({error})"
    return data, ""


def _kept_data(run: Run) -> Dataset | None:
    """The data that a recorded run keeps itself, with its ids, or ``None`` where it does not."""
    path = run.kept_examples()
    return None if path is None else replace(load_dataset(path, classes=run.classes), ids=run.ids)


def _recorded(run: Run, data: Dataset, source: Any) -> Dataset:
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


def load_as(source: Any, ref: DatasetRef) -> Dataset:
    """The data at a source, read as a run did."""
    if not isinstance(source, Dataset):
        return load_dataset(source, limit=ref.limit, **ref.load_options().model_dump())
    if len(source) == ref.train.num_examples:
        return source
    holdout = ref.holdout if source.held_out is None else None
    labels = ref.labels if source.load_options.labels is None else None
    return given_data(source, Loading(limit=ref.limit, holdout=holdout, labels=labels))


def data_of(run: Run, source: Any = None, option: str = "--data") -> Dataset:
    """The data of a run, from the ``source`` given or where they were when it was made; as `find_data`."""
    data, why = find_data(run, source, option)
    if data is None:
        raise BadInput(f"{run.path}: its data are needed, and {why}")
    return data


def has_held_out(run: Run) -> bool:
    """Did every finished trial observe a held-out split?"""
    return run.spec.data.held_out is not None and all(trial.has("held_out") for trial in run.trials)


def find_split(run: Run, source: Any, split: Split) -> tuple[Dataset | None, str]:
    """The data of a split of a run, or ``None`` and why they cannot be found; as `find_data` otherwise."""
    data, why = find_data(run, source)
    if data is None or split == "train":
        return data, why
    held_out, ref = data.held_out, run.spec.data.held_out
    if held_out is not None and ref is not None and held_out.fingerprint == ref.fingerprint:
        return held_out, ""
    is_other = "has no held-out split" if held_out is None else "has another held-out split"
    if source is not None:
        beside = ", unlike" if held_out is None else " than"
        raise BadInput(f"{data.name}: {is_other}{beside} {run.path}; give the source that it was measured on")
    return None, f"{data.name} {is_other} since the run (--data names others)"


def positions_in(data: Dataset, run: Run, split: Split = "train") -> npt.NDArray[np.int64]:
    """Where each example [K] of a split of the run is in ``data``, which are of this split, by its id."""
    own = run.ids if split == "train" else run.examples(split)[0]
    if data.ids.dtype == own.dtype and np.array_equal(data.ids, own):
        return np.arange(len(own))
    where = {name: at for at, name in enumerate(data.ids.tolist())}
    ids = own.tolist()
    unknown = [name for name in ids if name not in where]
    if unknown:
        raise BadInput(
            f"{data.name}: has no example with the id {unknown[0]} of {run.path}; give the source it was "
            "measured on"
        )
    return np.array([where[name] for name in ids], np.int64)


def run_values(
    run: Run, data: Dataset, positions: npt.NDArray[np.int64], function: Callable[[npt.NDArray[Any]], R]
) -> list[R]:
    """``function`` of the examples at ``positions`` [n] of the run, decoded from its data."""
    return data.map(positions_in(data, run)[positions], function)


def recipe_of(run: Run, data: Dataset) -> Recipe:
    """The recipe of a run, or for one recorded in somebody's own loop the usual one of its data."""
    if run.spec.measured is not None:
        return run.spec.measured.recipe
    return make_recipe(data.recipe_defaults, {}, origin="recipe", kind=data.kind.name)


def features_of(run: Run, data: Dataset) -> tuple[list[Mapping[str, npt.NDArray[np.floating]]] | None, str]:
    """The features [K, D] that the heads of a run have seen, by split, in the order of its ``data``.

    They are made again where the file beside the run is gone, but not by code of somebody's whom nobody has
    said to trust. Where they cannot be had it is ``None``, and why.
    """
    heads = run.spec.heads
    assert heads is not None
    found: list[Mapping[str, npt.NDArray[np.floating]]] = []
    for ref in heads.features:
        module = None if run.trusted else code_behind(ref.name)
        if module is not None:
            return None, (
                f"its features {ref.name} are made by code of the module {module}, which runs only for those "
                "who say that they trust the run (--trust, or in Python open_run(..., trust=True))"
            )
        try:
            source = find_features(ref.name, data)
            if source.identity != ref.identity:
                return None, f"the features {ref.name} have changed since the run"
            found.append(ready_features(source, data, features_beside(run.path), tell))
        except BadInput as error:
            return None, f"its features cannot be made again ({error})"
    return found, ""


def features_beside(out: Path) -> Path:
    """The folder of the features of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-features"
