"""The evidence for kinds, from a run: a stand-in for what `easiness.studies.suspects` gathers."""

from __future__ import annotations

import numpy as np

from easiness.studies.suspects.kinds import KindEvidence
from easiness.studies.suspects.neighbours import find_neighbours

LAST = 1 / 4  # of the epochs observed


def evidence_of(run, data=None):
    """`KindEvidence` of a run; ``p_wrong`` is large where one class is named and the label not believed."""
    trials = [trial.observations(len(run.classes)) for trial in run.trials]
    late = slice(-max(1, round(LAST * trials[0].num_epochs)), None)
    rows = np.arange(len(run.labels))
    named, ever = (votes(trials, run.labels, part, len(run.classes)) for part in (late, slice(None)))
    rival = np.where(named.any(axis=1), named.argmax(axis=1), ever.argmax(axis=1))
    p_label = np.mean([one.p_label[late].mean(axis=0) for one in trials], axis=0)
    near, why = find_neighbours(run, data)
    return KindEvidence(
        p_wrong=(1 - p_label) * named[rows, rival],
        p_label=p_label,
        p_rival=np.mean(
            [(one.p_label * np.exp(-one.margin.astype(np.float64)))[late].mean(axis=0) for one in trials],
            axis=0,
        ),
        rival=np.where(ever.any(axis=1), rival, -1),
        first_right=first_right(np.mean([one.correct for one in trials], axis=0) > 0.5, trials[0].epochs),
        num_epochs=run.epochs,
        near=near,
        why_not_near=why,
    )


def votes(trials, labels, part, num_classes):
    """Share of trials and epochs that name each class [K, C]; 0 for the label itself."""
    found = np.zeros((len(labels), num_classes))
    rows = np.arange(len(labels))
    for one in trials:
        for prediction in one.prediction[part]:
            found[rows, prediction] += 1
    found /= found.sum(axis=1, keepdims=True)
    found[rows, labels] = 0
    return found


def first_right(right, epochs):
    """The epoch [K] from which on ``right`` [epochs, K] holds to the end; NaN where it does not."""
    from_here = np.logical_and.accumulate(right[::-1], axis=0)[::-1]
    return np.where(from_here[-1], np.array(epochs)[from_here.argmax(axis=0)], np.nan)
