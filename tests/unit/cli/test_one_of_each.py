"""One trial of one epoch: nothing that is said of it is in the plural."""

from __future__ import annotations

import re

from easiness import suspects
from easiness.runs.carrying_out import _failed
from recording import believing

PLURAL = re.compile(r"\b1 (trials|epochs|pairs|runs|examples)\b")


def test_of_a_run(command, tmp_path):
    run = tmp_path / "run"
    size = ["--model", "mlp_1", "--limit", 20, "--trials", 1, "--epochs", 1, "--precision", "float32"]
    measured = command("measure", "digits", *size, "--out", run)
    assert f"{run}: mlp_1, 1 trial of 1 epoch over 20 examples" in measured.out
    assert f"{run}: training 1 of 1 trial of mlp_1, 1 epoch each" in measured.err
    assert "(1 trial x 1 epoch x 1)" in measured.err
    status = command("status", run)
    assert status.out.startswith(f"{run}: mlp_1, 1 of 1 trial finished\n")
    assert "trial 0: 1 epoch in " in status.out
    others = [command("status", run, "--verify"), command("status", tmp_path)]
    said = [f"{one.out}{one.err}" for one in (measured, status, *others)]
    assert not any(map(PLURAL.search, said)), said


def test_of_a_failure(tmp_path):
    assert _failed(tmp_path, {0: "why"}, 1, 0) == (
        f"{tmp_path}: 1 of 1 trial failed (trial 0: why); the 0 finished ones are kept"
    )
    assert _failed(tmp_path, {0: "why"}, 2, 1).endswith("; the 1 finished one is kept")


def test_of_what_is_recorded_and_suspected(command, record):
    labels = [0, 1] * 20
    one = record(believing(labels, 1, 1), labels, name="one")
    assert command("status", one.path).out.startswith(f"{one.path}: recorded, 1 trial finished\n")
    two = record(believing(labels, 2, 1), labels, name="two")
    assert 'From 2 trials of recorded, epoch 1. "p wrong" is' in suspects(two).sections()[1].note
