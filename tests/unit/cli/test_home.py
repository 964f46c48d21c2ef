"""A ``~`` is the home folder in whatever path is given, which a shell leaves as it is in ``--out=~/run``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import easiness
from easiness.cli import main
from easiness.commands import COMMANDS, PAPER

_COMMANDS = {one.name: main._command(one.name) for one in (*COMMANDS, *PAPER)}


TEXTS = {"data", "recipe", "features", "old_data", "new_data", "pool"}
"""Parameters that may be paths among other things, and are texts."""


def _paths(name: str) -> list[Any]:
    """The parameters of a command that are, or may be, paths."""
    typed = [one for one in _COMMANDS[name].params if hasattr(one, "type_descriptor")]
    kinds = {one.name: one.type_descriptor.annotation for one in typed}
    return [
        one for one in typed if one.name in TEXTS or Path in (kinds[one.name], *get_args(kinds[one.name]))
    ]


def test_there_are_paths_to_look_at():
    looked_at = {(name, one.name) for name in _COMMANDS for one in _paths(name)}
    assert {("measure", "out"), ("suspects", "decided"), ("card", "apply"), ("status", "run")} < looked_at
    assert {one for _, one in looked_at} > TEXTS


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_and_argument_that_may_be_a_path(name, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    command = _COMMANDS[name]
    for one in _paths(name):
        option = one.opts[-1]
        words = [f"{option}=~/x"] if option.startswith("--") else ["~/x"] * 9
        context = command.make_context(name, expanded(words), resilient_parsing=True)
        read = context.params[one.name]
        values = read if isinstance(read, list | tuple) else [read]
        assert {str(value) for value in values} == {str(tmp_path / "x")}, option


def expanded(words: list[str]) -> list[str]:
    """The words as the command line takes them."""
    return [main._PATH.sub(main._at_home, word) for word in words]


def test_what_only_begins_alike_is_no_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _COMMANDS["measure"].make_context(
        "measure", expanded(["--label", "~breed", "x", "--out", "y"]), resilient_parsing=True
    ).params["label"] == ("~breed")


@pytest.fixture
def home(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a run and files, seen from an empty folder."""
    home = tmp_path / "me"
    shutil.copytree(measured, home / "run")
    ids = [str(one) for one in easiness.open_run(home / "run").ids]
    labels = easiness.open_run(home / "run").labels
    rows = [f"{one},{label},keep,{label},me" for one, label in zip(ids, labels, strict=True)]
    (home / "labels.csv").write_text("\n".join(["id,label,action,was,by", *rows[:40]]))
    (home / "recipe.toml").write_text("flip = 0.0\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(home))
    return home


def small_run_in(out: str, **more: Any) -> Any:
    data = easiness.load_dataset("digits", limit=20)
    return easiness.measure(data, out=out, model="mlp_1", trials=1, epochs=1, progress=False, **more)


DOORS: dict[str, Callable[[], Any]] = {
    "open_run": lambda: easiness.open_run("~/run"),
    "Run": lambda: easiness.Run("~/run").ids,
    "measure, recipe": lambda: small_run_in("~/new", recipe="~/recipe.toml"),
    "load_dataset, labels": lambda: easiness.load_dataset("digits", limit=100, labels="~/labels.csv"),
    "load_dataset, source": lambda: easiness.load_dataset("~/pets"),
    "Recorder": lambda: easiness.Recorder("~/recorded", ids=[0, 1], labels=[0, 1]),
    "report": lambda: easiness.report([easiness.open_run("~/run")], "~/page.html"),
    "export, only": lambda: easiness.export(
        easiness.open_run("~/run"), "label-studio", "~/tasks", only="~/labels.csv"
    ),
    "card, apply": lambda: easiness.card("digits", apply="~/card"),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_path_in_python(door, home, pictures):
    pictures.rename(home / "pets")
    if door == "card, apply":
        easiness.card(easiness.open_run("~/run"), "~/card")
    DOORS[door]()
    assert not any(Path().iterdir())
