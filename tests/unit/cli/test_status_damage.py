"""``status`` says what is damaged in a run, a folder of runs and a study, and exits as with --verify."""

from __future__ import annotations

import pytest


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "harm", "opens"),
    [
        ("train.parquet", flip, True),
        ("weights.safetensors", cut, True),
        ("trial.json", cut, False),
    ],
)
def test_of_a_run(command, run_copy, trial_folder, name, harm, opens):
    file = trial_folder(run_copy, 1) / name
    harm(file)
    finished, verified = command("status", run_copy), command("status", run_copy, "--verify")
    lines = finished.out.splitlines()
    assert lines[1 if opens else 0].startswith(f"damaged: {file}: trial 1: ")
    assert not any("its sets hold" in line for line in lines)
    assert (finished.code, finished.err) == (verified.code, verified.err)
    assert finished.code == 1
    assert "--retrain-damaged" in finished.err


@pytest.mark.parametrize("name", ["run.json", "examples.parquet"])
def test_no_training_mends_what_describes_a_run(command, run_copy, name):
    flip(run_copy / name)
    advice = f"1 damaged file in 1 of 1 run; restore {name} from a copy, or measure into another folder\n"
    for more in ([], ["--verify"]):
        finished = command("status", run_copy, *more)
        assert (finished.code, finished.err) == (1, f"easiness: error: {run_copy}: {advice}")
    size = ["--limit", 100, "--trials", 3, "--epochs", 2, "--precision", "float32"]
    again = command("measure", "digits", "--model", "mlp_3", *size, "--out", run_copy, "--retrain-damaged")
    assert again.code == 2  # which is why it is not advised


def test_of_a_folder_of_runs(command, run_copy, trial_folder):
    file = trial_folder(run_copy, 2) / "train.parquet"
    assert command("status", run_copy.parent).code == 0
    file.unlink()
    finished = command("status", run_copy.parent)
    assert finished.code == 1
    assert any(
        line.startswith("run ") and line.endswith("damaged, finished") for line in finished.out.splitlines()
    )
    assert f"damaged: {file}: trial 2: is missing" in finished.out.splitlines()


@pytest.mark.parametrize("content", ["{", "[]", '{"preset": 3}'])
def test_of_a_study(command, run_copy, content):
    file = run_copy.parent / "study.json"
    file.write_text('{"preset": {}}')
    assert command("status", run_copy.parent).code == 0
    file.write_text(content)
    for more in ([], ["--verify"]):
        finished = command("status", run_copy.parent, *more)
        assert finished.code == 1
        assert f"{file}: is damaged" in finished.out
        assert "restore study.json" in finished.err
