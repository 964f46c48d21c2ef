from __future__ import annotations

import numpy as np
import pytest

from easiness import open_run
from recording import recorded


@pytest.fixture
def with_held_out(command, digits, tmp_path):
    out = tmp_path / "run"
    assert command(*digits(out, "--holdout", 0.2, "--trials", 1)).code == 0
    return out


def test_the_held_out_split(command, refused, with_held_out, measured, tmp_path):
    finished = command("scores", with_held_out, "--split", "held_out")
    assert finished.code == 0, finished.err
    run = open_run(with_held_out)
    assert finished.out == run.scores(split="held_out").to_csv(index=False)
    assert run.spec.data.held_out is not None
    assert len(finished.out.splitlines()) == 1 + run.spec.data.held_out.num_examples
    assert finished.err == ""
    assert command("scores", with_held_out, "--split", "train").out == run.scores().to_csv(index=False)
    for file in (tmp_path / "a.md", tmp_path / "a.png"):
        assert command("scores", with_held_out, "--split", "held_out", "-o", file).code == 0
    assert (tmp_path / "a.md").read_text().startswith("### Scores of 100 held-out examples after epoch 2\n")
    assert "no held-out split" in refused("scores", measured, "--split", "held_out")
    assert "--split" in refused("scores", measured, "--split", "test")


EMPTY = (
    "consistency, memorization, self_confidence, normalized_margin, confident_learning_flag are empty: they "
    "need trials that left examples out; "
)


def test_what_is_empty_and_what_would_fill_it(command, measured, digits, tmp_path):
    default = command("scores", measured)
    assert default.err == (
        f"note: {measured}: {EMPTY}measure another run with --train-share below 1, such as 0.7\n"
    )
    left_out = tmp_path / "left_out"
    assert command(*digits(left_out, "--train-share", 0.5)).code == 0
    assert command("scores", left_out).err == ""
    mine = recorded(tmp_path / "mine", [np.eye(2)], [0, 1]).path
    assert command("scores", mine).err == f"note: {mine}: {EMPTY}record trials with trained_on=\n"
