"""``measure --dry-run`` of a run that is there: what would be trained of it, and what would be refused."""

from __future__ import annotations

import pytest


def planned(command, arguments) -> list[str]:
    finished = command(*arguments, "--dry-run")
    assert finished.code == 0, finished
    return finished.out.splitlines()


HAS = "the run has 3 trials of 2 epochs"


@pytest.mark.parametrize(
    ("options", "to_train", "size"),
    [
        ([], f"nothing, since {HAS}", None),
        (["--trials", 1, "--epochs", 1], f"nothing, since {HAS}", None),
        (["--trials", 4], f"trial 3, for 2 epochs; {HAS}", "1 trial x 2 epochs"),
        (["--epochs", 3], f"3 trials, 0 to 2, for 3 epochs; {HAS}", "3 trials x 3 epochs"),
        # a run is a rectangle: the trials that it has get longer too
        (["--epochs", 3, "--trials", 1], f"3 trials, 0 to 2, for 3 epochs; {HAS}", "3 trials x 3 epochs"),
    ],
)
def test_what_would_be_trained_is_what_is(command, digits, run_copy, snapshot, options, to_train, size):
    before = snapshot(run_copy)
    lines = planned(command, digits(run_copy, *options))
    assert f"to train: {to_train}" in lines
    costs = [line for line in lines if line.startswith("cost")]
    assert len(costs) == (size is not None)
    assert snapshot(run_copy) == before
    said = command(*digits(run_copy, *options)).err
    if size is None:
        assert said == ""
    else:
        assert f"({size} x" in costs[0]
        assert f"({size} x" in said.splitlines()[1]


def test_damaged_trials_are_refused_or_would_be_trained_again(
    command, refused, digits, run_copy, trial_folder, snapshot
):
    (trial_folder(run_copy, 1) / "trial.json").write_text("{}")
    (trial_folder(run_copy, 2) / "train.parquet").unlink()
    before = snapshot(run_copy)
    assert refused(*digits(run_copy, "--dry-run")) == refused(*digits(run_copy))
    lines = planned(command, digits(run_copy, "--retrain-damaged"))
    assert "to train: trials 1 and 2, for 2 epochs; the run has 1 trial of 2 epochs" in lines
    assert snapshot(run_copy) == before


def test_the_settings_are_those_of_the_run(command, digits, run_copy):
    (precision,) = (line for line in planned(command, digits(run_copy)) if line.startswith("precision: "))
    assert precision.startswith("precision: float32 (as asked")


def test_options_that_cannot_be_used_are_refused_as_without_it(refused, digits, tmp_path):
    bad = digits(tmp_path / "run", "--checkpoint-every", "never-ever")
    assert refused(*bad, "--dry-run") == refused(*bad)
