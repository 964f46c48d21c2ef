from __future__ import annotations

import pytest
import torch

from easiness.errors import BadInput
from easiness.spec import Recipe, Resolved
from easiness.training import speed as module
from easiness.training.device import rehearsing
from easiness.training.facts import NetworkFacts, Workload
from easiness.training.speed import Rehearsal, Speed, can_be_graphed, measure_speed

PLAIN = Resolved(precision="float32", channels_last=False, threads=1)
BOTH = PLAIN.model_copy(update={"threads": 2})


def workload(model: str = "mlp_2_w4", batch: int = 8) -> Workload:
    return Workload(model, Recipe(batch_size=batch), (1, 4, 4), 3, batch, "cpu")


def facts(flops: float = 1.0) -> NetworkFacts:
    return NetworkFacts(convolutions=False, flops=flops, num_weights=1, kept_bytes=0, depthwise=0)


class Rehearsed:
    """A rehearsal whose step takes an eighth of a second per example."""

    batches: list[int]
    error: BaseException | None

    def __init__(self, workload: Workload, resolved: Resolved) -> None:
        self._num = workload.batch
        self._graphed = resolved.graphed
        self.batches.append(workload.batch)

    def warm_up(self) -> None:
        if self.error is not None:
            raise self.error

    def look(self) -> float:
        return self._num / 8

    def speed(self, step: float, batch: int) -> Speed:
        return Speed(step=step * batch / self._num, observed_image=1.0)


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> type[Rehearsed]:
    Rehearsed.batches, Rehearsed.error = [], None
    monkeypatch.setattr(module, "Rehearsal", Rehearsed)
    return Rehearsed


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("flops", "looked_at"), [(1.0, [8, 8]), (2e10, [4, 8]), (1e12, [2, 2])])
def test_large_steps_are_timed_in_part(rehearsed, flops, looked_at):
    """At most two seconds of each thread, and at least two examples."""
    for settings in (PLAIN, BOTH):
        found = measure_speed(workload(), settings, facts(flops))
        assert found == Speed(step=1.0, observed_image=1.0)  # of the whole batch
    assert rehearsed.batches == looked_at


def test_on_a_gpu_batches_are_whole(rehearsed, monkeypatch):
    monkeypatch.setattr(module, "rehearsing", lambda _: rehearsing("cpu"))
    on_gpu = Workload(**{**vars(workload()), "device": "cuda"})
    measure_speed(on_gpu, PLAIN, facts(1e12))
    assert rehearsed.batches == [8]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError("out of memory"), "does not fit into the memory"),
        (RuntimeError("no"), r"cannot take .*RuntimeError: no"),
        (SystemExit(3), "cannot take a training step"),
        (BadInput("known already"), "known already"),
    ],
)
def test_a_step_that_is_not_taken_is_bad_input(rehearsed, error, text):
    rehearsed.error = error
    with pytest.raises(BadInput, match=text):
        measure_speed(workload(), PLAIN, facts())


def test_a_step_that_cannot_be_captured_is_no_graph(rehearsed):
    assert can_be_graphed(workload(), PLAIN)
    rehearsed.error = RuntimeError("operation not permitted when stream is capturing")
    assert not can_be_graphed(workload(), PLAIN)


def test_a_part_of_a_batch_goes_with_a_part_of_the_images_observed():
    with rehearsing("cpu"):
        assert Rehearsal(workload(batch=8), PLAIN).num_observed == 32
        assert Rehearsal(workload(batch=500), PLAIN).num_observed == 500


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("flops", [1.0, 1e12])
def test_really_measured_it_leaves_random_state_and_threads(flops):
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    for settings in (PLAIN, BOTH):
        assert measure_speed(workload("wrn_10_1"), settings, facts(flops)).step > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
