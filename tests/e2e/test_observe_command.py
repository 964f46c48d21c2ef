"""``easiness measure --observe``: fewer looks, or none beside training, and the same networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from easiness import open_run
from easiness.record.observations import STATISTICS
from easiness.spec import observe_text

EPOCHS = 5
SIZE = ["--trials", 2, "--epochs", EPOCHS]


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    from easiness import measure

    path = tmp_path_factory.mktemp("full") / "run"
    measure("digits", model="mlp_3", limit=100, trials=2, epochs=EPOCHS, precision="float32", out=path)
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
    assert "observed; choose 2 or 4" in refused("scores", out, "--epoch", 3)
    assert "observed; choose 2\n" in refused("scores", out, "--epoch", 1)
    assert "observed; choose 5\n" in refused("scores", out, "--epoch", 9)
    assert "observations: after epochs 2, 4, ... and the last, clean" in command("status", out).out
    report = tmp_path / "report.html"
    assert command("report", out, "--output", report).code == 0
    assert report.read_text().count("after epochs 2, 4, ... and the last, clean") == 2
    finished = command("compare", out, "--epoch", 4)
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
    assert (run.epochs, run.observed, run.resolve_epoch(None)) == (3, (2,), 2)
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
