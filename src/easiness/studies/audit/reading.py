"""The answers in an audit's file: which of the examples drawn were looked at, and what was seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data import DRAWN, UNSURE, Decisions, splits_in
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.runs import decisions_on
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.audit.design import KNOWN, Design, parse

_WRITE = "easiness audit RUN -o audit.csv writes one"

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What was seen of the first n examples drawn, up to the first that is undecided.

    ``at`` [n] are their positions among the examples of the ``split``, ``strata`` [n] those that they are of;
    labels were seen to be ``wrong`` [n], or nobody was ``unsure`` [n]. ``known_at`` [m], ``known_wrong`` and
    ``known_unsure`` are of those decided before. ``behind`` counts answers behind the first undecided row,
    which is that of ``undecided``.
    """

    split: Split
    design: Design
    at: Positions
    strata: Positions
    wrong: Mask
    unsure: Mask
    known_at: Positions
    known_wrong: Mask
    known_unsure: Mask
    undecided: str
    behind: int


@dataclass(frozen=True)
class _Row:
    where: str
    name: str
    at: int
    order: str
    stratum: str


def read_answers(
    run: Run,
    file: str | os.PathLike[str],
    split: Split | None,
    name_of: Callable[[Design, Split, Positions, int], str],
) -> Answers:
    """The answers in a file that an audit of the run wrote.

    Args:
        run: whose labels were looked at.
        file: with the actions filled in, all or the first ones.
        split: that they are of; by default the one that the file names.
        name_of: the name of the example that a design drew as a look, given the positions known.
    """
    if split is None:
        split = "held_out" if "held_out" in splits_in(file) else "train"
    decisions, path = decisions_on(run, file, split), at_home(file)
    design, rows = _rows(decisions, path)
    known = [row for row in rows if row.stratum == KNOWN]
    known_at = np.array([row.at for row in known], np.int64)
    drawn = {int(row.order): row for row in rows if row.stratum != KNOWN}
    _check_whole(path, design, drawn, len(known), lambda look: name_of(design, split, known_at, look))
    actions = dict(zip(decisions.at.tolist(), decisions.actions.tolist(), strict=True))
    wrong = dict(zip(decisions.at.tolist(), decisions.wrong.tolist(), strict=True))
    in_order = [drawn[look] for look in range(1, design.looks + 1)]
    decided = [row.at in actions for row in in_order]
    first = decided.index(False) if False in decided else len(decided)
    _check_decided(in_order[0] if not first else None, [row for row in known if row.at not in actions])

    def seen(some: list[_Row]) -> tuple[Positions, Mask, Mask]:
        at = [row.at for row in some]
        unsure = np.array([actions[one] == UNSURE for one in at], np.bool_)
        return np.array(at, np.int64), np.array([wrong[one] for one in at], np.bool_), unsure

    strata = np.array([int(row.stratum) - 1 for row in in_order[:first]], np.int64)
    at, is_wrong, unsure = seen(in_order[:first])
    undecided = "" if first == len(in_order) else f"{in_order[first].where}, {in_order[first].name}"
    behind = sum(decided[first:])
    return Answers(split, design, at, strata, is_wrong, unsure, *seen(known), undecided, behind)


def _check_decided(first: _Row | None, known: list[_Row]) -> None:
    """Refuse where the ``first`` row or some ``known`` ones are undecided."""
    if first is not None:
        raise BadInput(
            f"{first.where}: the example {first.name!r}, the first one drawn, has no action, so none counts; "
            "write keep, relabel, drop or unsure"
        )
    if known:
        raise BadInput(
            f"{known[0].where}: the example {known[0].name!r} was decided before the draw, and has no action "
            "now; write it in"
        )


def _rows(decisions: Decisions, path: Path) -> tuple[Design, list[_Row]]:
    """The design, which all rows have to tell alike, and the rows."""
    missing = next((name for name in DRAWN if name not in decisions.columns), None)
    if missing is not None:
        raise BadInput(f"{path}: is no audit, without the column {missing!r}; {_WRITE}")
    ids, listed = decisions.of.ids, decisions.listed
    design = next(filter(None, (parse(row["draw"]) for row in listed.values())), None)
    if design is None:
        raise BadInput(f"{path}: no row tells in the column 'draw' how it was drawn; {_WRITE}")
    num = int(design.strata.sizes.sum())
    if num + design.known != len(ids) or not 0 < design.looks <= num:
        raise BadInput(
            f"{path}: was drawn from {num + design.known} labels, and there are {len(ids)}; {_WRITE}"
        )
    rows = []
    for at, row in listed.items():
        name, where = str(ids[at]), decisions.places[at]
        if not row["draw"].strip():
            raise BadInput(
                f"{where}: the example {name!r} was not drawn, and would bend the answer; take the row out"
            )
        order, stratum = _whole(row["order"]), _whole(row["stratum"])
        sound = stratum == KNOWN or (
            _is_up_to(order, design.looks) and _is_up_to(stratum, len(design.strata.sizes))
        )
        told = design.cell(decisions.data, decisions.split, name, order, stratum)
        if not sound or row["draw"].strip() != told:
            raise BadInput(
                f"{where}: the example {name!r} was not drawn like this, as look {order or 'none'}; give "
                "the file that audit wrote, with nothing changed but the actions"
            )
        rows.append(_Row(where, name, at, order, stratum))
    return design, rows


def _whole(text: str) -> str:
    """A number without what a spreadsheet may have added to it."""
    return text.strip().removesuffix(".0")


def _is_up_to(text: str, most: int) -> bool:
    """Is it a number from 1 to ``most``, as we write them?"""
    return len(text) < 10 and text.isascii() and text.isdigit() and 1 <= int(text) <= most


def _check_whole(
    path: Path, design: Design, drawn: Mapping[int, _Row], num_known: int, name_of: Callable[[int], str]
) -> None:
    missing = [look for look in range(1, design.looks + 1) if look not in drawn]
    if missing:
        one, rest = f"look {missing[0]}{name_of(missing[0])}", len(missing) - 1
        which, it, row = (
            (f"{one} and {rest} more were", "them", "rows") if rest else (f"{one} was", "it", "row")
        )
        there = "are" if rest else "is"
        raise BadInput(
            f"{path}: {which} drawn and {there} not there, and without {it} the answer would be bent; put "
            f"the {row} back, with unsure where you cannot tell"
        )
    if num_known != design.known:
        raise BadInput(
            f"{path}: has {num_known} of the {design.known} rows that were known when it was drawn; put all "
            "of them back"
        )
