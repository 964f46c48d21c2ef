"""Who is behind a suggestion: the training examples that pull to it, and the label that alone decides it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from easiness import heads
from easiness.gate import fits
from easiness.lazy import Floats, Integers
from easiness.lazy_torch import torch
from easiness.named_import import no_torch
from easiness.show import quantity
from easiness.spec import RIDGE, Split
from easiness.store import Run
from easiness.studies.suspects.neighbours import NUM_OF_CLASS, NoFeatures, read_features


class Pulls(NamedTuple):
    """Training examples that pull a suspect to the class suggested, by positions in the training split.

    Without one of the ``examples``, at most `NUM_OF_CLASS`, the log odds of this class against the label
    would be smaller by its ``sizes``, the largest first. ``mend`` is the example, and the other class of it,
    with which heads would find the suspect's own label likeliest; -1 and -1 where none alone does that.
    """

    examples: Integers
    sizes: Floats
    mend: tuple[int, int]


def pulls(
    run: Run, positions: Integers, suggested: Integers, *, split: Split = "train", source: Any = None
) -> list[Pulls | None]:
    """Find who pulls the ``positions`` [n] in the ``split`` of a run to the classes ``suggested`` [n].

    With tags these are questions, and so are those that pull: on the same tag.

    The ridge heads of the largest share say it in the first trial that left the example out; what was left
    out beside it pulls nothing. Effects are those of fitting again at the same strength, scale and
    temperature (`influence_of`). ``None`` where no class, -1, is suggested, or no trial tells. Raises
    `BadInput` with the reason where nothing can be known.
    """
    spec, why = run.spec.measured, no_torch()
    if spec is None or run.model != RIDGE or why:
        raise NoFeatures(why or f"{run.model}: only ridge heads tell; use --features with --model ridge")
    positions, suggested, tags = np.asarray(positions), np.asarray(suggested), run.tags_of(split)
    row, goals, (questions, firsts, of) = run.resolve_row(None), run.examples(split)[1], _examples(run)
    num, place, goals = len(firsts), of[positions] if split == "train" else positions, goals[positions]
    rows: dict[Split, Integers] = {"train": firsts}
    if split != "train":
        rows[split], place = positions, num + np.arange(len(positions))
    vectors = [np.concatenate([*one.values()]) for one in read_features(run, rows, source)]
    labels: Any = np.concatenate([run.labels, goals])  # by rows of vectors, or of questions
    if tags is not None:
        labels = np.where(questions < 0, np.nan, run.labels[questions]).astype(np.float32)
    widths = [one.shape[1] for one in vectors]
    if not fits(32 * num * max(widths)):  # four times in double precision
        raise NoFeatures(f"the features of {num:,} examples are too large for the memory here")
    answers: list[Pulls | None] = [None] * len(positions)
    trained_on = [one.columns(row, ["trained_on"], split)["trained_on"][positions] for one in run.trials]
    tells = ~np.array(trained_on) & (suggested >= 0)
    for turn in np.unique(tells.argmax(axis=0)[tells.any(axis=0)]):
        at, trial = np.flatnonzero(tells[turn] & ~tells[:turn].any(axis=0)), run.trials[turn]
        about = run.shares[-1], widths, len(run.classes if tags is None else tags.names)
        fit = heads.stored_heads(spec, trial.weights(), *about, torch.device("cpu"))
        members = np.unique(of[trial.columns(row, ["trained_on"])["trained_on"]])
        tag = None if tags is None else tags.of[positions[at]]
        influence = heads.influence_of(fit, vectors, labels, members, place[at], suggested[at], tag)
        for one, suspect in enumerate(at.tolist()):
            own, at_row, column = influence, one, 0
            if tag is not None:
                own, at_row, column = influence.of_tag(one, tag[one]), 0, tag[one]
            sizes = own.pulls[at_row]
            first = np.argsort(-sizes, kind="stable")[: min(NUM_OF_CLASS, int((sizes > 0).sum()))]
            mend, to = own.mend(at_row, goals[suspect])
            mend = -1 if to < 0 else int(questions[mend, column])
            answers[suspect] = Pulls(questions[own.members[first], column], sizes[first], (mend, to))
    return answers


def _examples(run: Run) -> tuple[Integers, Integers, Integers]:
    """By example and tag the question, -1 where nobody says; of each example one, and of each its example."""
    of = firsts = np.arange(len(run.labels))
    if run.tags is None:
        return of[:, None], firsts, of
    _, firsts, of = np.unique(run.tags.examples, return_index=True, return_inverse=True)
    blank = run.spec.data.train.num_examples - len(firsts)
    if blank:
        what = f"{quantity(blank, 'example')} without a tag that is known"
        raise NoFeatures(f"{what}: which trials trained on them is not kept; leave them out")
    questions = np.full((len(firsts), len(run.tags.names)), -1)
    questions[of, run.tags.of] = np.arange(len(of))
    return questions, firsts, of
