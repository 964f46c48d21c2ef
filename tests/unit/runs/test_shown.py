from __future__ import annotations

import io
import re
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from easiness import open_run
from easiness.runs.cost import Cost
from easiness.runs.screens import Notebook, State, Terminal, find_screen
from easiness.runs.shown import ShownProgress
from easiness.training import EpochReport


def report(epoch: int) -> EpochReport:
    return EpochReport(2, epoch, 3, 1.25, {"train": 0.5, "held_out": 0.25}, 0.125)


COST = Cost(
    num_examples=100,
    num_held_out=50,
    num_trained_on=80,
    num_observed=450,
    num_trials=1,
    epochs=3,
    steps_per_epoch=2,
    step_seconds=0.5,
    seconds=75.0,
    decoding_seconds=0.0,
    run_bytes=1_500_000,
    cache_bytes=30_000_000,
)


def show(measured: Path, **seconds: float) -> None:
    with ShownProgress(**seconds) as shown:
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), COST)  # type: ignore[arg-type]
        for done in (0, 60, 150):
            shown.cached("train", done, 150)
        for epoch in (1, 2, 3):
            for num in (80, 100, 50):
                shown.images(num)
            shown.epoch(report(epoch))
        shown.stored(2)
        shown.failed(4, "[red]the loss[/red]")


def test_plain_lines_where_there_is_no_terminal(measured, capsys):
    show(measured, between_lines=1e9)
    out, err = capsys.readouterr()
    assert out == ""
    first, *lines = err.splitlines()
    assert first.startswith("runs/a: training 1 of 3 trials of mlp_3, 2 epochs each (float32")
    assert lines[0] == f"runs/a: {COST}"
    assert re.fullmatch(
        r"trial 2 epoch 3/3: (accuracy )?train 0\.500, held-out 0\.250, [\d,]+ examples/s", lines[1]
    )
    assert lines[2:] == ["trial 4 failed: [red]the loss[/red]"]


def test_caching_and_epochs_that_take_long_have_their_lines(measured, capsys):
    show(measured, between_lines=-1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:5] == [
        f"runs/a: {COST}",
        "caching photos of train: 0 of 150",
        "caching photos of train: 60 of 150",
        "caching photos of train: 150 of 150",
    ]
    assert [line.split(":")[0] for line in lines[5:8]] == [f"trial 2 epoch {epoch}/3" for epoch in (1, 2, 3)]
    assert re.search(r" examples/s, [\d.]+ \w+ left$", lines[5])


def test_what_is_refused_while_caching_begins_is_not_announced(measured, capsys):
    with ShownProgress() as shown:
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), COST)  # type: ignore[arg-type]
        shown.cached("train", 0, 150)
    assert capsys.readouterr().err == ""


def test_caching_before_anything_is_announced_shows_where_it_takes_long(capsys):
    for between_lines, shown_lines in ((100.0, 0), (-1.0, 2)):
        with ShownProgress(between_lines=between_lines) as shown:
            shown.cached("train", 0, 150)
            shown.cached("train", 150, 150)
        assert capsys.readouterr().err.count("caching photos of train: ") == shown_lines


def test_a_line_within_an_epoch_that_takes_very_long(measured, capsys):
    show(measured, within_epoch=-1.0)
    lines = capsys.readouterr().err.splitlines()
    within = [line.split(",")[0] for line in lines if " examples, " in line]
    done = (80, 180, 230, 310, 410, 460, 540, 640, 690)
    assert within == [f"{num} of 690 examples" for num in done]


def test_a_bar_on_a_terminal(measured, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    show(measured)
    out, err = capsys.readouterr()
    assert out == ""
    assert "trial 2 epoch 3/3: accuracy train 0.500, held-out 0.250, loss 1.250" in err
    assert "examples/s" in err
    assert "100%" in err
    assert "trial 4 failed: [red]the loss[/red]" in err


def test_an_error_goes_through_and_nothing_to_train_shows_nothing(capsys):
    with pytest.raises(ZeroDivisionError), ShownProgress():
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_the_time_left_follows_the_trials_that_ended_last(measured, capsys, monkeypatch):
    """Of a load that is gone by then nothing is left in it after two trials."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cost = replace(COST, num_trials=10, seconds=100.0)
    images = cost.num_images // 10
    with ShownProgress(within_epoch=-1.0) as shown:
        shown.begin(open_run(measured).spec, list(range(10)), Path("runs/a"), cost)  # type: ignore[arg-type]
        shown.images(0)
        now[0] += 5000  # of processes that start
        shown.images(1)
        for trial, seconds in enumerate((1000, 1000, 10, 10, 10)):
            now[0] += seconds
            shown.images(images - (trial == 0))
            shown.stored(trial)
    left = [
        line.rpartition(", ")[2] for line in capsys.readouterr().err.splitlines() if " examples, " in line
    ]
    assert left[2] == "1.8 h to 3.5 h left"  # nine of 1000 s each, or 2.5 h, if an epoch goes on as it begins
    assert left[3] == "2.2 h left"
    assert left[-1] == "50 s left"


def test_the_time_left_is_told_by_what_images_were_expected_to_take(measured, capsys, monkeypatch):
    """Half of the images of a study are a tenth of its work: the rest takes nine times as long."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    spec = open_run(measured).spec
    quick = replace(COST, num_trials=1, epochs=1, num_trained_on=0, num_observed=100, seconds=10.0)
    slow = replace(quick, seconds=90.0)
    with ShownProgress(within_epoch=-1.0) as shown:
        shown.study("two runs", 200, 100.0)
        shown.begin(spec, [0], Path("a"), quick)  # type: ignore[arg-type]
        shown.images(1)
        now[0] += 20
        shown.images(99)
        shown.stored(0)
        shown.begin(spec, [0], Path("b"), slow)  # type: ignore[arg-type]
        shown.images(0)
        now[0] += 90
        shown.images(50)
    lines = [line for line in capsys.readouterr().err.splitlines() if " examples, " in line]
    # twice as slow as expected: 2 x 90 s, or so
    assert lines[1] == "100 of 200 examples, 5 examples/s, 2.1 min to 4.2 min left"
    assert lines[3] == "150 of 200 examples, 1 examples/s, 90 s left"  # 110 s for 55 of 100


def test_images_to_train_on_take_longer_than_those_observed():
    """Two trials at a time: 2 epochs of 80 images in a step of a second, and looks of 40 in a fifth."""
    cost = replace(
        COST, num_trials=2, epochs=2, num_observed=80, steps_per_epoch=1, step_seconds=1.0, seconds=2.4
    )
    cost = replace(cost, num_looks=2)
    worked = [cost.worked(num, 2) for num in (0, 80, 160, 200, 240, 320, cost.num_images)]
    assert worked == pytest.approx([0, 0.5, 1, 1.1, 1.2, 1.7, 2.4])
    assert [replace(cost, num_observed=0).worked(num, 2) for num in (80, 160)] == pytest.approx([0.6, 1.2])
    assert cost.worked(100, 1) == pytest.approx(2.4 * 100 / 480)  # where the sum is no trial's: all alike


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_more_trials_of_a_run_are_counted_anew(measured, capsys, monkeypatch, on_a_terminal):
    if on_a_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "150")
    spec = open_run(measured).spec
    with ShownProgress(within_epoch=-1.0) as shown:
        for missing in ([0], [1]):
            shown.begin(spec, missing, Path("runs/a"), COST)  # type: ignore[arg-type]
            shown.images(0)
            shown.cached("train", 150, 150)
            shown.images(230)
            shown.note(f"[red]checked after {missing[0]}")
    err = capsys.readouterr().err
    assert err.count("training 1 of 3 trials") == 2
    assert err.index("[red]checked after 0") < err.index("[red]checked after 1")
    if not on_a_terminal:
        assert sum(line.startswith("230 of 690 examples") for line in err.splitlines()) == 2


def long(epoch: int) -> EpochReport:
    return EpochReport(12, epoch, 300, 11.25, {"train": 0.5, "left_out": 0.375, "held_out": 0.25}, 0.125)


def test_a_plain_line_has_eighty_characters_at_the_most(measured, capsys, monkeypatch):
    """Ever less is said of what is long: the loss goes first, what is held out stays."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    many = replace(COST, num_trials=100, num_trained_on=10**9)
    with ShownProgress(between_lines=-1.0) as shown:
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), COST)  # type: ignore[arg-type]
        shown.images(0)
        shown.epoch(EpochReport(1, 1, 2, 0.5, {"train": 0.5}, 0.1))
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), many)  # type: ignore[arg-type]
        shown.images(0)
        now[0] += 2000
        shown.images(10**9)
        shown.epoch(long(100))
        shown.epoch(EpochReport(1, 1, 2, 0.5, {}, 0.1))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trial")]
    assert max(map(len, lines)) <= 80
    assert [line.rpartition(" examples/s")[0].rpartition(", ")[0] for line in lines] == [
        "trial 1 epoch 1/2: accuracy train 0.500, loss 0.500",
        "trial 12 epoch 100/300: held-out 0.250",
        "trial 1 epoch 1/2: loss 0.500",
    ]


@pytest.mark.parametrize("width", [40, 60, 79, 80, 100, 110, 112, 150])
def test_a_bar_is_one_line_of_any_terminal(width):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    screen = Terminal(console)
    screen.open()
    screen.show(State(["caching photos of train"], 0.5))
    said = [
        "trial 12 epoch 100/300: accuracy train 0.500, held-out 0.250, loss 1.250",
        "trial 12 epoch 100/300: train 0.500, held-out 0.250",
        "trial 12 epoch 100/300: held-out 0.250",
        "trial 12 epoch 100/300",
    ]
    screen.show(State(said, 0.25, 123_456.0, 7200.0))
    screen.close()
    last = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", file.getvalue()).rstrip("\n").split("\n")
    assert all(len(line.split("\r")[-1].rstrip()) <= width for line in last), last
    line = last[-1].split("\r")[-1]
    assert "25%" in line
    expected = {
        40: "trial",
        60: said[3],
        79: said[2],
        80: said[2],
        100: said[1],
        110: said[0],
        112: said[0],
        150: said[0],
    }
    assert line.startswith(expected[width])
    assert ("examples/s" in line) == (width >= 112)


class FakeHandle:
    def __init__(self, shown: list[str], text: str) -> None:
        self.shown, self.at = shown, len(shown)
        shown.append(text)

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown[self.at] = data["text/plain"]


@pytest.fixture
def notebook(monkeypatch) -> list[str]:
    """What is below the cell of a notebook: IPython's display protocol, in which a handle writes over."""
    shown: list[str] = []

    def display(data: dict[str, str], *, raw: bool, display_id: bool = False) -> FakeHandle | None:
        assert raw
        assert list(data) == ["text/plain"]
        handle = FakeHandle(shown, data["text/plain"])
        return handle if display_id else None

    module = types.ModuleType("IPython.display")
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    return shown


def test_one_line_of_a_notebook_is_written_over(measured, capsys, notebook):
    show(measured)
    assert capsys.readouterr() == ("", "")
    announced, cost, line, failed = notebook
    assert announced.startswith("runs/a: training 1 of 3 trials of mlp_3")
    assert cost.startswith("runs/a: ")
    assert re.fullmatch(
        r"trial 2 epoch 3/3: (accuracy )?train 0\.500, held-out 0\.250  100%, [\d,]+ examples/s", line
    )
    assert len(line) <= 80
    assert failed == "trial 4 failed: [red]the loss[/red]"


def test_a_notebook_gets_few_updates(notebook):
    screen = find_screen()
    assert isinstance(screen, Notebook)
    for num in range(1000):
        screen.show(State([f"image {num}"], num / 1000, 10.0, 90.0))
    assert len(notebook) == 1
    screen.close()
    assert notebook == ["image 999  100%, 10 examples/s, 90 s left"]
