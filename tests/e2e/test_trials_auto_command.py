"""``measure --trials auto`` as a command: what it says while it checks, at the end, and afterwards."""

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
    assert (
        "\ntrials: 10, then as many as the forecast asks for, at most 15: until the easy and hard sets "
        "hold 0.8 of the true ones; each of 2 epochs"
    ) in shown.out
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
