"""Which row of the grid to advise, and what it is worth without the luck by which it was chosen.

The best of many rows is best by luck as well, so the number it was chosen by flatters it. Therefore rows are
chosen on one half of the test examples and of the seeds, and what is said of them is from the other half, of
which the usual paired interval is taken (`paired_gain`): it holds whatever was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import Gain, Interval, ShareVotes, fit_curve, paired_gain

LEVEL = 0.98
"""Of the intervals that rows are chosen by: those judged by are of 95 %, and most rows are to pass them."""

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the whole size: how many examples it keeps, and whether heads are right [seeds, n]."""

    kept: float
    right: Right


@dataclass(frozen=True, eq=False)
class Judged:
    """The ``chosen`` row and the ``start`` it is held against, by number, and what they were judged to gain.

    ``beyond`` is the gain of the chosen row over the start, ``cleaned`` that of the start over all examples,
    and ``by_random`` that of the chosen row over as many at random; ``None`` where there is nothing to gain.
    """

    chosen: int
    start: int
    beyond: Gain
    cleaned: Gain | None
    by_random: Gain | None
    over_all: Gain


def choose(rows: Sequence[Row], starts: Sequence[int], margin: float) -> tuple[int, int]:
    """The number of the row to advise, and of the start that it is held against.

    ``starts`` are all examples, and all but the suspects where there are some: these where they are shown to
    be better. Of the rows that keep fewer, those come into question whose interval is above ``-margin`` from
    the start; the fewest examples are advised, and of equally few the best. Where there is none it is the
    start itself.
    """
    start = starts[0]
    for other in starts[1:]:
        if paired_gain(rows[start].right, rows[other].right).interval[0] > 0:
            start = other
    base = rows[start]
    best = start, 0.0
    for number, row in enumerate(rows):
        if row.kept > rows[best[0]].kept or row.kept >= base.kept:
            continue
        gain = paired_gain(base.right, row.right, LEVEL)
        fewer = row.kept < rows[best[0]].kept
        if gain.interval[0] > -margin and (fewer or gain.value > best[1]):
            best = number, gain.value
    return best[0], start


def judged_choice(
    rows: Sequence[Row], starts: Sequence[int], at_random: Sequence[int], margin: float, seed: int = 0
) -> Judged:
    """Choose a row on one half of the test examples and of the seeds, and judge it on the other.

    Args:
        rows: of the whole size, with four seeds or more.
        starts: numbers of the rows of all examples, and of all but the suspects.
        at_random: of each row the number of the one that keeps as many at random.
        margin: loss of accuracy that counts as none, in 0..1.
        seed: of the halves of the test examples.
    """
    seeds, num = rows[0].right.shape
    half = np.random.default_rng(seed).permutation(num) < num // 2
    first, second = slice(None, seeds // 2), slice(seeds // 2, None)
    chosen, start = choose([Row(row.kept, row.right[first][:, half]) for row in rows], starts, margin)

    def gain(before: int, after: int) -> Gain:
        return paired_gain(rows[before].right[second][:, ~half], rows[after].right[second][:, ~half])

    return Judged(
        chosen=chosen,
        start=start,
        beyond=gain(start, chosen),
        cleaned=None if start == starts[0] else gain(starts[0], start),
        by_random=None if at_random[chosen] == chosen else gain(at_random[chosen], chosen),
        over_all=gain(starts[0], chosen),
    )


def more_labels(sizes: Sequence[int], right: Sequence[Right], chance: float) -> tuple[Interval | None, str]:
    """What twice the labels would gain in accuracy, from heads of all examples at each size.

    As `fit_curve` foretells it, on the same test examples: what these have in common at all sizes, which
    makes no difference to a gain, is taken off first. ``None``, and why, where the curve says nothing.

    Args:
        sizes: numbers of examples, ascending.
        right: of each whether heads are right [seeds, n].
        chance: accuracy of those who have seen nothing.
    """
    if len(sizes) < 2:
        return None, "there is one size"
    (seeds, num), shares = right[0].shape, np.array(sizes) / sizes[-1]
    counts = np.stack([one.sum(axis=1) for one in right], axis=1)
    often = np.stack([one.mean(axis=0) for one in right])
    among = np.cov(often - often.mean(axis=0), ddof=0)
    # the draws of the smallest size have little in common; all of the largest are one (`ShareVotes`)
    of_one = float((counts[:, 0] / num).var(ddof=1)) / (1 - shares[0])
    of_draws = of_one * shares[0] / shares * (shares + (1 - shares) / seeds)
    votes = ShareVotes(
        tuple(shares), num, chance, counts, np.full_like(counts, num), among + num * np.diag(of_draws)
    )
    curve = fit_curve(votes, sizes[-1], (2.0,))
    if curve.silent:
        return None, curve.silent
    ahead, now = curve.foretold[0].accuracy, float(curve.accuracy[-1])
    return Interval(ahead.value - now, ahead.low - now, ahead.high - now), ""
