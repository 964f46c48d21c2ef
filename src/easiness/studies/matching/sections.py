"""A comparison as titled tables of text, from which the terminal and Markdown are rendered alike."""

from __future__ import annotations

import math

from easiness.analysis import MIN_GROUP, SIDES, Side, SplitHalf, Ties
from easiness.show import Section, number
from easiness.studies.matching.found import Cell, Compared
from easiness.studies.matching.reliability import Reliability


def comparison_sections(comparison: Compared) -> list[Section]:
    """The tables of `easiness compare`, in reading order."""
    sections = [_resolution(comparison)]
    for side in SIDES:
        sections += [_matrix(comparison, side), _details(comparison, side)]
    for name, reliability in zip(comparison.names, comparison.reliability, strict=True):
        if reliability.by_epoch:
            sections += [_by_epoch(name, reliability), _by_trials(name, comparison, reliability)]
    return sections


def _resolution(c: Compared) -> Section:
    rows = [["run", "trials", "right in all", "right in none", "tie mass easy", "tie mass hard"]]
    for name, run in zip(c.names, c.resolution, strict=True):
        shares = (run.right_in_all, run.right_in_none, run.tie_mass["easy"], run.tie_mass["hard"])
        rows.append([name, str(run.num_trials), *(number(share, 3) for share in shares)])
    return Section(
        f"How far easiness tells {c.num_examples} examples apart after epoch {c.epoch}",
        f"Shares of the examples, of all trials. Tie mass: the level that the cut at {c.fraction:g} splits.",
        rows,
    )


def _matrix(c: Compared, side: Side) -> Section:
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
                row.append("-" if j < i else _marked(groups.rate, groups.decided) if groups else "none")
            row.append(number(_chance(c, i, side, ties)))
        rows.append(row)
    return Section(
        f"{side.capitalize()} examples: matching rates after epoch {c.epoch}, fraction {c.fraction:g}",
        "Between groups of equal size; the diagonal is a network against itself, the noise ceiling. "
        f"? marks groups of fewer than {MIN_GROUP} trials, which decide nothing.",
        rows,
    )


def _marked(rate: float, decided: bool) -> str:
    return (number(rate) or "empty") + ("" if decided else "?")


def _chance(c: Compared, i: int, side: Side, ties: Ties) -> float:
    groups = c.cell(i, i, side, ties).groups
    return groups.chance if groups else c.fraction


def _details(c: Compared, side: Side) -> Section:
    rows = [
        [
            "pair",
            "ties",
            "rate",
            "95 % interval",
            "bias",
            "trials a group",
            "chance",
            "class chance",
            "agreement",
            "its 95 % interval",
            "tie mass",
            "set sizes",
            "all trials",
            "tie mass of all",
        ]
    ]
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
                    _marked(g.rate, g.decided),
                    _interval(*g.interval),
                    number(g.bias),
                    str(g.group_size),
                    number(g.chance),
                    number(g.class_chance),
                    number(cell.agreement) or _blank(cell),
                    _interval(cell.agreement_low, cell.agreement_high),
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
        "Rates are means over choices of disjoint groups; the interval is a bootstrap over trials with its "
        "bias taken off. Class chance: membership independent within each class. Agreement: the rate that "
        "endless trials would give, or why it cannot be told. Rates from all trials have no ceiling to be "
        "read against.",
        rows,
    )


def _interval(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{number(low)} to {number(high)}"


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
    best = {side: reliability.best_epoch(side) for side in SIDES}
    rows = [["epoch", *_TAILS, *(f"{side} drift" for side in SIDES), "best for"]]
    for half in reliability.by_epoch:
        marks = [side for side in SIDES if best[side] == half.epoch]
        drifts = [number(reliability.drift[side].get(half.epoch)) for side in SIDES]
        rows.append([str(half.epoch), *_tails(half), *drifts, " and ".join(marks)])
    size = reliability.by_epoch[0].group_size
    return Section(
        f"{name}: reliability by epoch",
        f"How far disjoint groups of {size} trials repeat: matching rates of the easy and hard sets. Drift: "
        "how far the refined sets are those of the last epoch, without noise; sets may repeat and yet be "
        "others.",
        rows,
    )


def _by_trials(name: str, c: Compared, reliability: Reliability) -> Section:
    rows = [["trials a group", *_TAILS]]
    rows += [[str(half.group_size), *_tails(half)] for half in reliability.by_trials]
    return Section(
        f"{name}: reliability by number of trials, after epoch {c.epoch}",
        "How far groups match as they have more trials.",
        rows,
    )
