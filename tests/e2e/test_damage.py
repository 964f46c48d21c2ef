"""A damaged file of a run is named, whichever it is, and its trial alone is trained again when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from lengths import long_but

FILES = ["trial.json", "train.parquet", "weights.safetensors"]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x40
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", long_but([flip, truncate, empty, Path.unlink], [flip]))
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_trial(command, refused, digits, run_copy, trial_folder, snapshot, contents, harm, name):
    intact, others = contents(run_copy), snapshot(run_copy)
    folder = trial_folder(run_copy, 1)
    others = {key: value for key, value in others.items() if folder.name not in key and "trials/" in key}
    harm(folder / name)
    before = snapshot(run_copy)

    for more in ([], ["--trials", 5], ["--epochs", 3], ["--trials", 1]):
        line = refused(*digits(run_copy, *more))
        assert line.startswith(f"easiness: error: {folder / name}: this trial file")
        assert "--retrain-damaged" in line
    if name == "weights.safetensors":
        assert command("scores", run_copy).code == 0
    else:
        assert f"{folder / name}: this trial file" in refused("scores", run_copy)
    assert snapshot(run_copy) == before

    finished = command(*digits(run_copy, "--retrain-damaged"))
    assert finished.code == 0
    assert finished.err.splitlines()[0].startswith(f"{run_copy}: training 1 of 3 trials")
    assert contents(run_copy) == intact
    after = snapshot(run_copy)
    assert {key: after[key] for key in others} == others
    assert command(*digits(run_copy)).err == ""


def test_trials_are_not_mixed_up(refused, digits, run_copy, trial_folder):
    folder = trial_folder(run_copy, 2)
    other = folder.rename(folder.with_name(folder.name.replace("0002", "0001")))
    assert f"{other / 'trial.json'}: this trial file" in refused(*digits(run_copy))
    assert f"{other / 'trial.json'}: this trial file" in refused("scores", run_copy)
