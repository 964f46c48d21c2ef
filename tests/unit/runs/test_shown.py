from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from easiness import open_run
from easiness.inputs import tell, track
from easiness.runs import Cost, ShownProgress, passes_shown
from easiness.training import EpochReport

COST = Cost(
    num_examples=100,
    num_held_out=50,
    num_trained_on=80,
    num_observed=450,
    num_trials=1,
    epochs=3,
    steps_per_epoch=2,
    run_bytes=1_500_000,
    cache_bytes=30_000_000,
    flops=1e6,
    memory=10**9,
)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of all clocks, in seconds."""
    moment = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def spec(measured: Path) -> Any:
    return open_run(measured).spec


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")


def show(spec: Any, **seconds: float) -> None:
    with ShownProgress(**seconds) as shown:
        shown.begin(spec, [2], Path("runs/a"), COST)
        for done in (0, 60, 150):
            shown.preparation("caching photos of train", done, 150)
        for epoch in (1, 2, 3):
            for num in (80, 100, 50):
                shown.images(num)
            shown.epoch(EpochReport(2, epoch, 3, 1.25, {"train": 0.5, "held_out": 0.25}, 0.125))
        shown.finish(2)
        shown.fail(4, "[red]the loss[/red]")


def test_plain_lines_where_there_is_no_terminal(spec, capsys):
    show(spec, between_lines=1e9)
    out, err = capsys.readouterr()
    assert out == ""
    first, *lines = err.splitlines()
    assert first.startswith("runs/a: training 1 of 3 trials of mlp_3, 2 epochs each (float32")
    assert lines[0] == f"runs/a: {COST}"
    assert lines[1].startswith("trial 2 epoch 3/3: accuracy train 0.500, held-out 0.250, loss 1.250, ")
    assert lines[2:] == ["trial 4 failed: [red]the loss[/red]"]


def test_caching_and_epochs_that_take_long_have_their_lines(spec, capsys):
    show(spec, between_lines=-1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[2:5] == [f"caching photos of train: {num} of 150" for num in (0, 60, 150)]
    assert [line.split(":")[0] for line in lines[5:8]] == [f"trial 2 epoch {epoch}/3" for epoch in (1, 2, 3)]


def test_a_line_within_an_epoch_that_takes_very_long(spec, capsys):
    show(spec, within_epoch=-1.0)
    assert capsys.readouterr().err.count("% of the work, ") == 9


def test_what_is_refused_while_caching_begins_is_not_announced(spec, capsys):
    with ShownProgress() as shown:
        shown.begin(spec, [2], Path("runs/a"), COST)
        shown.preparation("caching photos of train", 0, 150)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", [40, 80, 112])
def test_a_bar_is_one_line_of_any_terminal(spec, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    show(spec)
    (line,) = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", capsys.readouterr().err).rstrip("\n").split("\n")[-1:]
    assert "100%" in line
    assert len(line.split("\r")[-1].rstrip()) <= width


def test_the_time_left_goes_by_operations(spec, capsys, now):
    """Half of the images of a study are a tenth of its work; what processes take to start counts for none."""
    quick = replace(COST, epochs=1, num_trained_on=100, num_observed=0, flops=1.0)
    with ShownProgress(within_epoch=-1.0) as shown:
        shown.study("two runs", 200, 1000.0)
        for flops, seconds in ((1.0, 1), (9.0, 10)):
            shown.begin(spec, [0], Path("a"), replace(quick, flops=flops))
            shown.images(0)
            now[0] += 5000  # of processes that start
            for _ in range(10):
                now[0] += seconds
                shown.images(10)
    left = [line for line in capsys.readouterr().err.splitlines() if " of the work, " in line]
    assert left[5].endswith("5% of the work, 0 examples/s, 95 s left")
    assert left[16].endswith("55% of the work, 0 examples/s, 50 s left")


def test_a_notebook_without_widgets_has_lines(spec, capsys, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    show(spec)
    assert "trial 2 epoch 3/3: " in capsys.readouterr().err


# ---- what reads alone


def test_lines_of_reading_come_now_and_then(now, capsys):
    with passes_shown(True):
        tell("looking", 1, 4000)
        now[0] += 6
        tell("looking", 2000, 4000)
        assert list(track(range(3), "counting", 3)) == [0, 1, 2]
    tell("to nobody", 1, 2)
    assert capsys.readouterr().err == "looking: 2,000 of 4,000\n"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("seconds", [0, 2])
def test_reading_that_takes_a_moment_has_a_bar(now, capsys, seconds):
    with passes_shown(True):
        now[0] += seconds
        tell("looking", 2, 4)
    assert ("looking" in capsys.readouterr().err) == bool(seconds)
