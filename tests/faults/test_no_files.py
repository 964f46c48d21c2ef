"""Pipes, sockets, devices and folders in place of files: one line at once, wherever a file is given."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PATIENCE = 30  # seconds, after which a command hangs


def pipe(place: Path) -> None:
    os.mkfifo(place)


def device(place: Path) -> None:
    place.symlink_to("/dev/zero")


def standard_input(place: Path) -> None:
    place.symlink_to("/dev/stdin")


def unix_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(place))


def folder(place: Path) -> None:
    place.mkdir()


KINDS = (pipe, device, standard_input, unix_socket, folder)


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


def _cases() -> Iterator[Any]:
    """Every place with every kind; each time a pipe for every place, and every kind for the labels."""
    for name in PLACES:
        for make in KINDS:
            if (name, make) != ("pets/cat/0.png", folder):  # which is one of its class
                always = make is pipe or name == "labels.csv"
                yield pytest.param(name, make, marks=() if always else pytest.mark.long)


@pytest.mark.parametrize(("name", "make"), list(_cases()))
def test_what_is_no_file_is_refused_at_once(
    refused: Callable[..., str], measured: Path, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)
    line = refused(*(one.format(run=measured) for one in PLACES[name]))
    assert Path(name).name in line
    assert not (tmp_path / "run").exists()
