"""The result of a comparison of runs: matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP, SIDES, Agreement, GroupMatch, Match, Side, Ties
from easiness.errors import shorten
from easiness.lazy import Axes, Figure, pd
from easiness.show import number, quantity, with_interval
from easiness.store import Row
from easiness.studies.matching.reliability import Reliability, tail_text

_NAME = 14  # letters of a name, so that the table stays within 100 columns
_MOST_LINES = 5  # of a name in the figure
_NARROW = 0.2  # width of an interval that more trials would not change much
_MOST_PAIRS = 6  # of a side that have a sentence each, as those of four runs; more have theirs together


@dataclass(frozen=True)
class Cell:
    """One entry of a matching table: runs ``a`` and ``b`` by position, the same for a noise ceiling.

    ``groups`` compares groups of equal size and is ``None`` where a run has one trial; ``agreement`` is the
    `Agreement` that follows from it and the ceilings at the same group size, NaN on the diagonal.
    ``all_trials`` uses every trial and has no ceiling to be read against; on the diagonal it is ``None``.
    """

    a: int
    b: int
    side: Side
    ties: Ties
    groups: GroupMatch | None
    agreement: Agreement = field(default_factory=Agreement)
    all_trials: Match | None = None

    def values(self) -> dict[str, Any]:
        """The rate with everything beside it, as a flat row; ``None`` where there is no value."""
        groups, every = (vars(one) if one else {} for one in (self.groups, self.all_trials))
        names = ("bias", "decided", "group_size", "num_splits", "num_empty", "chance", "class_chance")
        row = {"rate": groups.get("rate"), **_both(groups, "interval", "low", "high")}
        row |= {name: groups.get(name) for name in names} | {"agreement": self.agreement.rate}
        row |= {f"agreement_{name}": getattr(self.agreement, name) for name in ("low", "high", "reason")}
        row |= _both(groups, "tie_mass", "tie_mass_a", "tie_mass_b") | _both(
            groups, "sizes", "size_a", "size_b"
        )
        row |= {f"all_trials_{name}": every.get(name) for name in ("rate", "chance", "class_chance")}
        row |= _both(every, "tie_mass", "all_trials_tie_mass_a", "all_trials_tie_mass_b")
        return {name: show.without_nan(value) for name, value in row.items()}


def _both(match: dict[str, Any], name: str, first: str, second: str) -> dict[str, Any]:
    return dict(zip((first, second), match.get(name, (None, None)), strict=True))


@dataclass(frozen=True)
class Comparison(show.Result):
    """Everything `compare` found; ``cells`` has the upper triangle for each side and policy.

    ``rows`` say after which epoch, or at which share, each run was read. ``resolution`` has of each run
    ``num_trials``, the shares of the examples that are ``right_in_all`` and ``right_in_none``, and the
    ``tie_mass`` by side. ``note`` says how the runs were observed, where it matters. ``reliability`` is empty
    where rates alone were asked for.
    """

    names: list[str]
    rows: tuple[Row, ...]
    fraction: float
    num_examples: int
    ties: tuple[Ties, ...]
    cells: list[Cell]
    resolution: list[dict[str, Any]]
    reliability: list[Reliability]
    note: str | None = None
    details: bool = field(default=False, repr=False)
    leads = True

    @property
    def notices(self) -> list[str]:
        return [] if self.note is None else [self.note]

    @property
    def headline(self) -> str:
        """The answers, a line each."""
        wrapper = textwrap.TextWrapper(100, subsequent_indent="  ", break_long_words=False)
        return "\n".join(wrapper.fill(text) for text in self.answers())

    def printed_sections(self) -> list[show.Section]:
        return self.sections() if self.details else [headline(self).section]

    @property
    def epoch(self) -> int | None:
        """The epoch after which trainings were read; ``None`` where there are runs on features alone."""
        return self.read_at.get("epoch")

    @property
    def at(self) -> str:
        """``after epoch 3``, ``at share 0.8``, or that of each run by its name."""
        if len(set(self.rows)) == 1:
            return self.rows[0].at
        parts = [f"{name} {row.at}" for name, row in zip(self.names, self.rows, strict=True)]
        return f"({', '.join(parts)})"

    @property
    def judge(self) -> str:
        """Name of what is put in groups: a ``trial``, or a ``head`` where all runs are on features."""
        return "trial" if any(row.share is None for row in self.rows) else "head"

    @property
    def read_at(self) -> dict[str, Any]:
        """``epoch`` and ``share``, as far as the runs were read after or at one; ``None`` for several."""
        values: dict[str, set[Any]] = {}
        for row in self.rows:
            values.setdefault(row.name, set()).add(row.value)
        return {name: one.pop() if len(one) == 1 else None for name, one in values.items()}

    def cell(self, a: int, b: int, side: Side, ties: Ties) -> Cell:
        key = min(a, b), max(a, b), side, ties
        return next(one for one in self.cells if (one.a, one.b, one.side, one.ties) == key)

    def table(self) -> pd.DataFrame:
        """One row per matching rate, both sides and all policies."""
        return pd.DataFrame([self._row(cell) for cell in self.cells])

    def _row(self, cell: Cell) -> dict[str, Any]:
        names = {"a": self.names[cell.a], "b": self.names[cell.b], "ceiling": cell.a == cell.b}
        of = {"side": cell.side, "ties": cell.ties, **names, **self.read_at, "fraction": self.fraction}
        return of | cell.values()

    def figure(self) -> Figure:
        """Table 1 as a picture, see `draw_matching`."""
        return draw_matching(self)

    def frames(self) -> list[show.Frame]:
        frames = [headline(self), *(_details(self, side) for side in SIDES)]
        for name, one in zip(self.names, self.reliability, strict=False):
            if one.by_epoch:
                ways = (one.row_name, "trials") if one.by_trials else (one.row_name,)
                frames += [_halves(name, self, one, by) for by in ways]
        return frames

    def remarks(self) -> list[str]:
        return [*self.notices, *self.answers()]

    def document(self) -> dict[str, Any]:
        """Answers, matching rates, resolution and reliability, and the note; keys are relied on."""
        values = [one.values() for one in self.reliability] or [{}] * len(self.names)
        runs = [
            {"name": name, "resolution": resolution, **alone}
            for name, resolution, alone in zip(self.names, self.resolution, values, strict=True)
        ]
        return {
            **self.read_at,
            "fraction": self.fraction,
            "num_examples": self.num_examples,
            "note": self.note,
            "answers": self.answers(),
            "runs": show.without_nan(runs),
            "matching": [self._row(cell) for cell in self.cells],
        }

    @property
    def headline_ties(self) -> Ties:
        """The policy for ties that the answers are about: ``refine`` if it was among those compared."""
        return "refine" if "refine" in self.ties else self.ties[0]

    def pair_name(self, cell: Cell) -> str:
        return " and ".join(self.names[at] for at in sorted({cell.a, cell.b}))

    def answers(self) -> list[str]:
        """The sentences of `pair_answers`, then what each run's sets hold and whether they still change."""
        by_text: dict[str, list[str]] = {}
        for name, own in zip(self.names, self.reliability, strict=False):
            ahead = own.outlook
            for text in (*ahead.sentences(with_time=False), *(f"warning: {one}" for one in ahead.warnings())):
                by_text.setdefault(text, []).append(name)
        return [*self.pair_answers(), *(f"{shorten(names)}: {text}" for text, names in by_text.items())]

    def pair_answers(self, pair: tuple[int, int] | None = None) -> list[str]:
        """A sentence for each side and pair of runs (``pair``: one by position), or each side of a run alone.

        More pairs than four runs have share a sentence, with the range of their rates.
        """
        alone = len(self.names) == 1
        of_side = [
            [
                cell
                for cell in self.cells
                if (cell.side, cell.ties) == (side, self.headline_ties)
                and (alone or cell.a != cell.b)
                and (pair is None or {cell.a, cell.b} == set(pair))
            ]
            for side in SIDES
        ]
        if max(map(len, of_side)) > _MOST_PAIRS:
            return [_range(self, cells) for cells in of_side]
        return [_answer(self, cell) for cells in of_side for cell in cells]


def _range(c: Comparison, cells: Sequence[Cell]) -> str:
    ranks = sorted((one for one in cells if one.agreement.rate >= 0), key=lambda one: one.agreement.rate)
    tail = f"of the {tail_text(cells[0].side, c.fraction)}"
    if not ranks:
        return f"how far {len(cells):,} pairs of runs agree on the sets {tail} cannot be told"
    least, most = (f"{number(one.agreement.rate)} ({c.pair_name(one)})" for one in (ranks[0], ranks[-1]))
    return f"{len(ranks):,} of {len(cells):,} pairs of runs agree on {least} to {most} {tail}"


def _answer(c: Comparison, cell: Cell) -> str:
    tail, name = tail_text(cell.side, c.fraction), c.pair_name(cell)
    groups, every = cell.groups, cell.all_trials
    if groups is None and every is None:
        return f"{name}: one {c.judge} cannot say how much of its {tail} another would find"
    if groups is None:
        assert every is not None
        return (
            f"{name} match in {number(every.rate)} of the {tail}; {number(every.chance)} would be chance; "
            f"with one {c.judge} of each, noise cannot be told from disagreement"
        )
    chance = f"{number(groups.chance)} would be chance"
    few = f"; undecided, since groups of fewer than {MIN_GROUP} {c.judge}s decide nothing"
    doubt = "" if groups.decided else few
    if cell.a == cell.b and math.isnan(groups.rate):
        return f"{name}: its sets of the {tail} are empty"
    if cell.a == cell.b:
        return (
            f"{name} finds {with_interval(groups.rate, *groups.interval)} of its {tail} again "
            f"with {quantity(groups.group_size, f'other {c.judge}')}; {chance}{doubt}"
        )
    if cell.agreement.reason is not None:
        match = f"groups of {quantity(groups.group_size, c.judge)} match in {number(groups.rate)}; {chance}"
        match = match if groups.rate >= 0 else "there is nothing to match"
        return f"how far {name} agree on the {tail} cannot be told ({cell.agreement.reason}); {match}{doubt}"
    text = with_interval(cell.agreement.rate, cell.agreement.low, cell.agreement.high)
    narrow = cell.agreement.high - cell.agreement.low <= _NARROW
    more = f"; more trials would {'hardly change that' if narrow else 'narrow that down'}"
    return f"{name} agree on {text} of the {tail}; {chance}{doubt or more}"


_CHANCES = ("chance", "class_chance", "all_trials_chance", "all_trials_class_chance")
_NUMBERS = ("rate", "low", "high", "group_size", "all_trials_rate", *_CHANCES)


def headline(c: Comparison) -> show.Frame:
    """The one table that goes with the answers, at most 100 columns wide."""
    ties = c.headline_ties
    rows = c.table()
    rows = rows[rows["ties"] == ties]
    rows = rows.astype(dict.fromkeys(_NUMBERS, float))  # without any value a column is of None
    for name in ("chance", "class_chance"):  # a run of one trial is in no groups
        rows[name] = rows[name].fillna(rows[f"all_trials_{name}"])
    a, b = (rows[name].map(shorten_middle) for name in ("a", "b"))
    rows["set"] = rows["side"] + ": " + a + " - " + b.where(~rows["ceiling"], "itself")
    rows["set"] += np.where(rows["rate"].isna() & rows["all_trials_rate"].notna(), ", all trials", "")
    rows = rows.assign(rate=rows["rate"].fillna(rows["all_trials_rate"]), decided=rows["decided"].ne(False))
    columns = {
        "set": show.names(),
        "rate": show.numbers(2, title="match", low="low", high="high", decisive="decided"),
        "agreement": show.numbers(2, low="agreement_low", high="agreement_high", decisive="decided"),
        "chance": show.numbers(2),
        "class_chance": show.numbers(2, title="by class"),
    }
    return show.Frame(
        f"Sets of {c.fraction:g} of {c.num_examples} examples {c.at}, ties {ties}",
        f"Match: matching rate between groups of as many {c.judge}s, with its 95 % interval; of a "
        f"network with itself it is the noise ceiling. Agreement: the match with endless {c.judge}s. "
        "By class: the match if networks agreed on classes alone. ? marks groups of fewer than "
        f"{MIN_GROUP} {c.judge}s. --details shows everything.",
        rows.sort_values("side", kind="stable"),
        columns,
    )


def shorten_middle(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[:6]}…{name[-7:]}"


def _details(c: Comparison, side: Side) -> show.Frame:
    rows = c.table()
    rows = rows[rows["side"] == side]
    pair = (rows["a"] + " - " + rows["b"]).where(~rows["ceiling"], "ceiling of " + rows["a"])
    columns = {
        "pair": show.names(),
        "ties": show.names(),
        "rate": show.numbers(2, low="low", high="high", decisive="decided"),
        "agreement": show.numbers(2, low="agreement_low", high="agreement_high"),
        "agreement_reason": show.names(title="why none"),
        "group_size": show.counts(title=f"{c.judge}s a group"),
    }
    ties = ("tie_mass_a", "tie_mass_b")
    numbers = ("bias", "chance", "class_chance", *ties, "all_trials_rate", "all_trials_chance")
    columns |= {name: show.numbers(2) for name in (*numbers, *(f"all_trials_{name}" for name in ties))}
    columns |= {name: show.numbers(0) for name in ("size_a", "size_b")}
    return show.Frame(
        f"{side.capitalize()} examples: what each rate must be read beside",
        "Rates are means over choices of disjoint groups. Intervals are a bootstrap over trials, "
        "without its bias. Class chance: the rate of sets that share only how many of each class "
        "they hold. Agreement: the rate with endless trials, or why it is unknown. Rates from all "
        "trials have no ceiling.",
        rows.assign(pair=pair),
        columns,
    )


def _halves(name: str, c: Comparison, of: Reliability, by: str) -> show.Frame:
    by_trials = by == "trials"
    rows = []
    for half in of.by_trials if by_trials else of.by_epoch:
        row: dict[str, Any] = {by: f"{of.value(half.epoch):g}"}
        if by_trials:
            row = {f"{of.judges} a group": half.group_size}
        row |= {"rank correlation": half.rank_correlation, "Spearman-Brown": half.spearman_brown}
        for side, tail in (("easy", half.easy), ("hard", half.hard)):
            row |= {f"{side} {one}": getattr(tail, one) for one in ("refine", "expected")}
            row[f"{side} tie mass"] = tail.tie_mass
        if not by_trials:
            row |= {f"{side} drift": of.drift[side].get(half.epoch, math.nan) for side in SIDES}
            best = [side for side in SIDES if of.best(side) == of.value(half.epoch)]
            row["best for"] = " and ".join(best)
        rows.append(row)
    title = f"{name}: reliability by {by}"
    note = (
        f"Matching rates between disjoint groups of {of.by_epoch[0].group_size} {of.judges}: how far "
        "the easy and hard sets repeat. Drift: the agreement of the refined sets with those of the last "
        f"{by}. Sets can repeat and still not be those."
    )
    if by_trials:
        title = f"{name}: reliability by number of {of.judges}, {c.at}"
        note = "Matching rate between groups, by their number of trials."
    return show.table(title, note, rows, digits=2)


def draw_matching(comparison: Comparison, sides: Sequence[Side] = SIDES) -> Figure:
    """Matching rates between groups of trials, with 95 % intervals: easy above the diagonal, hard below it.

    The diagonal, framed, is a network against itself: its noise ceiling. Rates of groups that are too small
    to decide anything are in italics.
    """
    ties = comparison.headline_ties
    num, names = len(comparison.names), [_wrap(name) for name in comparison.names]
    lines = max(name.count("\n") for name in names)
    figure = show.new_figure(1.6 + 1.15 * (num + 1), 1.0 + 0.13 * lines + 0.85 * num, layout="constrained")
    axes = figure.subplots()
    for side in sides:
        _draw_side(axes, comparison, side, sides, ties)
    for i in range(num):
        cells = [comparison.cell(i, i, side, ties).groups for side in sides]
        chances = [comparison.fraction if groups is None else groups.chance for groups in cells]
        text = "\n".join(dict.fromkeys(f"{chance:.2f}" for chance in chances))
        axes.text(num + 0.5, i + 0.5, text, ha="center", va="center", size=11, color=show.INK)
    axes.set(xlim=(0, num + 1), ylim=(num, 0))
    axes.set_xticks(np.arange(num + 1) + 0.5, [*names, "random"], size=show.FONT_SIZE)
    axes.set_yticks(np.arange(num) + 0.5, names, size=show.FONT_SIZE)
    axes.tick_params(length=0, labelcolor=show.INK, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.axvline(num, color=show.FAINT, linewidth=0.8)
    which = "easy examples above, hard ones below" if len(sides) > 1 else f"{sides[0]} examples"
    axes.set_title(f"{which}, {comparison.at}", size=show.FONT_SIZE, color=show.INK, loc="left")
    axes.spines[:].set_visible(False)
    return figure


def _draw_side(axes: Axes, comparison: Comparison, side: Side, sides: Sequence[Side], ties: Ties) -> None:
    """The cells of a side: those of the second one are mirrored, and the diagonal is shared."""
    from matplotlib.patches import Rectangle

    wash = show.EASY_WASH if side == "easy" else show.HARD_WASH
    second = sides.index(side)
    for i, j in combinations_with_replacement(range(len(comparison.names)), 2):
        groups = comparison.cell(i, j, side, ties).groups
        rate = math.nan if groups is None else groups.rate
        shade = 0.0 if math.isnan(rate) else 0.75 * min(1.0, rate)
        height = 1 / len(sides) if i == j else 1
        x, y = (i, j + second * height * (i == j)) if second else (j, i)
        frame = Rectangle((x + 0.03, y + 0.03), 0.94, height - 0.06, facecolor=(wash, shade))
        frame.set(edgecolor=show.INK, linewidth=1.2 if i == j else 0)
        axes.add_patch(frame)
        style = "normal" if groups is not None and groups.decided else "italic"
        text = "none" if math.isnan(rate) else f"{rate:.2f}"
        write = partial(axes.text, ha="center", va="center", style=style, color=show.ON_WASH)
        write(x + 0.5, y + 0.4 * height, text, size=8 + 4 * height)
        if groups is not None and not math.isnan(groups.interval[0]):
            write(x + 0.5, y + 0.76 * height, show.interval_text(*groups.interval), size=6.5 + height)


def _wrap(name: str) -> str:
    """A name in short lines, broken after what joins words, without mathematics."""
    lines = re.sub(r"(?!.{1,13}$)(.{1,13}[_\- ]|.{13})", "\\1\n", name).splitlines()
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = ["..."]
    return "\n".join(lines).replace("$", r"\$")
