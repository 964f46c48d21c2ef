from __future__ import annotations

import statistics
from typing import Any

import pytest

from easiness import measure
from easiness.runs.auto.looks import Looks, speed_of
from easiness.runs.pace import Pace
from easiness.runs.progress import Progress
from easiness.runs.work import Work, work_of
from easiness.spec import Recipe, Resolved, RunSpec
from easiness.training import EpochReport
from easiness.training.auto.rehearsal import Speed, Workload
from plans import planned

pytestmark = pytest.mark.usefixtures("empty_cache")

ONE = Resolved(precision="float32", channels_last=False, threads=1)
WORK = Work(Workload("mlp_2_w4", Recipe(batch_size=4), (1, 4, 4), 3, 4, "cpu"), 20, 200)


def told(pace: Pace, trial: int, *seconds: float) -> None:
    for epoch, passed in enumerate(seconds, 1):
        pace.note(EpochReport(trial, epoch, 2, 1.0, {}, passed))


@pytest.mark.parametrize("together", [1, 5])
def test_the_median_trial_is_what_is_expected_next(together):
    looks = Looks(WORK.workload)
    looks.keep([ONE], [Speed(step=0.1, observed_image=0.01)])  # 4 seconds a trial
    looks.save()
    pace = Pace(2, together)
    told(pace, 0, together * 5.0, together * 3.0)
    told(pace, 1, together * 4.5, together * 3.5)
    told(pace, 2, together * 50.0, together * 30.0)  # disturbed
    told(pace, 3, together * 1.0)  # not over yet
    pace.learn(WORK, ONE)
    assert Looks(WORK.workload).speed(ONE) == Speed(step=0.2, observed_image=0.02)


def test_without_a_whole_trial_nothing_is_learned(empty_cache):
    pace = Pace(2, 1)
    told(pace, 0, 1.0)
    pace.learn(WORK, ONE)
    assert not empty_cache.exists()


class Timed(Progress):
    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}

    def epoch(self, report: EpochReport) -> None:
        self.seconds[report.trial] = self.seconds.get(report.trial, 0.0) + report.seconds


def test_a_run_tells_the_next_one_how_long_it_takes(tmp_path):
    settings = dict[str, Any](model="mlp_2_w4", trials=3, epochs=2, limit=60, precision="float32")
    timed = Timed()
    run = measure("digits", **settings, out=tmp_path / "run", progress=timed)
    assert isinstance(run.spec, RunSpec)
    plan = planned("digits", **settings, recipe="short")
    work = work_of(plan.asked, plan.data, "cpu")
    foretold = work.seconds(speed_of(work.workload, run.spec.resolved)[1])
    assert foretold == pytest.approx(statistics.median(timed.seconds.values()))
