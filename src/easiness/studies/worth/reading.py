"""The examples of a run on features as heads read them: those to keep or leave out, and those to test on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import find_features, kept_features
from easiness.heads import kept_together, partition
from easiness.inputs import tell
from easiness.runs import data_of, features_beside, features_of, find_split, positions_in
from easiness.spec import Heads
from easiness.store import Run
from easiness.studies.worth.heads import Labelled

WIDEST = 512
"""Directions of features that are kept: heads of all 1,280 of a network are hardly better, and far slower."""
_TEST_FOLDS = 5  # one of which is tested on where nothing is held out

Positions = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Examples:
    """``pool`` may be kept, at these ``positions`` in the run; ``test`` are others, to test on.

    ``held_out`` says whether those tested on are the held-out split; else they were set aside from the run.
    ``everyone`` are all of the run, then those without labels, if there are any: all labelled 0.
    """

    pool: Labelled
    positions: Positions
    test: Labelled
    held_out: bool
    everyone: Labelled


def read_examples(
    run: Run, source: Any = None, seed: int = 0, unlabelled: Callable[[Dataset], Dataset] | None = None
) -> Examples:
    """The vectors and labels of a run on features, and what to test on.

    That is the held-out split. Where there is none it is a fifth of the examples, with the classes as all
    have them and copies on one side. Vectors are centred, each kind has a mean squared length of one, and of
    wide ones the leading directions are kept, which no label decides.

    Args:
        run: on features.
        source: where its data are now, a `Dataset` or what `load_dataset` takes; where they were by default.
        seed: of what is set aside.
        unlabelled: gives examples without labels that are like those of the run, where there are some.

    Raises:
        BadInput: the run has no features, or they or the data cannot be had.
    """
    heads = run.spec.heads
    if heads is None:
        raise BadInput(f"{run.path}: is not on features; measure with them first (--features auto)")
    data = data_of(run, source)
    found, why = features_of(run, data)
    if found is None:
        raise BadInput(f"{run.path}: its features are needed, and {why}")
    own = positions_in(data, run)
    train = [np.asarray(one["train"][own], np.float32) for one in found]
    num, origin = len(own), None if data.groups is None else data.groups[own]
    labels, joined = torch.tensor(run.labels), train
    if unlabelled is not None:
        others = vectors_of_others(run, data, unlabelled)
        joined = [np.concatenate(both) for both in zip(train, others, strict=True)]
        labels = torch.cat([labels, torch.zeros(len(others[0]), dtype=labels.dtype)])
        if origin is not None:
            origin = np.concatenate([origin, [f"without a label {at}" for at in range(len(others[0]))]])
    groups = kept_together(joined, origin)
    split = _held_out(run, data)
    test = [] if split is None else [np.asarray(one["held_out"], np.float32) for one in found]
    x, apart = _directions(train, joined, test)
    everyone = Labelled(x, labels, groups, len(run.classes))
    labelled = everyone.part(np.arange(num)) if unlabelled is not None else everyone
    if split is not None:
        tested = Labelled(apart, torch.tensor(split.labels), np.arange(len(split)), len(run.classes))
        return Examples(labelled, np.arange(num), tested, held_out=True, everyone=everyone)
    aside = set_aside(labelled, heads, seed)
    rest = np.setdiff1d(np.arange(num), aside)
    return Examples(labelled.part(rest), rest, labelled.part(aside), held_out=False, everyone=everyone)


def in_files(names: Sequence[str]) -> bool:
    """Are features vectors in somebody's files? Then those of others have to be given, too."""
    return any(name.lower().endswith((".npy", ".npz")) for name in names)


def vectors_of_others(
    run: Run, data: Dataset, unlabelled: Callable[[Dataset], Dataset]
) -> list[npt.NDArray[np.float32]]:
    """Vectors [M, D] of examples without labels, of each of the features of a run, as its own are scaled.

    Raises:
        BadInput: they cannot be made, or have another width than those of the run.
    """
    assert run.spec.heads is not None
    others = unlabelled(data)
    made = []
    folder = features_beside(run.path)
    for ref in run.spec.heads.features:
        source = find_features(ref.name, data)
        own = kept_features(source, data, folder, tell)["train"]
        if source.slow:  # they are kept in a file, too
            vectors = kept_features(source, replace(data, held_out=others), folder, tell)["held_out"].rows
        else:
            source = find_features("inputs", others) if in_files([ref.name]) else source
            vectors = np.ldexp(source.vectors(others, np.arange(len(others))), own.exponent)
        if vectors.shape[1] != own.rows.shape[1]:
            raise BadInput(
                f"{others.name}: vectors of {vectors.shape[1]} values, and those of the run have "
                f"{own.rows.shape[1]}; make both in the same way"
            )
        if not np.isfinite(vectors).all():
            raise BadInput(f"{others.name}: a vector is not finite; leave that example out")
        made.append(np.asarray(vectors, np.float32))
    return made


def _held_out(run: Run, data: Dataset) -> Dataset | None:
    if run.spec.data.held_out is None:
        return None
    return find_split(run, data, "held_out")[0]


def set_aside(everyone: Labelled, heads: Heads, seed: int) -> Positions:
    """Positions, ascending, of a fifth of the examples, with copies on one side."""
    folds = heads.model_copy(update={"shares": ((_TEST_FOLDS - 1) / _TEST_FOLDS,)})
    dealt = partition(everyone.labels.numpy(), folds, seed, 0, everyone.groups)
    return np.sort(np.concatenate(dealt.blocks[0]))


def _directions(
    kinds: Sequence[Vectors], train: Sequence[Vectors], test: Sequence[Vectors]
) -> tuple[Tensor, Tensor]:
    """The kinds of vectors beside each other; of wide ones the leading directions of the first ones."""
    x, apart = (_beside(train, kinds), _beside(test, kinds) if test else torch.zeros(0, 0))
    if x.shape[1] <= WIDEST:
        return x, apart
    rows = x[: len(kinds[0])].numpy()
    leading = torch.linalg.eigh(torch.from_numpy(rows.T @ rows))[1][:, -WIDEST:].contiguous()
    return x @ leading, apart @ leading if len(apart) else apart


def _beside(kinds: Sequence[Vectors], of: Sequence[Vectors]) -> Tensor:
    """Vectors less the mean ``of`` others, each kind with a mean squared length of one there."""
    parts = []
    for values, like in zip(kinds, of, strict=True):
        mean = like.mean(axis=0)
        length = float(np.square(like - mean).sum(axis=1).mean())
        parts.append((values - mean) / max(length, 1e-12) ** 0.5)
    return torch.from_numpy(np.hstack(parts))
