"""What a comparison says, in sentences that a person understands, before any table."""

from __future__ import annotations

import math
from collections.abc import Iterator

from easiness.analysis import MIN_GROUP, SIDES, Ties
from easiness.show import Section, counted, number
from easiness.studies.matching.found import Cell, Compared
from easiness.studies.matching.outlook import tail_text

_NARROW = 0.2  # width of an interval that more trials would not change much
_NAME = 14  # letters of a name, so that the table stays within 100 columns


def headline_ties(c: Compared) -> Ties:
    """The policy for ties that the answers are about: ``refine`` if it was among those compared."""
    return "refine" if "refine" in c.ties else c.ties[0]


def answers(c: Compared) -> list[str]:
    """Those of `pair_answers`, then what each run's sets hold and whether they still change."""
    said = pair_answers(c)
    for name, reliability in zip(c.names, c.reliability, strict=True):
        said += [f"{name}: {text}" for text in reliability.outlook.sentences(with_time=False)]
        said += [f"{name}: warning: {text}" for text in reliability.outlook.warnings()]
    return said


def pair_answers(c: Compared) -> list[str]:
    """A sentence for each side and pair of runs, or for each side of a run that is alone."""
    return [_answer(c, cell) for cell in _headline_cells(c)]


def _headline_cells(c: Compared) -> Iterator[Cell]:
    alone = len(c.names) == 1
    for side in SIDES:
        for cell in c.cells:
            if cell.side == side and cell.ties == headline_ties(c) and (alone or cell.a != cell.b):
                yield cell


def _answer(c: Compared, cell: Cell) -> str:
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
            f"{c.names[cell.a]} finds {_within(groups.rate, *groups.interval)} of its {tail} again with "
            f"{_trials(groups.group_size, 'other ')}; {chance}{_doubt(groups.decided)}"
        )
    assert cell.agreed is not None
    if cell.agreed.reason is not None:
        return (
            f"how far {names} agree on the {tail} cannot be told ({cell.agreed.reason}); "
            + (
                f"groups of {_trials(groups.group_size)} match in {number(groups.rate)}; {chance}"
                if groups.rate >= 0
                else "there is nothing to match"
            )
            + _doubt(groups.decided)
        )
    width = cell.agreement_high - cell.agreement_low
    more = "would not change that much" if width <= _NARROW else "would narrow that down"
    return (
        f"{names} agree on {_within(cell.agreement, cell.agreement_low, cell.agreement_high)} of the {tail}; "
        f"{chance}{f'; more trials {more}' if groups.decided else _doubt(groups.decided)}"
    )


def _trials(num: int, which: str = "") -> str:
    return counted(num, f"{which}trial")


def _within(rate: float, low: float, high: float) -> str:
    return number(rate) + ("" if math.isnan(low) else f" ({number(low)} to {number(high)})")


def _doubt(decided: bool) -> str:
    return "" if decided else f"; undecided, since groups of fewer than {MIN_GROUP} trials decide nothing"


def headline(c: Compared) -> Section:
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


def _row(c: Compared, cell: Cell) -> list[str]:
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
    mark = "" if groups.decided else "?"
    match = _within(groups.rate, *groups.interval) + mark
    agreed = _within(cell.agreement, cell.agreement_low, cell.agreement_high) + mark
    known = "" if math.isnan(cell.agreement) else agreed
    return [name, match, known, number(groups.chance), number(groups.class_chance)]


def shortened(name: str) -> str:
    """A name with its middle left out where it is long."""
    if len(name) <= _NAME:
        return name
    ends = _NAME - 1
    return f"{name[: ends // 2]}…{name[-(ends - ends // 2) :]}"
