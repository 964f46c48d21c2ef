from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness.errors import BadInput, TrialFailed
from easiness.record import ObservationLog
from easiness.training import StepObserver


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
            observer.stepped(order[batch], held)
            held.fill_(0)  # as a step that is repeated in place does
        right = (given[epoch - 1].argmax(1) == 0).float().mean()
        assert end(observer, epoch) == pytest.approx(float(right))
    kept = log.observations().logits
    assert kept is not None
    np.testing.assert_array_equal(kept.values, given)


def test_an_epoch_that_leaves_examples_out_is_refused():
    observer = StepObserver(a_log(4))
    observer.stepped(torch.tensor([0, 2]), torch.zeros(2, 3))
    with pytest.raises(BadInput, match="2 of 4 ids are missing"):
        end(observer, 1)


@pytest.mark.parametrize("at_once", [1, 10**6])
def test_a_logit_that_is_not_finite_fails_the_trial(at_once):
    observer = StepObserver(a_log(2), at_once)
    spoilt = torch.tensor([[0.0, torch.nan, 0.0], [0.0, 0.0, 0.0]])
    with pytest.raises(TrialFailed, match="epoch 1"):  # noqa: PT012 - in the step or after the epoch
        observer.stepped(torch.tensor([0, 1]), spoilt)
        end(observer, 1)
