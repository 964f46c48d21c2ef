"""What a comparison says in titled tables of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.analysis import MIN_GROUP, SIDES, Side, SplitHalf, Ties
from easiness.show import Section, interval_text, marked, number, with_interval
from easiness.studies.matching.answers import headline_ties

if TYPE_CHECKING:
    from easiness.studies.matching.comparison import Cell, Comparison
    from easiness.studies.matching.reliability import Reliability

_NAME = 14  # letters of a name, so that the table stays within 100 columns


def headline(c: Comparison) -> Section:
    """The one table that goes with the answers, at most 100 columns wide."""
    ties = headline_ties(c)
    rows = [["set", "match", "agreement", "chance", "by class"]]
    rows += [_row(c, cell) for side in SIDES for cell in c.cells if (cell.side, cell.ties) == (side, ties)]
    return Section(
        f"Sets of {c.fraction:g} of {c.num_examples} examples {c.at}, ties {ties}",
        f"Match: matching rate between groups of as many {c.judge}s, with its 95 % interval; of a "
        f"network with itself it is the noise ceiling. Agreement: the match with endless {c.judge}s. "
        "By class: the match if networks agreed on classes alone. ? marks groups of fewer than "
        f"{MIN_GROUP} {c.judge}s. --details shows everything.",
        rows,
    )


def _row(c: Comparison, cell: Cell) -> list[str]:
    a, b = shortened(c.names[cell.a]), shortened(c.names[cell.b])
    groups, every = cell.groups, cell.all_trials
    name = f"{cell.side}: {a} - {'itself' if cell.a == cell.b else b}"
    if groups is None:
        if every is None:
            return [name, "", "", "", ""]
        return [
            name,
            f"{number(every.rate)} (all trials)",
            "",
            number(every.chance),
            number(every.class_chance),
        ]
    match = marked(with_interval(groups.rate, *groups.interval), groups.decided)
    agreed = with_interval(cell.agreement, cell.agreement_low, cell.agreement_high)
    known = marked(agreed, groups.decided) if agreed else ""
    return [name, match, known, number(groups.chance), number(groups.class_chance)]


def shortened(name: str) -> str:
    """A name with its middle left out where it is long."""
    if len(name) <= _NAME:
        return name
    ends = _NAME - 1
    return f"{name[: ends // 2]}…{name[-(ends - ends // 2) :]}"


def comparison_sections(comparison: Comparison) -> list[Section]:
    """The tables of `easiness compare`, in reading order."""
    sections = [_resolution(comparison)]
    for side in SIDES:
        sections += [_matrix(comparison, side), _details(comparison, side)]
    for name, reliability in zip(comparison.names, comparison.reliability, strict=False):
        if reliability.by_epoch:
            sections += [_by_epoch(name, reliability), _by_trials(name, comparison, reliability)]
    return sections


def _resolution(c: Comparison) -> Section:
    rows = [["run", f"{c.judge}s", "right in all", "right in none", "tie mass easy", "tie mass hard"]]
    for name, run in zip(c.names, c.resolution, strict=True):
        shares = (run.right_in_all, run.right_in_none, run.tie_mass["easy"], run.tie_mass["hard"])
        rows.append([name, str(run.num_trials), *(number(share, 3) for share in shares)])
    return Section(
        f"How far easiness tells {c.num_examples} examples apart {c.at}",
        f"Shares of the examples, from all {c.judge}s. Tie mass: the share of the examples that tie "
        f"at the edge of a set of {c.fraction:g}.",
        rows,
    )


def _matrix(c: Comparison, side: Side) -> Section:
    num = len(c.names)
    header = [""]
    for ties in c.ties:
        header += [f"{ties}: {c.names[0]}", *c.names[1:], "random"]
    rows = [header]
    for i, name in enumerate(c.names):
        row = [name]
        for ties in c.ties:
            for j in range(num):
                groups = c.cell(i, j, side, ties).groups if j >= i else None
                row.append(
                    "-"
                    if j < i
                    else marked(number(groups.rate) or "empty", groups.decided)
                    if groups
                    else "none"
                )
            row.append(number(_chance_of(c, i, side, ties)))
        rows.append(row)
    return Section(
        f"{side.capitalize()} examples: matching rates {c.at}, fraction {c.fraction:g}",
        "Between groups of equal size. The diagonal is a network against itself: the noise ceiling. "
        f"? marks groups of fewer than {MIN_GROUP} {c.judge}s, which decide nothing.",
        rows,
    )


def _chance_of(c: Comparison, i: int, side: Side, ties: Ties) -> float:
    groups = c.cell(i, i, side, ties).groups
    return groups.chance if groups else c.fraction


_RATE = ["pair", "ties", "rate", "95 % interval", "bias"]
_BESIDE = [
    "chance",
    "class chance",
    "agreement",
    "its 95 % interval",
    "tie mass",
    "set sizes",
    "all trials",
    "tie mass of all",
]


def _details(c: Comparison, side: Side) -> Section:
    rows = [[*_RATE, f"{c.judge}s a group", *_BESIDE]]
    for ties in c.ties:
        for cell in (cell for cell in c.cells if cell.side == side and cell.ties == ties):
            names = (c.names[cell.a], c.names[cell.b])
            row = ["ceiling of " + names[0] if cell.a == cell.b else " - ".join(names), ties]
            g, every = cell.groups, cell.all_trials
            if g is None:
                chances = (every.chance, every.class_chance) if every else (None, None)
                row += ["none", "", "", "", *(number(chance) for chance in chances), "", "", "", ""]
            else:
                row += [
                    marked(number(g.rate) or "empty", g.decided),
                    interval_text(*g.interval),
                    number(g.bias),
                    str(g.group_size),
                    number(g.chance),
                    number(g.class_chance),
                    number(cell.agreement) or _blank(cell),
                    interval_text(cell.agreement_low, cell.agreement_high),
                    " ".join(number(mass) for mass in g.tie_mass),
                    " ".join(number(size, 0) for size in g.sizes),
                ]
            row += (
                ["", ""]
                if every is None
                else [number(every.rate) or "empty", " ".join(number(mass) for mass in every.tie_mass)]
            )
            rows.append(row)
    return Section(
        f"{side.capitalize()} examples: what each rate must be read beside",
        "Rates are means over choices of disjoint groups. Intervals are a bootstrap over trials, "
        "without its bias. Class chance: the rate of sets that share only how many of each class "
        "they hold. Agreement: the rate with endless trials, or why it is unknown. Rates from all "
        "trials have no ceiling.",
        rows,
    )


def _blank(cell: Cell) -> str:
    """Why a cell has no agreement; nothing where none is asked for."""
    return "" if cell.agreed is None or cell.agreed.reason is None else f"none: {cell.agreed.reason}"


_TAILS = [
    "rank correlation",
    "Spearman-Brown",
    "easy refine",
    "easy expected",
    "easy tie mass",
    "hard refine",
    "hard expected",
    "hard tie mass",
]


def _tails(half: SplitHalf) -> list[str]:
    values = [half.rank_correlation, half.spearman_brown]
    for tail in (half.easy, half.hard):
        values += [tail.refine, tail.expected, tail.tie_mass]
    return [number(value) for value in values]


def _by_epoch(name: str, reliability: Reliability) -> Section:
    name_of, value_of = reliability.row_name, reliability.value
    best = {side: reliability.best_epoch(side) for side in SIDES}
    rows = [[name_of, *_TAILS, *(f"{side} drift" for side in SIDES), "best for"]]
    for half in reliability.by_epoch:
        marks = [side for side in SIDES if best[side] == half.epoch]
        drifts = [number(reliability.drift[side].get(half.epoch)) for side in SIDES]
        rows.append([f"{value_of(half):g}", *_tails(half), *drifts, " and ".join(marks)])
    size = reliability.by_epoch[0].group_size
    return Section(
        f"{name}: reliability by {name_of}",
        f"Matching rates between disjoint groups of {size} {reliability.judges}: how far the easy and "
        "hard sets repeat. Drift: the agreement of the refined sets with those of the last "
        f"{name_of}. Sets can repeat and still not be those.",
        rows,
    )


def _by_trials(name: str, c: Comparison, reliability: Reliability) -> Section:
    rows = [[f"{reliability.judges} a group", *_TAILS]]
    rows += [[str(half.group_size), *_tails(half)] for half in reliability.by_trials]
    return Section(
        f"{name}: reliability by number of {reliability.judges}, {c.at}",
        "Matching rate between groups, by their number of trials.",
        rows,
    )
