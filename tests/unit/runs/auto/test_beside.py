from __future__ import annotations

import pytest

from easiness.runs.auto.beside import beside, even_sizes
from easiness.spec import Recipe, Resolved
from easiness.training.auto.rehearsal import Workload

TWO = Resolved(precision="float32", channels_last=False, threads=1, jobs=2)


@pytest.mark.parametrize(
    ("groups", "most", "sizes"),
    [
        (20, 4, [4, 2]),
        (10, 8, [5, 4, 2]),  # eight would leave six with nothing to do in the second round
        (5, 4, [3, 2]),
        (2, 2, [2]),
        (1, 1, []),
        (100, 16, [15, 8, 4, 2]),
    ],
)
def test_numbers_of_processes_on_a_cpu(groups, most, sizes):
    assert even_sizes(groups, most, 0) == sizes


@pytest.mark.parametrize(
    ("groups", "most", "sizes"),
    [
        (10, 16, [5, 2]),  # four would take three rounds
        (10, 4, [2]),
        (20, 16, [5, 2]),
        (12, 16, [4, 2]),
        (7, 16, [4, 2]),
        (3, 3, [3]),
        (2, 2, [2]),
        (1, 1, []),
    ],
)
def test_numbers_of_processes_on_a_gpu(groups, most, sizes):
    assert even_sizes(groups, most, 1) == sizes


@pytest.mark.parametrize(
    ("groups", "most", "gpus", "sizes"),
    [
        (40, 64, 4, [20, 8]),
        (10, 16, 4, [12, 4]),
        (10, 4, 4, [4]),
        (3, 3, 8, [3]),
        (1, 1, 8, []),
    ],
)
def test_numbers_of_processes_on_several_gpus_are_as_many_for_each(groups, most, gpus, sizes):
    assert even_sizes(groups, most, gpus) == sizes


def workload(model: str = "mlp_2_w4") -> Workload:
    return Workload(model, Recipe(batch_size=4), (1, 4, 4), 3, 4, "cpu")


def test_processes_really_work_at_the_same_time():
    found = beside(workload(), TWO, 0.05, 4, 300.0)
    assert found is not None
    assert 0 < found.step < 60


def test_processes_that_fail_have_no_speed():
    assert beside(workload("no_such_network"), TWO, 0.05, 4, 300.0) is None


def test_processes_that_take_too_long_to_start_are_ended():
    with pytest.raises(TimeoutError):
        beside(workload(), TWO, 0.05, 4, 0.0)
