"""Closed-form heads on labelled examples of a run on features, and their answers about others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
from torch import Tensor

from easiness import heads
from easiness.analysis import label_noise_of_heads, nearest_rows
from easiness.data import Dataset, same_at
from easiness.errors import BadInput
from easiness.features import find_features, kept_features
from easiness.inputs import tell
from easiness.lazy import Integers, Mask, Reals, Singles, pd
from easiness.runs import data_of, features_beside, features_of, find_split, positions_in
from easiness.scoring import most_named
from easiness.spec import Heads
from easiness.store import Run
from easiness.studies.keeping.worth import NEIGHBOURS

REPEATS, FOLDS = 2, 5  # folds that examples are judged by: ten heads, two of which have not seen an example


@dataclass(frozen=True, eq=False)
class LabelledVectors:
    """Reals ``x`` [K, D], ``labels`` [K], and numbers ``groups`` [K], the same for copies."""

    x: Tensor
    labels: Tensor
    groups: Integers
    num_classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, positions: Integers) -> LabelledVectors:
        some = torch.from_numpy(positions)
        return LabelledVectors(self.x[some], self.labels[some], self.groups[positions], self.num_classes)

    def with_others(self, others: LabelledVectors) -> LabelledVectors:
        """The same with others behind them, none of which is taken for a copy."""
        x, labels = torch.cat([self.x, others.x]), torch.cat([self.labels, others.labels])
        return LabelledVectors(x, labels, np.arange(len(labels)), self.num_classes)

    def moments(self) -> heads.Moments:
        """The sums that heads are fitted from; they add up over parts."""
        return heads.Moments.of([(self.x, self.labels)], self.num_classes)


def fit(train: LabelledVectors, moments: heads.Moments | None = None) -> tuple[heads.Head, float]:
    """A head that has seen these examples, and the temperature of its outputs."""
    moments = train.moments() if moments is None else moments
    few = heads.by_examples(len(train), train.x.shape[1])
    some = torch.arange(len(train)) if few else heads.sample_of(len(train))
    ridge = heads.fit_ridge(moments, train.x[some], train.labels[some])
    return ridge.head, heads.temperature_of(ridge.left_out, train.labels[some])


def right(train: LabelledVectors, test: LabelledVectors) -> Mask:
    """Tell whether a head that has seen some examples is right about each other one [n]."""
    head, _ = fit(train)
    is_right: Mask = (head(test.x).argmax(dim=1) == test.labels).numpy()
    return is_right


def right_by_neighbours(some: LabelledVectors, test: LabelledVectors, parts: Sequence[Integers]) -> Mask:
    """Tell whether the `NEIGHBOURS` nearest of each part are right by votes [parts, n]."""
    by_part: dict[bytes, Mask] = {}
    for part in parts:
        if part.tobytes() not in by_part:
            near, _ = nearest_rows(test.x.numpy(), some.x.numpy()[part], min(NEIGHBOURS, len(part)))
            near_labels = some.labels.numpy()[part][near].T
            by_part[part.tobytes()] = most_named(near_labels)[0] == test.labels.numpy()
    return np.stack([by_part[part.tobytes()] for part in parts])


def judged_by_others(some: LabelledVectors, seed: int) -> pd.DataFrame:
    """The mean probability ``p_label`` of each label, and how likely it is wrong, ``p_wrong``.

    Heads of these examples alone judge, by folds dealt with the ``seed``; copies are in one fold.
    """
    labels = some.labels.numpy()
    log_p = np.zeros((REPEATS, len(some), some.num_classes))
    for repeat in range(REPEATS):
        folds = heads.Deal(labels, some.groups).partition(((FOLDS - 1) / FOLDS,), seed, repeat)
        blocks = [np.concatenate(parts) for parts in folds.blocks]
        moments = [some.part(one).moments() for one in blocks]
        for at, block in enumerate(blocks):
            others = some.part(np.concatenate(blocks[:at] + blocks[at + 1 :]))
            head, temperature = fit(others, reduce(add, moments[:at] + moments[at + 1 :]))
            logits = head(some.x[torch.from_numpy(block)]).double() / temperature
            log_p[repeat, block] = torch.log_softmax(logits, dim=1).numpy()
    noise = label_noise_of_heads([log_p.mean(axis=0)], labels)
    p_label = np.exp(log_p[:, np.arange(len(labels)), labels]).mean(axis=0)
    return pd.DataFrame({"p_label": p_label, "p_wrong": np.asarray(noise.p_wrong, np.float64)})


WIDEST = 512
"""Directions of features that are kept: heads of all 1,280 of a network are hardly better, and far slower."""
_AT_ONCE = 1024
_TEST_FOLDS = 5  # one of which is tested on where nothing is held out


@dataclass(frozen=True, eq=False)
class SplitVectors:
    """``pool`` may be kept, at ``positions`` in the run; ``test`` are the ``held_out`` split, or set aside.

    ``everyone`` are all of the run, then those without labels, which have label 0. ``copies`` numbers them,
    copies alike, where some are without labels: of texts only the same ones, since others with nearly the
    same words ask for a label of their own.
    """

    pool: LabelledVectors
    positions: Integers
    test: LabelledVectors
    held_out: bool
    everyone: LabelledVectors
    copies: Integers


def read_examples(run: Run, source: Any = None, seed: int = 0, others: Dataset | None = None) -> SplitVectors:
    """The vectors and labels of a run on features, and what to test on.

    It is the held-out split, or else a fifth of the examples, with the classes as all have them and copies on
    one side. Reals are centred, each kind has a mean squared length of one, and of wide ones the leading
    directions are kept, which no label decides. ``others`` are without labels.
    """
    heads_of(run)
    data = data_of(run, source)
    sources, why = features_of(run, data)
    if sources is None:
        raise BadInput(f"{run.path}: its features are needed, and {why}")
    own = positions_in(data, run)
    num, origin = len(own), None if data.groups is None else data.groups[own]
    whole = np.array_equal(own, np.arange(len(data)))
    kinds = [one["train"] if whole else one["train"][own] for one in sources]
    labels = torch.tensor(run.labels)
    if others is not None:
        beside = vectors_of_others(run, data, others)
        kinds = [np.concatenate(both) for both in zip(kinds, beside, strict=True)]
        labels = torch.cat([labels, torch.zeros(len(others), dtype=labels.dtype)])
        if origin is not None:
            origin = np.concatenate([origin, [f"without a label {at}" for at in range(len(others))]])
    parts = [(data, own)] if others is None else [(data, own), (others, np.arange(len(others)))]
    same = same_at(*parts)
    groups = heads.kept_together(kinds, origin, same)
    copies = same
    if copies is None:
        copies = groups if origin is None or others is None else heads.kept_together(kinds)
    split = None if run.spec.data.held_out is None else find_split(run, data, "held_out")[0]
    x, apart = _directions(kinds, num, [] if split is None else [one["held_out"] for one in sources])
    everyone = LabelledVectors(x, labels, groups, len(run.classes))
    own_examples = everyone if others is None else everyone.part(np.arange(num))
    if split is not None:
        test = LabelledVectors(apart, torch.tensor(split.labels), np.arange(len(split)), len(run.classes))
        return SplitVectors(own_examples, np.arange(num), test, True, everyone, copies)
    shares = ((_TEST_FOLDS - 1) / _TEST_FOLDS,)
    folds = heads.Deal(own_examples.labels.numpy(), own_examples.groups).partition(shares, seed, 0)
    aside = np.sort(np.concatenate(folds.blocks[0]))
    rest = np.setdiff1d(np.arange(num), aside)
    return SplitVectors(own_examples.part(rest), rest, own_examples.part(aside), False, everyone, copies)


def heads_of(run: Run) -> Heads:
    if run.spec.heads is None:
        raise BadInput(f"{run.path}: is not on features; measure with them first (--features auto)")
    return run.spec.heads


def in_files(names: Sequence[str]) -> bool:
    """Are features vectors in somebody's files? Then those of others have to be given, too."""
    return any(name.lower().endswith((".npy", ".npz")) for name in names)


def vectors_of_others(run: Run, data: Dataset, others: Dataset) -> list[Singles]:
    """Reals [M, D] of examples without labels, of each of the features of a run, as its own are scaled."""
    kinds = []
    folder = features_beside(run.path)
    for ref in heads_of(run).features:
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
        kinds.append(np.asarray(vectors, np.float32))
    return kinds


def _directions(kinds: Sequence[Reals], num: int, test: Sequence[Reals]) -> tuple[Tensor, Tensor]:
    """Kinds of vectors beside each other, less their means and with a mean squared length of one.

    Wide ones keep the leading directions of the first ``num``.
    """
    x = np.concatenate(kinds, axis=1, dtype=np.float32)
    apart = np.concatenate(test, axis=1, dtype=np.float32) if test else np.zeros((0, x.shape[1]), np.float32)
    start = 0
    for width in (kind.shape[1] for kind in kinds):
        own, other = (rows[:, start : start + width] for rows in (x, apart))
        mean = own[:num].mean(axis=0)
        own -= mean
        squares = [np.square(own[at : min(at + _AT_ONCE, num)]).sum(axis=1) for at in range(0, num, _AT_ONCE)]
        length = max(float(np.concatenate(squares).mean()), 1e-12) ** 0.5
        own /= length
        other -= mean
        other /= length
        start += width
    if x.shape[1] <= WIDEST:
        return torch.from_numpy(x), torch.from_numpy(apart)
    leading = heads.eigen_of(torch.from_numpy(x[:num].T @ x[:num]))[1][:, -WIDEST:].contiguous()
    return torch.from_numpy(x) @ leading, torch.from_numpy(apart) @ leading
