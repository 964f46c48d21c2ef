"""Every experiment from one command: complete, and the same whenever, wherever, or however often killed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
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


# Makes the study LONE without a kill and counts the calls that make a change durable or take a name.
# Then runs the same command on KILLED in processes of their own, forked from this one, which kill
# themselves: at the first calls of all, then at random ones, until one of them comes to its end.
KILLED_AGAIN_AND_AGAIN = """
import itertools, json, os, pathlib, random, shutil, signal, sys
import easiness.cli.main
from easiness.pages import paper_study
from easiness.paper.reproduction.presets import PRESETS, Preset
paper_study._DPI = 40
lone, killed, preset = sys.argv[1:]
values = json.loads(preset).items()
PRESETS["smoke"] = Preset(**{k: tuple(v) if isinstance(v, list) else v for k, v in values})

def study(path):
    sys.argv = ["easiness", "paper", "all", "--preset", "smoke", "--limit", "150", "--out", path]
    try:
        easiness.cli.main.run()
    except SystemExit as ended:
        return ended.code

def dying(real, calls, last):
    def call(*given, **options):
        if next(calls) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **options)
    return call

def watched(last):
    calls = itertools.count()
    os.fsync = dying(os.fsync, calls, last)
    shutil.rmtree = dying(shutil.rmtree, calls, last)
    for name in ("rename", "replace"):
        setattr(pathlib.Path, name, dying(getattr(pathlib.Path, name), calls, last))
    return calls

real = os.fsync, shutil.rmtree, pathlib.Path.rename, pathlib.Path.replace
calls = watched(-1)
if study(lone) != 0:
    sys.exit(9)
os.fsync, shutil.rmtree, pathlib.Path.rename, pathlib.Path.replace = real
total = next(calls)
dice = random.Random(0)
moments = itertools.chain(range(4), iter(lambda: dice.randrange(4, total // 3), None))
for num_kills, last in enumerate(moments):
    child = os.fork()
    if child == 0:
        watched(last)
        os._exit(study(killed))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        print(json.dumps({"status": status, "kills": num_kills, "total": total}))
        break
"""


@pytest.mark.long
def test_kills_at_any_moment_change_nothing(tiny_preset, contents, tmp_path):
    lone, killed = tmp_path / "lone", tmp_path / "killed"
    preset = json.dumps(dataclasses.asdict(tiny_preset))
    script = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(lone), str(killed), preset]
    ended = subprocess.run(script, timeout=300, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout.splitlines()[-1])
    assert outcome["status"] == 0, ended.stderr
    assert outcome["kills"] >= 7, outcome
    assert results(killed) == results(lone)
    for run in study_runs(lone):
        assert contents(killed / "trials" / run.name) == contents(run)
    assert list(killed.rglob(f"{ASIDE}*")) == []
