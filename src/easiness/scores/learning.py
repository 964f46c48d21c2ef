"""Scores of when an example is learned and how often it is forgotten; epochs count from 1.

A trial that never learned an example says nothing about when: it is left out of the mean. An example that no
trial learned has no value, and a ranking puts it behind all that were learned. Where epochs were
not observed, ``first_learned_epoch`` and ``iteration_learned`` are the first that were and fit, and
undefined where only one of several was.
"""

from __future__ import annotations

import math

import numpy as np

from easiness.record import Observations
from easiness.scores.moments import Values
from easiness.scores.score import (
    NeverLearned,
    Score,
    correct_until,
    of_a_course,
    over_epochs,
    over_trials,
    sees_every_epoch,
)


def _forgetting_events(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    if not sees_every_epoch(obs, m):
        return np.full(len(obs.labels), np.nan)
    events = (correct[:-1] & ~correct[1:]).sum(axis=0)
    return np.where(correct.any(axis=0), events, np.nan)


def _first_learned_epoch(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    first = np.asarray(obs.epochs)[correct.argmax(axis=0)]
    return np.where(correct.any(axis=0), first, np.nan)


def _iteration_learned(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    right_to_the_end = np.logical_and.accumulate(correct[::-1]).sum(axis=0)
    since = np.asarray(obs.epochs)[len(correct) - np.maximum(right_to_the_end, 1)]
    return np.where(correct[-1], since, np.nan)


FORGETTING_EVENTS = Score(
    name="forgetting_events",
    formula="number of t < m with a_t = 1 and a_{t+1} = 0; over the trials that learned x",
    unit="events",
    range=(0, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="Toneva et al. 2019, arXiv:1812.05159",
    start=over_trials(of_a_course(_forgetting_events)),
    # as many as there are epochs; m epochs have room for m / 2 events at most
    never_learned=NeverLearned(rank_as=lambda m: m, which=lambda columns: columns["never_learned"]),
)

FIRST_LEARNED_EPOCH = Score(
    name="first_learned_epoch",
    formula="first t with a_t = 1; over the trials that learned x",
    unit="epochs",
    range=(1, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="definition",
    start=over_epochs(of_a_course(_first_learned_epoch)),
    never_learned=NeverLearned(rank_as=lambda m: m + 1, which=lambda columns: columns["never_learned"]),
)

ITERATION_LEARNED = Score(
    name="iteration_learned",
    formula="first t with a = 1 from t to m; over the trials right at epoch m",
    unit="epochs",
    range=(1, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="Baldock et al. 2021, arXiv:2106.09647, of the label, not of the final prediction",
    start=over_epochs(of_a_course(_iteration_learned)),
    never_learned=NeverLearned(rank_as=lambda m: m + 1, which=lambda columns: columns["easiness"] == 0),
)
