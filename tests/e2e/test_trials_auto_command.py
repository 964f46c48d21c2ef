"""``measure --trials auto`` as a command, and ``measure --dry-run`` of a run that is there."""

from __future__ import annotations

import pytest

from easiness import open_run, write_report


@pytest.fixture
def arguments():
    def make(out, *options):
        size = ["--model", "mlp_2_w16", "--limit", 100, "--epochs", 2, "--precision", "float32"]
        return ["measure", "digits", *size, "--trials", "auto", *options, "--out", out]

    return make


@pytest.mark.long
def test_the_result_of_each_check_and_why_it_stopped(command, arguments, tmp_path):
    out = tmp_path / "run"
    finished = command(*arguments(out, "--reliability", 0.99, "--max-trials", 12))
    assert finished.code == 0
    stopped = open_run(out).document.stopped
    checks = [line for line in finished.err.splitlines() if line.startswith("share of the true sets")]
    assert [line.split(" after ")[1] for line in checks] == [
        "10 trials, epoch 2, 0.99 asked; 12 trials next",
        "12 trials, epoch 2, 0.99 asked",
    ]
    assert stopped is not None
    assert f"reliability: {stopped.sentence}" in finished.out.splitlines()
    assert stopped.sentence.startswith("stopped at the cap of 12 trials: share of the true sets easy 0.")

    assert f"reliability: {stopped.sentence}\n" in command("status", out).out
    again = command(*arguments(out, "--reliability", 0.99, "--max-trials", 12))
    assert (again.code, again.err, again.out) == (0, "", finished.out)
    write_report([open_run(out)], tmp_path / "report.html")
    assert stopped.sentence in (tmp_path / "report.html").read_text()


def test_a_number_of_trials_says_nothing_of_it(command, measured):
    assert "reliability:" not in command("status", measured).out


def test_the_plan(command, arguments, tmp_path):
    shown = command(*arguments(tmp_path / "run", "--max-trials", 15, "--dry-run"))
    assert shown.code == 0
    assert "\ntrials: 10, then as many as the forecast asks for, at most 15: " in shown.out
    first, most = (line for line in shown.out.splitlines() if line.startswith("cost"))
    assert first.startswith("cost of the first check: ")
    assert "(10 trials x 2 epochs x 1)" in first
    assert most.startswith("cost at the most: ")
    assert "(15 trials x 2 epochs x 1)" in most
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--trials", "ten"], "Invalid value for '--trials': 'ten' is neither a whole number nor auto"),
        (["--trials", 5, "--reliability", 0.8], "reliability 0.8: needs trials auto, but 5 trials are asked"),
        (["--trials", "auto", "--reliability", 1.5], "reliability 1.5: must be above 0.1"),
        (["--trials", "auto", "--max-trials", 4], "max trials 4: must be at least 10"),
    ],
)
def test_what_is_refused(refused, tmp_path, options, text):
    assert text in refused("measure", "digits", *options, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


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
