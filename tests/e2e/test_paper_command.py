"""Every experiment from one command: complete, and the same whenever, wherever, or however often killed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from easiness.paper.reproduction import presets
from easiness.paper.reproduction.presets import Preset
from easiness.store import ASIDE


@pytest.fixture
def paper(command: Any, tiny_preset: Preset, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls ``easiness paper all --preset smoke`` of 150 digits with the tiny preset in its place."""
    monkeypatch.setitem(presets.PRESETS, "smoke", tiny_preset)

    def call(out: Path, *options: object) -> Any:
        return command("paper", "all", "--preset", "smoke", "--limit", 150, *options, "--out", out)

    return call


def study_runs(study: Path) -> list[Path]:
    """The folders of the runs of a study."""
    return sorted(file.parent for file in (study / "trials").glob("*/run.json"))


def results(study: Path) -> dict[str, bytes]:
    """What a study found, by file."""
    files = [
        study / "claims.json",
        study / "report.html",
        *(study / "figures").iterdir(),
        *(study / "tables").iterdir(),
    ]
    return {path.relative_to(study).as_posix(): path.read_bytes() for path in files}


@pytest.mark.long
def test_a_study_from_one_command(paper, studied, contents, tmp_path):
    out = tmp_path / "study"
    finished = paper(out)
    assert finished.code == 0
    assert {path.name for path in out.iterdir()} == {
        *("claims.json", "figures", "report.html", "study.json", "tables", "trials")
    }
    lines = finished.out.splitlines()
    assert lines[-1] == f"{out}/report.html"
    assert Path(lines[-1]).is_file()
    claims = json.loads((out / "claims.json").read_text())["claims"]
    assert [line.split()[0] for line in lines[:14]] == [claim["id"] for claim in claims]
    assert [claim["verdict"] in line for line, claim in zip(lines, claims, strict=False)] == [True] * 14
    assert lines[14].startswith("10 undecided, 4 not tested here; a claim is decided only where")
    assert f"{out}: 18 runs with 42 trials, 0 of them finished; the other 42 take " in finished.err
    # the same in another folder, as the Python functions made it
    assert results(out) == results(studied)
    for run in study_runs(studied):
        assert contents(out / "trials" / run.name) == contents(run)


@pytest.mark.long
def test_the_same_command_trains_nothing_and_finds_the_same(paper, command, studied, snapshot, tmp_path):
    copy = Path(shutil.copytree(studied, tmp_path / "copy"))
    shutil.rmtree(copy / "figures")
    (copy / "claims.json").unlink()
    before = snapshot(copy / "trials")
    finished = paper(copy)
    assert finished.code == 0
    assert finished.err == f"{copy}: 18 runs with 42 trials, 42 of them finished\n"
    assert snapshot(copy / "trials") == before
    assert results(copy) == results(studied)
    assert command("report", studied, "-o", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").read_bytes() == (studied / "report.html").read_bytes()
    assert command("status", studied).out.endswith(f"report: {studied / 'report.html'}\n")


def test_a_dry_run_lists_every_run_and_writes_nothing(paper, studied, snapshot, tmp_path):
    out = tmp_path / "study"
    planned = paper(out, "--dry-run")
    assert (planned.code, planned.err) == (0, "")
    assert not out.exists()
    names = {run.name for run in study_runs(studied)}
    listed = {line.split()[0]: line.split() for line in planned.out.splitlines() if line.split()}
    assert names <= listed.keys()
    # run, network, trials, epochs, examples trained on, trials missing
    assert listed["match-mlp_3_w16"][1:6] == ["mlp_3_w16", "4", "2", "150", "4"]
    assert listed["drop-hard-0.60"][1:6] == ["mlp_2_w8", "2", "2", "60", "2"]
    assert listed["relabel-hard-0.90"][1:6] == ["mlp_2_w8", "2", "2", "150", "2"]
    assert listed["merged-mlp_2_w16"][1:6] == ["mlp_2_w16", "2", "2", "300", "2"]
    assert "42 trials to train, " in planned.out
    assert planned.out.endswith("nothing was trained and nothing written\n")

    before = snapshot(studied)
    again = paper(studied, "--dry-run")
    assert again.code == 0
    assert "0 trials to train" in again.out
    assert snapshot(studied) == before


# A process that has the tiny preset, and kills itself at a call that makes a change durable or takes a name.
DYING = """
import itertools, json, os, pathlib, shutil, signal
from easiness.paper.reproduction.presets import PRESETS, Preset
values = json.loads({preset!r}).items()
PRESETS["smoke"] = Preset(**{{k: tuple(v) if isinstance(v, list) else v for k, v in values}})
calls = itertools.count()

def dying(real):
    def call(*given, **options):
        if next(calls) == {last}:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **options)
    return call

Path = pathlib.Path
for owner, name in ((os, "fsync"), (shutil, "rmtree"), (Path, "rename"), (Path, "replace")):
    setattr(owner, name, dying(getattr(owner, name)))
"""


@pytest.mark.long
def test_kills_at_any_moment_change_nothing(start, studied, tiny_preset, contents, tmp_path):
    """Killed at the first calls of all, then at random ones, until it comes to its end."""
    preset = json.dumps(dataclasses.asdict(tiny_preset))
    arguments = ("paper", "all", "--preset", "smoke", "--limit", 150, "--out", tmp_path / "killed")
    few = 2 * len(list(studied.rglob("*"))) // 3  # a third of the calls of a study
    dice = random.Random(0)
    moments = itertools.chain(range(4), iter(lambda: dice.randrange(4, few), None))
    for kills, last in enumerate(moments):  # noqa: B007
        process = start(*arguments, before=DYING.format(preset=preset, last=last))
        if process.wait(300) != -signal.SIGKILL:
            break
    assert process.code == 0, process.err
    assert kills >= 7
    assert results(tmp_path / "killed") == results(studied)
    for run in study_runs(studied):
        assert contents(tmp_path / "killed" / "trials" / run.name) == contents(run)
    assert list((tmp_path / "killed").rglob(f"{ASIDE}*")) == []
