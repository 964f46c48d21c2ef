"""What to label next, and whether the rule that says so was worth following where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Gain
from easiness.regular_file import in_words
from easiness.studies.worth.picking import MARGIN, RANDOM, RARE, RULES, Positions
from easiness.studies.worth.replay import LEVEL, Replayed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from easiness.data import Dataset

_SHOWN = 10  # picks
_ROOM = 1.25  # left and right of the numbers of labels in the figure
_STYLES = {RARE: (show.HARD, "o"), MARGIN: (show.EASY, "s")}


@dataclass(frozen=True, eq=False)
class NextLabels(show.Result):
    """What to label next of a ``pool`` of M examples without labels, beside ``num_labelled`` of a run.

    ``picks`` has for each rule places in the pool, the first one first. Of the pool ``ids`` [M], ``margin``
    [M] (the probability of the first class less that of the second, 0..1), ``rarity`` [M] (0 beside a
    labelled example, 1 where none is near) and ``predicted`` [M], the name of the first class. Of the
    ``num_pool`` that there were, those were left out that are the same as labelled ones, or nearly
    (``num_copies``), or as others of the pool (``num_repeated``); of very many some were drawn. Rarity is
    beside ``num_compared`` labelled ones, which are drawn where there are very many. ``replayed`` is what
    each rule gained on the run's own examples, and ``rule`` the one that is recommended for it. ``pool`` are
    the examples themselves, to show them.
    """

    run: str
    source: str
    num_labelled: int
    num_compared: int
    num_copies: int
    num_repeated: int
    num_pool: int
    rule: str
    replayed: tuple[Replayed, ...] = field(repr=False)
    picks: dict[str, Positions] = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    margin: npt.NDArray[np.float64] = field(repr=False)
    rarity: npt.NDArray[np.float64] = field(repr=False)
    predicted: npt.NDArray[np.object_] = field(repr=False)
    pool: Dataset | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """``label what is rare and uncertain: it beats random here (+1.8, 0.8 to 2.8)``, or that none does.

        Linear classifiers say so.
        """
        here = f"here by linear classifiers ({_points(self._best.gain)})"
        if self.rule == RANDOM:
            return f"no rule beats random {here}: label at random"
        how = {RARE: "what is rare and uncertain", MARGIN: "what has the smallest margin"}[self.rule]
        return f"label {how}: it beats random {here}"

    @property
    def _best(self) -> Replayed:
        """Of the rules, where most were labelled, the one that is recommended, or gained most."""
        start = max(one.start for one in self.replayed)
        there = [one for one in self.replayed if one.start == start and one.rule in RULES]
        own = [one for one in there if one.rule == self.rule]
        return max(own or there, key=lambda one: one.gain.value)

    def table(self) -> pd.DataFrame:
        """A row for each pick, in an order to label in; those of the rule that is recommended come first.

        ``id``, ``rank`` (from 1, by rule), ``rule``, ``margin``, ``rarity`` and ``predicted``.
        """
        import pandas as pd

        order = [self.rule, *(rule for rule in self.picks if rule != self.rule)]
        return pd.concat([self._picked(rule) for rule in order], ignore_index=True)

    def _picked(self, rule: str) -> pd.DataFrame:
        import pandas as pd

        places = self.picks[rule]
        columns = {
            "id": self.ids[places],
            "rank": np.arange(1, len(places) + 1),
            "rule": rule,
            "margin": self.margin[places],
            "rarity": self.rarity[places],
            "predicted": self.predicted[places],
        }
        return pd.DataFrame(columns)

    def figure(self) -> Figure:
        """What each rule gained over random in the replays, in points, by the labels they began with."""
        figure, axes = show.new_axes(4.6, 2.9)
        axes.axhline(0, color=show.INK, linewidth=0.8, linestyle=":")
        for rule, (color, marker) in _STYLES.items():
            own = [one for one in self.replayed if one.rule == rule]
            middle = np.array([100 * one.gain.value for one in own])
            ends = np.array([[100 * end for end in one.gain.interval] for one in own]).T
            beside = 0.97 if rule == RARE else 1.03
            axes.errorbar(
                [one.start * beside for one in own],
                middle,
                yerr=np.abs(np.nan_to_num(ends - middle)),
                color=color,
                marker=marker,
                markersize=5,
                capsize=3,
                linewidth=1.2,
                label=rule,
            )
        axes.set_xscale("log")
        starts = sorted({one.start for one in self.replayed})
        axes.set_xticks(starts, [f"{one:,}" for one in starts])
        axes.set_xlim(starts[0] / _ROOM, starts[-1] * _ROOM)
        axes.minorticks_off()
        axes.set(xlabel="labelled before", ylabel="gain over random (points)")
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """What the rules gained in the replays, and the first picks of the one that is recommended."""
        return [self._verdict(), self._first()]

    def _verdict(self) -> show.Section:
        few = self._best
        rows = [["labelled before", "pool", "picked", "rule", "accuracy", "over random", "interval"]]
        rows += [
            [
                *(show.count(one) for one in (each.start, each.pool, each.picks)),
                f"{each.rule} *" if each.rule == self.rule and each.start == few.start else each.rule,
                show.number(each.accuracy, 3),
                *_cells(each),
            ]
            for each in self.replayed
        ]
        note = (
            f"{show.capitalized(self.text)}. Replayed on the run's own examples over {len(few.right)} draws, "
            f"tested on {show.count(few.right.shape[1])} others; intervals of {show.percent(LEVEL)}, since "
            f"one of two rules is chosen. It is judged where most are labelled: {show.count(few.start)} of "
            f"the {show.count(self.num_labelled)} that the run has."
        )
        return show.Section(f"What to label next, beside {in_words(self.run)}", note, rows)

    def _first(self) -> show.Section:
        table = self._picked(self.rule).head(_SHOWN)
        rows = [["rank", "id", "predicted", "margin", "rarity"]]
        rows += [
            [str(row.rank), str(row.id), str(row.predicted), f"{row.margin:.2f}", f"{row.rarity:.2f}"]
            for row in table.itertuples()
        ]
        left, looked = self.num_pool - self.num_copies - self.num_repeated, len(self.ids)
        drawn = f"; {looked:,} of the rest were drawn" if looked < left else ""
        beside = (
            f", {self.num_compared:,} of which were drawn" if self.num_compared < self.num_labelled else ""
        )
        note = (
            f"The first of {len(self.picks[self.rule]):,} by the rule {self.rule}, from "
            f"{in_words(self.source)}: {show.counted(self.num_pool, 'example')}; copies left out: "
            f"{self.num_copies:,} of labelled ones, {self.num_repeated:,} of others of the "
            f"pool{drawn}. Margin: how much likelier the class predicted is than the second, 0 where "
            "the heads cannot decide. Rarity: 0 beside a labelled example, 1 where none of the "
            f"{self.num_labelled:,} is near{beside}. Labels there are not looked at."
        )
        return show.Section("First picks", note, rows)


def _cells(each: Replayed) -> list[str]:
    if each.rule == RANDOM:
        return ["", ""]
    low, high = (100 * end for end in each.gain.interval)
    return [f"{100 * each.gain.value:+.1f}", show.interval_text(low, high, 1, signed=True)]


def _points(gain: Gain) -> str:
    low, high = (100 * end for end in gain.interval)
    return f"{100 * gain.value:+.1f}, {low:.1f} to {high:.1f}"
