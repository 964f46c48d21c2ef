"""Ridge regression on the classes, in closed form, from moments that add up over blocks of examples.

Classes are regressed as 0 and 1, and so are tags; the mean is not shrunk. The leave-one-out error on training
examples (PRESS, Allen 1974) decides the strength of the penalty, and the temperature that makes outputs
probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from easiness.inputs import Pack
from easiness.lazy import Integers, Reals, optimize
from easiness.training import loss_of

AT_ONCE = 8192  # rows that are widened to single precision


@dataclass(frozen=True, eq=False)
class Rows:
    """The features [K, D] of a split, half or single precision, in memory or in a file.

    Rows are read less ``center`` [D], the mean of the training examples, and times ``scale``, which gives
    them a mean squared length of one, so that sums stay small. Columns keep their different variances.
    """

    values: Reals
    device: torch.device
    center: Tensor
    scale: float

    @classmethod
    def of(cls, pack: Pack, device: torch.device, like: Rows | None = None) -> Rows:
        """The rows of packed vectors of training examples, or of others, read ``like`` these."""
        values = pack.array()
        if like is not None:
            return cls(values, device, like.center, like.scale)
        plain = cls(values, device, torch.zeros(values.shape[1], device=device), 1.0)
        sums = torch.zeros(values.shape[1], dtype=torch.float64, device=device)
        squares = torch.zeros((), dtype=torch.float64, device=device)
        for _, x in plain.in_order():
            sums += x.sum(dim=0, dtype=torch.float64)
            squares += x.double().square().sum()
        center = sums / len(plain)
        length = float(squares / len(plain) - center.square().sum())
        return cls(values, device, center.float(), 1 / max(length, 1e-12) ** 0.5)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, positions: Integers | slice) -> Tensor:
        x = torch.from_numpy(np.array(self.values[positions])).to(self.device).float()
        return (x - self.center) * self.scale

    def batches(self, positions: Integers) -> Iterator[tuple[Integers, Tensor]]:
        parts = (positions[at : at + AT_ONCE] for at in range(0, len(positions), AT_ONCE))
        return ((some, self.take(some)) for some in parts)

    def in_order(self) -> Iterator[tuple[int, Tensor]]:
        """Yield all rows in parts, behind the position of the first."""
        for first in range(0, len(self), AT_ONCE):
            yield first, self.take(slice(first, first + AT_ONCE))


STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-10, 7))  # of the mean eigenvalue
_SAMPLE, _SAMPLE_OF_TAGS = 1024, 2048  # examples of which leave-one-out errors are computed
_MOST_LEVERAGE = 1 - 1e-4
_UNLIKE = 25.0  # times the median deviation of a column: those of networks go up to 5
_CONSTANT = 3e-3  # of the mean square, as a root: rounding makes as much of a column that does not vary
_LEAST = 1e-300  # of what an example leaves over: one that is alone leaves nothing
_SUREST = 16.0  # log odds of a tag, on average, before temperature
_COLDEST, _HOTTEST = math.log(1e-3), math.log(1e2)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some examples with features x [D] and classes as 0 and 1, y [C].

    ``num`` examples; ``features`` [D], ``squares`` [D], ``classes`` [C], ``gram`` [D, D] of x x^T and
    ``cross`` [D, C] of x y^T. Heads of few examples need no ``gram`` (`by_examples`).
    """

    num: int
    features: Tensor
    squares: Tensor
    classes: Tensor
    cross: Tensor
    gram: Tensor | None = None

    @classmethod
    def of(
        cls, batches: Iterable[tuple[Tensor, Tensor]], num_classes: int, *, with_gram: bool = True
    ) -> Moments:
        """Sums over one batch or more of features [b, D] and labels [b], or values of tags [b, C]."""
        total: Moments | None = None
        for x, labels in batches:
            if labels.ndim == 2:
                classes, cross = labels.sum(dim=0), labels.T @ x
            else:
                classes = torch.bincount(labels, minlength=num_classes).to(x.dtype)
                cross = torch.zeros(num_classes, x.shape[1], dtype=x.dtype, device=x.device)
                cross.index_add_(0, labels, x)
            gram = _gram(x) if with_gram else None
            own = cls(len(x), x.sum(dim=0), x.square().sum(dim=0), classes, cross.T, gram)
            total = own if total is None else total + own
        assert total is not None
        return total

    def times(self, scale: Tensor) -> Moments:
        return Moments(
            self.num,
            self.features * scale,
            self.squares * scale.square(),
            self.classes,
            self.cross * scale[:, None],
            None if self.gram is None else self.gram * scale * scale[:, None],
        )

    def __add__(self, other: Moments) -> Moments:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        sums: list[Any] = [None if a is None or b is None else a + b for a, b in pairs]
        return Moments(*sums)


def _gram(x: Tensor) -> Tensor:
    if x.device.type != "cpu":
        return x.T @ x
    rows = x.numpy()
    return torch.from_numpy(rows.T @ rows)  # NumPy computes half of a symmetric product


@dataclass(frozen=True, eq=False)
class Head:
    """A linear head: outputs are ``x @ weight + bias``, [D, C] and [C]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x, self.weight)

    def state(self) -> dict[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}


@dataclass(frozen=True, eq=False)
class Fit:
    """A head and its leave-one-out outputs [n, C] on the examples of a sample."""

    head: Head
    left_out: Tensor


def targets_of(labels: Tensor, num_classes: int) -> Tensor:
    """Values regressed on [n, C]: 0 and 1 of classes [n], or those of tags as they are."""
    return labels if labels.ndim == 2 else one_hot(labels, num_classes)


def fit_ridge(moments: Moments, x: Tensor, labels: Tensor) -> Fit:
    """Fit a head in closed form, to examples with these `Moments`.

    If a column varies far more than most, as columns with units do, a head with one standard deviation for
    each is fitted too, and the smaller leave-one-out error decides. ``x`` [n, D] and ``labels`` [n] are
    examples for leave-one-out outputs: all, if they are few (`by_examples`).
    """
    plain = _fit(moments, x, labels)
    squares = moments.squares / moments.num
    deviation = (squares - (moments.features / moments.num).square()).clamp(min=0).sqrt()
    deviation[deviation < _CONSTANT * squares.sqrt()] = 0
    if float(deviation.max()) <= _UNLIKE * float(deviation.median()):
        return plain
    scale = torch.where(deviation > 0, 1 / deviation.clamp(min=1e-12), torch.zeros_like(deviation))
    alternative = _fit(moments.times(scale), x * scale, labels)
    targets = targets_of(labels, len(moments.classes))
    errors = [float((one.left_out - targets).square().sum()) for one in (plain, alternative)]
    if errors[0] <= errors[1]:
        return plain
    return Fit(Head(alternative.head.weight * scale[:, None], alternative.head.bias), alternative.left_out)


def _fit(moments: Moments, x: Tensor, labels: Tensor) -> Fit:
    mean, share = moments.features / moments.num, moments.classes / moments.num
    if by_examples(moments.num, len(mean)):
        assert len(x) == moments.num
        return _dual(x, labels, mean, share)
    return _primal(moments, x, labels, mean, share)


def by_examples(num: int, width: int) -> bool:
    """Are examples so few that heads are computed from products of examples?"""
    return num <= width + width // 8 + 8


def bytes_of_moments(num: int, width: int, classes: int, blocks: int) -> int:
    """The bytes of moments of so many blocks, and of a head that trains on ``num`` examples."""
    gram = 0 if by_examples(num, width) else width
    return 4 * (blocks + 4) * width * (gram + classes)


def sample_of(num: int, of_tags: bool = False) -> Tensor:
    """Positions of a sample, evenly spread over ``num`` examples; all, if they are few.

    It is larger for tags, of which some are rare.
    """
    most = _SAMPLE_OF_TAGS if of_tags else _SAMPLE
    return torch.linspace(0, num - 1, min(num, most), dtype=torch.float64).round().long()


def _primal(moments: Moments, x: Tensor, labels: Tensor, mean: Tensor, share: Tensor) -> Fit:
    assert moments.gram is not None
    gram = moments.gram - torch.outer(mean, moments.features)
    values, vectors = eigen_of(gram)
    values = values.clamp(min=0)
    inner = vectors.T @ (moments.cross - torch.outer(mean, moments.classes))
    apart = (x - mean) @ vectors
    targets, squares = targets_of(labels, len(share)).to(share.dtype), apart.square()

    def outputs(strength: float) -> Tensor:
        shrunk = 1 / (values + strength)
        predictions = share + apart @ (shrunk[:, None] * inner)
        leverage = 1 / moments.num + squares @ shrunk
        # y - (y - f) / (1 - h)
        left: Tensor = (targets - predictions) / (1 - leverage.clamp(max=_MOST_LEVERAGE))[:, None]
        return targets - left

    strength = _best(outputs, targets, float(values.mean()))
    weight = vectors @ (inner / (values + strength)[:, None])
    return Fit(Head(weight, share - mean @ weight), outputs(strength))


def eigen_of(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [D], ascending, and eigenvectors [D, D] of a symmetric matrix.

    With many of them next to 0 the solver may come to NaN in single precision, on one thread, and does not
    in double.
    """
    values, vectors = torch.linalg.eigh(gram)
    if vectors.isnan().any():
        values, vectors = (one.to(gram.dtype) for one in torch.linalg.eigh(gram.double()))
    return values, vectors


def _dual(x: Tensor, labels: Tensor, mean: Tensor, share: Tensor) -> Fit:
    """By eigenvalues of examples' inner products, in double precision: heads may fit every example."""
    apart, targets = (x - mean).double(), targets_of(labels, len(share)).double()
    values, vectors = torch.linalg.eigh(apart @ apart.T)
    values = values.clamp(min=0)
    inner, squares = vectors.T @ (targets - share.double()), vectors.square()

    def outputs(strength: float) -> Tensor:
        # the fitted mean takes up its direction, of eigenvalue 0
        own = squares @ (1 / (values + strength)) - 1 / (len(x) * strength)
        left: Tensor = (vectors @ (inner / (values + strength)[:, None])) / own.clamp(min=_LEAST)[:, None]
        return targets - left

    strength = _best(outputs, targets, float(values.sum()) / min(x.shape))
    weight = (apart.T @ (vectors @ (inner / (values + strength)[:, None]))).to(x.dtype)
    return Fit(Head(weight, share - mean @ weight), outputs(strength).to(x.dtype))


def _best(outputs: Callable[[float], Tensor], targets: Tensor, scale: float) -> float:
    strengths = (max(scale, 1e-12) * strength for strength in STRENGTHS)
    best: float = min(strengths, key=lambda strength: float((outputs(strength) - targets).square().sum()))
    return best


def to_evidence(fit: Fit, there: Tensor) -> Fit:
    """A head whose outputs are log odds of each tag beside those of its share, [n, C].

    By two normal distributions of one spread of the leave-one-out outputs, with the tag and without: it is
    ``there`` [n, C]. With few examples of a tag they are drawn together.
    """
    outputs = fit.left_out
    num, num_without = there.sum(dim=0), (1 - there).sum(dim=0)
    above = (there * outputs).sum(dim=0) / num.clamp(min=1)
    below = ((1 - there) * outputs).sum(dim=0) / num_without.clamp(min=1)
    spread = (there * (outputs - above).square() + (1 - there) * (outputs - below).square()).mean(dim=0)
    apart = (above - below).clamp(min=0) * num / (num + 1)
    # a tag that is told at once would have all others share a temperature that hides them
    slope = apart / torch.maximum(spread, apart.square() / (2 * _SUREST)).clamp(min=1e-9)
    middle = below + apart / 2
    head = Head(fit.head.weight * slope, (fit.head.bias - middle) * slope)
    return Fit(head, (outputs - middle) * slope)


def log_odds_of(values: Tensor) -> Tensor:
    """Log odds of each tag [C] by its ``values`` [n, C], as if half a one more had it and half lacked it."""
    return ((values.sum(dim=0) + 0.5) / ((1 - values).sum(dim=0) + 0.5)).log()


def temperature_of(outputs: Tensor, labels: Tensor, before: Tensor | float = 0.0) -> float:
    """The temperature by which leave-one-out outputs [n, C] make labels [n] most probable.

    Values of tags [n, C] have log odds [C] ``before`` the outputs, which stay; those of classes are 0.
    Targets are short of 1 by one example in n + 1, as in Platt (1999): a few outputs that are all right do
    not make the next one certain.
    """
    wide, short = outputs.double(), 1 / (len(labels) + 1)

    def loss(log_temperature: float) -> float:
        logits = wide / math.exp(log_temperature)
        return float(loss_of(logits + before, labels, short))

    optimum = optimize.minimize_scalar(loss, bounds=(_COLDEST, _HOTTEST), method="bounded")
    return math.exp(float(optimum.x))
