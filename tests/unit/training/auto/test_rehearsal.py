from __future__ import annotations

import time

import pytest
import torch

from easiness.spec import Recipe, Resolved
from easiness.training.auto import rehearsal as module
from easiness.training.auto.rehearsal import Rehearsal, Speed, Workload, look_at, rehearsing, warm

PLAIN = Resolved(precision="float32", channels_last=False, threads=1)
GRAPHED = PLAIN.model_copy(update={"graphed": True})
BOTH = PLAIN.model_copy(update={"threads": 2})


def workload(model: str = "mlp_2_w4", batch: int = 8) -> Workload:
    return Workload(model, Recipe(batch_size=batch), (1, 4, 4), 3, batch, "cpu")


class Warming:
    """A rehearsal whose step takes an eighth of a second per example, and no graph can be made of."""

    batches: list[tuple[int, int]]

    def __init__(self, workload: Workload, settings: Resolved) -> None:
        self.resolved = settings
        self._num = workload.batch
        self.batches.append((settings.threads, workload.batch))

    def warm_up(self) -> None:
        if self.resolved.graphed:  # captured a few steps after the first
            raise RuntimeError("operation not permitted when stream is capturing")

    def look(self) -> float:
        return self._num / 8

    def speed(self, step: float, batch: int) -> Speed:
        return Speed(step=step * batch / self._num, observed_image=1.0)


@pytest.fixture
def warming(monkeypatch: pytest.MonkeyPatch) -> type[Warming]:
    Warming.batches = []
    monkeypatch.setattr(module, "Rehearsal", Warming)
    return Warming


@pytest.mark.usefixtures("warming")
def test_a_way_that_does_not_work_costs_the_others_nothing():
    first, second = look_at(workload(), [GRAPHED, PLAIN], 0.0, 8)
    assert isinstance(first, RuntimeError)
    assert first.__traceback__ is None  # which would keep the network in memory
    assert second == Speed(step=1.0, observed_image=1.0)


def test_a_way_that_fails_later_costs_the_others_nothing(warming, monkeypatch):
    """The others go on being looked at, and it is not looked at again."""
    looked = []

    def look(self: Warming) -> float:
        looked.append(self.resolved.together)
        if self.resolved.together == looked.count(self.resolved.together) == 2:
            raise RuntimeError("late")
        return 0.5

    def speed(self: Warming, step: float, _: int) -> Speed:
        if self.resolved.together == 3:
            raise RuntimeError("never seen")
        return Speed(step=step, observed_image=1.0)

    monkeypatch.setattr(warming, "look", look)
    monkeypatch.setattr(warming, "speed", speed)
    monkeypatch.setattr(time, "perf_counter", iter(range(100)).__next__)
    ways = [PLAIN.model_copy(update={"together": num}) for num in (1, 2, 3)]
    first, second, third = look_at(workload(), ways, 1.0, 8)
    assert looked == [1, 2, 3, 1, 2, 3, 1, 3]
    assert first == Speed(step=0.5, observed_image=1.0)
    assert [str(second), str(third)] == ["late", "never seen"]
    assert second.__traceback__ is third.__traceback__ is None  # type: ignore[union-attr]


@pytest.mark.usefixtures("two_threads")
def test_each_thread_has_its_part_of_the_batch(warming):
    for part, looked in ((2, [(1, 2), (2, 4)]), (6, [(1, 6), (2, 8)])):
        warming.batches = []
        found = look_at(workload(), [PLAIN, BOTH], 0.0, part)
        assert warming.batches == looked
        assert found == [Speed(step=1.0, observed_image=1.0)] * 2  # of the whole batch


def test_a_part_of_a_batch_goes_with_a_part_of_the_images_observed():
    with rehearsing("cpu"):
        assert Rehearsal(workload(batch=8), PLAIN).num_observed == 32
        assert Rehearsal(workload(batch=500), PLAIN).num_observed == 500


def test_trials_side_by_side_share_a_pass():
    with rehearsing("cpu"):
        rehearsal = Rehearsal(workload(), PLAIN.model_copy(update={"together": 5}))
        rehearsal.observe = lambda: 3.2  # type: ignore[method-assign]
        found = rehearsal.speed(0.25, 16)
    assert (found.step, found.observed_image) == pytest.approx((0.5, 3.2 / 32 / 5))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("part", [2, 8])
def test_really_looked_at_it_leaves_random_state_and_threads(part):
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    with rehearsing("cpu"):
        found = look_at(workload("wrn_10_1"), [PLAIN, BOTH], 0.01, part)
    assert all(isinstance(one, Speed) for one in found)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_process_is_made_ready_without_a_trace():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    warm("cpu")
    assert torch.equal(torch.get_rng_state(), before)
