"""The study of policies in training, in small: each trains, and the page is of what is there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from easiness.errors import BadInput, TrialFailed
from easiness.records import ObservationLog
from easiness.training import StepObserver

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script():
    """The script, whose folder it needs on the path."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from science import in_training

        yield in_training
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_what_is_simulated_holds_the_truth(script) -> None:
    """Small form of the table of the page: 48 pages, so that one in twenty may go wrong."""
    rows = script.simulated(5, 6)["rows"]
    assert np.mean([held for _, _, held, _ in rows]) >= 0.85
    assert all(told < 0.05 for _, true, _, told in rows if true == 0)


def a_log(num: int) -> ObservationLog:
    return ObservationLog(np.arange(num), np.zeros(num, np.int64), 3, keep_logits=np.ones(num, np.bool_))


def end(observer: StepObserver, epoch: int) -> float | None:
    return observer.after_epoch(epoch, None, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [1, 13, 10**6])
def test_what_the_steps_compute_is_recorded_by_example(at_once):
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(2, 10, 3, generator=generator)
    observer = StepObserver(log := a_log(10), at_once)
    for epoch in (1, 2):
        order = torch.randperm(10, generator=generator)
        for batch in (slice(0, 4), slice(4, 8), slice(8, 10)):
            held = given[epoch - 1][order[batch]]
            observer.see_step(order[batch], held)
            held.fill_(0)  # as a step that is repeated in place does
        right = (given[epoch - 1].argmax(1) == 0).float().mean()
        assert end(observer, epoch) == pytest.approx(float(right))
    kept = log.observations().logits
    assert kept is not None
    np.testing.assert_array_equal(kept.values, given)


def test_an_epoch_that_leaves_examples_out_is_refused():
    observer = StepObserver(a_log(4))
    observer.see_step(torch.tensor([0, 2]), torch.zeros(2, 3))
    with pytest.raises(BadInput, match="2 of 4 ids are missing"):
        end(observer, 1)


@pytest.mark.parametrize("at_once", [1, 10**6])
def test_a_logit_that_is_not_finite_fails_the_trial(at_once):
    observer = StepObserver(a_log(2), at_once)
    spoilt = torch.tensor([[0.0, torch.nan, 0.0], [0.0, 0.0, 0.0]])
    with pytest.raises(TrialFailed, match="epoch 1"):  # noqa: PT012 - in the step or after the epoch
        observer.see_step(torch.tensor([0, 1]), spoilt)
        end(observer, 1)
