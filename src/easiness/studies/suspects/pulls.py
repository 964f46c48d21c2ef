"""Who is behind a suggestion: the training examples that pull to it, and the label that alone decides it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from easiness import heads
from easiness.gate import fits
from easiness.lazy import Floats, Integers
from easiness.lazy_torch import torch
from easiness.named_import import no_torch
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

    The ridge heads of the largest share say it in the first trial that left the example out; what was left
    out beside it pulls nothing. Effects are those of fitting again at the same strength, scale and
    temperature (`influence_of`). ``None`` where no class, -1, is suggested, or no trial tells. Raises
    `BadInput` with the reason where nothing can be known.
    """
    spec, why = run.spec.measured, no_torch()
    if spec is None or run.model != RIDGE or why:
        raise NoFeatures(why or f"{run.model}: only ridge heads tell; use --features with --model ridge")
    if run.tags is not None:
        raise NoFeatures("pulls are told of one class each, not of tags")
    positions, suggested = np.asarray(positions), np.asarray(suggested)
    num, row, place = len(run.labels), run.resolve_row(None), positions
    rows: dict[Split, Integers] = {"train": np.arange(num)}
    if split != "train":
        rows[split], place = positions, num + np.arange(len(positions))
    vectors = [np.concatenate([*one.values()]) for one in read_features(run, rows, source)]
    labels = np.concatenate([run.examples(one)[1][at] for one, at in rows.items()])
    widths = [one.shape[1] for one in vectors]
    if not fits(32 * num * max(widths)):  # four times in double precision
        raise NoFeatures(f"the features of {num:,} examples are too large for the memory here")
    answers: list[Pulls | None] = [None] * len(positions)
    trained_on = [one.columns(row, ["trained_on"], split)["trained_on"][positions] for one in run.trials]
    tells = ~np.array(trained_on) & (suggested >= 0)
    for turn in np.unique(tells.argmax(axis=0)[tells.any(axis=0)]):
        at, trial = np.flatnonzero(tells[turn] & ~tells[:turn].any(axis=0)), run.trials[turn]
        about = run.shares[-1], widths, len(run.classes), torch.device("cpu")
        fit = heads.stored_heads(spec, trial.weights(), *about)
        members = np.flatnonzero(trial.columns(row, ["trained_on"])["trained_on"])
        influence = heads.influence_of(fit, vectors, labels, members, place[at], suggested[at])
        for one, (suspect, sizes) in enumerate(zip(at.tolist(), influence.pulls, strict=True)):
            first = np.argsort(-sizes, kind="stable")[: min(NUM_OF_CLASS, int((sizes > 0).sum()))]
            mend = influence.mend(one, labels[place[suspect]])
            answers[suspect] = Pulls(members[first], sizes[first], mend)
    return answers
