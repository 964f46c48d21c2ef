"""What a public function says while it works, and after Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import easiness as ez
from easiness.runs.progress import Progress
from easiness.runs.shown import ShownProgress, call_text, progress_of

SMALL: dict[str, Any] = {"model": "mlp_1", "trials": 1, "epochs": 1, "limit": 60, "device": "cpu", "jobs": 1}


def test_a_run_is_announced_and_shown_unless_told_not_to(tmp_path: Path, capsys):
    ez.measure("digits", out=tmp_path / "quiet", progress=False, **SMALL)
    assert capsys.readouterr() == ("", "")
    ez.measure("digits", out=tmp_path / "run", **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{tmp_path}/run: training 1 of 1 trial of mlp_1, 1 epoch each" in err
    assert "trial 0 epoch 1/1: accuracy train 0." in err
    ez.measure("digits", out=tmp_path / "run", **SMALL)
    assert capsys.readouterr() == ("", "")  # it only reads


def test_a_progress_of_ones_own_is_called(tmp_path: Path, capsys):
    stored = []

    class Mine(Progress):
        def stored(self, index: int) -> None:
            stored.append(index)

    ez.measure("digits", out=tmp_path / "run", progress=Mine(), **SMALL)
    assert stored == [0]
    assert capsys.readouterr() == ("", "")


def test_anything_else_is_refused(tmp_path: Path):
    with pytest.raises(ez.BadInput, match="progress 'bar': give"):
        ez.measure("digits", out=tmp_path / "run", progress="bar", **SMALL)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_what_is_found_in_the_data_and_not_used_is_said(tmp_path: Path, capsys):
    import numpy as np
    from PIL import Image

    for i in range(4):
        folder = tmp_path / "pets/train" / ("cat", "dog")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)).save(folder / f"{i}.png")
    (tmp_path / "pets/val").mkdir()
    Image.fromarray(np.full((8, 8, 3), 9, np.uint8)).save(tmp_path / "pets/val/9.png")
    ez.measure(str(tmp_path / "pets"), out=tmp_path / "run", model="mlp_1", trials=1, epochs=1, device="cpu")
    assert "note: " in capsys.readouterr().err.splitlines()[0]


def function(data, scores_run, *, model, rates=(0.3,), out, seed=0, progress=True):
    """Stands for a public one."""


GIVEN = {
    "data": "a", "scores_run": "b", "model": "m", "rates": (0.3,), "out": "c", "seed": 0, "progress": True,
}  # fmt: skip


def test_the_call_is_written_as_it_was_made(measured: Path):
    run = ez.open_run(measured)
    given = {**GIVEN, "data": "digits", "scores_run": run, "out": Path("runs/a"), "seed": 3}
    opened = f"easiness.open_run({str(measured)!r})"
    assert call_text(function, given) == (
        f"easiness.function('digits', {opened}, model='m', out='runs/a', seed=3)"
    )


def test_what_has_no_short_text_is_left_open():
    given = {**GIVEN, "data": object(), "scores_run": ["x" * 200], "model": lambda: 3, "rates": [0.1]}
    text = call_text(function, given)
    assert text == "easiness.function(..., ..., model=..., rates=[0.1], out='c')"
    assert "model=function" in call_text(function, {**given, "model": function})


@pytest.mark.parametrize(("progress", "says"), [(True, True), (False, False), (Progress(), False)])
def test_an_interrupt_is_raised_and_says_how_to_go_on(capsys, progress, says):
    def interrupted() -> None:
        with progress_of(progress, function, GIVEN) as tell:
            assert isinstance(tell, ShownProgress) == says
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    call = "easiness.function('a', 'b', model='m', out='c')"
    said = f"interrupted; everything finished so far is kept. To go on, call it again: {call}\n"
    assert capsys.readouterr().err == (said if says else "")


@pytest.mark.long
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path):
    """A real interrupt, once a trial is whole."""
    script = tmp_path / "mine.py"
    script.write_text(
        "import easiness as ez\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        ez.measure('digits', model='mlp_1', trials=500, epochs=1, limit=300, device='cpu', jobs=1,\n"
        f"                   out={str(tmp_path / 'run')!r})\n"
        "    except KeyboardInterrupt:\n"
        "        print('still raised')\n"
    )
    command = [sys.executable, str(script)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list((tmp_path / "run/trials").glob("[0-9]*/trial.json")):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert out == "still raised\n", err
    assert running.returncode == 0
    call = (
        "easiness.measure('digits', model='mlp_1', trials=500, epochs=1, "
        f"out={str(tmp_path / 'run')!r}, limit=300, device='cpu', jobs=1)"
    )
    assert err.splitlines()[-1].endswith(f"call it again: {call}")
    assert 0 < len(ez.open_run(tmp_path / "run").trials) < 500
