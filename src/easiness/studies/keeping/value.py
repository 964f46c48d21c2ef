"""What to keep of a run's examples, and what more labels would give: the result of `worth`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Gain, Interval, paired_gain
from easiness.regular_file import in_words
from easiness.studies.keeping.choice import Judged
from easiness.studies.keeping.grid import ALL, EASIEST, HARDEST, RANDOM, Cell
from easiness.studies.keeping.heads import NEIGHBOURS
from easiness.studies.labels import Cleaned

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Right = npt.NDArray[np.bool_]

_NONE = 0.01  # of accuracy: so small a loss is called none

_HEADS, _NEAR = "by linear classifiers", f"by {NEIGHBOURS} nearest neighbours"
_LEFT_OUT = {EASIEST: "the hardest {}", HARDEST: "the easiest {}", RANDOM: "{} at random"}
_SCORE = (
    "Easy means a high mean probability of the label, suspect a label that is more likely wrong than "
    "right; both by heads that were not shown the example"
)


@dataclass(frozen=True, eq=False)
class Line:
    """A cell, the mean ``num`` of examples that it keeps, and its ``right`` heads [seeds, n].

    ``over_all`` and ``over_random`` are its gains over all examples of its size, and over as many at random.
    ``near`` [seeds, n] is of nearest neighbours, where they were asked.
    """

    cell: Cell
    num: float
    right: Right
    over_all: Gain | None
    over_random: Gain | None
    near: Right | None = None

    @property
    def accuracy(self) -> float:
        """The mean over seeds."""
        return float(self.right.mean())

    @property
    def name(self) -> str:
        """``hardest, suspects out``."""
        return f"{self.cell.kept}, suspects out" if self.cell.suspects_out else self.cell.kept


def lines_of(grid: Sequence[tuple[Cell, float, Right]]) -> tuple[Line, ...]:
    """Each cell with its gains over all of its size, and over as many at random."""
    known = {cell: right for cell, _, right in grid}
    made = []
    for cell, num, right in grid:
        everything = Cell(cell.size, ALL, 1.0, suspects_out=False)
        as_many = Cell(cell.size, RANDOM, cell.share, suspects_out=False)
        over_all = None if cell == everything else paired_gain(known[everything], right)
        rival = known.get(as_many) if cell not in (everything, as_many) else None
        over_random = None if rival is None else paired_gain(rival, right)
        made.append(Line(cell, num, right, over_all, over_random))
    return tuple(made)


@dataclass(frozen=True, eq=False)
class Worth(show.Result):
    """What to keep of ``num_examples``, tried on ``num_test`` others over ``num_seeds`` seeds.

    ``lines`` are all that was tried, ``advised`` and ``start`` the numbers of two of them: what to keep, and
    what it is held against; ``judged`` says what that is worth. ``margin`` is the loss that counts as none.
    ``keep`` has the labels with what is to be dropped, and ``twice`` what twice the labels would give, or
    ``silent`` why that is not known. Where no split was held out, ``test_wrong`` of the test labels are
    likely wrong; of a held-out split nobody asked.
    """

    run: str
    num_examples: int
    num_test: int
    num_seeds: int
    held_out: bool
    margin: float
    lines: tuple[Line, ...]
    advised: int
    start: int
    judged: Judged
    keep: Cleaned
    suspects: int
    twice: Interval | None
    silent: str = ""
    test_wrong: float | None = None

    @property
    def text(self) -> str:
        """What to keep, and what twice the labels would give, in two sentences."""
        return f"{self.advice}. {self.ahead}."

    @property
    def advice(self) -> str:
        """``of your 10,000: take the 180 suspects out, then you can leave out 60 % ...``."""
        line = self.lines[self.advised]
        of = f"of your {self.num_examples:,}"
        out = self.suspects if line.cell.suspects_out else 0
        taken = f"take the {show.counted(out, 'suspect')} out" if out else ""
        if line.cell.kept == ALL:
            rest = "keep all others" if taken else "keep all"
            gained = "" if not taken or self.judged.cleaned is None else f" ({self._by_each('cleaned')})"
            none = f"no smaller choice is shown to cost less than {self._margin}, {self._whom}"
            return f"{of}: {taken + gained + ', and ' if taken else ''}{rest}; {none}"
        left = 1 - line.num / (self.num_examples_tried - (out * self.num_examples_tried / self.num_examples))
        what = f"leave out {_LEFT_OUT[line.cell.kept].format(show.whole_percent(left))}"
        if taken and self.judged.cleaned is not None:
            taken += f" ({self._by_each('cleaned')})"
        how = f"{taken}, then you can {what}" if taken else f"you can {what}"
        if self.confirmed:
            low, high = (round(100 * end, 1) for end in self.judged.worst.interval)
            small = self.margin <= _NONE and high >= 0
            less = "at no loss" if small else f"at a loss of less than {self._margin}"
            verdict = "and gain" if low > 0 else less
            return f"{of}: {how} {verdict} ({self._by_each('beyond')})"
        doubt = f"where a loss of {self._margin} is not ruled out ({self._by_each('beyond')})"
        return f"{of}: {how.replace('you can', 'try to')}, {doubt}: let `verify` tell"

    @property
    def _whom(self) -> str:
        return " and ".join((_HEADS, _NEAR) if self.judged.near else (_HEADS,))

    def _by_each(self, name: str) -> str:
        """The judgements by heads, and by neighbours where they were asked."""
        by = ((self.judged, _HEADS), (self.judged.near, _NEAR))
        return "; ".join(f"{_points(getattr(one, name))} {whom}" for one, whom in by if one)

    @property
    def num_examples_tried(self) -> int:
        """Examples of the largest size: all, but those that were set aside to test on."""
        return max(line.cell.size for line in self.lines)

    @property
    def _margin(self) -> str:
        return f"{100 * self.margin:g} {'point' if self.margin == 0.01 else 'points'}"

    @property
    def confirmed(self) -> bool:
        """Was the loss of what is advised judged to be less than the margin?"""
        return self.judged.worst.interval[0] > -self.margin

    @property
    def ahead(self) -> str:
        """``twice as many labels would give linear classifiers +1.1 points (0.7 to 1.6)``, or why unknown."""
        if self.twice is None:
            return f"What twice as many labels would give is unknown: {self.silent}"
        value, low, high = (100 * one for one in self.twice)
        points = f"{value:+.1f} points ({low:.1f} to {high:.1f})"
        return f"Twice as many labels would give linear classifiers {points}"

    @cached_property
    def rivals(self) -> list[Line]:
        """The lines to read: all, all but the suspects, what is advised, and others of equal size."""
        advised = self.lines[self.advised]
        whole = [line for line in self.lines if line.cell.size == self.num_examples_tried]
        shown = [line for line in whole if line.cell.kept == ALL]
        return [*shown, *(one for one in whole if one.cell.share == advised.cell.share and one not in shown)]

    def table(self) -> pd.DataFrame:
        """A row for each cell of the grid.

        Of ``size`` examples the ``share`` that is ``kept`` (all, easiest, hardest or random), as a number
        (``num_kept``), with or without suspects (``suspects_out``); the ``accuracy`` of heads on them, and
        its gain ``over_all`` of that size and ``over_random``, as many at random, with 95 % intervals, in
        0..1; where neighbours were asked, their ``accuracy_near`` and ``near_over_all``. ``advised`` marks
        what is advised.
        """
        import pandas as pd

        rows, all_near = [], {one.cell.size: one.near for one in self.lines if one.cell.share == 1}
        for number, line in enumerate(self.lines):
            cell, near = line.cell, all_near[line.cell.size]
            over_near = None if line.near is None or near is None else paired_gain(near, line.near)
            gains = {"over_all": line.over_all, "over_random": line.over_random, "near_over_all": over_near}
            row: dict[str, Any] = {
                "size": cell.size,
                "kept": cell.kept,
                "share": line.num / cell.size if cell.share is None else cell.share,
                "num_kept": line.num,
                "suspects_out": cell.suspects_out,
                "accuracy": line.accuracy,
                "accuracy_near": np.nan if line.near is None else line.near.mean(),
            }
            for name, gain in gains.items():
                value, ends = (np.nan, (np.nan, np.nan)) if gain is None else (gain.value, gain.interval)
                row |= {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
            rows.append(row | {"advised": number == self.advised})
        return pd.DataFrame(rows)

    def document(self) -> Any:
        """The value of its JSON file: the sentences, what was judged, and the grid."""
        told = {"judged": self.judged, "judged_near": self.judged.near}
        judged = {name: None if one is None else one.document() for name, one in told.items()}
        about = {"advice": self.advice, "ahead": self.ahead, "margin": self.margin, "num_test": self.num_test}
        twice = None if self.twice is None else self.twice._asdict()
        grid = [show.defined(row) for row in self.table().to_dict("records")]
        return {**about, **judged, "twice_the_labels": twice, "grid": grid}

    def figure(self) -> Figure:
        """Accuracy against the share kept, a panel a size."""
        from easiness.studies.keeping.value import draw_worth

        return draw_worth(self)

    def sections(self) -> list[show.Section]:
        """What is advised, and its rivals at equal size."""
        judged = self.judged
        rows = [_HEADER, *(_row(line, line is self.lines[self.advised]) for line in self.rivals)]
        gains = [("over all", judged.over_all), ("over as many at random", judged.by_random)]
        said = " and ".join(f"{_points(gain)} {name}" for name, gain in gains if gain is not None)
        told = f"In points, judged on the half of the tests that had no part in the choice: {said}. "
        told = told if self.lines[self.advised].cell.kept != ALL else ""
        note = f"{show.capitalized(self.text)} {told}{self._about()}"
        return [show.Section(f"What to keep of {in_words(self.run)}", note, rows)]

    def details(self) -> list[show.Section]:
        """The whole grid, a table a size."""
        note = (
            "Accuracy of heads on what is kept; gains in points over all examples of this size and "
            "over as many at random, with 95 % intervals over draws and test examples. The whole "
            "size has one draw, and its intervals are for these very examples. The best of many rows "
            "is partly lucky."
        )
        return [
            show.Section(
                f"Of {size:,} labelled examples",
                note,
                [_HEADER, *(_row(line, line is self.lines[self.advised]) for line in lines)],
            )
            for size, lines in self.by_size()
        ]

    def by_size(self) -> Iterator[tuple[int, list[Line]]]:
        """The lines of each size, ascending."""
        for size in sorted({line.cell.size for line in self.lines}):
            yield size, [line for line in self.lines if line.cell.size == size]

    def _about(self) -> str:
        aside = f"of {self.num_examples:,} examples, set aside"
        where = f"{show.count(self.num_test)} {'held-out examples' if self.held_out else aside}"
        wrong = "taken as they are"
        if self.test_wrong:
            wrong += f", {show.whole_percent(self.test_wrong)} of them likely wrong"
        return (
            f"Classifiers on these features over {self.num_seeds} seeds, on {where}, whose "
            f"labels are {wrong}: wrong ones there make differences smaller. {_SCORE}. What "
            "twice as many labels would give is the mean over draws of as many. * marks what is advised; "
            f"{NEIGHBOURS} nearest neighbours tried what linear classifiers do not rule out."
        )


_GAINS = ["over all", "95 % interval", "over random", "95 % interval"]
_HEADER = ["kept", "examples", "share", "accuracy", *_GAINS, "neighbours"]


def _row(line: Line, advised: bool) -> list[str]:
    cells = [f"{line.name} *" if advised else line.name, show.count(round(line.num))]
    cells += [f"{line.num / line.cell.size:.2f}", show.number(line.accuracy, 3)]
    for gain in (line.over_all, line.over_random):
        if gain is None:
            cells += ["", ""]
        else:
            low, high = (100 * end for end in gain.interval)
            cells += [f"{100 * gain.value:+.1f}", show.interval_text(low, high, 1, signed=True)]
    return [*cells, "" if line.near is None else show.number(float(line.near.mean()), 3)]


def _points(gain: Gain) -> str:
    low, high = (round(100 * end, 1) + 0 for end in gain.interval)  # none is -0.0
    return f"{100 * gain.value:+.1f}, {low:.1f} to {high:.1f}"


_STYLES = {EASIEST: (show.EASY, "o"), HARDEST: (show.HARD, "s"), RANDOM: (show.INK, "D")}
_MOST = 4  # panels
_WIDTH, _HEIGHT = 2.1, 3.4
_BELOW, _ROOM = 0.15, 0.02  # of accuracy: what is farther below all examples is not drawn


def draw_worth(worth: Worth) -> Figure:
    """The largest sizes, at most four; a dotted line is the accuracy of all examples of the size.

    What is far below them all, as the hardest with the wrong labels among them may be, leaves the panel.
    """
    panels = list(worth.by_size())[-_MOST:]
    figure, first = show.new_axes(1.0 + _WIDTH * len(panels), _HEIGHT)
    grid = figure.add_gridspec(1, len(panels))
    first.set_subplotspec(grid[0])
    others = [figure.add_subplot(grid[at], sharey=first) for at in range(1, len(panels))]
    for axes, (size, lines) in zip([first, *others], panels, strict=True):
        _draw(axes, size, lines)
    for axes in others:
        axes.tick_params(labelleft=False)
    first.set_ylabel("accuracy")
    lowest = min(line.accuracy for _, lines in panels for line in lines)
    worst = min(_everything(lines).accuracy for _, lines in panels)
    first.set_ylim(bottom=max(lowest - _ROOM, worst - _BELOW))
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=min(len(panels) + 1, 4), frameon=False,
        fontsize=show.FONT_SIZE, labelcolor=show.INK,
    )  # fmt: skip
    return figure


def _everything(lines: list[Line]) -> Line:
    return next(line for line in lines if line.cell.kept == ALL and not line.cell.suspects_out)


def _draw(axes: Axes, size: int, lines: list[Line]) -> None:
    show.quiet(axes)
    axes.axhline(_everything(lines).accuracy, color=show.INK, linewidth=0.8, linestyle=":", label="all")
    for out in (False, True):
        for kept, (color, marker) in _STYLES.items():
            own = [one for one in lines if one.cell.kept == kept and one.cell.suspects_out == out]
            own = sorted((one for one in own if one.cell.share is not None), key=lambda one: one.num)
            axes.plot(
                [one.num / size for one in own],
                [one.accuracy for one in own],
                color=color,
                marker=marker,
                markersize=4,
                linewidth=1.4,
                linestyle="--" if out else "-",
                markerfacecolor="none" if out else color,
                label=f"{kept}, suspects out" if out else kept,
            )
    sound = next((one for one in lines if one.cell.kept == ALL and one.cell.suspects_out), None)
    if sound is not None and sound.num < size:
        axes.plot(
            [sound.num / size],
            [sound.accuracy],
            "*",
            color=show.TRAIN,
            markersize=9,
            label="all but suspects",
        )
    axes.set_title(f"{size:,} labelled", fontsize=show.FONT_SIZE, color=show.INK)
    axes.set_xlabel("share kept")
    axes.set_xticks(np.arange(0, 1.01, 0.25), ["0", "", "0.5", "", "1"])
    axes.set_xlim(0, 1.04)
