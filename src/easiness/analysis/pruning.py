"""Two published methods to choose the examples that are dropped when data are pruned.

Beta sampling (DUAL, Cho et al. 2025) keeps more and more of what is easy, the fewer are kept;
coverage-centric selection (CCS, Zheng et al. 2023) keeps examples of every difficulty alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from easiness.analysis.draw import as_numbers, by_class, check_seed, num_drawn, of_length
from easiness.analysis.sides import id_keys, tie_order
from easiness.errors import BadInput

EXPONENT = 4.0
"""c_D, as in the authors' code: the higher, the later the density moves to easy examples."""

CONCENTRATION = 15.0
"""C of the paper."""

ANCHORS = 10
"""The most important examples whose mean prediction decides where the density starts from."""

STRATA = 50
"""Strata of the score's range, as in the paper."""

_BETA_STREAM = 0x6475616C  # keeps these random numbers apart from others of the same seed
_STRATA_STREAM = 0x636373  # and the draws in the strata apart from the order of ties
_CLOSEST = 1e-6  # to 0 or 1 that a mean prediction counts as, so that every density is finite


def beta_parameters(rate: float, anchor: float, exponent: float = EXPONENT) -> tuple[float, float]:
    """The parameters a, b of the density, where ``rate`` of the examples are dropped.

    b = C (1 - anchor) (1 - rate^exponent) and a = C + 1 - b, C = 15 (Cho et al. 2025, arXiv 2502.06905;
    the 1 is that of their code). The mean a / (a + b) rises from near ``anchor``, the mean
    prediction of the most important examples, towards 1 as more are dropped: then easier ones are kept.
    """
    b = CONCENTRATION * (1 - anchor) * (1 - rate**exponent)
    return CONCENTRATION + 1 - b, b


def draw_by_beta(
    importance: npt.ArrayLike,
    prediction: npt.ArrayLike,
    rate: float,
    *,
    ids: npt.ArrayLike,
    exponent: float = EXPONENT,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the ``round(rate * K)`` of K examples that Beta sampling does not keep.

    Those kept are drawn one after another without replacement, each in proportion to its importance times
    the density of Beta(a, b) at its mean prediction, see `beta_parameters`. What has an importance of 0 is
    kept only where nothing else is left. The choice depends on ids and ``seed``, not on the order of the
    examples.

    Args:
        importance: one number per example [K], high = to keep. Where some are negative the least is
            taken from all; infinities count as the nearest finite value.
        prediction: mean probability of the label over epochs [K], in [0, 1].
        rate: share of the examples to drop, in [0, 1).
        ids: ids of the examples [K], distinct integers or texts.
        exponent: how early the density moves to easy examples, above 0: the later the higher.
        seed: of the draws, 0 or above.
        labels: classes of the examples [K]. Where given, the draw is made within each class, which loses
            the same share as far as whole examples allow; the density is that of all.
    """
    weights = _weights(as_numbers(importance))
    check_seed(seed)
    num = num_drawn(rate, len(weights))
    p = as_numbers(of_length(prediction, len(weights), "prediction"))
    if p.min() < 0 or p.max() > 1:
        raise BadInput("prediction: not all in [0, 1]; give mean probabilities of the label")
    if not 0 < exponent < math.inf:
        raise BadInput(f"exponent {exponent:g}: give a positive number such as {EXPONENT:g}")
    keys = id_keys(of_length(ids, len(weights), "ids"))
    p = np.clip(p, _CLOSEST, 1 - _CLOSEST)
    most = np.lexsort((tie_order(keys, seed), -weights))[:ANCHORS]
    a, b = beta_parameters(rate, math.fsum(p[most]) / len(most), exponent)
    with np.errstate(divide="ignore"):
        weight = np.log(weights) + (a - 1) * np.log(p) + (b - 1) * np.log1p(-p)
    stream = np.random.SeedSequence(seed, spawn_key=(_BETA_STREAM,)).generate_state(1, np.uint64)[0]
    # successive draws are the largest of log weight plus Gumbel noise (Yellott 1977), here of each id
    uniform = ((tie_order(keys, int(stream)) >> np.uint64(12)).astype(np.float64) + 0.5) / 2**52
    gumbel = -np.log(-np.log(uniform))
    last = np.lexsort((gumbel, weight + gumbel))  # the last to be drawn first
    return np.sort(np.concatenate([some[:share] for some, share in by_class(last, labels, rate, num, seed)]))


def _weights(importance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    finite = importance[np.isfinite(importance)]
    if len(finite) == 0:
        return np.where(importance > 0, 1.0, 0.0) if (importance > 0).any() else np.ones(len(importance))
    w = np.clip(importance, finite.min(), finite.max()) / 2  # halves, whose difference cannot overflow
    w = w - min(w.min(), 0)
    return w / w.max() if w.max() > 0 else np.ones(len(w))


def default_cut(rate: float) -> float:
    """The share of the examples to cut away as the hardest, where ``rate`` of them are dropped.

    0.3 from 0.85 on is what the authors' published command has at 0.9 on CIFAR-10; 0.1 from 0.6 on, and
    nothing below, are ours. They searched for it by data set and rate: it is a setting to be tuned.
    """
    return 0.3 if rate >= 0.85 else 0.1 if rate >= 0.6 else 0.0


def draw_for_coverage(
    values: npt.ArrayLike,
    rate: float,
    *,
    refine_by: npt.ArrayLike,
    ids: npt.ArrayLike,
    cut: float | None = None,
    strata: int = STRATA,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the ``round(rate * K)`` of K examples that CCS does not keep.

    The hardest ``round(cut * K)`` are dropped. The range of the others' values is divided into ``strata`` of
    equal width, and the same number is kept of each, at random; what a stratum is short of is spread over
    those that hold more (Zheng et al. 2023, arXiv 2210.15809, Algorithm 1). Infinite values are in the first
    or the last stratum. The choice depends on ids and ``seed``, not on the order of the examples.

    Args:
        values: one number per example [K], high = easy; infinities are allowed, NaN is not.
        rate: share of the examples to drop, in [0, 1).
        refine_by: a number per example [K], high = hard, that decides which of equal values are cut.
        ids: ids of the examples [K], distinct integers or texts.
        cut: share of the examples to cut away, in [0, rate]; `default_cut` unless given.
        strata: number of strata, 1 or more.
        seed: of the draws, 0 or above.
        labels: classes of the examples [K]. Where given, all of this is done within each class, which loses
            the same share as far as whole examples allow.
    """
    v = as_numbers(values)
    check_seed(seed)
    num = num_drawn(rate, len(v))
    cut = default_cut(rate) if cut is None else cut
    if not 0 <= cut <= rate:
        raise BadInput(f"cut {cut:g}: not in [0, {rate:g}], the share to drop; give a smaller one")
    if strata < 1:
        raise BadInput(f"strata {strata}: give 1 or more")
    finer = as_numbers(of_length(refine_by, len(v), "refine_by"))
    keys = id_keys(of_length(ids, len(v), "ids"))
    order = np.lexsort((tie_order(keys, seed), -finer, v))  # the hardest first
    stream = np.random.SeedSequence(seed, spawn_key=(_STRATA_STREAM,)).generate_state(1, np.uint64)[0]
    lots = tie_order(keys, int(stream))
    dropped = [
        _not_kept(v, some, share, cut, strata, lots)
        for some, share in by_class(order, labels, rate, num, seed)
    ]
    return np.sort(np.concatenate(dropped))


def _not_kept(
    values: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    num: int,
    cut: float,
    strata: int,
    lots: npt.NDArray[np.uint64],
) -> npt.NDArray[np.int64]:
    """The ``num`` to drop of the positions in ``order``, the hardest first."""
    num_cut = min(int(cut * len(order) + 0.5), num)
    rest = order[num_cut:]
    if len(rest) == 0:
        return order
    at = strata_of(values[rest], strata)
    budgets = spread(len(order) - num, np.bincount(at, minlength=strata))
    by_lot = np.lexsort((lots[rest], at))
    starts = np.searchsorted(at[by_lot], np.arange(strata))
    place = np.arange(len(rest)) - starts[at[by_lot]]  # of each among those of its stratum
    left_out = by_lot[place >= budgets[at[by_lot]]]
    return np.concatenate([order[:num_cut], rest[left_out]])


def strata_of(values: npt.NDArray[np.float64], strata: int) -> npt.NDArray[np.int64]:
    """The stratum of each value [n], from 0: its place in the range of the finite ones, in equal widths."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:  # as if from -1 to 1
        return np.where(values > 0, strata - 1, 0)
    low, high = finite.min() / 2, finite.max() / 2  # halves, whose difference cannot overflow
    if not high - low > 0:
        return np.where(values > 2 * high, strata - 1, 0)
    place = (np.clip(values / 2, low, high) - low) / (high - low)
    at: npt.NDArray[np.int64] = np.minimum((place * strata).astype(np.int64), strata - 1)
    return at


def spread(num: int, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The number to take of each stratum, ``num`` in all, as evenly as their ``sizes`` allow.

    From the smallest on each gives an equal part of what is still to be taken, or all it has.
    """
    taken = np.zeros(len(sizes), np.int64)
    for done, stratum in enumerate(np.argsort(sizes, kind="stable")):
        taken[stratum] = min(sizes[stratum], num // (len(sizes) - done))
        num -= int(taken[stratum])
    return taken
