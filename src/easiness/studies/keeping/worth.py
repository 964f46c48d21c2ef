"""The advice what to keep of a run's examples, and what more labels would give, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import Gain, Interval
from easiness.lazy import Figure, pd
from easiness.store import Run
from easiness.studies.labels import CleanLabels, verifying

ALL, EASIEST, HARDEST, RANDOM = "all", "easiest", "hardest", "random"  # which examples are kept
FEWEST_SEEDS = 5  # draws from which on intervals hold, see `paired_gain`
NEIGHBOURS = 15
"""Nearest examples that vote: a second kind of classifier, since what heads can spare others may need."""

_NONE = 0.01  # of accuracy: so small a loss is called none
_GAINS = ("over_start", "start_over_all", "over_random", "over_all")

_BY = ("by linear classifiers", f"by {NEIGHBOURS} nearest neighbours")
_LEFT_OUT = {EASIEST: "the hardest {}", HARDEST: "the easiest {}", RANDOM: "{} at random"}
_SCORE = (
    "Easy means a high mean probability of the label, suspect a label that is more likely wrong than "
    "right; both by heads that were not shown the example"
)
_OF_SIZE = (
    "Accuracy of heads on what is kept; gains in points over all examples of this size and over as many at "
    "random, with 95 % intervals over draws and test examples; of the whole size, for these very examples. "
    "The best of many rows is partly lucky."
)


@dataclass(frozen=True, eq=False)
class Worth(show.Result):
    """Advice what to keep of the examples of a run, tried on ``num_test`` others over ``num_seeds`` seeds.

    ``grid`` has a row for all that was tried, and ``gains`` says what the advised one is worth, by heads and
    by neighbours. ``margin`` is the loss that counts as none. ``keep`` has the labels with what is to be
    dropped, and ``twice`` what twice the labels would give, or ``silent`` why that is not known. Where no
    split was held out, ``test_wrong`` of the test labels are likely wrong; of a held-out split nobody asked.
    """

    run: Run = field(repr=False)
    num_test: int
    num_seeds: int
    held_out: bool
    margin: float
    grid: pd.DataFrame = field(repr=False)
    gains: Sequence[Mapping[str, Gain]] = field(repr=False)
    keep: CleanLabels = field(repr=False)
    suspects: int
    twice: Interval | None
    silent: str = ""
    test_wrong: float | None = None
    details: bool = False

    @property
    def headline(self) -> str:
        """Advice what to keep, and what twice the labels would give, in two sentences."""
        return f"{show.sentence_case(self.advice)}. {self.ahead}."

    @cached_property
    def advised_row(self) -> Mapping[str, Any]:
        return dict(self.grid[self.grid["advised"]].iloc[0])

    @property
    def num_examples_tried(self) -> int:
        """Examples of the largest size: all, but those that were set aside to test on."""
        return int(self.grid["size"].max())

    @property
    def advice(self) -> str:
        """``of your 10,000: take the 180 suspects out, then you can leave out 60 % ...``."""
        row, of, margin = self.advised_row, f"of your {len(self.run.ids):,}", f"{100 * self.margin:g} points"
        margin = "1 point" if self.margin == _NONE else margin
        out = self.suspects if row["suspects_out"] else 0
        without = f"take the {show.quantity(out, 'suspect')} out" if out else ""
        if without and "start_over_all" in self.gains[0]:
            without += f" ({self._by_each('start_over_all')})"
        if row["kept"] == ALL:
            rest = f"{without}, and keep all others" if without else "keep all"
            whom = " and ".join(_BY[: len(self.gains)])
            return f"{of}: {rest}; no smaller choice is shown to cost less than {margin}, {whom}"
        num_tried = self.num_examples_tried
        left = 1 - row["num_kept"] / (num_tried - (out * num_tried / len(self.run.ids)))
        what = f"leave out {_LEFT_OUT[row['kept']].format(show.whole_percent(left))}"
        before, beyond = f"{without}, then " if without else "", self._by_each("over_start")
        low, high = min(one["over_start"].interval for one in self.gains)
        if low <= -self.margin:
            doubt = f"where a loss of {margin} is not ruled out ({beyond})"
            return f"{of}: {before}try to {what}, {doubt}: let `verify` tell"
        low, high = round(100 * low, 1), round(100 * high, 1)
        less = "at no loss" if self.margin <= _NONE and high >= 0 else f"at a loss of less than {margin}"
        return f"{of}: {before}you can {what} {'and gain' if low > 0 else less} ({beyond})"

    def _by_each(self, name: str) -> str:
        return "; ".join(f"{_points(one[name])} {whom}" for one, whom in zip(self.gains, _BY, strict=False))

    @property
    def ahead(self) -> str:
        """``Twice as many labels would give linear classifiers +1.1 points (0.7 to 1.6)``, or why unknown."""
        if self.twice is None:
            return f"The gain of twice as many labels is unknown: {self.silent}"
        value, low, high = (100 * one for one in self.twice)
        points = f"{value:+.1f} points ({low:.1f} to {high:.1f})"
        return f"Twice as many labels would give linear classifiers {points}"

    def table(self) -> pd.DataFrame:
        """A row for each cell of the grid.

        For ``size`` examples the ``share`` that is ``kept`` (all, easiest, hardest or random), as a number
        (``num_kept``), with or without suspects (``suspects_out``); the ``accuracy`` of heads on them, and
        its gain ``over_all`` of that size and ``over_random``, as many at random, with 95 % intervals, in
        0..1; where neighbours were asked, their ``accuracy_near`` and ``near_over_all``. ``advised`` marks
        what is advised.
        """
        return self.grid

    def csv_rows(self) -> pd.DataFrame:
        """The labels with what is advised to be dropped, which `verify` and ``--labels`` take."""
        return self.keep.table()

    def document(self) -> Any:
        every = ([one.get(name) for name in _GAINS] for one in self.gains)
        ends = ([one and Interval(one.value, *one.interval)._asdict() for one in some] for some in every)
        gains = [dict(zip(_GAINS, some, strict=True)) for some in ends]
        near = gains[1] if len(gains) > 1 else None
        texts = {name: getattr(self, name) for name in ("advice", "ahead", "margin", "num_test")}
        twice = self.twice and self.twice._asdict()
        grid = [show.without_nan(row) for row in self.grid.to_dict("records")]
        return {**texts, "judged": gains[0], "judged_near": near, "twice_the_labels": twice, "grid": grid}

    def frames(self) -> list[show.Frame]:
        own, rivals_of = self.gains[0], {"over_all": "over all", "over_random": "over as many at random"}
        text = " and ".join(f"{_points(own[name])} {over}" for name, over in rivals_of.items() if name in own)
        gain_text = f"In points, judged on the half of the tests that had no part in the choice: {text}. "
        whole = self.grid[self.grid["size"] == self.num_examples_tried]
        rivals = whole[(whole["kept"] == ALL) | (whole["share"] == self.advised_row["share"])]
        aside = f"of {len(self.run.ids):,} examples, set aside"
        where = f"{show.count(self.num_test)} {'held-out examples' if self.held_out else aside}"
        wrong = f", {show.whole_percent(self.test_wrong)} of them likely wrong" if self.test_wrong else ""
        note = (
            f"{self.headline} {gain_text if self.advised_row['kept'] != ALL else ''}Classifiers on these "
            f"features over {self.num_seeds} seeds, on {where}, whose labels are taken as they are{wrong}: "
            f"wrong ones there make differences smaller. {_SCORE}. * marks what is advised; {NEIGHBOURS} "
            "nearest neighbours tried what linear classifiers do not rule out."
        )
        title = f"Examples to keep of {self.run.path.resolve().name}"
        return [_frame(title, note, rivals), _frame("Everything that was tried", _OF_SIZE, self.grid)]

    def printed_sections(self) -> list[show.Section]:
        return self.sections() if self.details else self.sections()[:1]

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        training = ("--beside", "random,rs2", "--model", "MODEL")
        labels = self.run.spec.data.labels
        return [
            f"heads say so; ask networks: {verifying(self.run, output, labels, training)}"
            if self.keep.is_dropped.any()
            else f"{output} keeps every example; there is nothing to verify"
            for output in outputs
            if output.suffix == ".csv"
        ]

    def figure(self) -> Figure:
        """Accuracy against the share kept, a panel for each of the largest sizes, at most four.

        A dotted line is the accuracy of all examples of the size.
        """
        panels = dict([*self.grid.groupby("size")][-_MOST:])
        figure = show.curves(
            {f"{size:,} labelled": _curves(rows) for size, rows in panels.items()},
            (1.0 + _WIDTH * len(panels), _HEIGHT),
            x="share kept",
            y="accuracy",
            columns=min(len(panels) + 1, 4),
        )
        for axes in figure.axes:
            axes.set_xticks(np.arange(0, 1.01, 0.25), ["0", "", "0.5", "", "1"])
            axes.set_xlim(0, _RIGHT)
        return figure


_STYLES = {EASIEST: (show.EASY, "o"), HARDEST: (show.HARD, "s"), RANDOM: (show.INK, "D")}
_MOST = 4  # panels
_WIDTH, _HEIGHT = 2.1, 3.4
_RIGHT = 1.04  # of shares


def _curves(rows: pd.DataFrame) -> list[show.Curve]:
    everything = rows["accuracy"].iloc[0]
    lines = [show.Curve([0, _RIGHT], [everything, everything], "all", marker="", line=":")]
    for (out, end), own in rows.sort_values("num_kept").groupby(["suspects_out", "kept"]):
        x, y = own["num_kept"] / own["size"], own["accuracy"]
        if end != ALL:
            label, (color, marker) = f"{end}{', suspects out' if out else ''}", _STYLES[str(end)]
            lines.append(show.Curve(x, y, label, color, marker, "--" if out else "-", solid=not out))
        elif out and x.item() < 1:
            lines.append(show.Curve(x, y, "all but suspects", show.TRAIN, "*", ""))
    return lines


def _frame(title: str, note: str, rows: pd.DataFrame) -> show.Frame:
    out, mark = np.where(rows["suspects_out"], ", suspects out", ""), np.where(rows["advised"], " *", "")
    data = rows.assign(kept=rows["kept"] + out + mark, num_kept=rows["num_kept"].round())
    columns = {
        "size": show.counts(title="labelled"),
        "kept": show.names(),
        "num_kept": show.counts(title="examples"),
        "share": show.numbers(2),
        "accuracy": show.numbers(3),
        "over_all": show.points(title="over all", low="over_all_low", high="over_all_high"),
        "over_random": show.points(title="over random", low="over_random_low", high="over_random_high"),
        "accuracy_near": show.numbers(3, title="neighbours"),
    }
    return show.Frame(title, note, data, columns)


def _points(gain: Gain) -> str:
    low, high = (round(100 * end, 1) + 0 for end in gain.interval)  # none is -0.0
    return f"{100 * gain.value:+.1f}, {low:.1f} to {high:.1f}"
