"""Closed-form heads on some labelled examples, and what they say of those that they were not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.analysis import label_noise_of_heads, nearest_rows
from easiness.heads import Deal, Head, Moments, by_examples, fit_ridge, sample_of, temperature_of
from easiness.scores import most_named

REPEATS, FOLDS = 2, 5
"""Of the folds that examples are judged by: ten heads, two of which have not seen an example."""

NEIGHBOURS = 15
"""Nearest examples that vote: a second kind of classifier, since what heads can spare others may need."""

Floats = npt.NDArray[np.float64]
Right = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Vectors ``x`` [K, D], ``labels`` [K], and numbers ``groups`` [K], the same for copies."""

    x: Tensor
    labels: Tensor
    groups: Positions
    num_classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, positions: Positions) -> Labelled:
        """Those at some positions."""
        some = torch.from_numpy(positions)
        return Labelled(self.x[some], self.labels[some], self.groups[positions], self.num_classes)

    def moments(self) -> Moments:
        """What heads are fitted from, which adds up over parts."""
        return Moments.of([(self.x, self.labels)], self.num_classes)


def fit(seen: Labelled, moments: Moments | None = None) -> tuple[Head, float]:
    """A head that has seen these examples, and the temperature of its outputs."""
    moments = seen.moments() if moments is None else moments
    few = by_examples(len(seen), seen.x.shape[1])
    some = torch.arange(len(seen)) if few else sample_of(len(seen))
    fitted = fit_ridge(moments, seen.x[some], seen.labels[some])
    return fitted.head, temperature_of(fitted.left_out, seen.labels[some])


def right(seen: Labelled, test: Labelled) -> npt.NDArray[np.bool_]:
    """Is a head that has seen some examples right about each other one? [n]"""
    head, _ = fit(seen)
    said: npt.NDArray[np.bool_] = (head(test.x).argmax(dim=1) == test.labels).numpy()
    return said


def right_by_neighbours(some: Labelled, test: Labelled, parts: Sequence[Positions]) -> Right:
    """Are the `NEIGHBOURS` nearest of each part right about each other example, by votes? [parts, n]"""
    found: dict[bytes, npt.NDArray[np.bool_]] = {}
    for part in parts:
        if part.tobytes() not in found:
            near, _ = nearest_rows(test.x.numpy(), some.x.numpy()[part], min(NEIGHBOURS, len(part)))
            named = some.labels.numpy()[part][near].T
            found[part.tobytes()] = most_named(named)[0] == test.labels.numpy()
    return np.stack([found[part.tobytes()] for part in parts])


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of K examples by heads that were not shown them: ``p_label`` and ``p_wrong`` [K], both in 0..1.

    High ``p_label``, the mean probability of the label, is easy; ``p_wrong`` is how likely it is wrong.
    """

    p_label: Floats
    p_wrong: Floats

    @property
    def suspects(self) -> npt.NDArray[np.bool_]:
        """Labels that are more likely wrong than right [K]."""
        return np.asarray(self.p_wrong >= 1 / 2)


def judged_by_others(some: Labelled, seed: int) -> Judgement:
    """How easy examples are and how likely their labels are wrong, from them alone, by folds.

    Copies of an example are in its fold; ``seed`` is of the folds.
    """
    labels = some.labels.numpy()
    log_p = np.zeros((REPEATS, len(some), some.num_classes))
    for repeat in range(REPEATS):
        dealt = Deal(labels, some.groups).partition(((FOLDS - 1) / FOLDS,), seed, repeat)
        blocks = [np.concatenate(parts) for parts in dealt.blocks]
        log_p[repeat] = _by_folds(some, blocks)
    return _judgement(log_p, labels)


def _by_folds(some: Labelled, blocks: Sequence[Positions]) -> Floats:
    """Log probabilities [K, C] of each example by the head of the other blocks."""
    moments = [some.part(one).moments() for one in blocks]
    log_p = np.zeros((len(some), some.num_classes))
    for at, block in enumerate(blocks):
        others = [one for number, one in enumerate(moments) if number != at]
        total = others[0]
        for one in others[1:]:
            total = total + one
        seen = np.concatenate([one for number, one in enumerate(blocks) if number != at])
        head, temperature = fit(some.part(seen), total)
        logits = head(some.x[torch.from_numpy(block)]).double() / temperature
        log_p[block] = torch.log_softmax(logits, dim=1).numpy()
    return log_p


def _judgement(log_p: Floats, labels: Positions) -> Judgement:
    """From log probabilities [R, K, C], by repeats."""
    noise = label_noise_of_heads([log_p.mean(axis=0)], labels)
    p_label = np.exp(log_p[:, np.arange(len(labels)), labels]).mean(axis=0)
    return Judgement(p_label, np.asarray(noise.p_wrong, np.float64))
