"""Every command and function on outcomes works, or a line names what they lack and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.commands import COMMANDS, PAPER
from easiness.errors import BadInput
from easiness.store import Run, runs_in
from easiness.studies.learning import learning_curve
from easiness.studies.similarity import similarity
from recording import answered, recorded

ALL = "classes, probabilities and a course of training"
TRAINING = "--out out --model mlp_1 --epochs 1"
WORKS = [
    *("scores one", "suspects one", "suspects runs", "audit one", "audit runs", "status one", "status runs"),
    *("status one --verify", "scores runs/b"),
]
LACKS = {
    "labels one -o labels.csv": "classes",
    "export one --to csv -o x.csv": ALL,
    "card one -o card": ALL,
    "scores one --at 3": ALL,
    "scores one --split held_out": ALL,
    "suspects one --at 3": ALL,
    "audit one --split held_out": ALL,
    "paper perturb one --kind color": "networks",
    f"paper ablate digits --scores one --rates 0.1 {TRAINING}": "classes",
    f"paper ablate digits --scores one --rates 0.1 {TRAINING} --dry-run": "classes",
    f"paper corrupt digits --scores one --rates 0.1 {TRAINING}": "classes",
    f"paper validate one/a {TRAINING}": "no examples with labels",
    "paper all one/a --out out": "no examples with labels",
    f"verify one/a --labels x.csv {TRAINING}": "no examples with labels",
    f"measure one/a {TRAINING}": "no examples with labels",
    "measure digits --features run:one --out out": ALL,
    f"measure digits {TRAINING} --out one/a": "from a training loop of your own or as outcomes",
}
OF_OTHERS = {"report", "compare", "diff", "explain", "keep", "next", "record", "paper hypothesis"}
"""Their own tests have runs of outcomes, and the last takes no run."""


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs ``one`` and ``runs/b`` in the current folder, and one ``measured``."""
    monkeypatch.chdir(tmp_path)
    keys = ["A", "B", "C"] * 7
    asked = [[key, "B"] for key in keys]
    made = answered(tmp_path / "one", {"a": asked}, keys) + answered(tmp_path / "runs", {"b": asked}, keys)
    recorded(tmp_path / "measured", np.zeros((2, 21, 2)), np.arange(21) % 2)
    return made


def test_every_command_is_tried() -> None:
    names = [one.name for one in (*COMMANDS, *PAPER)]
    assert {name for name in names for line in (*WORKS, *LACKS) if f"{line} ".startswith(f"{name} ")} == {
        *names
    } - OF_OTHERS


@pytest.mark.parametrize("line", WORKS)
def test_it_works(command: Callable[..., Any], line: str) -> None:
    finished = command(*line.split())
    assert finished.code == 0, finished.err


@pytest.mark.parametrize("line", LACKS)
def test_it_says_what_outcomes_lack(
    refused: Callable[..., str], snapshot: Callable[[Path], Any], tmp_path: Path, line: str
) -> None:
    before = snapshot(tmp_path)
    said = refused(*line.split())
    assert LACKS[line] in said
    assert "one" in said.split(": ")[2]
    assert "; " in said
    assert snapshot(tmp_path) == before


FUNCTIONS: dict[str, Callable[[Run], object]] = {
    "votes": lambda run: run.votes(),
    "probabilities": lambda run: run.probabilities(),
    "scores at": lambda run: run.scores(at=1),
    "scores held out": lambda run: run.scores(split="held_out"),
    "resolve_at": lambda run: run.resolve_at(None),
    "learning_curve": learning_curve,
    "similarity": lambda run: similarity(run, "digits"),
    "matching_rate": lambda run: ez.matching_rate(run, ez.open_run("runs/b")),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_they_lack(
    runs: list[Run], snapshot: Callable[[Path], Any], tmp_path: Path, name: str
) -> None:
    before = snapshot(tmp_path)
    with pytest.raises(
        BadInput, match=r"^\S+one(/a)?: has outcomes, without [^;\n]* needs[^;\n]*; give a run"
    ):
        FUNCTIONS[name](runs[0])
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "line", ["compare one measured", "suspects one measured", "scores measured one", "audit one measured"]
)
def test_runs_of_two_kinds_are_refused(refused: Callable[..., str], line: str) -> None:
    assert "one/a: has outcomes, and measured was measured; give runs of one kind" in refused(*line.split())


def test_the_runs_in_a_folder(tmp_path: Path) -> None:
    one, several = tmp_path / "one", tmp_path
    assert runs_in(one, several=True) == runs_in(one, several=False) == [one / "a"]
    assert runs_in(one / "a", several=True) == [one / "a"]
    recorded(tmp_path / "another", np.zeros((1, 4, 2)), np.arange(4) % 2)
    assert runs_in(several, several=True) == [tmp_path / "another", tmp_path / "measured"]
    assert runs_in(several, several=False) == [several]
    assert runs_in(tmp_path / "nowhere", several=True) == [tmp_path / "nowhere"]
