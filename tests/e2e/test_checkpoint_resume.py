"""A trial that is killed half-way goes on after its last epoch, and ends in the same bits."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from easiness.store.files import ASIDE
from starting import Started

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
    from easiness import measure

    def make(out: Path) -> None:
        measure(
            "digits",
            model="wrn_10_1",
            limit=100,
            trials=1,
            epochs=EPOCHS,
            precision="float32",
            checkpoint_every="off",
            progress=False,
            out=out,
        )

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
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    finished = command(*arguments(path))
    assert finished.code == 0, finished.err
    lines = [line for line in finished.err.splitlines() if "its checkpoint" in line]
    assert lines
    assert all(line.endswith("not used: it is damaged") for line in lines)
    assert "goes on after" not in finished.err
    assert contents(path) == lone


@pytest.mark.parametrize("every", ["often", "-1", "nan"])
def test_other_intervals_are_refused(refused, digits, tmp_path, every):
    line = refused(*digits(tmp_path / "run", "--checkpoint-every", every))
    assert "auto" in line
    assert not (tmp_path / "run").exists()


def test_what_a_kill_left_of_a_finished_trial_goes_with_the_next_command(command, digits, run_copy, snapshot):
    before = snapshot(run_copy)
    (run_copy / "checkpoints" / "0002-000001").mkdir(parents=True)
    assert command(*digits(run_copy)).code == 0
    after = snapshot(run_copy)
    assert after.keys() == before.keys()
