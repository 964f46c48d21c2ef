"""The result of a comparison of runs: matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP, SIDES, Agreement, GroupMatch, Match, Side, Ties
from easiness.errors import shorten
from easiness.lazy import Axes, Figure, pd
from easiness.show import counted, marked, number, with_interval
from easiness.store import Row
from easiness.studies.matching.reliability import Reliability, tail_text

_NAME = 14  # letters of a name, so that the table stays within 100 columns
_NAME_WIDTH, _MOST_LINES = 12, 5  # letters of a line of a name in the figure, and lines
_NARROW = 0.2  # width of an interval that more trials would not change much
_MOST_PAIRS = 6  # of a side that have a sentence each, as those of four runs; more have theirs together


@dataclass(frozen=True)
class Cell:
    """One entry of a matching table: runs ``a`` and ``b`` by position, the same for a noise ceiling.

    ``groups`` compares groups of equal size and is ``None`` where a run has one trial; ``agreed`` is the
    `Agreement` that follows from it and the ceilings at the same group size, NaN on the diagonal.
    ``all_trials`` uses every trial and has no ceiling to be read against; on the diagonal it is ``None``.
    """

    a: int
    b: int
    side: Side
    ties: Ties
    groups: GroupMatch | None
    agreed: Agreement = field(default_factory=Agreement)
    all_trials: Match | None = None

    @property
    def agreement(self) -> float:
        """The matching rate without the noise of few trials, in [0, 1]; NaN where it cannot be told."""
        return self.agreed.rate

    def values(self) -> dict[str, Any]:
        """The rate with everything beside it, as a flat row; ``None`` where there is no value."""
        groups, every, agreed = self.groups, self.all_trials, self.agreed

        def of(match: Any, name: str, at: int | None = None) -> Any:
            value = getattr(match, name, None)
            return show.defined(value if at is None or value is None else value[at])

        names = ("bias", "decided", "group_size", "num_splits", "num_empty", "chance", "class_chance")
        return {
            "rate": of(groups, "rate"),
            "low": of(groups, "interval", 0),
            "high": of(groups, "interval", 1),
            **{name: of(groups, name) for name in names},
            "agreement": of(agreed, "rate"),
            **{f"agreement_{name}": of(agreed, name) for name in ("low", "high", "reason")},
            **{f"tie_mass_{run}": of(groups, "tie_mass", at) for at, run in enumerate("ab")},
            **{f"size_{run}": of(groups, "sizes", at) for at, run in enumerate("ab")},
            **{f"all_trials_{name}": of(every, name) for name in ("rate", "chance", "class_chance")},
            **{f"all_trials_tie_mass_{run}": of(every, "tie_mass", at) for at, run in enumerate("ab")},
        }


@dataclass(frozen=True)
class Comparison(show.Result):
    """Everything `compare` found; ``cells`` has the upper triangle for each side and policy.

    ``rows`` say after which epoch, or at which share, each run was read. ``resolution`` has of each run
    ``num_trials``, the shares of the examples that are ``right_in_all`` and ``right_in_none``, and the
    ``tie_mass`` by side. ``note`` says which runs have augmented observations or were not trained to the end
    then, where any, and of how many examples those compared were drawn. ``reliability`` is empty where
    rates alone were asked for.
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
    detailed: bool = field(default=False, repr=False)
    leads = True

    @property
    def notices(self) -> list[str]:
        return [] if self.note is None else [self.note]

    @property
    def headline(self) -> str:
        """The answers, a line each."""
        wrapped = textwrap.TextWrapper(100, subsequent_indent="  ", break_long_words=False)
        return "\n".join(wrapped.fill(text) for text in self.answers())

    def printed(self) -> list[show.Section]:
        return self.sections() if self.detailed else [headline(self).section]

    @property
    def epoch(self) -> int | None:
        """The epoch after which trainings were read; ``None`` where there are runs on features alone."""
        return next((row.number for row in self.rows if row.share is None), None)

    @property
    def share(self) -> float | None:
        """The share that runs on features were read at; ``None`` without any, and where they are several."""
        shares = {row.share for row in self.rows if row.share is not None}
        return shares.pop() if len(shares) == 1 else None

    @property
    def at(self) -> str:
        """``after epoch 3``, ``at share 0.8``, or that of each run by its name."""
        if len(set(self.rows)) == 1:
            return self.rows[0].at
        named = [f"{name} {row.at}" for name, row in zip(self.names, self.rows, strict=True)]
        return f"({', '.join(named)})"

    @property
    def judge(self) -> str:
        """Name of what is put in groups: a ``trial``, or a ``head`` where all runs are on features."""
        return "trial" if any(row.share is None for row in self.rows) else "head"

    @property
    def asked(self) -> dict[str, Any]:
        """``epoch`` and ``share``, as far as the runs were read after or at one."""
        of_rows = {name for row in self.rows for name in row.argument}
        return {name: getattr(self, name) for name in ("epoch", "share") if name in of_rows}

    @cached_property
    def _by_key(self) -> dict[tuple[int, int, Side, Ties], Cell]:
        return {(cell.a, cell.b, cell.side, cell.ties): cell for cell in self.cells}

    def cell(self, a: int, b: int, side: Side, ties: Ties) -> Cell:
        return self._by_key[min(a, b), max(a, b), side, ties]

    def table(self) -> pd.DataFrame:
        """One row per matching rate, both sides and all policies."""
        return pd.DataFrame([self._row(cell) for cell in self.cells])

    def _row(self, cell: Cell) -> dict[str, Any]:
        names = {"a": self.names[cell.a], "b": self.names[cell.b], "ceiling": cell.a == cell.b}
        of = {"side": cell.side, "ties": cell.ties, **names, **self.asked, "fraction": self.fraction}
        return of | cell.values()

    def figure(self) -> Figure:
        """Table 1 as a picture, see `draw_matching`."""
        return draw_matching(self)

    def frames(self) -> list[show.Frame]:
        frames = [headline(self), _resolution(self)]
        for side in SIDES:
            frames += [_matrix(self, side), _details(self, side)]
        for name, judged in zip(self.names, self.reliability, strict=False):
            if judged.by_epoch:
                frames += [_halves(name, self, judged, by) for by in (judged.row_name, "trials")]
        return frames

    def markdown(self) -> str:
        note = "" if self.note is None else f"Note: {show.markdown_text(self.note)}.\n\n"
        sentences = "\n".join(f"- {show.markdown_text(text)}" for text in self.answers())
        return f"{note}{sentences}\n\n{show.sections_markdown(self.sections())}"

    def _repr_html_(self) -> str:
        return show.result_html(self.figure(), self.sections(), self.answers())

    def document(self) -> dict[str, Any]:
        """Answers, matching rates, resolution and reliability, and the note; keys are relied on."""
        judged = [one.values() for one in self.reliability] or [{}] * len(self.names)
        runs = [
            {"name": name, "resolution": resolution, **alone}
            for name, resolution, alone in zip(self.names, self.resolution, judged, strict=True)
        ]
        return {
            **self.asked,
            "fraction": self.fraction,
            "num_examples": self.num_examples,
            "note": self.note,
            "answers": self.answers(),
            "runs": show.defined(runs),
            "matching": [self._row(cell) for cell in self.cells],
        }

    @property
    def headline_ties(self) -> Ties:
        """The policy for ties that the answers are about: ``refine`` if it was among those compared."""
        return "refine" if "refine" in self.ties else self.ties[0]

    def answers(self) -> list[str]:
        """The sentences of `pair_answers`, then what each run's sets hold and whether they still change."""
        named: dict[str, list[str]] = {}
        for name, judged in zip(self.names, self.reliability, strict=False):
            ahead = judged.outlook
            for text in (*ahead.sentences(with_time=False), *(f"warning: {one}" for one in ahead.warnings())):
                named.setdefault(text, []).append(name)
        return [*self.pair_answers(), *(f"{shorten(names)}: {text}" for text, names in named.items())]

    def pair_answers(self, pair: tuple[int, int] | None = None) -> list[str]:
        """A sentence for each side and pair of runs, or for each side of a run that is alone.

        More pairs than four runs have share a sentence, with the range of their rates, where the same can be
        said of them. With a ``pair`` of positions it is of this alone.
        """
        alone = len(self.names) == 1
        cells = [
            cell
            for side in SIDES
            for cell in self.cells
            if (cell.side, cell.ties) == (side, self.headline_ties)
            and (alone or cell.a != cell.b)
            and (pair is None or {cell.a, cell.b} == set(pair))
        ]
        together = len(cells) > _MOST_PAIRS * len(SIDES)
        alike: dict[object, list[Cell]] = {}
        for cell in cells:
            groups = cell.groups
            told = None if groups is None else (groups.group_size, groups.decided, math.isnan(groups.rate))
            kind = (told, cell.agreed.reason) if together else (cell.a, cell.b)
            alike.setdefault((cell.side, *kind), []).append(cell)
        return [_answer(self, ones) for ones in alike.values()]


def _answer(c: Comparison, cells: Sequence[Cell]) -> str:
    """One sentence on a pair of runs, or on several of a kind."""
    cell, num = cells[0], len(cells)
    tail = tail_text(cell.side, c.fraction)
    names = f"{c.names[cell.a]} and {c.names[cell.b]}" if num == 1 else f"{num:,} pairs of runs"
    groups, every = cell.groups, cell.all_trials
    if groups is None and every is None:
        return f"{c.names[cell.a]}: one {c.judge} cannot say how much of its {tail} another would find"
    matches = [one.all_trials if one.groups is None else one.groups for one in cells]
    rate = _range(match.rate for match in matches if match)
    chance = f"{_range(match.chance for match in matches if match)} would be chance"
    if groups is None:
        return (
            f"{names} match in {rate} of the {tail}; {chance}; "
            f"with one {c.judge} of each, noise cannot be told from disagreement"
        )
    if math.isnan(groups.rate) and cell.a == cell.b:
        return f"{c.names[cell.a]}: its sets of the {tail} are empty"
    if cell.a == cell.b:
        return (
            f"{c.names[cell.a]} finds {with_interval(groups.rate, *groups.interval)} of its {tail} again "
            f"with {counted(groups.group_size, f'other {c.judge}')}; {chance}{_doubt(c, groups.decided)}"
        )
    if cell.agreed.reason is not None:
        return (
            f"how far {names} agree on the {tail} cannot be told ({cell.agreed.reason}); "
            + (
                f"groups of {counted(groups.group_size, c.judge)} match in {rate}; {chance}"
                if groups.rate >= 0
                else "there is nothing to match"
            )
            + _doubt(c, groups.decided)
        )
    agreed = with_interval(cell.agreed.rate, cell.agreed.low, cell.agreed.high)
    if num > 1:
        ends = [choose(cells, key=lambda one: one.agreement) for choose in (min, max)]
        agreed = " to ".join(
            f"{number(one.agreement)} ({c.names[one.a]} and {c.names[one.b]})" for one in ends
        )
    narrow = all(one.agreed.high - one.agreed.low <= _NARROW for one in cells)
    more = "would hardly change that" if narrow else "would narrow that down"
    return (
        f"{names} agree on {agreed} of the {tail}; "
        f"{chance}{f'; more trials {more}' if groups.decided else _doubt(c, groups.decided)}"
    )


def _range(values: Iterable[float]) -> str:
    found = sorted(values)
    return " to ".join(dict.fromkeys((number(found[0]), number(found[-1]))))


def _doubt(c: Comparison, decided: bool) -> str:
    few = f"groups of fewer than {MIN_GROUP} {c.judge}s"
    return "" if decided else f"; undecided, since {few} decide nothing"


_NUMBERS = ("rate", "low", "high", "group_size", "chance", "class_chance", "all_trials_rate")


def headline(c: Comparison) -> show.Frame:
    """The one table that goes with the answers, at most 100 columns wide."""
    ties = c.headline_ties
    rows = c.table()
    rows = rows[rows["ties"] == ties]
    rows = rows.astype(dict.fromkeys(_NUMBERS, float))  # without any value a column is of None
    for name in ("chance", "class_chance"):  # a run of one trial is in no groups
        rows[name] = rows[name].fillna(rows[f"all_trials_{name}"])
    a, b = (rows[name].map(shortened) for name in ("a", "b"))
    rows["set"] = rows["side"] + ": " + a + " - " + b.where(~rows["ceiling"], "itself")
    rows["match"] = [_match(row) for row in rows.to_dict("records")]
    columns = {
        "set": show.names(),
        "match": show.names(),
        "agreement": show.numbers(2, low="agreement_low", high="agreement_high", decided="decided"),
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


def _match(row: Mapping[Any, Any]) -> str:
    """The rate of a row between groups, or that of all trials where a run has one alone."""
    if not math.isnan(row["group_size"]):
        return marked(with_interval(row["rate"], row["low"], row["high"]), row["decided"])
    every = number(row["all_trials_rate"])
    return every and f"{every} (all trials)"


def shortened(name: str) -> str:
    """A name with its middle left out where it is long."""
    if len(name) <= _NAME:
        return name
    ends = _NAME - 1
    return f"{name[: ends // 2]}…{name[-(ends - ends // 2) :]}"


def _resolution(c: Comparison) -> show.Frame:
    rows = [
        {
            "run": name,
            f"{c.judge}s": of["num_trials"],
            "right in all": of["right_in_all"],
            "right in none": of["right_in_none"],
            **{f"tie mass {side}": of["tie_mass"][side] for side in SIDES},
        }
        for name, of in zip(c.names, c.resolution, strict=True)
    ]
    return show.table(
        f"How far easiness tells {c.num_examples} examples apart {c.at}",
        f"Shares of the examples, from all {c.judge}s. Tie mass: the share of the examples that tie "
        f"at the edge of a set of {c.fraction:g}.",
        rows,
    )


def _matrix(c: Comparison, side: Side) -> show.Frame:
    columns, cells = {"name": show.names(title=" ")}, {"name": c.names}
    for ties in c.ties:
        for j, other in enumerate(c.names):
            columns[f"{ties} {j}"] = show.names(title=other if j else f"{ties}: {other}")
            cells[f"{ties} {j}"] = [
                "-" if j < i else _rate(c.cell(i, j, side, ties).groups) for i in range(len(c.names))
            ]
        columns[f"{ties} random"] = show.names(title="random")
        cells[f"{ties} random"] = [number(_chance_of(c, i, side, ties)) for i in range(len(c.names))]
    return show.Frame(
        f"{side.capitalize()} examples: matching rates {c.at}, fraction {c.fraction:g}",
        "Between groups of equal size. The diagonal is a network against itself: the noise ceiling. "
        f"? marks groups of fewer than {MIN_GROUP} {c.judge}s, which decide nothing.",
        pd.DataFrame(cells),
        columns,
    )


def _rate(groups: GroupMatch | None) -> str:
    return marked(number(groups.rate) or "empty", groups.decided) if groups else "none"


def _chance_of(c: Comparison, i: int, side: Side, ties: Ties) -> float:
    groups = c.cell(i, i, side, ties).groups
    return groups.chance if groups else c.fraction


def _details(c: Comparison, side: Side) -> show.Frame:
    rows = c.table()
    rows = rows[rows["side"] == side]
    pair = (rows["a"] + " - " + rows["b"]).where(~rows["ceiling"], "ceiling of " + rows["a"])
    numbers = dict.fromkeys(("chance", "class_chance", "tie_mass_a", "tie_mass_b"), show.numbers(2))
    every = ("all_trials_rate", "all_trials_chance", "all_trials_tie_mass_a", "all_trials_tie_mass_b")
    columns = {
        "pair": show.names(),
        "ties": show.names(),
        "rate": show.numbers(2, low="low", high="high", decided="decided"),
        "bias": show.numbers(2),
        "group_size": show.counts(title=f"{c.judge}s a group"),
        **numbers,
        "size_a": show.numbers(0),
        "size_b": show.numbers(0),
        "agreement": show.numbers(2, low="agreement_low", high="agreement_high"),
        "agreement_reason": show.names(title="why none"),
        **dict.fromkeys(every, show.numbers(2)),
    }
    return show.Frame(
        f"{side.capitalize()} examples: what each rate must be read beside",
        "Rates are means over choices of disjoint groups. Intervals are a bootstrap over trials, "
        "without its bias. Class chance: the rate of sets that share only how many of each class "
        "they hold. Agreement: the rate with endless trials, or why it is unknown. Rates from all "
        "trials have no ceiling.",
        rows.assign(pair=pair),
        columns,
    )


def _halves(name: str, c: Comparison, judged: Reliability, by: str) -> show.Frame:
    """How far halves of the trials agree, by epoch or share, or by the number of trials in them."""
    by_trials = by == "trials"
    rows = []
    for half in judged.by_trials if by_trials else judged.by_epoch:
        row: dict[str, Any] = {by: f"{judged.value(half.epoch):g}"}
        if by_trials:
            row = {f"{judged.judges} a group": half.group_size}
        row |= {"rank correlation": half.rank_correlation, "Spearman-Brown": half.spearman_brown}
        for side, tail in (("easy", half.easy), ("hard", half.hard)):
            row |= {f"{side} {one}": getattr(tail, one) for one in ("refine", "expected")}
            row[f"{side} tie mass"] = tail.tie_mass
        if not by_trials:
            row |= {f"{side} drift": judged.drift[side].get(half.epoch, math.nan) for side in SIDES}
            best = [side for side in SIDES if judged.best_epoch(side) == half.epoch]
            row["best for"] = " and ".join(best)
        rows.append(row)
    title = f"{name}: reliability by {by}"
    note = (
        f"Matching rates between disjoint groups of {judged.by_epoch[0].group_size} {judged.judges}: how far "
        "the easy and hard sets repeat. Drift: the agreement of the refined sets with those of the last "
        f"{by}. Sets can repeat and still not be those."
    )
    if by_trials:
        title = f"{name}: reliability by number of {judged.judges}, {c.at}"
        note = "Matching rate between groups, by their number of trials."
    return show.table(title, note, rows, digits=2)


def draw_matching(comparison: Comparison, sides: Sequence[Side] = SIDES, ties: Ties | None = None) -> Figure:
    """Matching rates between groups of trials, with 95 % intervals and chance: easy above the diagonal.

    Those of hard examples are below it. The diagonal, framed, is a network against itself: its noise ceiling.
    What rests on groups that are too small to decide anything is in italics. ``ties`` is ``refine`` where the
    comparison has it.
    """
    from matplotlib.figure import Figure

    ties = comparison.headline_ties if ties is None else ties
    num, names = len(comparison.names), [_wrapped(name) for name in comparison.names]
    lines = max(name.count("\n") for name in names)
    figure = Figure(figsize=(1.6 + 1.15 * (num + 1), 1.0 + 0.13 * lines + 0.85 * num), layout="constrained")
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
    for spine in axes.spines.values():
        spine.set_visible(False)
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


def _wrapped(name: str) -> str:
    """A name in short lines, broken after what joins words, without mathematics."""
    lines = [""]
    for part in re.findall(rf"[^_\- ]{{1,{_NAME_WIDTH}}}[_\- ]?|[_\- ]", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip("_- ")) > _NAME_WIDTH + 1:
            lines.append("")
        lines[-1] += part
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = ["..."]
    return "\n".join(lines).replace("$", r"\$")
