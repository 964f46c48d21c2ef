"""A run goes on after anything: more asked for, a kill at any step, an interrupt, a second process."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from easiness import open_run
from easiness.store import ASIDE, is_run
from recording import flip, small_run
from starting import Started


@contextmanager
def left_by_kills(path: Path, work: Path) -> Iterator[None]:
    """Copies to WORK/0, WORK/1, ... what kills would leave at the path: at the first step, the second, ...

    A step is a call that makes a change durable or takes a name; one thread makes them all. What the process
    has not handed to the system by then is in no copy, and SIGKILL would not let it do so either.
    """
    steps = itertools.count()

    def watched(real):
        def call(*given, **options):
            step = next(steps)
            if path.exists():
                shutil.copytree(path, work / str(step))
            return real(*given, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "fsync"), (shutil, "rmtree"), (Path, "rename"), (Path, "replace")):
            patch.setattr(owner, name, watched(getattr(owner, name)))
        yield


def leftovers(path: Path) -> list[Path]:
    return list(path.rglob(f"{ASIDE}*"))


def test_the_same_command_only_reads(command, digits, run_copy, snapshot):
    before = snapshot(run_copy)
    for options in ([], ["--trials", 1], ["--epochs", 1], ["--precision", "auto"]):
        finished = command(*digits(run_copy, *options))
        assert finished.code == 0
        assert finished.err == ""
        assert "3 trials of 2 epochs over 100 examples" in finished.out
    for name in ("status", "scores", "compare"):
        assert command(name, run_copy).code == 0
    assert snapshot(run_copy) == before


def test_more_trials_leave_the_old_ones_untouched(command, digits, run_copy, snapshot, contents, tmp_path):
    before = snapshot(run_copy / "trials")
    assert command(*digits(run_copy, "--trials", 5)).code == 0
    after = snapshot(run_copy / "trials")
    assert {name: after[name] for name in before} == before
    assert len(contents(run_copy)) == 5
    assert command(*digits(tmp_path / "lone", "--trials", 5)).code == 0
    assert contents(run_copy) == contents(tmp_path / "lone")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([], ["--trials", 1]),
        pytest.param(["--trials", 1], ["--trials", 2], marks=pytest.mark.long),
        pytest.param(["--trials", 1], ["--trials", 1, "--epochs", 3], marks=pytest.mark.long),
    ],
    ids=["a new run", "one trial more", "one epoch more"],
)
def test_a_kill_at_any_step_costs_nothing_finished(command, digits, tmp_path, contents, first, then):
    path, lone, work = (tmp_path / name for name in ("run", "lone", "work"))
    work.mkdir()
    old = {}
    if first:
        assert command(*digits(path, *first)).code == 0
        old = contents(path)
    assert command(*digits(lone, *then)).code == 0
    whole = contents(lone)

    with left_by_kills(path, work):
        assert command(*digits(path, *then)).code == 0
    assert contents(path) == whole
    killed = sorted(work.iterdir(), key=lambda path: int(path.name))
    assert len(killed) >= 12

    left = 0
    for path in killed:
        left += len(leftovers(path))
        if is_run(path):
            found = contents(path)
            assert found.keys() >= old.keys()
            for index, trial in found.items():
                assert trial in (old.get(index), whole[index])
        assert command(*digits(path, *then)).code == 0
        assert contents(path) == whole
        assert leftovers(path) == []
        assert len(list((path / "trials").iterdir())) == len(whole)
    assert left > 0


@pytest.mark.long
def test_two_processes_on_one_run(start, command, digits, tmp_path, contents):
    path = tmp_path / "run"
    arguments = digits(path, "--trials", 6, "--epochs", 10)
    processes = [start(*arguments), start(*arguments)]
    codes = [process.wait() for process in processes]
    ended = [(process.err, code) for process, code in zip(processes, codes, strict=True)]
    assert sorted(code for _, code in ended) in ([0, 0], [0, 2])
    for err, code in ended:
        if code == 2:
            assert "another process is writing to this run" in err
    assert command(*digits(tmp_path / "lone", "--trials", 6, "--epochs", 10)).code == 0
    assert contents(path) == contents(tmp_path / "lone")


def test_a_second_process_while_the_first_one_writes(start, refused, command, digits, tmp_path):
    path = tmp_path / "run"
    process = start(*digits(path, "--trials", 1000))
    process.until(lambda: any(path.glob("trials/0*")))
    line = refused(*digits(path, "--trials", 1000))
    assert f"{path}: another process is writing to this run" in line
    assert process.poll() is None
    assert command("scores", path).code == 0
    process.send(signal.SIGKILL)
    process.wait()
    # the lock has gone with its process
    trials = len(open_run(path).trials) + 1
    assert command(*digits(path, "--trials", trials)).code == 0
    assert len(open_run(path).trials) == trials


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (["--model", "mlp_4"], "model is mlp_3 in the run, mlp_4 here"),
        (["--recipe", "RECIPE"], "recipe setting alpha is 0.003 in the run, 0.01 here"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--trials", 4], ["--retrain-damaged"]])
def test_another_run_is_not_continued(
    refused, digits, run_copy, snapshot, tmp_path, options, difference, more
):
    (tmp_path / "mine.toml").write_text("alpha = 0.01\n")
    options = [tmp_path / "mine.toml" if option == "RECIPE" else option for option in options]
    before = snapshot(run_copy)
    line = refused(*digits(run_copy, *options, *more))
    assert f"{run_copy}: this run cannot be continued with other settings: {difference}; " in line
    assert refused(*digits(run_copy, *options, *more, "--dry-run")) == line
    assert snapshot(run_copy) == before


EPOCHS = 40


def killed_in_the_middle(process: Started, run: Path) -> None:
    """Kills the command when a trial has kept an epoch after its third."""
    process.until(lambda: any(int(path.name[-6:]) > 3 for path in run.glob("checkpoints/0*")))
    process.send(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def arguments(digits):
    def make(out: Path, *options: object) -> list[object]:
        size = ["--model", "wrn_10_1", "--trials", 1, "--epochs", EPOCHS, "--checkpoint-every", 0]
        return digits(out, *size, *options)

    return make


@pytest.fixture(scope="module")
def lone(made_once, contents):

    def make(out: Path) -> None:
        small_run(out, model="wrn_10_1", limit=100, epochs=EPOCHS, checkpoint_every="off", progress=False)

    return contents(made_once("never_killed", make))


@pytest.mark.long
def test_a_killed_trial_goes_on_after_its_last_epoch(start, command, arguments, tmp_path, contents, lone):
    path = tmp_path / "run"
    killed_in_the_middle(start(*arguments(path)), path)
    assert not list(path.glob("trials/0*"))
    finished = command(*arguments(path))
    assert finished.code == 0, finished.err
    (line,) = (line for line in finished.err.splitlines() if "goes on after" in line)
    assert int(line.split()[6]) > 3
    assert line.endswith(f" of {EPOCHS}")
    assert contents(path) == lone
    assert not (path / "checkpoints").exists()
    assert not list(path.rglob(f"{ASIDE}*"))


@pytest.mark.long
def test_a_damaged_checkpoint_is_said_and_not_used(start, command, arguments, tmp_path, contents, lone):
    path = tmp_path / "run"
    killed_in_the_middle(start(*arguments(path)), path)
    for file in path.glob("checkpoints/0*/state.safetensors"):
        flip(file)
    finished = command(*arguments(path))
    assert finished.code == 0, finished.err
    lines = [line for line in finished.err.splitlines() if "its checkpoint" in line]
    assert lines
    assert all(line.endswith("not used: it is damaged") for line in lines)
    assert "goes on after" not in finished.err
    assert contents(path) == lone
