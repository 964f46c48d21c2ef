"""A run that somebody sent names no module to import without the user's word."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from easiness import BadInput, measure, open_run, pseudo_patterns, similarity

MODULE = """
from pathlib import Path
from torch import nn

with Path("imported").open("a") as file:
    file.write("once\\n")

def tiny(input_shape, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, num_classes))
"""
ASKED = ("digits", "--model", "own_net:tiny", "--limit", "100", "--trials", "3", "--epochs", "2")
QUICK = ("--precision", "float32", "--jobs", "1", "--device", "cpu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module that leaves a trace when it is imported."""
    (tmp_path / "own_net.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_net", None)


SETTINGS: dict[str, Any] = {"limit": 100, "epochs": 2, "precision": "float32"}


@pytest.fixture
def run(folder: Path, made_once: Callable[..., Path]) -> Path:
    """A run of that network, as somebody has sent it: nothing of it is imported yet."""

    def make(out: Path) -> None:
        measure("digits", model="own_net:tiny", trials=3, jobs=1, out=out, **SETTINGS)

    made = made_once("own_net", make)
    sys.modules.pop("own_net", None)
    (folder / "imported").unlink(missing_ok=True)
    return Path(shutil.copytree(made, folder / "run"))


def imported(folder: Path) -> bool:
    return (folder / "imported").exists()


@pytest.mark.usefixtures("run")
def test_networks_look_only_where_the_run_is_trusted(
    folder: Path, refused: Callable[..., str], command: Callable[..., Any]
) -> None:
    asked = ("perturb", "run", "--kind", "radial", "--levels", "2", "--device", "cpu")
    line = refused(*asked)
    assert "'own_net:tiny' is code" in line
    assert "--trust" in line
    assert not imported(folder)
    assert command(*asked, "--trust").code == 0
    assert imported(folder)


@pytest.mark.usefixtures("run")
def test_suspects_go_without_the_networks_of_a_run_that_is_not_trusted(
    folder: Path, command: Callable[..., Any]
) -> None:
    without = command("suspects", "run")
    assert without.code == 0
    assert not imported(folder)
    said = " ".join(without.out.split())
    assert "'own_net:tiny' is code" in said
    trusted = command("suspects", "run", "--trust")
    assert trusted.code == 0
    assert imported(folder)
    assert "code of the module" not in " ".join(trusted.out.split())


@pytest.mark.usefixtures("run")
def test_suspects_need_no_module_that_is_missing(folder: Path, command: Callable[..., Any]) -> None:
    (folder / "own_net.py").unlink()
    finished = command("suspects", "run", "--trust")
    assert finished.code == 0, finished.err
    where = "installed or in the current folder; install it"
    missing = f"model 'own_net:tiny': there is no module own_net, {where}"
    noted = f"note: {missing}; the labels are judged by the record, without the networks"
    assert finished.err.splitlines().count(noted) == 1
    assert f"Not looked for: unlike its class ({missing})." in " ".join(finished.out.split())


@pytest.mark.usefixtures("run")
def test_a_wrong_option_is_said_before_the_word_is_asked_for(refused: Callable[..., str]) -> None:
    for options, said in {
        ("--kind", "colr"): "perturbation 'colr': unknown (did you mean color",
        ("--kind", "radial", "--levels", "-1"): "radial radius -1.0: negative",
        ("--kind", "radial", "--seed", "-1"): "seed -1: negative",
        ("--kind", "radial", "--fraction", "2"): "fraction 2.0: not in (0, 1]",
    }.items():
        assert said in refused("perturb", "run", *options)


@pytest.mark.usefixtures("run")
def test_who_measures_names_the_network_and_goes_on_with_the_same_command(
    command: Callable[..., Any],
) -> None:
    finished = command("measure", *ASKED[:-3], "4", *ASKED[-2:], *QUICK, "--out", "run")
    assert finished.code == 0, finished.err
    assert len(open_run("run").trials) == 4
    assert "next: easiness measure digits --model own_net:tiny --epochs 4 " in finished.out


def test_another_module_in_the_run_is_refused_when_it_goes_on(
    run: Path, folder: Path, refused: Callable[..., str]
) -> None:
    _renamed(run, "other_net:tiny")
    (folder / "own_net.py").rename(folder / "other_net.py")
    line = refused("measure", *ASKED[:1], "--model", "mlp_3", *ASKED[3:], *QUICK, "--out", "run")
    assert "other_net:tiny" in line
    assert not imported(folder)


def test_in_python_the_word_is_given_where_the_run_is_opened(run: Path, folder: Path) -> None:
    opened = open_run(run)
    asking: list[Callable[[], object]] = [
        lambda: similarity(opened, fraction=0.5, device="cpu"),
        lambda: pseudo_patterns(opened, "radial", 2.0),
    ]
    for ask in asking:
        with pytest.raises(BadInput, match=r"trust=True") as caught:
            ask()
        assert str(caught.value).startswith(f"{run}: ")
    assert not imported(folder)
    assert opened.trusted is opened.first(2).trusted is False
    trusted = open_run(run, trust=True)
    assert trusted.first(2).trusted
    pseudo_patterns(trusted, "radial", 2.0, device="cpu", progress=False)
    assert imported(folder)


def test_the_run_that_measure_returns_is_trusted(run: Path) -> None:
    assert measure("digits", model="own_net:tiny", trials=3, jobs=1, out=run, **SETTINGS).trusted
    more = measure("digits", model="own_net:tiny", trials=4, jobs=2, out=run, **SETTINGS)  # in processes
    assert more.trusted
    assert len(more.trials) == 4


def _renamed(run: Path, model: str) -> None:
    document = json.loads((run / "run.json").read_text())
    document["spec"]["model"] = model
    document["sha256"] = None  # as runs of before have it: whoever forges a run could seal it, too
    (run / "run.json").write_text(json.dumps(document))


READING = [
    ("status", "RUN"),
    ("status", "RUN", "--verify"),
    ("scores", "RUN"),
    ("suspects", "RUN"),
    ("clean", "RUN"),
    ("prune", "RUN", "--drop", "0.2", "--policy", "random"),
    ("report", "RUN", "-o", "page.html"),
    ("compare", "RUN", "OTHER"),
    ("diff", "RUN", "OTHER"),
    ("export", "RUN", "--to", "csv", "-o", "rows.csv"),
    ("card", "RUN", "-o", "card"),
    ("perturb", "RUN", "--kind", "radial"),
]


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: "-".join(arguments[:3]))
def test_no_command_that_reads_imports_what_a_run_names(
    arguments: tuple[str, ...], run_copy: Path, folder: Path, command: Callable[..., Any]
) -> None:
    _renamed(run_copy, "own_net:tiny")
    shutil.copytree(run_copy, folder / "other")
    runs = {"RUN": run_copy, "OTHER": folder / "other"}
    finished = command(*[runs.get(word, word) for word in arguments])
    assert finished.code == (2 if arguments[0] == "perturb" else 0), finished.err
    assert not imported(folder)
