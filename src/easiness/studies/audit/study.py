"""``audit``: draw labels to look at, and say how many are wrong from what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np

from easiness.data import DRAWN, UNSURE, Decisions, splits_in
from easiness.engine import OneRun, Study, share
from easiness.errors import BadInput
from easiness.runs import data_version, decisions_on, labelled_examples
from easiness.spec import Option, Split
from easiness.store import Run
from easiness.studies.audit.drawing import (
    KNOWN,
    Design,
    Drawn,
    Positions,
    check_request,
    design_of,
    drawn_ranks,
    parse,
    rows_of,
)
from easiness.studies.audit.found import Answers, Audited, Mask
from easiness.studies.suspects import Suspected, suspects

if TYPE_CHECKING:
    import pandas as pd

_WRITE = "easiness audit RUN -o audit.csv writes one"


@dataclass(frozen=True)
class Auditing:
    """What `audit` asks."""

    run: OneRun
    looks: Annotated[
        int | None, Option("--looks", "How many labels to draw; 100 where --at-most does not say.")
    ] = None
    at_most: Annotated[
        float | None,
        Option(
            "--at-most",
            "Draw labels in an order, to stop as soon as it is shown that at most this share is left wrong, "
            "such as 1%. The bound holds at every look.",
            metavar="P",
            read=share,
        ),
    ] = None
    seed: Annotated[int, Option("--seed", "Of the draw.")] = 0
    split: Annotated[
        Split | None,
        Option(
            "--split",
            "Labels of the examples measured, or of the held-out split. Default: train, or what the file of "
            "--decided names.",
        ),
    ] = None
    blind: Annotated[bool, Option("--blind", "Hide what is suggested, and how probable it is.")] = False
    known: Annotated[
        Path | None,
        Option("--known", "Decisions made before, signed or not. Labels are drawn from the rest."),
    ] = None
    decided: Annotated[
        Path | None,
        Option(
            "--decided",
            "The file that was drawn, with its actions filled in, all or the first: says how many are wrong.",
        ),
    ] = None


def audit(asked: Auditing) -> Drawn | Audited:
    """Draw labels to look at; or, with ``decided``, how many of all labels are wrong, and how many are left.

    Labels are drawn by chance from strata of the list of suspects, more where ``p_wrong`` leaves it open, and
    every one may be drawn. So the answer is right whatever ``p_wrong`` is worth, and the better that is, the
    narrower the interval.
    """
    run, looks, at_most, seed, known = asked.run, asked.looks, asked.at_most, asked.seed, asked.known
    if asked.decided is not None:
        if (looks, at_most, seed, asked.blind, known) != (None, None, 0, False, None):
            raise BadInput(
                f"--decided {asked.decided}: says itself how it was drawn; leave out what draws "
                "(--looks, --at-most, --seed, --blind, --known)"
            )
        return _answered(run, asked.decided, asked.split)
    check_request(looks, at_most, seed)
    split = asked.split or "train"
    decisions = None if known is None else _known(run, known, split)
    ranked, _ = _unknown(run, split, np.zeros(0, np.int64) if decisions is None else decisions.at)
    num = len(labelled_examples(run, split).ids)
    if not len(ranked):
        raise BadInput(
            f"{known}: all {num} labels are decided, so the number of wrong ones is known; count them"
        )
    design, needed = design_of(ranked["p_wrong"].to_numpy(), num, looks, at_most, seed)
    data = data_version(run)
    rows = rows_of(ranked, design, split, data, decisions)
    return Drawn(split, data, num, design, rows, asked.blind, needed, run.path)


def _known(run: Run, file: Path, split: Split) -> Decisions:
    """The decisions that are sure, of a file that somebody has looked at examples for."""
    found = decisions_on(run, file, split)
    if _unseen(found):
        raise BadInput(
            f"{file}: has actions as `easiness labels` writes them unseen, without a name in the column by; "
            "give decisions as the page exports them or an audit's file, or write into by who looked"
        )
    return found.part(found.sure)


def _unseen(found: Decisions) -> bool:
    """Is the file as `labels` writes it: for all examples, or without the column in which one signs?"""
    if not len(found) or any(found.by) or any(found.times):
        return False
    return len(found) == len(found.of.ids) or "by" not in found.columns


def _unknown(run: Run, split: Split, known: Positions) -> tuple[pd.DataFrame, Positions]:
    """The list of suspects without those known, and the rank of every example [K] in all of it."""
    ranked = suspects(Suspected((run,), split=split, pictures=False)).ranked
    ids = labelled_examples(run, split).ids
    at = ranked["id"].map({name: position for position, name in enumerate(ids.tolist())}).to_numpy(np.int64)
    rank = np.empty(len(ids), np.int64)
    rank[at] = np.arange(len(ids))
    return ranked[~np.isin(at, known)].reset_index(drop=True), rank


def _answered(run: Run, file: Path, split: Split | None) -> Audited:
    answers = _answers(run, file, split)
    _, rank = _unknown(run, answers.split, answers.known_at)
    return Audited(len(rank), answers, rank if _same_list(answers, rank) else None)


def _name_of(run: Run, design: Design, split: Split, known: Positions, look: int) -> str:
    """The name of the example that a design drew as a look, given the positions known."""
    ranked, _ = _unknown(run, split, known)
    if len(ranked) != design.strata.sizes.sum():
        return ""
    return f" ({ranked['id'].iloc[int(drawn_ranks(design)[look - 1])]})"


def _same_list(answers: Answers, rank: Positions) -> bool:
    """Are the examples seen in the strata that they were drawn from, by the ranks [K] of all?"""
    known = np.zeros(len(rank), np.bool_)
    known[answers.known_at] = True
    strata = answers.design.strata
    if strata.sizes.sum() != (~known).sum():
        return False
    in_order = np.argsort(rank)
    left = np.empty(len(rank), np.int64)
    left[in_order] = np.cumsum(~known[in_order]) - 1
    return bool((strata.of(left[answers.at]) == answers.strata).all())


@dataclass(frozen=True)
class _Row:
    where: str
    name: str
    at: int
    order: str
    stratum: str


def _answers(run: Run, file: Path, split: Split | None) -> Answers:
    """The answers in a file that an audit of the run wrote, all or the first ones."""
    if split is None:
        split = "held_out" if "held_out" in splits_in(file) else "train"
    decisions, path = decisions_on(run, file, split), file
    design, rows = _rows(decisions, path)
    known = [row for row in rows if row.stratum == KNOWN]
    known_at = np.array([row.at for row in known], np.int64)
    drawn = {int(row.order): row for row in rows if row.stratum != KNOWN}
    _check_whole(path, design, drawn, len(known), partial(_name_of, run, design, split, known_at))
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


AUDIT = Study(
    "audit",
    "Mend",
    "Say how many labels are wrong, from a look at a few.",
    Auditing,
    audit,
    about="First it draws labels by chance and writes a file (-o audit.csv). Fill it in, on the page or by "
    "hand: action is keep, relabel, drop or unsure. Then --decided audit.csv says how many labels are wrong "
    "and how many are left, with 95 % confidence. This does not depend on p_wrong.",
    decides=lambda given: given["decided"] is None,
)
