"""Pipes, sockets, devices and folders in place of files: one line at once, wherever a file is given."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refitted import ODD

from lengths import long_but

PATIENCE = 30  # seconds, after which a command hangs


def _hangs(*_: object) -> None:
    pytest.fail("it hangs")


MEASURE = ("--model", "mlp_2_w2", "--trials", "1", "--epochs", "1", "--out", "run")
# the file that is not one, and the command that reads it
PLACES: dict[str, tuple[str, ...]] = {
    "a.npz": ("measure", "a.npz", *MEASURE),
    "a.csv": ("measure", "a.csv", *MEASURE),
    "a.parquet": ("measure", "a.parquet", *MEASURE),
    "pets/cat/0.png": ("measure", "pets", *MEASURE),
    "labels.csv": ("measure", "digits", "--limit", "20", "--labels", "labels.csv", *MEASURE),
    "recipe.toml": ("measure", "digits", "--limit", "20", "--recipe", "recipe.toml", *MEASURE),
    "ids.txt": ("prune", "{run}", "--ids", "ids.txt"),
    "ids.csv": ("prune", "{run}", "--ids", "ids.csv"),
}


@pytest.fixture(autouse=True)
def _in_a_folder_that_cannot_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures to stand beside; what hangs is ended by a signal, which fails the test; stdin is a pipe."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "pets" / name / "1.png")
    from_, into = os.pipe()
    before = os.dup(0)
    os.dup2(from_, 0)
    handler = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)
    os.dup2(before, 0)
    for number in (from_, into, before):
        os.close(number)


CASES = [(name, kind) for name in PLACES for kind in ODD if (name, kind) != ("pets/cat/0.png", "a folder")]


# each time a pipe for every place, and everything for the labels; a folder for a picture is one of its class
@pytest.mark.parametrize(
    ("name", "kind"), long_but(CASES, [one for one in CASES if "a pipe" in one or "labels.csv" in one])
)
def test_what_is_no_file_is_refused_at_once(refused, measured, tmp_path, name, kind):
    ODD[kind](tmp_path / name)
    line = refused(*(one.format(run=measured) for one in PLACES[name]))
    assert Path(name).name in line
    assert not (tmp_path / "run").exists()
