"""What a comparison says: sentences that a person understands, then titled tables of text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from easiness.analysis import MIN_GROUP, SIDES, Side, SplitHalf, Ties
from easiness.show import Section, counted, interval_text, marked, number, with_interval
from easiness.studies.matching.outlook import tail_text

if TYPE_CHECKING:
    from easiness.studies.matching.comparison import Cell, Comparison
    from easiness.studies.matching.reliability import Reliability

_NARROW = 0.2  # width of an interval that more trials would not change much
_NAME = 14  # letters of a name, so that the table stays within 100 columns


def headline_ties(c: Comparison) -> Ties:
    """The policy for ties that the answers are about: ``refine`` if it was among those compared."""
    return "refine" if "refine" in c.ties else c.ties[0]


def answers(c: Comparison) -> list[str]:
    """The sentences of `pair_answers`, then what each run's sets hold and whether they still change."""
    sentences = pair_answers(c)
    for name, reliability in zip(c.names, c.reliability, strict=True):
        sentences += [f"{name}: {text}" for text in reliability.outlook.sentences(with_time=False)]
        sentences += [f"{name}: warning: {text}" for text in reliability.outlook.warnings()]
    return sentences


def pair_answers(c: Comparison) -> list[str]:
    """A sentence for each side and pair of runs, or for each side of a run that is alone."""
    return [_answer(c, cell) for cell in _headline_cells(c)]


def _headline_cells(c: Comparison) -> Iterator[Cell]:
    alone = len(c.names) == 1
    for side in SIDES:
        for cell in c.cells:
            if cell.side == side and cell.ties == headline_ties(c) and (alone or cell.a != cell.b):
                yield cell


def _answer(c: Comparison, cell: Cell) -> str:
    tail = tail_text(cell.side, c.fraction)
    names = f"{c.names[cell.a]} and {c.names[cell.b]}"
    groups, every = cell.groups, cell.all_trials
    if groups is None and every is None:
        return f"{c.names[cell.a]}: one trial does not say how far its {tail} would be found again"
    if groups is None:
        assert every is not None
        return (
            f"{names} match in {number(every.rate)} of the {tail}; {number(every.chance)} would be chance; "
            "with one trial of either it cannot be told how much of the rest is noise"
        )
    if math.isnan(groups.rate) and cell.a == cell.b:
        return f"{c.names[cell.a]}: its sets of the {tail} are empty"
    chance = f"{number(groups.chance)} would be chance"
    if cell.a == cell.b:
        return (
            f"{c.names[cell.a]} finds {with_interval(groups.rate, *groups.interval)} of its {tail} again "
            f"with {counted(groups.group_size, 'other trial')}; {chance}{_doubt(groups.decided)}"
        )
    assert cell.agreed is not None
    if cell.agreed.reason is not None:
        return (
            f"how far {names} agree on the {tail} cannot be told ({cell.agreed.reason}); "
            + (
                f"groups of {counted(groups.group_size, 'trial')} match in {number(groups.rate)}; {chance}"
                if groups.rate >= 0
                else "there is nothing to match"
            )
            + _doubt(groups.decided)
        )
    width = cell.agreement_high - cell.agreement_low
    more = "would not change that much" if width <= _NARROW else "would narrow that down"
    return (
        f"{names} agree on {with_interval(cell.agreement, cell.agreement_low, cell.agreement_high)} of the "
        f"{tail}; {chance}{f'; more trials {more}' if groups.decided else _doubt(groups.decided)}"
    )


def _doubt(decided: bool) -> str:
    return "" if decided else f"; undecided, since groups of fewer than {MIN_GROUP} trials decide nothing"


def headline(c: Comparison) -> Section:
    """The one table that goes with the answers, at most 100 columns wide."""
    ties = headline_ties(c)
    rows = [["set", "match", "agreement", "chance", "by class"]]
    rows += [_row(c, cell) for side in SIDES for cell in c.cells if (cell.side, cell.ties) == (side, ties)]
    return Section(
        f"Sets of {c.fraction:g} of {c.num_examples} examples after epoch {c.epoch}, ties {ties}",
        "Match: between groups of equally many trials, with 95 % intervals; of a network with itself it is "
        "the noise ceiling. Agreement: what it would be with endless trials. By class: chance if only "
        f"classes differed. ? marks groups of fewer than {MIN_GROUP} trials. --details shows everything.",
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
    for name, reliability in zip(comparison.names, comparison.reliability, strict=True):
        if reliability.by_epoch:
            sections += [_by_epoch(name, reliability), _by_trials(name, comparison, reliability)]
    return sections


def _resolution(c: Comparison) -> Section:
    rows = [["run", "trials", "right in all", "right in none", "tie mass easy", "tie mass hard"]]
    for name, run in zip(c.names, c.resolution, strict=True):
        shares = (run.right_in_all, run.right_in_none, run.tie_mass["easy"], run.tie_mass["hard"])
        rows.append([name, str(run.num_trials), *(number(share, 3) for share in shares)])
    return Section(
        f"How far easiness tells {c.num_examples} examples apart after epoch {c.epoch}",
        f"Shares of the examples, of all trials. Tie mass: the level that the cut at {c.fraction:g} splits.",
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
        f"{side.capitalize()} examples: matching rates after epoch {c.epoch}, fraction {c.fraction:g}",
        "Between groups of equal size; the diagonal is a network against itself, the noise ceiling. "
        f"? marks groups of fewer than {MIN_GROUP} trials, which decide nothing.",
        rows,
    )


def _chance_of(c: Comparison, i: int, side: Side, ties: Ties) -> float:
    groups = c.cell(i, i, side, ties).groups
    return groups.chance if groups else c.fraction


def _details(c: Comparison, side: Side) -> Section:
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
        "Rates are means over choices of disjoint groups; the interval is a bootstrap over trials with its "
        "bias taken off. Class chance: membership independent within each class. Agreement: the rate that "
        "endless trials would give, or why it cannot be told. Rates from all trials have no ceiling to be "
        "read against.",
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


def _by_trials(name: str, c: Comparison, reliability: Reliability) -> Section:
    rows = [["trials a group", *_TAILS]]
    rows += [[str(half.group_size), *_tails(half)] for half in reliability.by_trials]
    return Section(
        f"{name}: reliability by number of trials, after epoch {c.epoch}",
        "How far groups match as they have more trials.",
        rows,
    )
