"""What a comparison of runs found: the matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import dataclasses
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP, SIDES, Agreement, GroupMatch, Match, Side, SplitHalf, Ties
from easiness.show import interval_text, marked, number, with_interval
from easiness.store import Row
from easiness.studies.matching.answers import answers, headline_ties
from easiness.studies.matching.outlook import Outlook
from easiness.studies.matching.reliability import Reliability

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from easiness.studies.matching.reliability import Reliability


_NAME = 14  # letters of a name, so that the table stays within 100 columns


_NUMBERS = ("rate", "low", "high", "group_size", "chance", "class_chance", "all_trials_rate")


def headline(c: Comparison) -> show.Frame:
    """The one table that goes with the answers, at most 100 columns wide."""
    ties = headline_ties(c)
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


def comparison_frames(comparison: Comparison) -> list[show.Frame]:
    """The tables of `easiness compare`, in reading order."""
    frames = [_resolution(comparison)]
    for side in SIDES:
        frames += [_matrix(comparison, side), _details(comparison, side)]
    for name, reliability in zip(comparison.names, comparison.reliability, strict=False):
        if reliability.by_epoch:
            frames += [_by_epoch(name, reliability), _by_trials(name, comparison, reliability)]
    return frames


def _resolution(c: Comparison) -> show.Frame:
    rows = [
        {
            "run": name,
            f"{c.judge}s": run.num_trials,
            "right in all": run.right_in_all,
            "right in none": run.right_in_none,
            **{f"tie mass {side}": run.tie_mass[side] for side in SIDES},
        }
        for name, run in zip(c.names, c.resolution, strict=True)
    ]
    return show.table(
        f"How far easiness tells {c.num_examples} examples apart {c.at}",
        f"Shares of the examples, from all {c.judge}s. Tie mass: the share of the examples that tie "
        f"at the edge of a set of {c.fraction:g}.",
        rows,
    )


def _matrix(c: Comparison, side: Side) -> show.Frame:
    import pandas as pd

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
    rows = []
    for ties in c.ties:
        for cell in (cell for cell in c.cells if cell.side == side and cell.ties == ties):
            names = (c.names[cell.a], c.names[cell.b])
            g, every = cell.groups, cell.all_trials
            rows.append(
                {
                    "pair": "ceiling of " + names[0] if cell.a == cell.b else " - ".join(names),
                    "ties": ties,
                    "rate": _rate(g),
                    "95 % interval": interval_text(*g.interval) if g else "",
                    "bias": g.bias if g else math.nan,
                    f"{c.judge}s a group": str(g.group_size) if g else "",
                    **_chances(g or every),
                    "agreement": (number(cell.agreement) or _blank(cell)) if g else "",
                    "its 95 % interval": interval_text(cell.agreement_low, cell.agreement_high) if g else "",
                    "tie mass": " ".join(map(number, g.tie_mass)) if g else "",
                    "set sizes": " ".join(number(size, 0) for size in g.sizes) if g else "",
                    "all trials": (number(every.rate) or "empty") if every else "",
                    "tie mass of all": " ".join(map(number, every.tie_mass)) if every else "",
                }
            )
    return show.table(
        f"{side.capitalize()} examples: what each rate must be read beside",
        "Rates are means over choices of disjoint groups. Intervals are a bootstrap over trials, "
        "without its bias. Class chance: the rate of sets that share only how many of each class "
        "they hold. Agreement: the rate with endless trials, or why it is unknown. Rates from all "
        "trials have no ceiling.",
        rows,
        digits=2,
    )


def _chances(found: GroupMatch | Match | None) -> dict[str, float | None]:
    chance, of_classes = (found.chance, found.class_chance) if found else (math.nan, math.nan)
    return {"chance": chance, "class chance": of_classes}


def _blank(cell: Cell) -> str:
    """Why a cell has no agreement; nothing where none is asked for."""
    return "" if cell.agreed is None or cell.agreed.reason is None else f"none: {cell.agreed.reason}"


def _tails(half: SplitHalf) -> dict[str, float]:
    found = {"rank correlation": half.rank_correlation, "Spearman-Brown": half.spearman_brown}
    for side, tail in (("easy", half.easy), ("hard", half.hard)):
        found |= {
            f"{side} refine": tail.refine,
            f"{side} expected": tail.expected,
            f"{side} tie mass": tail.tie_mass,
        }
    return found


def _by_epoch(name: str, reliability: Reliability) -> show.Frame:
    name_of, value_of = reliability.row_name, reliability.value
    best = {side: reliability.best_epoch(side) for side in SIDES}
    rows = [
        {
            name_of: f"{value_of(half):g}",
            **_tails(half),
            **{f"{side} drift": reliability.drift[side].get(half.epoch, math.nan) for side in SIDES},
            "best for": " and ".join(side for side in SIDES if best[side] == half.epoch),
        }
        for half in reliability.by_epoch
    ]
    size = reliability.by_epoch[0].group_size
    return show.table(
        f"{name}: reliability by {name_of}",
        f"Matching rates between disjoint groups of {size} {reliability.judges}: how far the easy and "
        "hard sets repeat. Drift: the agreement of the refined sets with those of the last "
        f"{name_of}. Sets can repeat and still not be those.",
        rows,
        digits=2,
    )


def _by_trials(name: str, c: Comparison, reliability: Reliability) -> show.Frame:
    rows = [
        {f"{reliability.judges} a group": half.group_size, **_tails(half)} for half in reliability.by_trials
    ]
    return show.table(
        f"{name}: reliability by number of {reliability.judges}, {c.at}",
        "Matching rate between groups, by their number of trials.",
        rows,
        digits=2,
    )


_NAME_WIDTH, _MOST_LINES = 12, 5  # letters of a line of a name in the figure, and lines


@dataclass(frozen=True)
class Cell:
    """One entry of a matching table: runs ``a`` and ``b`` by position, the same for a noise ceiling.

    ``groups`` compares groups of equal size and is ``None`` where a run has one trial; ``agreed`` is the
    `Agreement` that follows from it and the ceilings at the same group size. ``all_trials`` uses every trial
    and has no ceiling to be read against. On the diagonal both are ``None``.
    """

    a: int
    b: int
    side: Side
    ties: Ties
    groups: GroupMatch | None
    agreed: Agreement | None
    all_trials: Match | None

    @property
    def agreement(self) -> float:
        """The matching rate without the noise of few trials, in [0, 1]; NaN where it cannot be told."""
        return math.nan if self.agreed is None else self.agreed.rate

    @property
    def agreement_low(self) -> float:
        """Low end of the 95 % interval of `agreement`."""
        return math.nan if self.agreed is None else self.agreed.low

    @property
    def agreement_high(self) -> float:
        """High end of the 95 % interval of `agreement`."""
        return math.nan if self.agreed is None else self.agreed.high


@dataclass(frozen=True)
class Resolution:
    """How far the N + 1 levels of easiness tell one run's examples apart at the epoch compared."""

    num_trials: int
    right_in_all: float
    right_in_none: float
    tie_mass: dict[Side, float]


@dataclass(frozen=True)
class Comparison(show.Result):
    """Everything `compare` found; ``cells`` has the upper triangle for each side and policy.

    ``rows`` say after which epoch, or at which share, each run was read. ``note`` says which runs have
    augmented observations or were not trained to the end then, where any, and of how many examples those
    compared were drawn. ``reliability`` is empty where rates alone were asked for.
    """

    names: list[str]
    rows: tuple[Row, ...]
    fraction: float
    num_examples: int
    ties: tuple[Ties, ...]
    cells: list[Cell]
    resolution: list[Resolution]
    reliability: list[Reliability]
    note: str | None = None
    detailed: bool = field(default=False, repr=False)
    leads = True

    @property
    def notices(self) -> list[str]:
        """Which runs were observed otherwise, or not to the end."""
        return [] if self.note is None else [self.note]

    @property
    def headline(self) -> str:
        """The answers, a line each."""
        wrapped = textwrap.TextWrapper(100, subsequent_indent="  ", break_long_words=False)
        return "\n".join(wrapped.fill(text) for text in answers(self))

    def printed(self) -> list[show.Section]:
        """The table that goes with the answers; with ``detailed`` every table."""
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
        """What is put in groups: a ``trial``, or a ``head`` where all runs are on features."""
        return "trial" if any(row.share is None for row in self.rows) else "head"

    @property
    def asked(self) -> dict[str, Any]:
        """``epoch`` and ``share``, as far as the runs were read after or at one."""
        of_rows = {name for row in self.rows for name in row.asked}
        return {name: getattr(self, name) for name in ("epoch", "share") if name in of_rows}

    @cached_property
    def _by_key(self) -> dict[tuple[int, int, Side, Ties], Cell]:
        return {(cell.a, cell.b, cell.side, cell.ties): cell for cell in self.cells}

    def cell(self, a: int, b: int, side: Side, ties: Ties) -> Cell:
        """The cell of two runs in either order."""
        return self._by_key[min(a, b), max(a, b), side, ties]

    def table(self) -> pd.DataFrame:
        """One row per matching rate, both sides and all policies."""
        import pandas as pd

        return pd.DataFrame([_cell_values(self, cell) for cell in self.cells])

    def figure(self) -> Figure:
        """Table 1 as a picture, see `draw_matching`."""
        return draw_matching(self)

    def frames(self) -> list[show.Frame]:
        """The table that goes with the answers, then every other."""
        return [headline(self), *comparison_frames(self)]

    def markdown(self) -> str:
        """Note, answers and all tables as Markdown."""
        note = "" if self.note is None else f"Note: {show.markdown_text(self.note)}.\n\n"
        sentences = "\n".join(f"- {show.markdown_text(text)}" for text in answers(self))
        return f"{note}{sentences}\n\n{show.sections_markdown(self.sections())}"

    def _repr_html_(self) -> str:
        return show.result_html(self.figure(), self.sections(), answers(self))

    def document(self) -> dict[str, Any]:
        """Answers, matching rates, resolution and reliability, and the note; keys are relied on."""
        judged = [{**one.values(), "outlook": _outlook_values(one.outlook)} for one in self.reliability] or [
            {}
        ] * len(self.names)
        runs = [
            {"name": name, "resolution": dataclasses.asdict(resolution), **alone}
            for name, resolution, alone in zip(self.names, self.resolution, judged, strict=True)
        ]
        return {
            **self.asked,
            "fraction": self.fraction,
            "num_examples": self.num_examples,
            "note": self.note,
            "answers": answers(self),
            "runs": show.defined(runs),
            "matching": [_cell_values(self, cell) for cell in self.cells],
        }


def _cell_values(comparison: Comparison, cell: Cell) -> dict[str, Any]:
    """One matching rate with everything beside it, as a flat row; ``None`` where there is no value."""
    groups, every = cell.groups, cell.all_trials
    row: dict[str, Any] = {
        "side": cell.side,
        "ties": cell.ties,
        "a": comparison.names[cell.a],
        "b": comparison.names[cell.b],
        "ceiling": cell.a == cell.b,
        **comparison.asked,
        "fraction": comparison.fraction,
        "rate": groups and groups.rate,
        "low": groups and groups.interval[0],
        "high": groups and groups.interval[1],
        "bias": groups and groups.bias,
        "decided": groups and groups.decided,
        "group_size": groups and groups.group_size,
        "num_splits": groups and groups.num_splits,
        "num_empty": groups and groups.num_empty,
        "chance": groups and groups.chance,
        "class_chance": groups and groups.class_chance,
        "agreement": cell.agreement,
        "agreement_low": cell.agreement_low,
        "agreement_high": cell.agreement_high,
        "agreement_reason": cell.agreed and cell.agreed.reason,
        "tie_mass_a": groups and groups.tie_mass[0],
        "tie_mass_b": groups and groups.tie_mass[1],
        "size_a": groups and groups.sizes[0],
        "size_b": groups and groups.sizes[1],
        "all_trials_rate": every and every.rate,
        "all_trials_chance": every and every.chance,
        "all_trials_class_chance": every and every.class_chance,
        "all_trials_tie_mass_a": every and every.tie_mass[0],
        "all_trials_tie_mass_b": every and every.tie_mass[1],
    }
    return {name: show.defined(value) for name, value in row.items()}


def _outlook_values(outlook: Outlook) -> dict[str, Any]:
    """What the sets of a run hold, by side: a share of the true set, and the trials that 90 % of it needs."""
    return {
        one.side: {
            **dict(zip(("share", "low", "high"), one.share(), strict=True)),
            "trials": one.num_trials,
            "trials_for_90_percent": one.trials_for(0.9),
        }
        for one in outlook.forecasts
    }


def draw_matching(comparison: Comparison, sides: Sequence[Side] = SIDES, ties: Ties | None = None) -> Figure:
    """Matching rates between groups of trials, with 95 % intervals and chance: easy above the diagonal.

    Those of hard examples are below it. The diagonal, framed, is a network against itself: its noise ceiling.
    What rests on groups that are too small to decide anything is in italics. ``ties`` is ``refine`` where the
    comparison has it.
    """
    from matplotlib.figure import Figure

    ties = headline_ties(comparison) if ties is None else ties
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
