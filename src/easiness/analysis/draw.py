"""Drawing examples by the rank of their easiness, or taking the foremost, to be dropped or relabelled.

Two published methods choose those that are dropped when data are pruned: Beta sampling (DUAL, Cho et al.
2025) keeps more and more of what is easy, the fewer are kept; coverage-centric selection (CCS, Zheng et al.
2023) keeps examples of every difficulty alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from easiness.analysis.sides import id_keys, tie_order
from easiness.errors import BadInput, nearest
from easiness.lazy import Array, Floats, Integers, Reals
from easiness.spec import at_least, check_within

POLICIES = {"easy": (3.0, 1.0), "hard": (1.0, 3.0), "random": (1.0, 1.0)}
"""Beta parameters that draw mainly easy, mainly hard, or any examples alike."""

_STREAM = 0x64726177  # keeps these random numbers apart from others of the same seed


def draw_by_rank(
    values: npt.ArrayLike,
    rate: float,
    beta: tuple[float, float],
    seed: int,
    *,
    labels: npt.ArrayLike | None = None,
) -> Integers:
    """Positions, ascending, of ``round(rate * K)`` of K examples, drawn without replacement.

    The examples are ranked by value, the hardest first, ties in random order. Draws follow one
    another, each in proportion to the density of Beta(a, b) at u = (rank + 0.5) / K among those that
    are left: Beta(3, 1) draws mainly easy examples, Beta(1, 3) mainly hard ones, Beta(1, 1) any
    (Kishida and Nakayama 2019, section 7). With one seed the draws at a lower rate are among those at
    a higher one, unless ``labels`` are given.

    Args:
        values: one number per example [K], high = easy; infinities are allowed, NaN is not.
        rate: share of the examples to draw, in [0, 1).
        beta: a and b, positive.
        seed: of the order of ties and of the draws, 0 or above.
        labels: classes of the examples [K]. Where given, the draw is made within each class, by rank
            there, and takes the same share of each as far as whole examples allow.

    Raises:
        BadInput: an argument out of range, lengths that differ, NaN among the values, or nothing left
            of the whole or, where labels are given, of a class.
    """
    v = as_numbers(values)
    _check_beta(beta)
    at_least("seed", seed, 0)
    check_within("rate", rate, "[0, 1)")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    lots, gumbel = rng.random(len(v)), rng.gumbel(size=len(v))

    a, b = beta
    scale = max(a, b, 1)  # changes no order, and keeps any parameters from overflowing

    def successive(some: Integers, num: int) -> Integers:
        # the largest of log weight plus Gumbel noise are distributed as successive draws without replacement
        # (Yellott 1977); in logarithms no weight is ever 0
        rank = np.empty(len(some), np.int64)
        rank[np.lexsort((lots[some], v[some]))] = np.arange(len(some))
        u = (rank + 0.5) / len(some)
        keys = (a - 1) / scale * np.log(u) + (b - 1) / scale * np.log1p(-u) + gumbel[some] / scale
        return some[np.argsort(-keys, kind="stable")[:num]]

    positions = _of_each_class(np.arange(len(v)), labels, rate, rng, successive)
    if labels is not None:
        check_classes_left(labels, positions)
    return positions


def check_classes_left(
    labels: npt.ArrayLike,
    positions: Integers,
    class_names: Sequence[str] | None = None,
    *,
    drawn_by: str = "the draw",
    remedy: str = "give a lower rate or more examples",
) -> None:
    """Raise `BadInput` if these ``positions`` are all examples of some class in ``labels`` [K].

    ``class_names`` by label, what drew the examples and what to do are for the text of the error.
    """
    classes, own, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    empty = np.flatnonzero(np.bincount(own[positions], minlength=len(classes)) == sizes)
    if len(empty):
        label = classes[empty[0]]
        name = label if class_names is None else repr(class_names[label])
        raise BadInput(f"{drawn_by}: takes all {sizes[empty[0]]} examples of class {name}; {remedy}")


def parse_policy(
    text: str, policies: Mapping[str, tuple[float, float]] = POLICIES, others: Iterable[str] = ()
) -> tuple[float, float]:
    """The Beta parameters a, b of ``beta:A,B`` or of a name among ``policies``.

    ``others`` are names that have none and may be what a mistyped one was meant to be.
    """
    if text in policies:
        return policies[text]
    name, _, numbers = text.partition(":")
    try:
        a, b = (float(number) for number in numbers.split(","))
        is_beta = name == "beta"
    except ValueError:
        is_beta = False
    if not is_beta:
        raise BadInput(
            f"policy {text!r}: unknown{nearest(name, [*policies, 'beta', *others])}; "
            f"give {', '.join(policies)} or beta:A,B with two positive numbers, such as beta:1,3"
        )
    _check_beta((a, b))
    return a, b


def _of_each_class(
    order: Integers,
    labels: npt.ArrayLike | None,
    rate: float,
    seed: int | np.random.Generator,
    take: Callable[[Integers, int], Integers] = lambda some, num: some[:num],
) -> Integers:
    """Positions, ascending, that are taken of each class, without ``labels`` of all examples as one.

    ``take`` gets the positions of a class as they stand in ``order`` [K], and how many of them to take.
    """
    num = num_drawn(rate, len(order))
    if labels is None:
        return np.sort(take(order, num))
    classes = of_length(labels, len(order), "labels")
    _, own, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    exact = rate * sizes
    shares = np.floor(exact).astype(np.int64)
    in_turn = np.lexsort((np.random.default_rng(seed).random(len(sizes)), shares - np.round(exact, 9)))
    shares[in_turn[: num - shares.sum()]] += 1
    parts = [take(order[own[order] == label], share) for label, share in enumerate(shares.tolist())]
    return np.sort(np.concatenate(parts))


def as_numbers(values: npt.ArrayLike) -> Floats:
    """``values`` as floats [K]; raises `BadInput` where they are none, or NaN."""
    return as_floats(values, "values").astype(np.float64, copy=False)


def as_floats(values: npt.ArrayLike, name: str) -> Reals:
    """`as_numbers` that leaves single precision: it orders counts in half the time and memory."""
    try:
        array = np.asarray(values)
        if array.dtype != np.float32:
            array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise BadInput(f"{name}: not numbers; give one number per example") from None
    if array.ndim != 1 or len(array) == 0:
        raise BadInput(f"{name}: have shape {array.shape}; give one number per example")
    is_nan = np.isnan(array)
    if is_nan.any():
        raise BadInput(
            f"{name}: NaN for {is_nan.sum()} of {len(array)} examples "
            f"(the first at position {is_nan.argmax()}); leave those examples out"
        )
    return array


def of_length(values: npt.ArrayLike, length: int, name: str) -> Array:
    """``values`` as an array [length]; raises `BadInput` where it has another shape."""
    array = np.asarray(values)
    if array.shape != (length,):
        raise BadInput(f"{name}: has shape {array.shape} for {length} values; give one entry per example")
    return array


def num_drawn(rate: float, num_examples: int) -> int:
    """The nearest whole number to ``rate * num_examples``; half goes up."""
    check_within("rate", rate, "[0, 1)")
    num = int(rate * num_examples + 0.5)
    if num == num_examples:
        raise BadInput(
            f"rate {rate}: leaves none of {num_examples} examples; give a lower rate or more examples"
        )
    return num


def _check_beta(beta: tuple[float, float]) -> None:
    if len(beta) != 2 or not all(0 < parameter < math.inf for parameter in beta):
        text = ", ".join(f"{parameter:g}" for parameter in beta)
        raise BadInput(f"beta ({text}): give two positive numbers, such as 3, 1 for mainly easy examples")


def foremost(
    values: npt.ArrayLike,
    rate: float,
    *,
    refine_by: npt.ArrayLike,
    ids: npt.ArrayLike,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> Integers:
    """Positions, ascending, of the ``round(rate * K)`` of K examples with the largest values.

    Equal values are ordered by ``refine_by``, the largest first, and what still ties by a hash of id and
    seed: these are the members by ``select(..., ties="refine")``. A lower rate takes a part of what a higher
    one takes, unless ``labels`` are given.

    The arguments are those of `draw_by_rank`; ``refine_by`` and ``ids`` are arrays [K].
    """
    v = as_numbers(values)
    at_least("seed", seed, 0)
    finer = as_numbers(of_length(refine_by, len(v), "refine_by"))
    lots = tie_order(id_keys(of_length(ids, len(v), "ids")), seed)
    return _of_each_class(np.lexsort((lots, -finer, -v)), labels, rate, seed)


EXPONENT = 4.0
"""c_D, as in the authors' code: the higher, the later the density moves to easy examples."""

CONCENTRATION = 15.0  # C of the paper
ANCHORS = 10  # the most important examples, whose mean prediction decides where the density starts from

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
) -> Integers:
    """Positions, ascending, of the ``round(rate * K)`` of K examples that Beta sampling does not keep.

    It draws the examples to keep one after another without replacement, in proportion to importance times the
    density of Beta(a, b) at the mean prediction, see `beta_parameters`. An example of importance 0 is kept
    only where nothing else is left. The choice depends on ids and ``seed``, not on the order of the examples.

    Args:
        importance: one number per example [K], high = to keep. Where some are negative the least is
            taken from all; infinities count as the nearest finite value.
        prediction: mean probability of the label over epochs [K], in [0, 1].
        rate, seed, labels: as for `draw_by_rank`; with labels the density is still that of all.
        ids: ids of the examples [K], distinct integers or texts.
        exponent: how early the density moves to easy examples, above 0: the later the higher.
    """
    weights = _weights(as_numbers(importance))
    at_least("seed", seed, 0)
    p = as_numbers(of_length(prediction, len(weights), "prediction"))
    if p.min() < 0 or p.max() > 1:
        raise BadInput("prediction: not all in [0, 1]; give mean probabilities of the label")
    check_within("exponent", exponent, "(0, inf)")
    keys = id_keys(of_length(ids, len(weights), "ids"))
    p = np.clip(p, _CLOSEST, 1 - _CLOSEST)
    most = np.lexsort((tie_order(keys, seed), -weights))[:ANCHORS]
    a, b = beta_parameters(rate, math.fsum(p[most]) / len(most), exponent)
    with np.errstate(divide="ignore"):
        weight = np.log(weights) + (a - 1) * np.log(p) + (b - 1) * np.log1p(-p)
    # as in `draw_by_rank`, with the noise of each id
    stream = np.random.SeedSequence(seed, spawn_key=(_BETA_STREAM,)).generate_state(1, np.uint64)[0]
    uniform = ((tie_order(keys, int(stream)) >> np.uint64(12)).astype(np.float64) + 0.5) / 2**52
    gumbel = -np.log(-np.log(uniform))
    last = np.lexsort((gumbel, weight + gumbel))  # the last to be drawn first
    return _of_each_class(last, labels, rate, seed)


def _weights(importance: Floats) -> Floats:
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
) -> Integers:
    """Positions, ascending, of the ``round(rate * K)`` of K examples that CCS does not keep.

    The hardest ``round(cut * K)`` are dropped. The range of the others' values is divided into ``strata`` of
    equal width, and the same number is kept of each, at random; what a stratum is short of is spread over
    those that hold more (Zheng et al. 2023, arXiv 2210.15809, Algorithm 1). Infinite values are in the first
    or the last stratum. The choice depends on ids and ``seed``, not on the order of the examples.

    Args:
        values, rate, seed, labels: as for `draw_by_rank`.
        refine_by: a number per example [K], high = hard, that decides which of equal values are cut.
        ids: ids of the examples [K], distinct integers or texts.
        cut: share of the examples to cut away, in [0, rate]; `default_cut` unless given.
        strata: number of strata, 1 or more.
    """
    v = as_numbers(values)
    at_least("seed", seed, 0)
    check_within("rate", rate, "[0, 1)")
    cut = default_cut(rate) if cut is None else cut
    check_within("cut", cut, f"[0, {rate}]")
    at_least("strata", strata, 1)
    finer = as_numbers(of_length(refine_by, len(v), "refine_by"))
    keys = id_keys(of_length(ids, len(v), "ids"))
    order = np.lexsort((tie_order(keys, seed), -finer, v))  # the hardest first
    stream = np.random.SeedSequence(seed, spawn_key=(_STRATA_STREAM,)).generate_state(1, np.uint64)[0]
    lots = tie_order(keys, int(stream))

    def left_out(some: Integers, num: int) -> Integers:
        num_cut = min(int(cut * len(some) + 0.5), num)
        rest = some[num_cut:]
        if len(rest) == 0:
            return some
        at = strata_of(v[rest], strata)
        budgets = spread(len(some) - num, np.bincount(at, minlength=strata))
        by_lot = np.lexsort((lots[rest], at))
        starts = np.searchsorted(at[by_lot], np.arange(strata))
        place = np.arange(len(rest)) - starts[at[by_lot]]  # of each among those of its stratum
        return np.concatenate([some[:num_cut], rest[by_lot[place >= budgets[at[by_lot]]]]])

    return _of_each_class(order, labels, rate, seed, left_out)


def strata_of(values: Floats, strata: int) -> Integers:
    """The stratum of each value [n], from 0: its place in the range of the finite ones, in equal widths."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:  # as if from -1 to 1
        return np.where(values > 0, strata - 1, 0)
    low, high = finite.min() / 2, finite.max() / 2  # halves, whose difference cannot overflow
    if not high - low > 0:
        return np.where(values > 2 * high, strata - 1, 0)
    place = (np.clip(values / 2, low, high) - low) / (high - low)
    return np.asarray(np.minimum((place * strata).astype(np.int64), strata - 1))


def spread(num: int, sizes: Integers) -> Integers:
    """The number to take of each stratum, ``num`` in all, as evenly as their ``sizes`` allow.

    From the smallest on each gives an equal part of what is still to be taken, or all it has.
    """
    numbers = np.zeros(len(sizes), np.int64)
    for num_done, stratum in enumerate(np.argsort(sizes, kind="stable")):
        numbers[stratum] = min(sizes[stratum], num // (len(sizes) - num_done))
        num -= int(numbers[stratum])
    return numbers
