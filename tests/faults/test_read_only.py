"""A run where nobody may write: what reads works and says the same, what would write is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lengths import long_but

SAME: list[object] = ["--model", "mlp_3", "--precision", "float32", "--limit", 100, "--epochs", 2]

READING: dict[str, Callable[[Path], list[object]]] = {
    "status": lambda run: ["status", run],
    "scores": lambda run: ["scores", run],
    "scores at an epoch": lambda run: ["scores", run, "--epoch", 1],
    "compare": lambda run: ["compare", run],
    "suspects": lambda run: ["suspects", run],
    "clean": lambda run: ["clean", run, "-o", f"{run}-labels.csv"],
    "report": lambda run: ["report", run, "-o", f"{run}-page.html"],
    "card": lambda run: ["card", run, "-o", f"{run}-card"],
    **{
        f"export {form}": lambda run, form=form, suffix=suffix: [  # type: ignore[misc]
            *["export", run, "--to", form, "-o", f"{run}-exported{suffix}"]
        ]
        for form, suffix in (("csv", ".csv"), ("parquet", ".parquet"), ("torch", ".npz"))
    },
    "diff": lambda run: ["diff", run, run],
    "measuring what is there": lambda run: ["measure", "digits", *SAME, "--trials", 3, "--out", run],
    "measuring less": lambda run: ["measure", "digits", *SAME, "--trials", 2, "--out", run],
    "asking what more would cost": lambda run: [
        *["measure", "digits", *SAME, "--trials", 5, "--dry-run", "--out", run]
    ],
}


@pytest.mark.parametrize("name", long_but(READING, ("status", "scores", "measuring what is there")))
def test_what_reads_works(command, run_copy, read_only, name):
    place = read_only(run_copy)
    there, here = command(*READING[name](place)), command(*READING[name](run_copy))
    assert there.code == here.code, there
    said = [one.out.replace(str(place), "RUN").replace(str(run_copy), "RUN") for one in (there, here)]
    assert said[0] == said[1]


def test_after_a_killed_writer(command, run_copy, read_only):
    """What it left cannot be swept, and is no part of the run."""
    (run_copy / "trials" / ".aside-1").mkdir()
    (run_copy / ".aside-2").write_bytes(b"images")
    place = read_only(run_copy)
    assert command(*READING["measuring what is there"](place)).code == 0
    assert command("scores", place).code == 0


@pytest.mark.parametrize("more", [["--trials", 4], ["--trials", 3, "--retrain-damaged"]])
def test_what_would_write_is_refused(refused, run_copy, read_only, snapshot, more):
    before, place = snapshot(run_copy), read_only(run_copy)
    line = refused("measure", "digits", *SAME, *more, "--out", place)
    assert f"{place}: cannot be written to (Read-only" in line
    assert line.endswith("choose another output\n")
    assert snapshot(run_copy) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever the permissions say")
def test_by_permissions(command, refused, run_copy):
    for path in [*run_copy.rglob("*"), run_copy]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        for name in ("status", "scores", "report", "measuring what is there"):
            assert command(*READING[name](run_copy)).code == 0
        assert "cannot be written to" in refused("measure", "digits", *SAME, "--trials", 4, "--out", run_copy)
    finally:
        for path in [run_copy, *run_copy.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
