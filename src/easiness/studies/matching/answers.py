"""What a comparison says in sentences that a person understands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from easiness.analysis import MIN_GROUP, SIDES, Ties
from easiness.show import counted, number, with_interval
from easiness.studies.matching.outlook import tail_text

if TYPE_CHECKING:
    from easiness.studies.matching.comparison import Cell, Comparison

_NARROW = 0.2  # width of an interval that more trials would not change much


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


def pair_answers(c: Comparison, pair: tuple[int, int] | None = None) -> list[str]:
    """A sentence for each side and pair of runs, or for each side of a run that is alone.

    With a ``pair`` of positions it is of this alone.
    """
    cells = _headline_cells(c)
    return [_answer(c, cell) for cell in cells if pair is None or {cell.a, cell.b} == set(pair)]


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
        return f"{c.names[cell.a]}: one {c.judge} cannot say how much of its {tail} another would find"
    if groups is None:
        assert every is not None
        return (
            f"{names} match in {number(every.rate)} of the {tail}; {number(every.chance)} would be chance; "
            f"with one {c.judge} of each, noise cannot be told from disagreement"
        )
    if math.isnan(groups.rate) and cell.a == cell.b:
        return f"{c.names[cell.a]}: its sets of the {tail} are empty"
    chance = f"{number(groups.chance)} would be chance"
    if cell.a == cell.b:
        return (
            f"{c.names[cell.a]} finds {with_interval(groups.rate, *groups.interval)} of its {tail} again "
            f"with {counted(groups.group_size, f'other {c.judge}')}; {chance}{_doubt(c, groups.decided)}"
        )
    assert cell.agreed is not None
    if cell.agreed.reason is not None:
        return (
            f"how far {names} agree on the {tail} cannot be told ({cell.agreed.reason}); "
            + (
                f"groups of {counted(groups.group_size, c.judge)} match in {number(groups.rate)}; {chance}"
                if groups.rate >= 0
                else "there is nothing to match"
            )
            + _doubt(c, groups.decided)
        )
    width = cell.agreement_high - cell.agreement_low
    more = "would hardly change that" if width <= _NARROW else "would narrow that down"
    return (
        f"{names} agree on {with_interval(cell.agreement, cell.agreement_low, cell.agreement_high)} of the "
        f"{tail}; {chance}{f'; more trials {more}' if groups.decided else _doubt(c, groups.decided)}"
    )


def _doubt(c: Comparison, decided: bool) -> str:
    few = f"groups of fewer than {MIN_GROUP} {c.judge}s"
    return "" if decided else f"; undecided, since {few} decide nothing"
