"""What other labels are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Gain, paired_gain
from easiness.store import Row
from easiness.studies.verification.beside import Beside

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_Floats = npt.NDArray[np.float64]


WAYS = ("nobody decided", "all, by the labels before", "all, by the labels after")
"""Names of the examples and labels that a gain is tested by, where no split is held out."""


_RULE = (
    "No label was looked at and kept. If a rule made these labels, they follow what was learned of the very "
    "examples tested, and the gain is too high. Then hold some out from the start: measure --holdout 0.2, "
    "make the labels from that run, and verify --holdout 0.2."
)
_NOT_SHOWN = (
    "No difference here does not mean that the decisions are wrong: {changed} of {num} labels hardly move "
    "what is learned of the others. Whether labels are right is what `easiness audit` says."
)


@dataclass(frozen=True)
class Way:
    """Mean accuracies ``before`` and ``after`` on ``num`` examples, and the gain."""

    num: int
    before: float
    after: float
    gain: Gain

    @classmethod
    def of(cls, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> Way:
        """Is each trial right about each example that it is tested on, [T, n]?"""
        return cls(before.shape[1], float(before.mean()), float(after.mean()), paired_gain(before, after))


@dataclass(frozen=True, eq=False)
class Verification(show.Result):
    """Accuracies [trials] of ``model`` after ``epochs`` epochs on the same ``num_held_out`` examples.

    Those ``before`` were trained on all ``num_examples`` with the labels of the source, or of a file, those
    ``after`` with ``num_relabelled`` other labels, without the ``num_dropped``, and with
    ``num_taken_back`` that the file before had dropped. Trials of the same index have the same
    seeds, and so have those ``beside``. ``gain`` is the mean difference, with an interval over trials and
    held-out examples. Of heads on features the ``share`` of the examples that they have seen says more than
    their epochs. Where no split is held out, tests are on examples that nobody decided, the first of
    the ``ways`` (`WAYS`). Nobody has ``kept`` a label where these may come from a rule.
    """

    model: str
    epochs: int
    num_examples: int
    num_relabelled: int
    num_dropped: int
    num_held_out: int
    before: _Floats
    after: _Floats
    gain: Gain
    num_taken_back: int = 0
    share: float | None = None
    beside: tuple[Beside, ...] = ()
    ways: tuple[Way, ...] = ()
    kept: bool = True

    @property
    def row(self) -> Row:
        """What the accuracies are of: the last epoch, or the largest share."""
        return Row(self.epochs, self.share)

    @property
    def text(self) -> str:
        """``relabelling 812 and dropping 301 of 10,000 gains 2.1 points (1.4 to 2.8)``."""
        numbers = {
            "relabelling": self.num_relabelled,
            "dropping": self.num_dropped,
            "taking back": self.num_taken_back,
        }
        *first, last = [f"{verb} {num:,}" for verb, num in numbers.items() if num]
        done = f"{', '.join(first)} and {last}" if first else last
        held = (f"beside {one.title} it {_effect(one.after_over)}" for one in self.beside)
        where = f" on {self._tested}" if self.ways else ""
        return "; ".join([f"{done} of {self.num_examples:,} {_effect(self.gain)}{where}", *held])

    @property
    def _tested(self) -> str:
        """The tested examples, in words."""
        return f"{self.num_held_out:,} {'examples that nobody decided' if self.ways else 'held-out examples'}"

    def table(self) -> pd.DataFrame:
        """A row a trial: its accuracies before and after, and its ``gain``, all in 0..1 or -1..1.

        ``gain_mean`` with ``gain_low`` and ``gain_high``, its 95 % interval, is over all trials, and so are
        those of the other `WAYS`, ``gain_by_before`` and ``gain_by_after``.
        """
        import pandas as pd

        low, high = self.gain.interval
        others = zip(("gain_by_before", "gain_by_after"), self.ways[1:], strict=False)
        return pd.DataFrame(
            {
                "trial": np.arange(len(self.before)),
                "accuracy_before": self.before,
                "accuracy_after": self.after,
                "gain": self.after - self.before,
                "gain_mean": self.gain.value,
                "gain_low": low,
                "gain_high": high,
                **{
                    f"{name}{end}": value
                    for name, way in others
                    for end, value in zip(
                        ("", "_low", "_high"), (way.gain.value, *way.gain.interval), strict=True
                    )
                },
                "model": self.model,
                **({"epochs": self.epochs} if self.share is None else {"share": self.share}),
                **{f"accuracy_{one.name}": one.accuracy for one in self.beside},
                "num_examples": self.num_examples,
                "num_relabelled": self.num_relabelled,
                "num_dropped": self.num_dropped,
                "num_taken_back": self.num_taken_back,
                "num_held_out": self.num_held_out,
            }
        )

    def figure(self) -> Figure:
        """The gain of each trial in points of accuracy, above their mean with its 95 % interval if any."""
        gains = 100 * (self.after - self.before)
        figure, axes = show.new_axes(5.2, 1.6 + 0.12 * len(gains))
        axes.axvline(0, color=show.INK, linewidth=0.8, linestyle=":")
        axes.plot(gains, np.arange(len(gains)), "o", color=show.INK, markersize=4, label="trials")
        value = 100 * self.gain.value
        low, high = (np.nan_to_num(100 * end, nan=value) for end in self.gain.interval)
        axes.errorbar(
            [value],
            [-1.5],
            xerr=[[value - low], [high - value]],
            fmt="D",
            color=show.EASY,
            markersize=5,
            capsize=3,
            label="mean, with its 95 % interval" if len(gains) > 1 else "mean",
        )
        axes.set_yticks([])
        axes.set_ylim(-2.5, len(gains))
        axes.set(xlabel=f"gain in accuracy on {self._tested} (points)")
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """The accuracy with both labels, then that of each trial."""
        return [_accuracy(self), *([_ways(self)] if self.ways else []), _trials(self)]


def _effect(gain: Gain) -> str:
    low, high = (100 * end for end in gain.interval)
    value = 100 * gain.value
    if math.isnan(low):
        return f"changes accuracy by {value:+.1f} points in one trial, which shows nothing"
    if not gain.shown:
        return f"shows no difference: {value:+.1f} points ({show.interval_text(low, high, 1, signed=True)})"
    if value > 0:
        return f"gains {value:.1f} points ({_near_end(low)} to {high:.1f})"
    return f"loses {-value:.1f} points ({_near_end(-high)} to {-low:.1f})"


def _near_end(value: float) -> str:
    """The end of an interval towards 0, which it leaves out."""
    text = f"{value:.1f}"
    return "just over 0" if float(text) == 0 else text


def _accuracy(verified: Verification) -> show.Section:
    num = len(verified.before)
    few = f" Fewer than {MIN_GROUP} trials make it a rough one." if 1 < num < MIN_GROUP else ""
    left = show.count(verified.num_examples - verified.num_dropped + verified.num_taken_back)
    head = ["labels", "trained on", "accuracy", "± sd"]
    before = ["before", show.count(verified.num_examples), *_summary(verified.before)]
    after = ["after", left, *_summary(verified.after)]
    if verified.beside:
        head += ["over before", "after over it"]
        before += ["", ""]
        after += [_points(verified.gain), ""]
    arms = [
        [one.title, left, *_summary(one.accuracy), _points(one.over_before), _points(one.after_over)]
        for one in verified.beside
    ]
    changed = verified.num_relabelled + verified.num_dropped + verified.num_taken_back
    not_shown = _NOT_SHOWN.format(changed=show.count(changed), num=show.count(verified.num_examples))
    notices = ("" if verified.kept else _RULE, not_shown if verified.ways and not verified.gain.shown else "")
    return show.Section(
        f"Accuracy of {verified.model} on {verified._tested} {verified.row.at}",
        f"{show.capitalized(verified.text)}. {_over(num)}{few} Their labels are taken as they are."
        f"{' Each trial leaves a part out and is tested on it.' if verified.ways else ''}",
        [head, before, after, *arms],
        tuple(filter(None, notices)),
    )


def _ways(verified: Verification) -> show.Section:
    rows = [
        [name, show.count(one.num), f"{one.before:.3f}", f"{one.after:.3f}", _points(one.gain)]
        for name, one in zip(WAYS, verified.ways, strict=True)
    ]
    return show.Section(
        "What else it is tested on",
        "The first line counts: no decision changes what it is tested by. Wrong labels left among these make "
        "the gain look smaller. The second line tests by labels that were found wrong, the third by those "
        "decided.",
        [["tested on", "examples", "before", "after", "gain (points)"], *rows],
    )


def _points(gain: Gain) -> str:
    """A gain in points with its interval."""
    low, high = (100 * end for end in gain.interval)
    return f"{100 * gain.value:+.1f} ({show.interval_text(low, high, 1, signed=True)})"


def _over(num: int) -> str:
    if num == 1:
        return "From one pair of trials with the same seeds, which has no standard deviation and no interval."
    return (
        f"Mean ± standard deviation over {num} pairs of trials with the same seeds; the 95 % interval is for "
        "other trials and other tested examples."
    )


def _summary(accuracy: _Floats) -> list[str]:
    deviation = float(accuracy.std(ddof=1)) if len(accuracy) > 1 else None
    return [show.number(float(accuracy.mean()), 3), show.number(deviation, 3)]


def _trials(verified: Verification) -> show.Section:
    pairs = zip(verified.before, verified.after, strict=True)
    rows = [["trial", "before", "after", "gain"]]
    rows += [
        [str(trial), show.number(before, 3), show.number(after, 3), f"{after - before:+.3f}"]
        for trial, (before, after) in enumerate(pairs)
    ]
    return show.Section("By trial", "Accuracy of each trial with both labels.", rows)
