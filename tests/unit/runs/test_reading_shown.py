from __future__ import annotations

import time

import pytest

from easiness.inputs.counting import counted, reading as listening
from easiness.runs import screens as module
from easiness.runs.screens import reading_shown


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever it is read."""
    now = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))


def test_nothing_is_shown_where_it_is_quick(capsys):
    with reading_shown():
        list(counted(range(1024), "reading images", 1024))
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("clock")
def test_a_line_now_and_then(capsys):
    with reading_shown():
        list(counted(range(2560), "reading images", 2560))
    assert capsys.readouterr().err == "reading images: 1,280 of 2,560\nreading images: 2,560 of 2,560\n"


def test_afterwards_nobody_listens(capsys, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with reading_shown():
        pass
    list(counted(range(256), "x", 256))
    assert capsys.readouterr().err == ""
    heard = []
    with listening(lambda *what: heard.append(what)):
        list(counted(range(256), "x", 256))
    assert heard == [("x", 256, 256)]


def test_notes_and_passes_are_shown_by_measure(command, tmp_path, monkeypatch):
    import numpy as np
    from PIL import Image

    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    for i in range(4):
        folder = tmp_path / "pets/train" / ("cat", "dog")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i}.png")
    (tmp_path / "pets/val").mkdir()
    Image.fromarray(np.full((8, 8, 3), 9, np.uint8)).save(tmp_path / "pets/val/9.png")
    shown = command("measure", tmp_path / "pets", "--out", tmp_path / "run", "--model", "mlp_1", "--dry-run")
    assert shown.code == 0
    assert "reading images: 4 of 4\n" in shown.err
    note = "holds images without class folders, so it is not used as a held-out split"
    assert f"\nnote: {tmp_path}/pets/val {note}\n" in shown.err
