"""The plan for a fleet (benchmarks/scale): closed form, simulation and docs/scale.md say the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from scale import page
from scale.model import (
    ENDS,
    Costs,
    Fleet,
    Job,
    expected_seconds,
    fits_driver,
    job_of,
    plan_of,
    read_assumed,
    read_costs,
    read_measured,
)
from scale.page import BILLION, IMAGENET, MANY_NODES, TWO_NODES
from scale.simulate import simulate

WITHIN = 0.10
ONE_GPU = Fleet(nodes=1, gpus=1)
QUIET = Costs({"link_rate": 10.0, "node_losses": 0.0, "repair_seconds": 7.0})


def a_job(**changes: Any) -> Job:
    """One run of one trial of ten segments of 10 s, which asks nothing of anybody else."""
    given = dict[str, Any](runs=1, trials=1, prepares=0, fetches=0, decodes=0, segments=10, segment=10)
    return Job(**{**given, "sends": 0, "stores": 0, **changes})


def test_three_trials_on_one_gpu_by_hand():
    # photos are there after 5 + 100/10 + 2 = 17 s, trials end at 57, 97 and 137, the last is stored at 145
    job = a_job(trials=3, prepares=5, fetches=100, decodes=2, segments=4, sends=50, stores=3)
    for found in (plan_of(job, ONE_GPU, QUIET), simulate(job, ONE_GPU, QUIET)):
        assert found.wall == pytest.approx(145)
        assert found.gpu == pytest.approx(132)
        assert (found.driver, found.to_driver, found.to_nodes) == (9, 150, 100)


@pytest.mark.parametrize(
    ("job", "nodes", "wall"),
    [
        (a_job(), 1, 112),  # five segments are kept, 5 s are not, and 7 s later the other five begin
        (a_job(segments=1, segment=100), 1, 162),  # without a checkpoint all of it is trained again
        (a_job(), 2, 105),  # goes on at once where another node is free
    ],
)
def test_a_lost_node_by_hand(job, nodes, wall):
    found = simulate(job, Fleet(nodes, 1), QUIET, losses=[(55.0, 0)])
    assert found.wall == pytest.approx(wall)
    assert (found.losses, found.given_up) == (1, 0)


def test_a_trial_whose_node_is_lost_four_times_fails():
    losses = [(10.0, 0), (30.0, 0), (50.0, 0), (70.0, 0)]
    found = simulate(a_job(segments=1, segment=100), ONE_GPU, QUIET, losses=losses)
    assert (found.wall, found.losses, found.given_up) == (70, 4, 1)


@pytest.mark.parametrize("segments", [1, 5])
def test_expected_seconds_are_the_mean_of_simulations(segments):
    rate = 1 / 200  # a second: half a loss in 100 s
    costs = QUIET.but(node_losses=3600 * rate, repair_seconds=0.0)
    job = a_job(segments=segments, segment=100 / segments)
    drawn = [simulate(job, ONE_GPU, costs, seed) for seed in range(1500)]
    whole = [found.wall for found in drawn if not found.given_up]
    assert len(whole) > 1400
    assert mean(whole) == pytest.approx(expected_seconds(segments, 100 / segments, rate), rel=0.06)


@pytest.mark.parametrize(("workload", "fleet"), [(IMAGENET, TWO_NODES), (BILLION, MANY_NODES)])
@pytest.mark.parametrize(
    ("end", "checkpoints"),  # of losses: as reported, and one a day and node
    [("value", True), ("high", True), ("high", False)],
)
def test_plan_and_simulation_agree(workload, fleet, end, checkpoints):
    fleet = replace(fleet, checkpoints=checkpoints)
    costs = read_costs().but(node_losses=read_costs(end).node_losses)
    assert fits_driver(workload, costs, fleet.commands)
    job = job_of(workload, fleet, costs)
    plan = plan_of(job, fleet, costs)
    found = [simulate(job, fleet, costs, seed) for seed in range(50 if workload.runs == 1 else 1)]
    for name in ("wall", "gpu", "driver", "to_driver"):
        assert mean(getattr(one, name) for one in found) == pytest.approx(getattr(plan, name), rel=WITHIN), (
            name
        )
    evaluation_aside = simulate(job, fleet, costs.but(node_losses=0.0))
    assert plan.to_nodes <= evaluation_aside.to_nodes <= plan.to_nodes_most


def test_costs_are_measured_somewhere_or_assumed_with_a_source():
    for name, one in read_measured().items():
        assert float(one["value"]) > 0, name
        assert str(one["measured"]).startswith("date 20"), name
        assert str(one["command"]).startswith("python benchmarks/"), name
    for name, one in read_assumed().items():
        assert one["source"], name
        assert one["instead"], name
        assert min(one[end] for end in ENDS) <= one["value"] <= max(one[end] for end in ENDS), name  # type: ignore[operator]
    with pytest.raises(KeyError, match="no costs: training_rte"):
        read_costs().but(training_rte=1)


def test_the_page_and_its_tables_say_what_the_model_yields(tmp_path):
    page.write(tmp_path / page.PAGE.name)
    for made in (path for path in tmp_path.rglob("*") if path.is_file()):
        ours = page.PAGE.parent / made.relative_to(tmp_path)
        assert ours.read_text("utf-8") == made.read_text("utf-8"), "run python benchmarks/scale/page.py"
