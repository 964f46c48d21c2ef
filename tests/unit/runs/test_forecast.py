from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from easiness import load_dataset, measure
from easiness.errors import BadInput
from easiness.runs import forecast as module
from easiness.runs.forecast import SLOWDOWN, Forecast, Pace, Work, work_of
from easiness.runs.progress import Progress
from easiness.spec import Recipe, Resolved, RunSpec
from easiness.store import read_document
from easiness.training import EpochReport, NetworkFacts, Speed, Workload
from plans import planned

pytestmark = pytest.mark.usefixtures("empty_cache")

ONE = Resolved(precision="float32", channels_last=False, threads=1, reason="so it is")
TWO = ONE.model_copy(update={"threads": 2})
BOTH = ONE.model_copy(update={"jobs": 2})
FACTS = NetworkFacts(convolutions=False, flops=10.0, num_weights=7, kept_bytes=0, depthwise=0)
WORKLOAD = Workload("mlp_2_w4", Recipe(batch_size=4), (1, 4, 4), 3, 4, "cpu")
WORK = Work(WORKLOAD, 20, 200)


def speed(seconds: float) -> Speed:
    return Speed(step=seconds, observed_image=seconds / 100)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, instead of measuring."""
    done: list[str] = []

    def facts(workload: Workload) -> NetworkFacts:
        done.append(workload.model)
        return FACTS

    def timed(_: Workload, settings: Resolved, __: NetworkFacts) -> Speed:
        done.append(f"a step on {settings.threads}")
        return speed(0.5)

    monkeypatch.setattr(module, "network_facts", facts)
    monkeypatch.setattr(module, "measure_speed", timed)
    return done


def the_file(empty_cache: Path) -> Path:
    (file,) = (empty_cache / "speeds").iterdir()
    return file


def keep(workload: Workload = WORKLOAD) -> None:
    Forecast(workload).learn(ONE, speed(0.1))


def is_known(workload: Workload = WORKLOAD) -> bool:
    return Forecast(workload).speed(ONE) == speed(0.1)


def test_a_step_is_timed_once(measured):
    assert (Forecast(WORKLOAD).speed(ONE), Forecast(WORKLOAD).facts()) == (speed(0.5), FACTS)
    assert Forecast(WORKLOAD).speed(ONE.model_copy(update={"reason": "otherwise"})) == speed(0.5)
    assert measured == ["mlp_2_w4", "a step on 1"]
    assert Forecast(WORKLOAD).speed(TWO) == speed(0.5)
    assert measured == ["mlp_2_w4", "a step on 1", "a step on 2"]


def test_nothing_is_written_where_it_is_not_to_be_remembered(empty_cache, measured):
    forecast = Forecast(WORKLOAD, remember=False)
    assert (forecast.speed(ONE), forecast.speed(ONE)) == (speed(0.5), speed(0.5))
    assert not empty_cache.exists()
    assert measured == ["mlp_2_w4", "a step on 1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "mlp_2_w8"},
        {"shape": (1, 4, 5)},
        {"num_classes": 4},
        {"batch": 3},
        {"recipe": Recipe(batch_size=4, flip=0.0)},
        {"recipe": Recipe(batch_size=4, gcn=False)},
    ],
)
def test_other_work_is_not_known(changes):
    keep()
    assert not is_known(Workload(**{**vars(WORKLOAD), **changes}))


def test_what_does_not_change_the_speed_does_not_matter():
    keep()
    recipe = Recipe(batch_size=4, alpha=0.1, period=30, translation=0.25)
    assert is_known(Workload(**{**vars(WORKLOAD), "recipe": recipe}))


@pytest.mark.parametrize("what", ["processor", "torch", "cores"])
def test_machines_that_share_a_cache_are_told_apart(monkeypatch, what):
    keep()
    with monkeypatch.context() as patch:
        if what == "processor":
            patch.setattr(module, "device_name", lambda _: "another")
        elif what == "torch":
            patch.setattr(torch, "__version__", "9.9")
        else:
            patch.setattr(torch, "get_num_threads", lambda: 64)
        assert not is_known()
        Forecast(WORKLOAD).learn(ONE, speed(9.0))
        assert Forecast(WORKLOAD).speed(ONE) == speed(9.0)
    assert is_known()


BROKEN = {
    "empty": lambda _: "",
    "cut off": lambda text: text[: len(text) // 2],
    "no table": lambda _: "[]",
    "of an earlier version": lambda text: text.replace('"format": 2', '"format": 1'),
    "of a later version": lambda text: text.replace('"format": 2', '"format": 3'),
    "with more in it": lambda text: text.replace('"format"', '"more": 1, "format"'),
    "impossible": lambda text: text.replace("0.1", "-0.1"),
    "infinite": lambda text: text.replace("0.1", "1e999"),
    "of something else": lambda text: text.replace("mlp_2_w4", "mlp_2_w5"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_is_broken_is_replaced(empty_cache, how):
    keep()
    file = the_file(empty_cache)
    file.write_text(BROKEN[how](file.read_text()))
    assert not is_known()
    keep()
    assert is_known()


def test_a_cache_that_cannot_be_written_costs_no_more_than_time(empty_cache):
    empty_cache.write_text("a file where a folder should be")
    keep()
    assert not is_known()


@pytest.mark.long
def test_two_processes_may_write(empty_cache):
    """Each writes whole files: whoever reads meanwhile finds one of them."""
    keep()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_forecast import keep\n"
        "for _ in range(20): keep()"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    path = os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")])
    threads = str(torch.get_num_threads())  # as here, where torch may have been loaded before this was set
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": threads}
    writers = [subprocess.Popen([sys.executable, "-c", code, folders[0]], env=env) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert is_known()
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(list((empty_cache / "speeds").iterdir())) == 1


def test_networks_from_the_users_code_are_known_in_this_process_alone(empty_cache, measured):
    """Their code may be another by the next run."""
    own = Workload(**{**vars(WORKLOAD), "model": "mine:net"})
    for _ in range(2):
        Forecast(own).speed(ONE)
        assert measured == ["mine:net", "a step on 1"]
    assert not empty_cache.exists()


def test_processes_slow_each_other_down_until_it_is_known_how_much():
    assert Forecast(WORKLOAD).speed(BOTH) == speed(0.5).times(SLOWDOWN)
    Forecast(WORKLOAD).learn(BOTH, speed(0.8))
    assert Forecast(WORKLOAD).speed(BOTH) == speed(0.8)


def test_what_was_timed_is_told_from_what_trained(empty_cache):
    Forecast(WORKLOAD).speed(ONE)
    assert not Forecast(WORKLOAD).has_seen(ONE)
    Forecast(WORKLOAD).learn(ONE, speed(0.5))
    assert Forecast(WORKLOAD).has_seen(ONE)
    assert not Forecast(WORKLOAD).has_seen(BOTH)
    file = the_file(empty_cache)  # of a version that did not tell
    file.write_text(file.read_text().replace(',\n   "trained": true', ""))
    assert Forecast(WORKLOAD).speed(ONE) == speed(0.5)
    assert not Forecast(WORKLOAD).has_seen(ONE)


def test_a_network_that_cannot_train_is_bad_input(monkeypatch):
    def fails(*_: object) -> None:
        raise BadInput("no such step")

    monkeypatch.setattr(module, "measure_speed", fails)
    with pytest.raises(BadInput, match="no such step"):
        Forecast(WORKLOAD).speed(ONE)


def test_a_pipe_in_the_place_of_what_was_kept_is_not_waited_for(empty_cache):
    keep()
    file = the_file(empty_cache)
    file.unlink()
    os.mkfifo(file)
    assert Forecast(WORKLOAD).speed(ONE) == speed(0.5)


# ---- what trials really took


def note(pace: Pace, trial: int, *seconds: float) -> None:
    for epoch, passed in enumerate(seconds, 1):
        pace.note(EpochReport(trial, epoch, 2, 1.0, {}, passed))


def test_the_median_trial_is_what_is_expected_next():
    Forecast(WORKLOAD).learn(ONE, Speed(step=0.1, observed_image=0.01))  # 4 seconds a trial
    pace = Pace(2)
    note(pace, 0, 5.0, 3.0)
    note(pace, 1, 4.5, 3.5)
    note(pace, 2, 50.0, 30.0)  # disturbed
    note(pace, 3, 1.0)  # not over yet
    pace.learn(WORK, ONE)
    assert Forecast(WORKLOAD).speed(ONE) == Speed(step=0.2, observed_image=0.02)


def test_without_a_whole_trial_nothing_is_learned(empty_cache):
    pace = Pace(2)
    note(pace, 0, 1.0)
    pace.learn(WORK, ONE)
    assert not empty_cache.exists()


class Timed(Progress):
    """Seconds of each trial; ends the run after the first where it is told to."""

    def __init__(self, *, interrupts: bool = False) -> None:
        self.seconds: dict[int, float] = {}
        self._interrupts = interrupts

    def epoch(self, report: EpochReport) -> None:
        self.seconds[report.trial] = self.seconds.get(report.trial, 0.0) + report.seconds

    def stored(self, _index: int) -> None:
        if self._interrupts:
            raise KeyboardInterrupt


DIGITS = load_dataset("digits", limit=60)
SETTINGS: dict[str, Any] = {
    "model": "mlp_2_w4",
    "trials": 3,
    "epochs": 2,
    "precision": "float32",
}


def forecast_of(resolved: Resolved) -> float:
    plan = planned(DIGITS, **SETTINGS, recipe="short")
    work = work_of(plan.asked, plan.data, "cpu")
    return work.seconds(Forecast(work.workload).speed(resolved))


def test_a_run_tells_the_next_one_how_long_it_takes(tmp_path):
    timed = Timed()
    run = measure(DIGITS, **SETTINGS, out=tmp_path / "run", progress=timed)
    assert isinstance(run.spec, RunSpec)
    assert forecast_of(run.spec.resolved) == pytest.approx(statistics.median(timed.seconds.values()))


def test_so_does_one_that_is_interrupted(tmp_path):
    timed = Timed(interrupts=True)
    with pytest.raises(KeyboardInterrupt):
        measure(DIGITS, **SETTINGS, out=tmp_path / "run", progress=timed)
    settings = read_document(tmp_path / "run").spec.resolved  # type: ignore[union-attr]
    assert forecast_of(settings) == pytest.approx(timed.seconds[0])
