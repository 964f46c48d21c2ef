"""Which row of the grid to advise, and what it is worth without the luck by which it was chosen.

The best of many rows is best by luck as well, so the number it was chosen by flatters it. Therefore rows are
chosen on one half of the test examples and of the seeds, and what is said of them is from the other half, of
which the usual paired interval is taken (`paired_gain`): it holds whatever was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from easiness.analysis import Gain, Interval, paired_gain

LEVEL = 0.98
"""Of the intervals that rows are chosen by: those judged by are of 95 %, and most rows are to pass them."""

_NEXT, _RANGE = 0.6, (0.2, 1.3)
"""What the next doubling of the labels gives of the gain of the last one, and a range that is wide enough.

On parts of four data sets, with their labels and with three tenths wrong, it was 0.3 to 0.9, and once 1.3
(docs/results/worth.md). Errors that fall as n^-c have 2^-c, 0.84 to 0.35 for c from 0.25 to 1.5.
"""
_OF_DRAWS = 0.4
"""Of the variance of the accuracy by draws of all examples, what is left in the gain of the last doubling.

Draws of half of them have most of their luck in common with all; measured in the same way, 0.1 to 0.9.
"""
_LEAST, _MOST = 0.25, 0.75  # of all examples: what is about half
_FEWEST_WRONG = 5  # test examples, or next to nothing is left to gain

Right = npt.NDArray[np.bool_]
Classifier = Callable[[int], Right]
"""Whether classifiers on what a row of the grid keeps are right [seeds, n], by the number of the row."""
Judged = dict[str, Gain]
"""Gains by name: ``over_start`` and ``over_all`` of the chosen row, and where there is something to gain
``start_over_all``, and ``over_random``, as many at random.
"""


def choose(
    kept: Sequence[float], by: Sequence[Classifier], starts: Sequence[int], margin: float
) -> tuple[int, int]:
    """The number of the row to advise, and of the start that it is held against.

    ``starts`` are all examples, and all but the suspects where there are some: these where they are shown to
    be better, and by no kind of classifier a loss of the ``margin`` is possible. Of the rows that keep fewer
    (how many are ``kept`` by row), those come into question whose intervals are above ``-margin`` from the
    start; the fewest examples are advised, and of equally few the best. Where there is none it is the start.
    """
    start = starts[0]
    for other in starts[1:]:
        lows = [paired_gain(one(start), one(other)).interval[0] for one in by]
        if max(lows) > 0 and min(lows) > -margin:
            start = other
    best = start, 0.0
    for row in np.argsort(kept, kind="stable").tolist():  # few are asked of the second kind
        if row in starts or kept[row] > kept[best[0]] or kept[row] >= kept[start]:
            continue
        value, least = math.inf, best[1] if kept[row] == kept[best[0]] else -math.inf
        for one in by:
            gain = paired_gain(one(start), one(row), LEVEL)
            value = min(value, gain.value if gain.interval[0] > -margin else -math.inf)
            if value <= least:
                break
        else:
            best = row, value
    return best[0], start


def judged_choice(
    kept: Sequence[float],
    by: Sequence[Classifier],
    starts: Sequence[int],
    at_random: Sequence[int],
    margin: float,
    seed: int = 0,
) -> tuple[int, int, list[Judged]]:
    """Choose a row on one half of the test examples and of the seeds, and judge it on the other.

    The chosen row, the start that it is held against, and what each kind of classifier judges. ``starts`` are
    the numbers of the rows of all examples and of all but the suspects, and ``at_random`` has for each row
    the number of the one that keeps as many at random. There are four seeds or more.
    """
    seeds, num = by[0](0).shape
    half = np.random.default_rng(seed).permutation(num) < num // 2
    first, second = slice(None, seeds // 2), slice(seeds // 2, None)
    chosen, start = choose(kept, [_part(one, first, half) for one in by], starts, margin)
    pairs = {
        "over_start": (start, chosen),
        "start_over_all": (starts[0], start),
        "over_random": (at_random[chosen], chosen),
        "over_all": (starts[0], chosen),
    }
    always, others = ("over_start", "over_all"), [_part(one, second, ~half) for one in by]
    pairs = {name: pair for name, pair in pairs.items() if name in always or pair[0] != pair[1]}
    return (
        chosen,
        start,
        [{name: paired_gain(one(a), one(b)) for name, (a, b) in pairs.items()} for one in others],
    )


def _part(by: Classifier, seeds: slice, examples: Right) -> Classifier:
    """The same of some seeds and some of the test examples [n]."""
    return lambda row: by(row)[seeds][:, examples]


def more_labels(sizes: Sequence[int], right: Sequence[Right], chance: float) -> tuple[Interval | None, str]:
    """What twice the labels would gain in accuracy, on average over draws of as many.

    The gain from about half of the labels to all of them is seen, on the same test examples, and the next
    doubling gives a part of that (`_NEXT`, within `_RANGE`). To it come the test examples and the draw
    (`_OF_DRAWS`). ``None``, and why, where nothing can be said. Heads of ``sizes``, ascending, are ``right``
    [seeds, n], of the largest in all seeds alike; ``chance`` is the accuracy of those who have seen nothing.
    """
    shares = np.array(sizes) / sizes[-1]
    near_half = np.flatnonzero((shares >= _LEAST) & (shares <= _MOST))
    if not len(near_half):
        return None, "no size is a quarter to three quarters of all examples (--sizes)"
    (seeds, num), half = right[0].shape, int(near_half[np.abs(np.log2(shares[near_half]) + 1).argmin()])
    now = float(right[-1].mean())
    if now - chance < 2 * math.sqrt(now * (1 - now) / num):
        return None, "accuracy is not above chance"
    if (1 - now) * num < _FEWEST_WRONG - 0.5:  # a count, whatever rounding made of it
        return None, f"fewer than {_FEWEST_WRONG} test examples are wrong"
    by_test = right[-1].mean(axis=0) - right[half].mean(axis=0)
    between = np.array([one.mean(axis=1).var(ddof=1) for one in right[:-1]])
    of_draw = float((between * shares[:-1] / (1 - shares[:-1])).mean())  # of all examples: it falls as 1 / n
    doublings = -math.log2(shares[half])
    gain, part = float(by_test.mean()), _next(_NEXT, doublings)
    below, above = sorted((_next(end, doublings) - part) * gain for end in _RANGE)
    quantile = float(stdtrit((seeds - 1) * (len(sizes) - 1), 0.975))
    noise = quantile * part * math.sqrt(by_test.var(ddof=1) / num + _OF_DRAWS * of_draw)
    value = part * gain
    ends = value - math.hypot(below, noise), value + math.hypot(above, noise)
    return Interval(*(min(one, 1 - now) for one in (value, *ends))), ""  # no more is left to gain


def _next(part: float, doublings: float) -> float:
    """What a doubling gives of the gain of so many before, where each gives this part of the one before."""
    return 1 / doublings if math.isclose(part, 1) else (1 - part) / (part**-doublings - 1)
