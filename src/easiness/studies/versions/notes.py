"""Notes on two versions beside what changed in them, and how small a change could be seen."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import NoiseOfChange, PValues, num_deals, p_beyond
from easiness.lazy import Floats, Integers
from easiness.show import quantity
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.studies.versions.study import Matching, Pairing


_MOST_MORE = 1_000  # trials of a version
CERTAIN = 1e-6
"""Confidences nearer to 0 or 1 than this are taken for this: single precision knows no more."""


def notes(old: Run, new: Run, by: Matching, epoch: int, pairs: Pairing) -> Iterator[str]:
    """Sentences on ids that may mislead, on classes that are others, and on how the runs were made."""
    numbers = by == "ids" and new.ids.dtype == np.int64
    if numbers and len(old.ids) != len(new.ids):
        yield (
            "Ids are numbers, and the versions are of different size: where they are positions, an example "
            "left out or put in moves all after it. Match them --by pixels then."
        )
    before, after = _classes(old, pairs.old), _classes(new, pairs.new)
    names = renamed_classes(before, after, old.classes, new.classes)
    for was, name in names.items():
        yield f"{was} is called {name} in the new version ({(before == was).sum():,} examples)."
    num = int((np.array([names.get(name, name) for name in before], object) != after).sum())
    if num:
        is_reordered = numbers and len(old.ids) == len(new.ids) and num > len(before) / 2
        order = " Where ids are positions, another order does that: match them --by pixels then."
        others = f"{num:,} of the examples in both have another class in the new version."
        yield f"{others}{order if is_reordered else ''}"
    if new.spec.measured is None and old.epochs != new.epochs:
        epochs = quantity(old.epochs, "epoch")
        yield f"The old version was recorded for {epochs}, the new one for {new.epochs}."
    yield from (f"{run.path}: {text}." for run in (old, new) if (text := run.unfinished(epoch)) is not None)
    if old.augmented or new.augmented:
        yield "Observations were made during training, on augmented images."


def renamed_classes(
    before: npt.NDArray[np.object_],
    after: npt.NDArray[np.object_],
    old: Sequence[str],
    new: Sequence[str],
) -> dict[str, str]:
    """New names by old ones, of classes that have just the examples that the other had.

    A name that both versions have is not renamed: where two are swapped, labels changed.
    """
    pairs = sorted(set(zip(before.tolist(), after.tolist(), strict=True)))
    olds, news = Counter(was for was, _ in pairs), Counter(name for _, name in pairs)
    only = set(old) ^ set(new)
    return {was: name for was, name in pairs if olds[was] == news[name] == 1 and {was, name} <= only}


def _classes(run: Run, positions: Integers) -> npt.NDArray[np.object_]:
    return np.array(run.classes, object)[run.labels[positions]]


def logit(p: Floats) -> Floats:
    return np.log(p) - np.log1p(-p)


def least_logits(middle: Floats, at_least: float) -> Floats:
    """A change of confidence by ``at_least`` around ``middle`` [C], in logits; infinite at the ends."""
    low, high = middle - at_least / 2, middle + at_least / 2
    inside = (low > 0) & (high < 1)
    low, high = np.where(inside, low, 0.5), np.where(inside, high, 0.5)
    return np.where(inside, logit(high) - logit(low), np.inf)


def fewest_shown(num_deals: int, rate: float) -> int:
    """How many examples have to change at once, and beyond every doubt, for any of them to be named."""
    return math.floor(1 / (rate * num_deals) + 1e-9) + 1


def smallest_shown(test: PValues, rate: float, at_least: float) -> float | None:
    """The smallest change of confidence, around a half, by which as many as `fewest_shown` would be named.

    Examples are of median noise, and none of the others changed: their p-value, times the number of all and
    over their own, is then their adjusted one (Benjamini-Hochberg), which has to be ``rate`` or less.
    ``None`` where even one from 0 to 1 would not be named.
    """
    from scipy.optimize import brentq

    typical = replace(test.noise, error=np.median(test.noise.error, keepdims=True))
    least = least_logits(np.array([0.5]), at_least)
    together = fewest_shown(test.num_deals, rate)
    p_least = rate * together / len(test.by_t)

    def excess(change: float) -> float:
        """Above 0 where a change is not shown; of logarithms, as p-values fall by powers of ten."""
        size = 2 * logit(np.array([(1 + change) / 2]))
        return float(np.log(max(test.among_deals(p_beyond(size, typical, least))[0], 1e-300) / p_least))

    whole = 1 - 2 * CERTAIN
    if together > len(test.by_t) or excess(whole) > 0:
        return None
    return float(brentq(excess, at_least, whole)) if excess(at_least) > 0 else at_least


def trials_needed(
    test: PValues, num_trials: tuple[int, int], rate: float, at_least: float
) -> tuple[int, int] | None:
    """How many trials before and after would tell which examples changed, where these name none.

    Where the t-test names some, and trials dealt at random look as sure, trials at one of two levels may lie
    on one side by chance: one trial more of each version leaves at most a quarter of that, which is s (1 - s)
    of a level with a share of s. Where nothing can be shown, more trials of the same noise would.
    ``None`` where these are enough.
    """
    lowest = float(test.q.min())
    if lowest > rate and test.named.any():
        more = math.ceil(math.log(lowest / rate, 4))
    elif lowest > rate and smallest_shown(test, rate, at_least) is None:
        changes = (smallest_shown(_with_more(test, by), rate, at_least) for by in range(1, _MOST_MORE))
        more = 1 + sum(1 for _ in itertools.takewhile(lambda change: change is None, changes))
    else:
        return None
    old, new = (math.ceil(num * (of + more) / of) for num, of in zip(num_trials, test.trials, strict=True))
    return old, new


def _with_more(test: PValues, by: int) -> PValues:
    old, new = test.trials
    smaller = math.sqrt((1 / (old + by) + 1 / (new + by)) / (1 / old + 1 / new))
    noise = NoiseOfChange(test.noise.error * smaller, test.noise.freedom + 2 * by)
    return replace(test, noise=noise, dealt=np.empty(0), num_deals=num_deals(old + by, new + by))


def resolution_note(test: PValues, trials: tuple[int, int], rate: float, at_least: float) -> str:
    """A sentence for who is told that nothing changed: what could not have been seen."""
    together, change = fewest_shown(test.num_deals, rate), smallest_shown(test, rate, at_least)
    alone = "one example" if together == 1 else f"{together} examples"
    return (
        f"Between {trials[0]} and {trials[1]} trials a change of {alone} alone is shown from {change:.2f} on "
        "(around a confidence of 0.5, at median noise); to show smaller ones takes more trials."
    )
