"""The examples of a run on features as heads read them: those to keep or leave out, and those to test on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.heads import kept_together, partition
from easiness.runs import data_of, features_of, find_split, positions_in
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
    """

    pool: Labelled
    positions: Positions
    test: Labelled
    held_out: bool


def read_examples(run: Run, source: Any = None, seed: int = 0) -> Examples:
    """The vectors and labels of a run on features, and what to test on.

    That is the held-out split. Where there is none it is a fifth of the examples, with the classes as all
    have them and copies on one side. Vectors are centred, each kind has a mean squared length of one, and of
    wide ones the leading directions are kept, which no label decides.

    Args:
        run: on features.
        source: where its data are now, a `Dataset` or what `load_dataset` takes; where they were by default.
        seed: of what is set aside.

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
    own, labels = positions_in(data, run), torch.tensor(run.labels)
    train = [np.asarray(one["train"][own], np.float32) for one in found]
    groups = kept_together(train, None if data.groups is None else data.groups[own])
    others = _held_out(run, data)
    if others is not None:
        test = [np.asarray(one["held_out"], np.float32) for one in found]
        x, apart = _directions(train, test)
        pool = Labelled(x, labels, groups, len(run.classes))
        tested = Labelled(apart, torch.tensor(others.labels), np.arange(len(others)), len(run.classes))
        return Examples(pool, np.arange(len(own)), tested, held_out=True)
    everyone = Labelled(_directions(train, [])[0], labels, groups, len(run.classes))
    aside = set_aside(everyone, heads, seed)
    rest = np.setdiff1d(np.arange(len(own)), aside)
    return Examples(everyone.part(rest), rest, everyone.part(aside), held_out=False)


def _held_out(run: Run, data: Dataset) -> Dataset | None:
    if run.spec.data.held_out is None:
        return None
    return find_split(run, data, "held_out")[0]


def set_aside(everyone: Labelled, heads: Heads, seed: int) -> Positions:
    """Positions, ascending, of a fifth of the examples, with copies on one side."""
    folds = heads.model_copy(update={"shares": ((_TEST_FOLDS - 1) / _TEST_FOLDS,)})
    dealt = partition(everyone.labels.numpy(), folds, seed, 0, everyone.groups)
    return np.sort(np.concatenate(dealt.blocks[0]))


def _directions(train: Sequence[Vectors], test: Sequence[Vectors]) -> tuple[Tensor, Tensor]:
    """The kinds of vectors beside each other, for both, and of wide ones the leading directions."""
    x, apart = (_beside(train, train), _beside(test, train) if test else torch.zeros(0, 0))
    if x.shape[1] <= WIDEST:
        return x, apart
    rows = x.numpy()
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
