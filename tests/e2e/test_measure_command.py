"""``easiness measure``: the plan, the run, looks, trials until it is reliable, what fails, full disks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import easiness as ez
from easiness import load_dataset, measure, open_run
from easiness.pages import next_step
from easiness.records.observations import STATISTICS
from easiness.spec import observe_text, trial_seeds
from easiness.store import trial as trial_module

POISONED = '''
from pathlib import Path
import torch
from torch import nn

class Net(nn.Module):
    """Linear; after six steps of training its logits are NaN, if its seed is the one in poison.txt."""

    def __init__(self, features, num_classes):
        super().__init__()
        self.linear = nn.Linear(features, num_classes)
        self.poisoned = torch.initial_seed() == int(Path("poison.txt").read_text())
        self.steps = 0

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        if self.training:
            self.steps += 1
        return logits * float("nan") if self.poisoned and self.steps > 6 else logits

def build(input_shape, num_classes):
    c, h, w = input_shape
    return Net(c * h * w, num_classes)
'''


def test_measure_reads_and_shows(command, digits, tmp_path, measured, contents):
    out = tmp_path / "new" / "run"
    finished = command(*digits(out))
    assert finished.code == 0
    assert finished.err.splitlines()[0].startswith(f"{out}: training 3 of 3 trials of mlp_3, 2 epochs each")
    assert "trial 2 epoch 2/2: accuracy train 0." in finished.err
    assert contents(out) == contents(measured)
    last = [trial.document.accuracy["train"][1] for trial in open_run(out).trials]
    right = open_run(out).votes().correct.sum(axis=0)
    *lines, ahead, labels, following = finished.out.splitlines()
    assert labels.startswith("labels: ")
    assert following == f"next: {next_step(open_run(out)).command}"
    assert ahead.startswith(
        "how much of the true easiest and hardest tenth the sets hold cannot be told from 3 trials: 10 are"
    )
    assert lines == [
        f"{out}: mlp_3, 3 trials of 2 epochs over 100 examples",
        "accuracy after epoch 2 (mean ± standard deviation over trials): "
        f"train {np.mean(last):.3f} ± {np.std(last, ddof=1):.3f}; chance 0.100",
        f"easiness after epoch 2: {np.mean(right == 3):.1%} of the examples right in every trial, "
        f"{np.mean(right == 0):.1%} in none",
    ]
    again = command(*digits(out))
    assert (again.code, again.out, again.err) == (0, finished.out, "")


def test_unreadable_pictures_are_left_out_and_named(command, refused, pictures, tmp_path):
    bad = pictures / "cat" / "03.png"
    bad.write_bytes(bad.read_bytes()[:40])
    arguments = ["measure", pictures, "--model", "mlp_3", "--trials", 1, "--epochs", 1]
    assert str(bad) in refused(*arguments, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    finished = command(*arguments, "--skip-unreadable", "--out", tmp_path / "run")
    assert finished.code == 0
    assert finished.err.splitlines()[0] == "images left out, since they cannot be read: 1 (cat/03.png)"
    assert f"{finished.err.splitlines()[0]}\n" in command("status", tmp_path / "run").out
    ids = open_run(tmp_path / "run").ids.tolist()
    assert len(ids) == 23
    assert "cat/03.png" not in ids
    assert command("report", tmp_path / "run", "-o", tmp_path / "report.html").code == 0
    page = (tmp_path / "report.html").read_text()
    assert "left out, since unreadable" in page
    assert "1 (cat/03.png)" in page.replace("<wbr>", "")


def test_other_files_are_in_the_run_its_status_and_its_report(command, pictures, tmp_path):
    for name in ("cat/noext", "cat/notes.txt", "dog/<b>.webm"):
        (pictures / name).write_bytes(b"no picture")
    out, page = tmp_path / "run", tmp_path / "report.html"
    arguments = ["measure", pictures, "--model", "mlp_2_w8", "--epochs", 1, "--out", out, "--trials"]
    assert command(*arguments, 1).code == 0
    data = json.loads((out / "run.json").read_bytes())["spec"]["data"]
    assert data["num_other_files"] == 3
    assert data["other_files"] == ["cat/noext", "cat/notes.txt", "dog/<b>.webm"]
    line = "files left out, since by name they are no pictures: 3 (cat/noext, cat/notes.txt, dog/<b>.webm)"
    assert line in command("status", out).out.splitlines()
    assert command("report", out, "-o", page).code == 0
    text = page.read_text().replace("<wbr>", "")
    assert "left out, since by name no pictures" in text
    assert "3 (cat/noext, cat/notes.txt, dog/&lt;b&gt;.webm)" in text


def test_a_run_goes_on_whatever_other_files_come_and_go(command, pictures, tmp_path):
    out = tmp_path / "run"
    arguments = ["measure", pictures, "--model", "mlp_2_w8", "--epochs", 1, "--out", out, "--trials"]
    assert command(*arguments, 1).code == 0
    described = (out / "run.json").read_bytes()
    assert b"other_files" not in described
    (pictures / "cat" / "notes.txt").write_bytes(b"no picture")
    assert command(*arguments, 1).code == 0  # it only reads
    assert (out / "run.json").read_bytes() == described
    first = open_run(out).trials[0].document
    assert command(*arguments, 2).code == 0
    assert open_run(out).spec.data.other_files == ("cat/notes.txt",)
    (pictures / "cat" / "notes.txt").unlink()
    assert command(*arguments, 3).code == 0
    run = open_run(out)
    assert run.spec.data.num_other_files == 0
    assert [len(run.trials), run.trials[0].document] == [3, first]


def test_a_dry_run_keeps_nothing_and_a_run_times_a_step_for_the_next(command, digits, tmp_path, empty_cache):
    assert command(*digits(tmp_path / "a", "--dry-run")).code == 0
    assert not empty_cache.exists()
    assert command(*digits(tmp_path / "a")).code == 0
    (file,) = (empty_cache / "speeds").iterdir()
    before = open_run(tmp_path / "a").spec.measured
    assert command(*digits(tmp_path / "b")).code == 0
    assert list((empty_cache / "speeds").iterdir()) == [file]
    after = open_run(tmp_path / "b").spec.measured
    assert before is not None
    assert after is not None
    assert after.resolved == before.resolved


def test_a_dry_run_prints_the_plan_and_writes_nothing(command, digits, tmp_path):
    finished = command(*digits(tmp_path / "run", "--dry-run", "--batch-size", 32))
    assert finished.code == 0
    for text in (
        "data: digits, 100 examples of 10 classes, 1 x 8 x 8",
        "trials: 3 of 2 epochs, 4 steps each; every trial trains on 100 examples",
        "batch_size = 32",
        "flip = 0.0",
        "recipe: short, but batch_size = 32, flip = 0.0\n",
        # 0.05 * sqrt(32 / (100 * 2)) / 0.003
        "weight_decay 6.667 (lambda 0.02 / alpha 0.003)",
        "eta(t) = (1 + cos(pi t / 2)) / 2",
        "scores after an earlier epoch are of an unfinished training",
        "no translation",
        "nothing was trained and nothing written",
    ):
        assert text in finished.out, text
    assert list(tmp_path.iterdir()) == []
    finished = command(*digits(tmp_path / "run", "--dry-run", "--recipe", "paper"))
    assert "recipe: paper, but flip = 0.0\n" in finished.out
    assert "unfinished" not in finished.out
    assert "translation by up to 1 pixels" in finished.out


@pytest.fixture
def poisoned(tmp_path, monkeypatch):
    """Trial 1 of a run with seed 0 fails while this holds; ``poisoned("0")`` mends it."""
    monkeypatch.chdir(tmp_path)
    # modules in the current folder are imported by name: a name of its own for each test
    name = f"poisoned_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(POISONED)

    def poison(seed: object) -> None:
        (tmp_path / "poison.txt").write_text(str(seed))

    poison(trial_seeds(0, 1).initialization)
    yield f"{name}:build", poison
    sys.modules.pop(name, None)


def test_a_loss_that_is_not_finite_fails_its_trial_alone(poisoned, command, digits, tmp_path):
    model, poison = poisoned
    out = tmp_path / "run"
    arguments = digits(out, "--model", model, "--batch-size", 32)
    finished = command(*arguments)
    # four steps an epoch, so that the seventh is the third of the second epoch
    reason = "the loss stopped being finite at epoch 2, step 3 of 4"
    assert finished.code == 1
    assert finished.out == ""
    assert f"trial 1 failed: {reason}" in finished.err.splitlines()
    assert f"1 of 3 trials failed (trial 1: {reason})" in finished.err.splitlines()[-1]
    assert [trial.index for trial in open_run(out).trials] == [0, 2]
    status = command("status", out)
    assert status.code == 0
    assert f"failed: trial 1: {reason}" in status.out.splitlines()
    assert "missing: trial 1; no process is at work" in status.out
    assert command("scores", out).code == 0

    assert command(*arguments).code == 1
    poison(0)
    finished = command(*arguments)
    assert finished.code == 0
    assert finished.err.splitlines()[0].startswith(f"{out}: training 1 of 3 trials")
    assert "failed" not in command("status", out).out
    assert sorted(path.name[:4] for path in (out / "trials").iterdir()) == ["0000", "0001", "0002"]


def test_a_disk_that_fills_up(command, digits, tmp_path, monkeypatch, measured, contents):
    real = trial_module.write_observations
    written = []

    def no_room_for_the_third(path, *arguments):
        written.append(path)
        if len(written) == 3:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, *arguments)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(trial_module, "write_observations", no_room_for_the_third)
        finished = command(*digits(out))
    assert finished.code == 1
    assert "trial 2 cannot be stored (No space left on device)" in finished.err.splitlines()[-1]
    assert len(list((out / "trials").iterdir())) == 2
    assert contents(out) == {index: contents(measured)[index] for index in (0, 1)}
    assert command(*digits(out)).code == 0
    assert contents(out) == contents(measured)


def test_the_installed_command(measured: Path):
    finished = subprocess.run(
        [Path(sys.executable).with_name("easiness"), "status", measured],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0
    assert finished.stdout.startswith(f"{measured}: mlp_3, 3 of 3 trials finished\n")


def test_sounds_that_cannot_be_read_are_left_out_as_sounds(command, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    for at in range(8):
        path = tmp_path / "heard" / "ab"[at % 2] / f"{at}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.sin(np.arange(2000) * (at + 1) / 20), 8000)
    path.write_bytes(b"RIFF")
    path.rename(path.with_name("7\x1b[2J\n.wav"))
    measured = ["measure", tmp_path / "heard", "--trials", 1, "--epochs", 1, "--out", tmp_path / "run"]
    finished = command(*measured, "--skip-unreadable")
    assert finished.code == 0
    said = "sounds left out, since they cannot be read: 1 (b/7\\x1b[2J\\n.wav)"
    assert finished.err.splitlines()[0] == said
    status = command("status", tmp_path / "run").out
    assert f"{finished.err.splitlines()[0]}\n" in status
    assert "\x1b" not in finished.err + finished.out + status


@pytest.mark.parametrize(
    "options",
    [
        ["~without-a-home/a.npz"],
        ["digits", "--features", "~without-a-home/a.npy"],
        ["digits", "--data-root", "~without-a-home/a"],
    ],
    ids=lambda options: options[-2 if len(options) > 1 else 0],
)
def test_a_home_that_nobody_has_is_no_error_of_ours(command, tmp_path, options):
    finished = command("measure", *options, "--dry-run", "--model", "mlp_3", "--out", tmp_path / "run")
    assert "--data-root" in options or (finished.code == 2 and "~without-a-home/a" in finished.err), finished
    assert len(finished.err.splitlines()) < 2


def test_a_path_that_is_no_unicode_is_refused_and_nothing_is_left(refused, pictures, tmp_path):
    odd = pictures.rename(tmp_path / "p\udcff")
    said = refused(
        "measure", odd, "--model", "mlp_3", "--trials", 1, "--epochs", 1, "--out", tmp_path / "run"
    )
    assert "p\\udcff': is not valid Unicode; rename that file" in said
    assert not (tmp_path / "run").exists()


EPOCHS = 5
SIZE = ["--trials", 2, "--epochs", EPOCHS]


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:

    path = tmp_path_factory.mktemp("full") / "run"
    data = load_dataset("digits", limit=100)
    measure(data, model="mlp_3", trials=2, epochs=EPOCHS, precision="float32", out=path)
    return path


def assert_same_networks(run: Path, other: Path) -> None:
    for one, two in zip(open_run(run).trials, open_run(other).trials, strict=True):
        ours, theirs = one.weights(), two.weights()
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name], err_msg=name)
        assert one.document.train_loss == two.document.train_loss


@pytest.mark.parametrize(("observe", "epochs"), [("every:2", (2, 4, 5)), ("last", (5,)), ("every:9", (5,))])
def test_fewer_looks_are_rows_of_the_full_record(command, digits, full, tmp_path, observe, epochs):
    out = tmp_path / "thin"
    assert command(*digits(out, *SIZE, "--observe", observe)).code == 0
    run, whole = open_run(out), open_run(full)
    assert (run.observed, run.epochs, whole.observed) == (epochs, EPOCHS, (1, 2, 3, 4, 5))
    assert_same_networks(out, full)
    rows = [epoch - 1 for epoch in epochs]
    for thin, every in zip(run.trials, whole.trials, strict=True):
        ours, theirs = thin.observations(10), every.observations(10)
        assert (ours.epochs, ours.augmented) == (epochs, False)
        for name in STATISTICS:
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name)[rows])
        table = pq.read_table(thin.path / "train.parquet")
        assert table.column("epoch").to_pylist() == [epoch for epoch in epochs for _ in range(100)]
        assert not any(table.column("augmented").to_pylist())
        expected = {name: [values[row] for row in rows] for name, values in every.document.accuracy.items()}
        assert thin.document.accuracy == expected
    scores, at_last = run.scores(), whole.scores()
    for name in ("easiness", "el2n", "loss", "entropy"):
        np.testing.assert_array_equal(scores[name], at_last[name])
    assert scores["forgetting_events"].isna().all()
    shown = command("scores", out, "--output", tmp_path / "scores.csv")
    assert shown.err.splitlines()[0] == f"note: {out}: observations: {observe_text(run.spec.observe)}"
    for name in ("variability", "aum", "first_learned_epoch"):
        assert scores[name].isna().all() == (len(epochs) == 1)


@pytest.mark.long
def test_an_epoch_between_is_refused_with_its_neighbours(command, refused, digits, tmp_path):
    out = tmp_path / "thin"
    assert command(*digits(out, *SIZE, "--observe", "every:2")).code == 0
    assert "observed; choose 2 or 4" in refused("scores", out, "--at", 3)
    assert "observed; choose 2\n" in refused("scores", out, "--at", 1)
    assert "observed; choose 5\n" in refused("scores", out, "--at", 9)
    assert "observations: after epochs 2, 4, ... and the last, clean" in command("status", out).out
    report = tmp_path / "report.html"
    assert command("report", out, "--output", report).code == 0
    assert report.read_text().count("after epochs 2, 4, ... and the last, clean") == 2
    finished = command("compare", out, "--at", 4)
    assert finished.code == 0
    assert finished.err.startswith(f"note: {out}: epoch 4 of 5 is")


@pytest.mark.long
def test_what_training_computes_is_marked_and_changes_no_network(command, digits, tmp_path):
    out = tmp_path / "train"
    finished = command(*digits(out, *SIZE, "--observe", "train", "--batch-size", 25))
    clean = tmp_path / "clean"
    assert command(*digits(clean, *SIZE, "--batch-size", 25)).code == 0
    assert finished.code == 0
    assert "observations: augmented: made during training, while the weights moved" in finished.out
    assert_same_networks(out, clean)
    run = open_run(out)
    assert run.augmented
    for ours, theirs in zip(run.trials, open_run(clean).trials, strict=True):
        seen, passes = ours.observations(10), theirs.observations(10)
        assert (seen.augmented, passes.augmented) == (True, False)
        assert seen.epochs == passes.epochs == (1, 2, 3, 4, 5)
        assert not np.array_equal(seen.loss, passes.loss)
        assert all(pq.read_table(ours.path / "train.parquet").column("augmented").to_pylist())
        # four steps of equal size, each with the loss that was trained on
        np.testing.assert_allclose(seen.loss.mean(axis=1), ours.document.train_loss, rtol=1e-5)
    for name in ("status", "scores", "compare"):
        shown = command(name, out)
        assert shown.code == 0
        assert "augmented" in shown.out + shown.err
    alone = command("compare", out)
    assert alone.err == f"note: observations of {out} are augmented (made during training, not clean)\n"
    assert command("compare", clean).err == ""
    assert "augmented" not in command("scores", clean).err
    markdown, plain = tmp_path / "table.md", tmp_path / "table.json"
    for file in (markdown, plain):
        assert command("compare", out, clean, "-o", file).code == 0
    both = command("compare", out, clean)
    assert both.err.startswith(f"note: observations of {out} are augmented")
    assert len(both.err.splitlines()) == 1
    note = both.err.removeprefix("note: ").rstrip("\n")
    assert markdown.read_text().startswith(f"Note: {note}.\n\n- ")
    assert json.loads(plain.read_text())["note"] == note


def test_a_run_is_continued_as_it_was_observed(command, refused, digits, tmp_path):
    out = tmp_path / "run"
    assert command(*digits(out, "--trials", 1, "--epochs", 3, "--observe", "every:2")).code == 0
    assert open_run(out).observed == (2, 3)
    assert "observations are every:2 in the run, all here" in refused(*digits(out))
    assert command(*digits(out, "--trials", 1, "--epochs", 5, "--observe", "every:2")).code == 0
    assert open_run(out).observed == (2, 4, 5)


def test_while_a_run_grows_common_epochs_are_read(command, digits, tmp_path):
    out = tmp_path / "run"
    assert command(*digits(out, "--trials", 2, "--epochs", 3, "--observe", "every:2")).code == 0
    longer = tmp_path / "longer"
    assert command(*digits(longer, "--trials", 1, "--epochs", 5, "--observe", "every:2")).code == 0
    (grown,) = (longer / "trials").iterdir()
    grown.rename(out / "trials" / grown.name)
    run = open_run(out)
    assert [trial.epochs for trial in run.trials] == [5, 3]
    assert (run.epochs, run.observed, run.resolve_at(None)) == (3, (2,), 2)
    assert run.scores()["easiness"].max() == 1


def test_a_run_that_is_being_made_longer_may_have_no_common_epoch(command, refused, digits, tmp_path):
    out, longer = tmp_path / "run", tmp_path / "longer"
    size = ["--trials", 2, "--observe", "last"]
    assert command(*digits(out, *size, "--epochs", 3)).code == 0
    assert command(*digits(longer, *size, "--trials", 1, "--epochs", 5)).code == 0
    (grown,) = (longer / "trials").iterdir()
    grown.rename(out / "trials" / grown.name)
    asked = command(*digits(out, *size, "--epochs", 3))
    assert (asked.code, asked.err) == (0, "")
    assert "observed after no common one; --epochs 5 makes them equal\n" in asked.out
    for name in ("scores", "compare", "report"):
        assert "with --epochs 5" in refused(name, out)
    assert "easiness after epoch 5" in command(*digits(out, *size, "--epochs", 5)).out


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
    ez.report(open_run(out), tmp_path / "report.html")
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
