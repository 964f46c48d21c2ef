"""Builders of small observations, made by the same log that records real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from easiness.records import ObservationLog, Observations


def from_logits(logits: Any, labels: Any, *, trained_on: Any = None, keep: Any = None) -> Observations:
    """Observations of one trial from logits [M, K, C]."""
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    log = ObservationLog(
        np.arange(len(labels)),
        labels,
        logits.shape[2],
        trained_on=None if trained_on is None else np.asarray(trained_on, bool),
        keep_logits=None if keep is None else np.asarray(keep, bool),
    )
    for epoch in logits:
        log.update(np.arange(len(labels)), epoch)
        log.end_epoch()
    return log.observations()


def from_p(p: Any, labels: Any = None, **rest: Any) -> Observations:
    """One trial of two classes from the probability of the label [M, K]; right where it is above 1/2."""
    p = np.asarray(p, np.float64)
    labels = np.zeros(p.shape[1], np.int64) if labels is None else np.asarray(labels)
    of_class = np.where(labels[None, :, None] == np.arange(2), p[..., None], 1 - p[..., None])
    return from_logits(np.log(of_class), labels, **rest)


def from_right(right: Any, **rest: Any) -> Observations:
    """One trial of two classes from a table [M, K] of 0 and 1: p_label is 1/4 or 3/4."""
    return from_p(np.where(np.asarray(right, bool), 0.75, 0.25), **rest)


@pytest.fixture
def trial_of_logits() -> Callable[..., Observations]:
    return from_logits


@pytest.fixture
def trial_of_p() -> Callable[..., Observations]:
    return from_p


@pytest.fixture
def trial_of_right() -> Callable[..., Observations]:
    return from_right
