from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from easiness import open_run
from easiness.cli import progress as progress_module
from easiness.cli.progress import ShownProgress
from easiness.runs.cost import Cost
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
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), COST)
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
        r"trial 2 epoch 3/3: accuracy train 0\.500, held-out 0\.250, loss 1\.250, [\d,]+ images/s", lines[1]
    )
    assert lines[2:] == ["trial 4 failed: [red]the loss[/red]"]


def test_caching_that_takes_long_is_announced(measured, capsys):
    show(measured, between_lines=-1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:5] == [
        f"runs/a: {COST}",
        "caching photos of train: 0 of 150",
        "caching photos of train: 60 of 150",
        "caching photos of train: 150 of 150",
    ]


def test_what_is_refused_while_caching_begins_is_not_announced(measured, capsys):
    with ShownProgress() as shown:
        shown.begin(open_run(measured).spec, [2], Path("runs/a"), COST)
        shown.cached("train", 0, 150)
    assert capsys.readouterr().err == ""


def test_caching_before_anything_is_announced_shows_where_it_takes_long(capsys):
    for between_lines, shown_lines in ((100.0, 0), (-1.0, 2)):
        with ShownProgress(between_lines=between_lines) as shown:
            shown.cached("train", 0, 150)
            shown.cached("train", 150, 150)
        assert capsys.readouterr().err.count("caching photos of train: ") == shown_lines


def test_a_line_for_every_epoch_that_takes_long(measured, capsys):
    show(measured, between_lines=-1.0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines[5:8]] == [f"trial 2 epoch {epoch}/3" for epoch in (1, 2, 3)]
    assert re.search(r" images/s, [\d.]+ \w+ left$", lines[5])


def test_a_line_within_an_epoch_that_takes_very_long(measured, capsys):
    show(measured, within_epoch=-1.0)
    lines = capsys.readouterr().err.splitlines()
    within = [line.split(",")[0] for line in lines if " images, " in line]
    done = (80, 180, 230, 310, 410, 460, 540, 640, 690)
    assert within == [f"{num} of 690 images" for num in done]


def test_a_bar_on_a_terminal(measured, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    show(measured)
    out, err = capsys.readouterr()
    assert out == ""
    assert "trial 2 epoch 3/3: accuracy train 0.500, held-out 0.250" in err
    assert "images/s" in err
    assert "100%" in err
    assert "trial 4 failed: [red]the loss[/red]" in err


def test_nothing_to_train_shows_nothing(capsys):
    with ShownProgress():
        pass
    assert capsys.readouterr().err == ""


def test_an_error_goes_through():
    with pytest.raises(ZeroDivisionError), ShownProgress():
        raise ZeroDivisionError


def test_the_time_left_is_told_by_what_images_were_expected_to_take(measured, capsys, monkeypatch):
    """Half of the images of a study are a tenth of its work: the rest takes nine times as long."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    spec = open_run(measured).spec
    quick = replace(COST, num_trials=1, epochs=1, num_trained_on=0, num_observed=100, seconds=10.0)
    slow = replace(quick, seconds=90.0)
    with ShownProgress(within_epoch=-1.0) as shown:
        shown.study("two runs", 200, 100.0)
        shown.begin(spec, [0], Path("a"), quick)
        shown.images(0)
        now[0] += 20
        shown.images(100)
        shown.begin(spec, [0], Path("b"), slow)
        shown.images(0)
        now[0] += 90
        shown.images(50)
    lines = [line for line in capsys.readouterr().err.splitlines() if " images, " in line]
    assert lines[1] == "100 of 200 images, 5 images/s, 3 min left"  # twice as slow as expected: 2 x 90 s
    assert lines[3] == "150 of 200 images, 1 images/s, 90 s left"  # 110 s for 55 of 100


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_more_trials_of_a_run_are_counted_anew(measured, capsys, monkeypatch, on_a_terminal):
    if on_a_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "150")
    spec = open_run(measured).spec
    with ShownProgress(within_epoch=-1.0) as shown:
        for missing in ([0], [1]):
            shown.begin(spec, missing, Path("runs/a"), COST)
            shown.images(0)
            shown.cached("train", 150, 150)
            shown.images(230)
            shown.note(f"[red]checked after {missing[0]}")
    err = capsys.readouterr().err
    assert err.count("training 1 of 3 trials") == 2
    assert err.index("[red]checked after 0") < err.index("[red]checked after 1")
    if not on_a_terminal:
        assert sum(line.startswith("230 of 690 images") for line in err.splitlines()) == 2
