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
from easiness.errors import shorten
from easiness.lazy import Floats, Integers
from easiness.show import counted, percent
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.studies.versions.study import Matched, Matching


CERTAIN = 1e-6
"""Confidences nearer to 0 or 1 than this are taken for this: single precision knows no more."""

_OTHER_SHARE = 0.02
"""Shares trained on that differ by more were not meant to be the same."""


def notes(old: Run, new: Run, by: Matching, epoch: int, matched: Matched) -> Iterator[str]:
    """Sentences on ids that may mislead, on classes that are others, and on how the runs were made."""
    if by == "ids":
        yield from _on_ids(old, new, matched)
    before, after = _classes(old, matched.old), _classes(new, matched.new)
    renamed = renamed_classes(before, after, old.classes, new.classes)
    for was, name in renamed.items():
        yield f"{was} is called {name} in the new version ({(before == was).sum():,} examples)."
    changed = int((np.array([renamed.get(name, name) for name in before], object) != after).sum())
    if changed:
        moved = by == "ids" and new.ids.dtype == np.int64 and len(old.ids) == len(new.ids)
        order = " Where ids are positions, another order does that: match them --by pixels then."
        yield (
            f"{changed:,} of the examples in both have another class in the new version."
            f"{order if moved and changed > len(before) / 2 else ''}"
        )
    if new.spec.measured is None:
        yield from _on_recordings(old, new)
    yield from (f"{run.path}: {text}." for run in (old, new) if (text := run.warning(epoch)) is not None)
    if old.augmented or new.augmented:
        yield "Observations were made during training, on augmented images."


def renamed_classes(
    before: npt.NDArray[np.object_],
    after: npt.NDArray[np.object_],
    old: Sequence[str],
    new: Sequence[str],
) -> dict[str, str]:
    """New names by old ones, of classes of which each has just the examples that the other had.

    Of names that both versions have none is taken for renamed: where two are swapped, labels changed.
    """
    pairs = sorted(set(zip(before.tolist(), after.tolist(), strict=True)))
    olds, news = Counter(was for was, _ in pairs), Counter(name for _, name in pairs)
    only = set(old) ^ set(new)
    return {was: name for was, name in pairs if olds[was] == news[name] == 1 and was in only and name in only}


def _on_recordings(old: Run, new: Run) -> Iterator[str]:
    """Differences in how two recordings were made, as far as is known."""
    if old.epochs != new.epochs:
        long = counted(old.epochs, "epoch")
        yield f"The old version was recorded for {long}, the new one for {new.epochs}."
    shares = [_share_trained_on(run) for run in (old, new)]
    if abs(shares[0] - shares[1]) > _OTHER_SHARE:
        before, after = (percent(share) for share in shares)
        yield (
            f"Trials of the old version were trained on {before} of their examples, of the new one on "
            f"{after}; examples left out are harder."
        )


def _share_trained_on(run: Run) -> float:
    shares = [trial.columns(trial.observed[0], ["trained_on"])["trained_on"].mean() for trial in run.trials]
    return float(np.mean(shares))


def _classes(run: Run, positions: Integers) -> npt.NDArray[np.object_]:
    return np.array(run.classes, object)[run.labels[positions]]


def _on_ids(old: Run, new: Run, matched: Matched) -> Iterator[str]:
    if new.ids.dtype == np.int64 and len(old.ids) != len(new.ids):
        yield (
            "Ids are numbers, and the versions are of different size: where they are positions, an example "
            "left out or put in moves all after it. Match them --by pixels then."
        )
    went = set(_classes(old, matched.went)) - {*_classes(old, matched.old), *new.classes}
    came = set(_classes(new, matched.came)) - {*_classes(new, matched.new), *old.classes}
    if went and came:
        yield (
            f"Classes went and came as a whole ({shorten(sorted(went))}; {shorten(sorted(came))}): where a "
            "folder was renamed, its examples have other ids. Match them --by pixels then."
        )


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


def smallest_shown(tested: PValues, rate: float, at_least: float) -> float | None:
    """The smallest change of confidence, around a half, by which as many as `fewest_shown` would be named.

    It is that of examples of median noise, where none of the others changed: their p-value, times the number
    of all and over their own, is then their adjusted one (Benjamini-Hochberg), which has to be ``rate`` or
    less.

    Returns:
        the change, in (0, 1); ``None`` where even one from 0 to 1 would not be named.
    """
    from scipy.optimize import brentq

    typical = replace(tested.noise, error=np.median(tested.noise.error, keepdims=True))
    least = least_logits(np.array([0.5]), at_least)
    together = fewest_shown(tested.num_deals, rate)
    wanted = rate * together / len(tested.by_t)

    def excess(change: float) -> float:
        """Above 0 where a change is not shown; of logarithms, as p-values fall by powers of ten."""
        size = 2 * logit(np.array([(1 + change) / 2]))
        return float(np.log(max(tested.among_deals(p_beyond(size, typical, least))[0], 1e-300) / wanted))

    whole = 1 - 2 * CERTAIN
    if together > len(tested.by_t) or excess(whole) > 0:
        return None
    return float(brentq(excess, at_least, whole)) if excess(at_least) > 0 else at_least


def trials_needed(
    tested: PValues, num_trials: tuple[int, int], rate: float, at_least: float
) -> tuple[int, int] | None:
    """How many trials before and after would tell which examples changed, where these name none.

    Where the t-test names some, and trials dealt at random look as sure, it is by chance that those at one of
    two levels lie on one side: one trial more of each version leaves at most a quarter of that, which is
    s (1 - s) of a level with a share of s. Where nothing can be shown, more trials of the same noise would.
    Returns:
        the numbers; ``None`` where these are enough.
    """
    lowest = float(tested.q.min())
    if lowest > rate and tested.named.any():
        more = math.ceil(math.log(lowest / rate, 4))
    elif lowest > rate and smallest_shown(tested, rate, at_least) is None:
        shown = (smallest_shown(_with_more(tested, by), rate, at_least) for by in range(1, _MOST_MORE))
        more = 1 + sum(1 for _ in itertools.takewhile(lambda change: change is None, shown))
    else:
        return None
    old, new = (math.ceil(num * (of + more) / of) for num, of in zip(num_trials, tested.trials, strict=True))
    return old, new


def _with_more(tested: PValues, by: int) -> PValues:
    old, new = tested.trials
    smaller = math.sqrt((1 / (old + by) + 1 / (new + by)) / (1 / old + 1 / new))
    noise = NoiseOfChange(tested.noise.error * smaller, tested.noise.freedom + 2 * by)
    return replace(tested, noise=noise, dealt=np.empty(0), num_deals=num_deals(old + by, new + by))


_MOST_MORE = 1_000  # trials of a version


def resolution_note(tested: PValues, trials: tuple[int, int], rate: float, at_least: float) -> str:
    """A sentence for who is told that nothing changed: what could not have been seen."""
    together, change = fewest_shown(tested.num_deals, rate), smallest_shown(tested, rate, at_least)
    alone = "one example" if together == 1 else f"{together} examples"
    return (
        f"Between {trials[0]} and {trials[1]} trials a change of {alone} alone is shown from {change:.2f} on "
        "(around a confidence of 0.5, at median noise); to show smaller ones takes more trials."
    )
