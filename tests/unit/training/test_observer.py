from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
import torch

from easiness.errors import BadInput, TrialFailed
from easiness.record import ObservationLog
from easiness.training import StepObserver


def logs(num: int, trials: int) -> list[ObservationLog]:
    every = np.ones(num, np.bool_)
    return [
        ObservationLog(np.arange(num), np.zeros(num, np.int64), 3, keep_logits=every) for _ in range(trials)
    ]


def end(observer: StepObserver, epoch: int, going: Collection[int] = (0,)) -> dict[int, float | TrialFailed]:
    return observer.after_epoch(epoch, None, lambda _: None, going)  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [1, 13, 10**6])
@pytest.mark.parametrize("trials", [1, 2])
def test_what_the_steps_compute_is_recorded_by_example(at_once, trials):
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(2, trials, 10, 3, generator=generator)
    observer = StepObserver(filled := logs(10, trials), 3, at_once)
    for epoch in (1, 2):
        order = torch.stack([torch.randperm(10, generator=generator) for _ in range(trials)])
        for batch in (slice(0, 4), slice(4, 8), slice(8, 10)):
            positions = order[:, batch]
            step = torch.stack([given[epoch - 1, i][at] for i, at in enumerate(positions)])
            held = step if trials > 1 else step[0]
            place = positions.flatten() if trials > 1 else positions[0]
            assert observer.stepped(place, held, range(trials)) == {}
            held.fill_(0)  # as a step that is repeated in place does
        right = (given[epoch - 1].argmax(2) == 0).float().mean(1)
        accuracies = end(observer, epoch, range(trials))
        assert list(accuracies.values()) == pytest.approx(right.tolist())
    for i, log in enumerate(filled):
        kept = log.observations().logits
        assert kept is not None
        np.testing.assert_array_equal(kept.values, given[:, i])


def test_an_epoch_that_leaves_examples_out_is_refused():
    observer = StepObserver(logs(4, 1), 3)
    observer.stepped(torch.tensor([0, 2]), torch.zeros(2, 3), [0])
    with pytest.raises(BadInput, match="2 of 4 ids"):
        end(observer, 1)


def test_a_trial_that_fails_is_noted_and_the_others_go_on():
    observer = StepObserver(filled := logs(2, 2), 3)
    failed: dict[int, Any] = {}
    going = [0, 1]
    both = torch.tensor([0, 1, 0, 1])
    spoilt = torch.zeros(2, 2, 3)
    spoilt[0, 1] = torch.nan
    for epoch, step in ((1, spoilt), (2, torch.zeros(2, 2, 3))):
        assert observer.stepped(both, step, going) == {}
        seen = end(observer, epoch, going)
        failed |= {at: one for at, one in seen.items() if isinstance(one, TrialFailed)}
        going = [at for at in going if at not in failed]
        assert seen[1] == 1.0
        assert (0 in seen) == (epoch == 1)
    assert list(failed) == [0]
    assert (filled[0].num_epochs, filled[1].num_epochs) == (0, 2)
