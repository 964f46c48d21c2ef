"""What has to be known of two versions beside what changed in them, and how small a change could be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import NoiseOfChange, p_beyond
from easiness.errors import shorten
from easiness.show import counted, percent
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.studies.versions.difference import Matching
    from easiness.studies.versions.study import Matched

Values = npt.NDArray[np.float64]

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
    yield from (f"{run.path}: {text}." for run in (old, new) if (text := run.unfinished(epoch)) is not None)
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

    Args:
        before: names of the classes of the examples in both versions [C], in the old one.
        after: their names in the new one.
        old: names of all classes of the old version.
        new: those of the new one.
    """
    pairs = sorted(set(zip(before.tolist(), after.tolist(), strict=True)))
    olds, news = Counter(was for was, _ in pairs), Counter(name for _, name in pairs)
    only = set(old) ^ set(new)
    return {was: name for was, name in pairs if olds[was] == news[name] == 1 and was in only and name in only}


def _on_recordings(old: Run, new: Run) -> Iterator[str]:
    """What is known of how two recordings were made, where it differs."""
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
    """The mean share of the examples that a trial was trained on."""
    shares = [trial.columns(trial.observed[0], ["trained_on"])["trained_on"].mean() for trial in run.trials]
    return float(np.mean(shares))


def _classes(run: Run, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
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


def logit(p: Values) -> Values:
    """The logarithm of the odds of probabilities in (0, 1)."""
    return np.log(p) - np.log1p(-p)


def least_logits(middle: Values, at_least: float) -> Values:
    """A change of confidence by ``at_least`` around ``middle`` [C], in logits; infinite at the ends."""
    low, high = middle - at_least / 2, middle + at_least / 2
    inside = (low > 0) & (high < 1)
    low, high = np.where(inside, low, 0.5), np.where(inside, high, 0.5)
    return np.where(inside, logit(high) - logit(low), np.inf)


def smallest_shown(noise: NoiseOfChange, rate: float, at_least: float) -> float | None:
    """The smallest change of confidence, around a half, by which one example alone would be named.

    It is that of an example of median noise, where none of the others changed: its p-value times their
    number is then its adjusted one (Benjamini-Hochberg), which has to be ``rate`` or less.

    Returns:
        the change, in (0, 1); ``None`` where even one from 0 to 1 would not be named.
    """
    from scipy.optimize import brentq

    typical = NoiseOfChange(np.array([np.median(noise.error)]), noise.freedom)
    least = least_logits(np.array([0.5]), at_least)
    wanted = rate / len(noise.error)

    def excess(change: float) -> float:
        """Above 0 where a change is not shown; of logarithms, as p-values fall by powers of ten."""
        size = 2 * logit(np.array([(1 + change) / 2]))
        return float(np.log(max(p_beyond(size, typical, least)[0], 1e-300) / wanted))

    whole = 1 - 2 * CERTAIN
    if excess(whole) > 0:
        return None
    return float(brentq(excess, at_least, whole)) if excess(at_least) > 0 else at_least


def resolution_note(noise: NoiseOfChange, trials: tuple[int, int], rate: float, at_least: float) -> str:
    """A sentence for who is told that nothing changed: what could not have been seen."""
    change = smallest_shown(noise, rate, at_least)
    between = f"Between {trials[0]} and {trials[1]} trials"
    if change is None:
        return (
            f"{between} no change of a single example can be shown, not even one from 0 to 1: so few trials "
            "differ too much among themselves; measure more."
        )
    return (
        f"{between} a change of one example alone is shown from {change:.2f} on (around a confidence of 0.5, "
        "at median noise); to show smaller ones takes more trials."
    )
