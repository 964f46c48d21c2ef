"""``audit``: draw labels to look at, and say how many are wrong from what was seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from easiness.studies.audit.found import Answers, Audited
from easiness.studies.suspects import Suspected, suspects

if TYPE_CHECKING:
    import pandas as pd

_WRITE = "easiness audit RUN -o audit.csv writes one"


@dataclass(frozen=True)
class Auditing:
    """Options of `audit`."""

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
    signed = any(found.by) or any(found.times)
    # as `labels` writes it: for all examples, or without the column in which one signs
    unseen = len(found) == len(found.of.ids) or "by" not in found.columns
    if len(found) and not signed and unseen:
        raise BadInput(
            f"{file}: has actions as `easiness labels` writes them unseen, without a name in the column by; "
            "give decisions as the page exports them or an audit's file, or write into by who looked"
        )
    return found.part(found.sure)


def _unknown(run: Run, split: Split, known: Positions) -> tuple[pd.DataFrame, Positions]:
    """The list of suspects without those known, and the positions [K] of all in the order of the list."""
    ranked = suspects(Suspected((run,), split=split, pictures=False)).ranked
    place = {name: at for at, name in enumerate(labelled_examples(run, split).ids.tolist())}
    order = ranked["id"].map(place).to_numpy(np.int64)
    return ranked[~np.isin(order, known)].reset_index(drop=True), order


def _answered(run: Run, file: Path, split: Split | None) -> Audited:
    """What the answers say in a file that an audit of the run wrote, all or the first ones."""
    if split is None:
        split = "held_out" if "held_out" in splits_in(file) else "train"
    design, rows = _rows(decisions_on(run, file, split), file)
    known = rows[rows["stratum"] < 0]
    drawn = rows[rows["stratum"] >= 0].drop_duplicates("order", keep="last").set_index("order").sort_index()
    ranked, order = _unknown(run, split, known["at"].to_numpy())
    same = len(ranked) == design.strata.sizes.sum()
    _check_whole(file, design, drawn.index, len(known), ranked["id"] if same else None)
    decided = (drawn["action"] != "").to_numpy()
    first = len(drawn) if decided.all() else int(decided.argmin())
    seen, rest = drawn[:first], drawn[first:]
    if not first:
        raise BadInput(
            f"{rest['where'].iloc[0]}: the example {rest['name'].iloc[0]!r}, the first one drawn, has no "
            "action, so none counts; write keep, relabel, drop or unsure"
        )
    for one in known[known["action"] == ""].to_dict("records"):
        raise BadInput(
            f"{one['where']}: the example {one['name']!r} was decided before the draw, and has no action "
            "now; write it in"
        )
    place = np.zeros(len(order), np.int64)
    place[order[~np.isin(order, known["at"])]] = np.arange(len(ranked))
    same = same and bool((design.strata.of(place[seen["at"]]) == seen["stratum"]).all())
    undecided = "" if first == len(drawn) else f"{rest['where'].iloc[0]}, {rest['name'].iloc[0]}"
    answers = Answers(split, design, seen, known, undecided, int(decided[first:].sum()))
    return Audited(len(order), answers, np.argsort(order) if same else None)


def _rows(decisions: Decisions, path: Path) -> tuple[Design, pd.DataFrame]:
    """The design, which all rows have to tell alike, and the rows; those known are of the stratum -1."""
    import pandas as pd

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
    columns = decisions.at.tolist(), decisions.actions.tolist(), decisions.wrong.tolist()
    decided = {at: (action, wrong) for at, action, wrong in zip(*columns, strict=True)}
    rows = []
    for at, row in listed.items():
        name, where = str(ids[at]), decisions.places[at]
        if not row["draw"].strip():
            raise BadInput(
                f"{where}: the example {name!r} was not drawn, and would bend the answer; take the row out"
            )
        # a spreadsheet may have added to numbers
        order, stratum = (row[one].strip().removesuffix(".0") for one in ("order", "stratum"))
        known = stratum == KNOWN
        sound = known or (_is_up_to(order, design.looks) and _is_up_to(stratum, len(design.strata.sizes)))
        told = design.cell(decisions.data, decisions.split, name, order, stratum)
        if not sound or row["draw"].strip() != told:
            raise BadInput(
                f"{where}: the example {name!r} was not drawn like this, as look {order or 'none'}; give "
                "the file that audit wrote, with nothing changed but the actions"
            )
        action, wrong = decided.get(at, ("", False))
        numbers = {"order": 0, "stratum": -1} if known else {"order": int(order), "stratum": int(stratum) - 1}
        seen = {"action": action, "wrong": wrong, "unsure": action == UNSURE}
        rows.append({"where": where, "name": name, "at": at, **numbers, **seen})
    return design, pd.DataFrame(rows)


def _is_up_to(text: str, most: int) -> bool:
    """Is it a number from 1 to ``most``, as we write them?"""
    return len(text) < 10 and text.isascii() and text.isdigit() and 1 <= int(text) <= most


def _check_whole(
    path: Path, design: Design, looks: Collection[int], num_known: int, ids: pd.Series[Any] | None
) -> None:
    """Make sure that all rows are there: the ``looks`` drawn from the list of ``ids``, and the known ones."""
    missing = [look for look in range(1, design.looks + 1) if look not in looks]
    if missing:
        name = "" if ids is None else f" ({ids.iloc[int(drawn_ranks(design)[missing[0] - 1])]})"
        one, rest = f"look {missing[0]}{name}", len(missing) - 1
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
