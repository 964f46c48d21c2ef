"""The data and the trained networks of a run: as they are given, and found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset, load_dataset, part_of
from easiness.errors import BadInput
from easiness.models import module_of, pretrained_file
from easiness.spec import DatasetRef, Loading, Recipe, Split, make_recipe
from easiness.store import Run, StoredTrial

if TYPE_CHECKING:
    import torch

    from easiness.training import InputReader

R = TypeVar("R")


def given_data(source: Any, loading: Loading) -> Dataset:
    """The data that a user gives to be measured: from a source, or loaded already.

    A `Dataset` is held out from, limited and relabelled as `load_dataset` does it. How to get at a source
    (``data_root``, ``download``, ``allow_outside``) is settled by then.

    Args:
        source: a `Dataset`, or what `load_dataset` takes.
        loading: how to read it, and which examples to take.

    Raises:
        BadInput: something given cannot be used, such as ``holdout`` where a split is held out already.
    """
    if not isinstance(source, Dataset):
        return load_dataset(source, **vars(loading))
    if loading.skip_unreadable and not source.load_options.skip_unreadable:
        raise BadInput(
            f"{source.name}: a Dataset is loaded already, unreadable images and all; give skip_unreadable to "
            "load_dataset"
        )
    if source.standard is not None:  # it was held out from others, and is now seen by itself
        source = replace(source, standard=None)
    return part_of(source, loading)


def find_data(run: Run, source: Any, option: str = "--source") -> tuple[Dataset | None, str]:
    """The data of a run, or ``None`` and why they cannot be found.

    Args:
        run: whose data to find.
        source: where they are now: a `Dataset` or what `load_dataset` takes; ``None`` for where they
            were when the run was made.
        option: what gives the source on the command line, to name it where it is missing.

    Raises:
        BadInput: the data at the ``source`` given cannot be read, or are others than those of the run.
    """
    ref = run.spec.data
    if source is not None:
        data = load_as(source, ref)
        if data.fingerprint != ref.train.fingerprint:
            _check_same(run, data, source)
        return data, ""
    if ref.source is None:
        return None, f"the run does not say where they are ({option} names them)"
    try:
        data = load_as(ref.source, ref)
        if data.fingerprint != ref.train.fingerprint:
            return None, f"the data at {ref.source} have changed since the run ({option} names others)"
    except BadInput as error:
        return None, f"the data of the run cannot be read ({error})"
    return data, ""


def _check_same(run: Run, data: Dataset, source: Any) -> None:
    """Data of another fingerprint can only be those of a recorded run, which may not know that of images."""
    where = data.name if isinstance(source, Dataset | tuple | list) else source
    if run.spec.measured is not None:
        ref = run.spec.data.train
        raise BadInput(
            f"{where}: these are not the data of {run.path} ({len(data)} and {ref.num_examples} "
            f"examples, fingerprints {data.fingerprint[:8]} and {ref.fingerprint[:8]}); "
            "give the source it was measured on"
        )
    same = (
        data.classes == run.classes
        and np.array_equal(data.ids, run.ids)
        and np.array_equal(data.labels, run.labels)
    )
    if not same:
        raise BadInput(
            f"{where}: these are not the data of {run.path} (ids, labels or classes differ); give the data "
            "it was recorded on"
        )


def load_as(source: Any, ref: DatasetRef) -> Dataset:
    """The data at a source, read as a run did."""
    if not isinstance(source, Dataset):
        return load_dataset(source, limit=ref.limit, **ref.load_options().model_dump())
    if len(source) == ref.train.num_examples:
        return source
    holdout = ref.holdout if source.held_out is None else None
    labels = ref.labels if source.load_options.labels is None else None
    return given_data(source, Loading(limit=ref.limit, holdout=holdout, labels=labels))


def data_of(run: Run, source: Any = None, option: str = "--source") -> Dataset:
    """The data of a run, from the ``source`` given or where they were when the run was made; as `find_data`.

    Raises:
        BadInput: they cannot be read, or are others than those of the run.
    """
    data, why = find_data(run, source, option)
    if data is None:
        raise BadInput(f"{run.path}: its data are needed, and {why}")
    return data


def has_held_out(run: Run) -> bool:
    """Did every finished trial observe a held-out split?"""
    return run.spec.data.held_out is not None and all(trial.has("held_out") for trial in run.trials)


def find_split(run: Run, source: Any, split: Split) -> tuple[Dataset | None, str]:
    """The data of a split of a run, or ``None`` and why they cannot be found; as `find_data` otherwise.

    Raises:
        BadInput: as `find_data`; also, the source given has another held-out split.
    """
    data, why = find_data(run, source)
    if data is None or split == "train":
        return data, why
    held_out, ref = data.held_out, run.spec.data.held_out
    if held_out is not None and ref is not None and held_out.fingerprint == ref.fingerprint:
        return held_out, ""
    is_other = "has no held-out split" if held_out is None else "has another held-out split"
    if source is not None:
        raise BadInput(f"{data.name}: {is_other} than {run.path}; give the source that it was measured on")
    return None, f"{data.name} {is_other} since the run (--source names others)"


def positions_in(data: Dataset, run: Run, split: Split = "train") -> npt.NDArray[np.int64]:
    """Where each example [K] of a split of the run is in ``data``, which are of this split, found by its id.

    Raises:
        BadInput: the data lack an example of the run.
    """
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
    """``function`` of the examples at ``positions`` [n] of the run, decoded from its data.

    Raises:
        BadInput: the data lack an example of the run, or one is unreadable.
    """
    return data.map(positions_in(data, run)[positions], function)


def recipe_of(run: Run, data: Dataset) -> Recipe:
    """The recipe of a run, or for one recorded in somebody's own loop the usual one of its data."""
    if run.spec.measured is not None:
        return run.spec.measured.recipe
    return make_recipe(data.recipe_defaults, {}, origin="recipe", kind=data.kind.name)


def untrusted(run: Run) -> str:
    """Why the networks of a run may not be built, and how to allow it; empty where they may.

    A run that somebody sent could name any module. Whoever measures names the network, and is taken at that.
    """
    module = None if run.trusted else module_of(run.model)
    if module is None:
        return ""
    return (
        f"its network {run.model!r} is code of the module {module}, which runs only for those who say that "
        "they trust the run (--trust, or in Python open_run(..., trust=True))"
    )


def check_trusted(run: Run) -> None:
    """Raise `BadInput` where the networks of the run are `untrusted`."""
    reason = untrusted(run)
    if reason:
        raise BadInput(f"{run.path}: {reason}")


def feature_reader(run: Run, data: Dataset, trial: StoredTrial, device: torch.device) -> InputReader:
    """Reads the input of the last layer of a trial's network; the run must be a measured one.

    Raises:
        BadInput: the run has no weights, is not trusted, or its network has no linear or convolutional
            classifier.
    """
    from easiness.training import FeatureReader, InputReader

    check_trusted(run)
    spec = run.spec.measured
    assert spec is not None
    recipe = spec.recipe
    network = FeatureReader(
        spec.model,
        data.signature(recipe),
        len(run.classes),
        trial.weights(),
        device,
        None if spec.pretrained is None else pretrained_file(spec.model),
    )
    return InputReader(data, recipe, device, network)
