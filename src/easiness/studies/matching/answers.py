"""What a comparison says in sentences that a person understands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from easiness.analysis import MIN_GROUP, SIDES, Ties
from easiness.errors import shorten
from easiness.show import counted, number, with_interval
from easiness.studies.matching.outlook import tail_text

if TYPE_CHECKING:
    from easiness.studies.matching.comparison import Cell, Comparison

_NARROW = 0.2  # width of an interval that more trials would not change much
_MOST_PAIRS = 6  # of a side that have a sentence each, as those of four runs; more have theirs together


def headline_ties(c: Comparison) -> Ties:
    """The policy for ties that the answers are about: ``refine`` if it was among those compared."""
    return "refine" if "refine" in c.ties else c.ties[0]


def answers(c: Comparison) -> list[str]:
    """The sentences of `pair_answers`, then what each run's sets hold and whether they still change."""
    named: dict[str, list[str]] = {}
    for name, reliability in zip(c.names, c.reliability, strict=False):
        ahead = reliability.outlook
        for text in (*ahead.sentences(with_time=False), *(f"warning: {one}" for one in ahead.warnings())):
            named.setdefault(text, []).append(name)
    return [*pair_answers(c), *(f"{shorten(names)}: {text}" for text, names in named.items())]


def pair_answers(c: Comparison, pair: tuple[int, int] | None = None) -> list[str]:
    """A sentence for each side and pair of runs, or for each side of a run that is alone.

    More pairs than four runs have share a sentence, with the range of their rates, where the same can be said
    of them. With a ``pair`` of positions it is of this alone.
    """
    cells = [cell for cell in _headline_cells(c) if pair is None or {cell.a, cell.b} == set(pair)]
    together = len(cells) > _MOST_PAIRS * len(SIDES)
    alike: dict[object, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(_kind(cell) if together else (cell.side, cell.a, cell.b), []).append(cell)
    return [_answer(c, ones) for ones in alike.values()]


def _kind(cell: Cell) -> object:
    """What two pairs have in common that one sentence can be about."""
    groups = cell.groups
    told = None if groups is None else (groups.group_size, groups.decided, math.isnan(groups.rate))
    return cell.side, told, cell.agreed and cell.agreed.reason


def _headline_cells(c: Comparison) -> Iterator[Cell]:
    alone = len(c.names) == 1
    for side in SIDES:
        for cell in c.cells:
            if cell.side == side and cell.ties == headline_ties(c) and (alone or cell.a != cell.b):
                yield cell


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
    assert cell.agreed is not None
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
    agreed = with_interval(cell.agreement, cell.agreement_low, cell.agreement_high)
    if num > 1:
        ends = [choose(cells, key=lambda one: one.agreement) for choose in (min, max)]
        agreed = " to ".join(
            f"{number(one.agreement)} ({c.names[one.a]} and {c.names[one.b]})" for one in ends
        )
    narrow = all(one.agreement_high - one.agreement_low <= _NARROW for one in cells)
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
