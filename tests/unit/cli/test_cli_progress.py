from __future__ import annotations

from pathlib import Path

import pytest

from easiness import open_run
from easiness.cli import progress as progress_module
from easiness.cli.progress import ShownProgress
from easiness.training import EpochReport


def report(epoch: int) -> EpochReport:
    return EpochReport(2, epoch, 3, 1.25, {"train": 0.5, "held_out": 0.25}, 0.125)


def show(measured: Path) -> None:
    with ShownProgress() as shown:
        shown.begin(open_run(measured).spec, [2], Path("runs/a"))
        for epoch in (1, 2, 3):
            shown.epoch(report(epoch))
        shown.stored(2)
        shown.failed(4, "[red]the loss[/red]")


def test_plain_lines_where_there_is_no_terminal(measured, capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN_LINES", 1e9)
    show(measured)
    out, err = capsys.readouterr()
    assert out == ""
    first, *lines = err.splitlines()
    assert first.startswith("runs/a: training 1 of 3 trials of mlp_3, 2 epochs each (float32")
    assert lines == [
        "trial 2 epoch 3/3: accuracy train 0.500, held-out 0.250, loss 1.250, 0.1 s",
        "trial 4 failed: [red]the loss[/red]",
    ]


def test_a_line_for_every_epoch_that_takes_long(measured, capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN_LINES", -1.0)
    show(measured)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines[1:4]] == [f"trial 2 epoch {epoch}/3" for epoch in (1, 2, 3)]


def test_a_bar_on_a_terminal(measured, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    show(measured)
    out, err = capsys.readouterr()
    assert out == ""
    assert "trial 2 epoch 3/3: accuracy train 0.500, held-out 0.250" in err
    assert "trial 4 failed: [red]the loss[/red]" in err


def test_nothing_to_train_shows_nothing(capsys):
    with ShownProgress():
        pass
    assert capsys.readouterr().err == ""


def test_an_error_goes_through():
    with pytest.raises(ZeroDivisionError), ShownProgress():
        raise ZeroDivisionError
