"""Drawing examples by the rank of their easiness, or taking the foremost, to be dropped or relabelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.sides import id_keys, tie_order
from easiness.errors import BadInput, nearest

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
) -> npt.NDArray[np.int64]:
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
    check_seed(seed)
    num = num_drawn(rate, len(v))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    lots, gumbel = rng.random(len(v)), rng.gumbel(size=len(v))
    if labels is None:
        return np.sort(_successive(v, num, beta, lots, gumbel))
    classes = np.asarray(labels)
    if classes.shape != v.shape:
        raise BadInput(f"labels: have shape {classes.shape} for {len(v)} values; give one label per example")
    _, own, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    drawn = []
    for label, quota in enumerate(_quotas(rate, num, sizes, rng)):
        members = np.flatnonzero(own == label)
        drawn.append(members[_successive(v[members], quota, beta, lots[members], gumbel[members])])
    positions = np.sort(np.concatenate(drawn))
    check_classes_left(classes, positions)
    return positions


def check_classes_left(
    labels: npt.ArrayLike,
    drawn: npt.NDArray[np.int64],
    class_names: Sequence[str] | None = None,
    *,
    drawn_by: str = "the draw",
    remedy: str = "give a lower rate or more examples",
) -> None:
    """Raise `BadInput` if the ``drawn`` positions are all examples of some class in ``labels`` [K].

    ``class_names`` by label, what drew the examples and what to do are for the text of the error.
    """
    classes, own, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    emptied = np.flatnonzero(np.bincount(own[drawn], minlength=len(classes)) == sizes)
    if len(emptied):
        label = classes[emptied[0]]
        name = label if class_names is None else repr(class_names[label])
        raise BadInput(f"{drawn_by}: takes all {sizes[emptied[0]]} examples of class {name}; {remedy}")


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
        known = name == "beta"
    except ValueError:
        known = False
    if not known:
        raise BadInput(
            f"policy {text!r}: unknown{nearest(name, [*policies, 'beta', *others])}; "
            f"give {', '.join(policies)} or beta:A,B with two positive numbers, such as beta:1,3"
        )
    _check_beta((a, b))
    return a, b


def _successive(
    values: npt.NDArray[np.float64],
    num: int,
    beta: tuple[float, float],
    lots: npt.NDArray[np.float64],
    gumbel: npt.NDArray[np.float64],
) -> npt.NDArray[np.int64]:
    """Positions of the ``num`` drawn, in the order of the draws.

    The largest of log weight plus Gumbel noise are distributed as successive draws without replacement
    (Yellott 1977); in logarithms no weight is ever 0.
    """
    rank = np.empty(len(values), np.int64)
    rank[np.lexsort((lots, values))] = np.arange(len(values))
    u = (rank + 0.5) / len(values)
    a, b = beta
    scale = max(a, b, 1)  # changes no order, and keeps any parameters from overflowing
    keys = (a - 1) / scale * np.log(u) + (b - 1) / scale * np.log1p(-u) + gumbel / scale
    return np.argsort(-keys, kind="stable")[:num]


def _quotas(
    rate: float, num: int, sizes: npt.NDArray[Any], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    exact = rate * sizes
    quotas = np.floor(exact).astype(np.int64)
    order = np.lexsort((rng.random(len(sizes)), quotas - np.round(exact, 9)))
    quotas[order[: num - quotas.sum()]] += 1
    return quotas


def by_class(
    order: npt.NDArray[np.int64], labels: npt.ArrayLike | None, rate: float, num: int, seed: int
) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """The positions of each class as they stand in ``order`` [K], with its part of the ``num`` to take.

    Without ``labels`` all examples are one class.
    """
    if labels is None:
        yield order, num
        return
    classes = of_length(labels, len(order), "labels")
    _, own, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    shares = _quotas(rate, num, sizes, np.random.default_rng(np.random.SeedSequence(seed)))
    for label, share in enumerate(shares.tolist()):
        yield order[own[order] == label], share


def as_numbers(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``values`` as floats [K]; raises `BadInput` where they are none, or NaN."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise BadInput("values: not numbers; give one number per example") from None
    if array.ndim != 1 or len(array) == 0:
        raise BadInput(f"values: have shape {array.shape}; give one number per example")
    undefined = np.isnan(array)
    if undefined.any():
        raise BadInput(
            f"values: NaN for {undefined.sum()} of {len(array)} examples "
            f"(the first at position {undefined.argmax()}); leave those examples out"
        )
    return array


def of_length(values: npt.ArrayLike, length: int, name: str) -> npt.NDArray[Any]:
    """``values`` as an array [length]; raises `BadInput` where it has another shape."""
    array = np.asarray(values)
    if array.shape != (length,):
        raise BadInput(f"{name}: has shape {array.shape} for {length} values; give one entry per example")
    return array


def num_drawn(rate: float, num_examples: int) -> int:
    """The nearest whole number to ``rate * num_examples``; half goes up."""
    if not 0 <= rate < 1:
        raise BadInput(f"rate {rate}: not in [0, 1); give a share of the examples such as 0.3")
    num = int(rate * num_examples + 0.5)
    if num == num_examples:
        raise BadInput(
            f"rate {rate}: leaves none of {num_examples} examples; give a lower rate or more examples"
        )
    return num


def check_seed(seed: int) -> None:
    """Raise `BadInput` where the seed is negative."""
    if seed < 0:
        raise BadInput(f"seed {seed}: negative; use 0 or above")


def _check_beta(beta: tuple[float, float]) -> None:
    if len(beta) != 2 or not all(0 < parameter < math.inf for parameter in beta):
        given = ", ".join(f"{parameter:g}" for parameter in beta)
        raise BadInput(f"beta ({given}): give two positive numbers, such as 3, 1 for mainly easy examples")


def foremost(
    values: npt.ArrayLike,
    rate: float,
    *,
    refine_by: npt.ArrayLike,
    ids: npt.ArrayLike,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the ``round(rate * K)`` of K examples with the largest values.

    Equal values are ordered by ``refine_by``, the largest first, and what still ties by a hash of id and
    seed: these are the members by ``select(..., ties="refine")``. Those at a lower rate are among those at a
    higher one, unless ``labels`` are given.

    Args:
        values: one number per example [K]; infinities are allowed, NaN is not.
        rate: share of the examples to take, in [0, 1).
        refine_by: a finer number per example [K].
        ids: ids of the examples [K], distinct integers or texts.
        seed: of the hash, 0 or above.
        labels: classes of the examples [K]. Where given, the same share is taken of each class, as far as
            whole examples allow.
    """
    v = as_numbers(values)
    check_seed(seed)
    num = num_drawn(rate, len(v))
    finer = as_numbers(of_length(refine_by, len(v), "refine_by"))
    hashed = tie_order(id_keys(of_length(ids, len(v), "ids")), seed)
    order = np.lexsort((hashed, -finer, -v))
    return np.sort(np.concatenate([some[:share] for some, share in by_class(order, labels, rate, num, seed)]))
