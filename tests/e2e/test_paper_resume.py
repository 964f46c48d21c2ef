"""A study that is killed again and again ends as one that never was."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from easiness.store.files import ASIDE
from easiness.studies.paper.folder import study_runs

# Makes the study LONE without a kill and counts the calls that make a change durable or take a name.
# Then runs the same command on KILLED in processes of their own, forked from this one, which kill
# themselves: at the first calls of all, then at random ones, until one of them comes to its end.
KILLED_AGAIN_AND_AGAIN = """
import itertools, json, os, pathlib, random, shutil, signal, sys
import easiness.cli.main
from easiness.report import paper_page
from easiness.studies.paper.presets import PRESETS, Preset
paper_page._DPI = 40
lone, killed, preset = sys.argv[1:]
values = json.loads(preset).items()
PRESETS["smoke"] = Preset(**{k: tuple(v) if isinstance(v, list) else v for k, v in values})

def study(path):
    sys.argv = ["easiness", "paper", "--preset", "smoke", "--limit", "150", "--out", path]
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
        assert contents(killed / "trials" / run.path.name) == contents(run.path)
    assert list(killed.rglob(f"{ASIDE}*")) == []
