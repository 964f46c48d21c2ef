"""``easiness measure``: the plan, the run, looks, trials until it is reliable; photos and tables as well."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from easiness import open_run
from easiness.pages import next_step
from easiness.records import STATISTICS
from easiness.spec import observe_text
from recording import small_run


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
    assert following == f"next: {next_step(open_run(out))[1]}"
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


def test_what_is_left_out_is_in_the_run_its_status_and_its_report(command, refused, pictures, tmp_path):
    bad, out, page = pictures / "cat" / "03.png", tmp_path / "run", tmp_path / "report.html"
    bad.write_bytes(bad.read_bytes()[:40])
    arguments = ["measure", pictures, "--model", "mlp_2_w8", "--trials", 1, "--epochs", 1, "--out", out]
    assert str(bad) in refused(*arguments)
    assert not out.exists()
    for name in ("cat/noext", "dog/<b>.webm"):
        (pictures / name).write_bytes(b"no picture")
    finished = command(*arguments, "--skip-unreadable")
    assert finished.code == 0
    said = "images left out, since they cannot be read: 1 (cat/03.png)"
    assert said in finished.err.splitlines()
    line = "files left out, since by name they are no pictures: 2 (cat/noext, dog/<b>.webm)"
    assert {said, line} < set(command("status", out).out.splitlines())
    assert len(open_run(out).ids) == 23
    assert command("report", out, "-o", page).code == 0
    text = page.read_text().replace("<wbr>", "")
    for words in ("left out, since unreadable", "left out, since by name no pictures", "dog/&lt;b&gt;.webm"):
        assert words in text


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
    out = tmp_path_factory.mktemp("full") / "run"
    return small_run(out, model="mlp_3", limit=100, trials=2, epochs=EPOCHS).path


def assert_same_networks(run: Path, other: Path) -> None:
    for one, two in zip(open_run(run).trials, open_run(other).trials, strict=True):
        ours, theirs = one.weights(), two.weights()
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name], err_msg=name)
        assert one.document.train_loss == two.document.train_loss


@pytest.mark.parametrize(("observe", "epochs"), [("every:2", (2, 4, 5)), ("last", (5,))])
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
        assert "augmented" in shown.out + shown.err
    assert command("compare", clean).err == ""


def test_a_run_is_continued_as_it_was_observed(command, refused, digits, tmp_path):
    out = tmp_path / "run"
    assert command(*digits(out, "--trials", 1, "--epochs", 3, "--observe", "every:2")).code == 0
    assert open_run(out).observed == (2, 3)
    assert "observations are every:2 in the run, all here" in refused(*digits(out))
    assert command(*digits(out, "--trials", 1, "--epochs", 5, "--observe", "every:2")).code == 0
    assert open_run(out).observed == (2, 4, 5)


def test_a_dry_run_says_what_would_be_trained(command, digits, run_copy, snapshot):
    before = snapshot(run_copy)
    # a run is a rectangle: the trials that it has get longer too
    for options, to_train in (
        ([], "nothing, since the run has 3 trials of 2 epochs"),
        (["--trials", 4], "trial 3, for 2 epochs; the run has 3 trials of 2 epochs"),
        (["--epochs", 3, "--trials", 1], "3 trials, 0 to 2, for 3 epochs; the run has 3 trials of 2 epochs"),
    ):
        finished = command(*digits(run_copy, *options, "--dry-run"))
        assert finished.code == 0, finished
        assert f"to train: {to_train}" in finished.out.splitlines()
    assert snapshot(run_copy) == before


ONE_EPOCH = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]


def test_a_kept_list_of_positions_goes_with_its_source(command, refused, tmp_path, measured):
    kept = tmp_path / "kept.csv"
    assert command("keep", measured, "--drop", 0.3, "--policy", "random", "-o", kept).code == 0
    said = refused("measure", kept, *ONE_EPOCH, "--out", tmp_path / "run")
    assert "kept.csv: a list of ids and labels, without examples" in said
    assert f"with --labels {kept}" in said
    done = command(
        "measure", "digits", "--limit", 100, "--labels", kept, *ONE_EPOCH, "--out", tmp_path / "run"
    )
    assert done.code == 0, done.err
    with kept.open(newline="") as file:
        assert open_run(tmp_path / "run").ids.tolist() == [int(row["id"]) for row in csv.DictReader(file)]
