"""``audit``: draw labels to look at, and say how many are wrong from what was seen."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows
from easiness.data import Decisions
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.runs import data_version, decisions_on, labelled_examples
from easiness.spec import Split
from easiness.store import Run, check_opened
from easiness.studies.audit.drawing import Design, Drawn, check_request, design_of, drawn_ranks, rows_of
from easiness.studies.audit.found import Answers, Audited, read_answers
from easiness.studies.suspects import suspects

if TYPE_CHECKING:
    import pandas as pd

File = str | os.PathLike[str]
Positions = npt.NDArray[np.int64]


def audit(
    run: Run,
    *,
    looks: int | None = None,
    at_most: float | None = None,
    seed: int = 0,
    split: Split | None = None,
    blind: bool = False,
    known: File | None = None,
    decided: File | None = None,
) -> Drawn | Audited:
    """Draw labels to look at; or, with ``decided``, how many of all labels are wrong, and how many are left.

    Labels are drawn by chance from strata of the list of suspects, more where ``p_wrong`` leaves it open, and
    every one may be drawn. So the answer is right whatever ``p_wrong`` is worth, and the better that is, the
    narrower the interval.

    Args:
        run: whose labels, by its suspects.
        looks: how many to draw; 100 where ``at_most`` does not say.
        at_most: a share in 0..1: draw an order, to stop when no more labels can be left wrong. The bound
            holds at every look.
        seed: of the draw.
        split: ``train`` or ``held_out``; by default ``train``, or what the file ``decided`` names.
        blind: leave out what is suggested, and how probable it is.
        known: a file of decisions on labels that need no look any more, signed or not: all of which somebody
            is sure. The rest is drawn from.
        decided: the file that was written, with its actions filled in, all or the first ones.

    Raises:
        BadInput: the run says nothing of suspects, a file is of other data or cannot be read, everything is
            known, or the file ``decided`` lacks a row that was drawn or has one that was not.
    """
    check_opened(run=run)
    if decided is not None:
        if (looks, at_most, seed, blind, known) != (None, None, 0, False, None):
            raise BadInput(
                f"--decided {decided}: says itself how it was drawn; leave out what draws "
                "(--looks, --at-most, --seed, --blind, --known)"
            )
        return _answered(run, decided, split)
    check_request(looks, at_most, seed)
    split = split or "train"
    decisions = None if known is None else _known(run, known, split)
    ranked, _ = _unknown(run, split, np.zeros(0, np.int64) if decisions is None else decisions.at)
    num = len(labelled_examples(run, split).ids)
    if not len(ranked):
        raise BadInput(
            f"{known}: all {num} labels are decided, so the number of wrong ones is known; count them"
        )
    design, needed = design_of(ranked["p_wrong"].to_numpy(), num, looks, at_most, seed)
    data = data_version(run)
    return Drawn(split, data, num, design, rows_of(ranked, design, split, data, decisions), blind, needed)


def _known(run: Run, file: File, split: Split) -> Decisions:
    """The decisions that are sure, of a file that somebody has looked at examples for."""
    found = decisions_on(run, file, split)
    if _unseen(at_home(file), found):
        raise BadInput(
            f"{file}: has actions as `easiness clean` writes them unseen, without a name in the column by; "
            "give decisions as the page exports them or an audit's file, or write into by who looked"
        )
    names = ("at", "actions", "labels", "by", "times")
    return replace(found, **{name: getattr(found, name)[found.sure] for name in names})


def _unseen(file: Path, found: Decisions) -> bool:
    """Is the file as `clean` writes it: for all examples, or without the column in which one signs?"""
    if not len(found) or any(found.by) or any(found.times):
        return False
    if len(found) == len(found.of.ids):
        return True
    if file.suffix.lower() == ".json":
        return False
    _, header = next(csv_rows(file, "file of labels"), (1, []))
    return "by" not in {name.strip() for name in header}


def _unknown(run: Run, split: Split, known: Positions) -> tuple[pd.DataFrame, Positions]:
    """The list of suspects without those known, and the rank of every example [K] in all of it."""
    ranked = suspects(run, split=split, pictures=False).ranked
    ids = labelled_examples(run, split).ids
    at = ranked["id"].map({name: position for position, name in enumerate(ids.tolist())}).to_numpy(np.int64)
    rank = np.empty(len(ids), np.int64)
    rank[at] = np.arange(len(ids))
    return ranked[~np.isin(at, known)].reset_index(drop=True), rank


def _answered(run: Run, file: File, split: Split | None) -> Audited:
    def name_of(design: Design, split: Split, known: Positions, look: int) -> str:
        ranked, _ = _unknown(run, split, known)
        if len(ranked) != design.strata.sizes.sum():
            return ""
        return f" ({ranked['id'].iloc[int(drawn_ranks(design)[look - 1])]})"

    answers = read_answers(run, file, split, name_of)
    _, rank = _unknown(run, answers.split, answers.known_at)
    return Audited(len(rank), answers, rank if _same_list(answers, rank) else None)


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
