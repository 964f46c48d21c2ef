"""``easiness measure``: the plan, the run, looks, trials until it is reliable; photos and tables as well."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import easiness as ez
from easiness import open_run
from easiness.inputs import IMAGE
from easiness.inputs.image import kind as module
from easiness.pages import next_step
from easiness.pages.facts import measure_command
from easiness.records import STATISTICS
from easiness.runs import data_of
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


def planned(command, arguments) -> list[str]:
    finished = command(*arguments, "--dry-run")
    assert finished.code == 0, finished
    return finished.out.splitlines()


@pytest.mark.long
def test_auto_says_what_each_check_found_and_why_it_stopped(command, digits, tmp_path):
    out = tmp_path / "run"
    auto = digits(out, "--model", "mlp_2_w16", "--trials", "auto", "--reliability", 0.99, "--max-trials", 12)
    shown = planned(command, auto)
    (line,) = (line for line in shown if line.startswith("trials: "))
    assert line.startswith("trials: 10, then as many as the forecast asks for, at most 12: ")
    finished = command(*auto)
    assert finished.code == 0
    stopped = open_run(out).document.stopped
    assert stopped is not None
    assert stopped.sentence.startswith("stopped at the cap of 12 trials: ")
    checks = [line for line in finished.err.splitlines() if line.startswith("share of the true sets")]
    assert [line.split(" after ")[1][:9] for line in checks] == ["10 trials", "12 trials"]
    again = command(*auto)
    assert (again.code, again.err, again.out) == (0, "", finished.out)
    assert command("report", out, "-o", tmp_path / "report.html").code == 0
    for told in (finished.out, command("status", out).out, (tmp_path / "report.html").read_text()):
        assert stopped.sentence in told


HAS = "the run has 3 trials of 2 epochs"


@pytest.mark.parametrize(
    ("options", "to_train", "size"),
    [
        ([], f"nothing, since {HAS}", None),
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


NUM = 12  # photos of each class and split


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Train and val, cats dark and dogs bright: JPEG of many sizes and aspect ratios, one of them grey."""
    root = tmp_path_factory.mktemp("photos") / "pets"
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name, brightest in (("cat", 120), ("dog", 256)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(NUM):
                height, width = (int(side) for side in rng.integers(20, 90, 2))
                pixels = rng.integers(0, brightest, (height, width, 3), dtype=np.uint8)
                image = Image.fromarray(pixels)
                (image.convert("L") if i == 5 else image).save(folder / f"{i:02d}.jpg")
    return root


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the photos as they are decoded, but for the few that are to tell how large they are."""
    monkeypatch.setattr(IMAGE, "cached_bytes", lambda *_: 0)
    names: list[str] = []
    decode = module.decode_image

    def noted(blob: Any, name: str, channels: Any) -> Any:
        names.append(name)
        return decode(blob, name, channels)

    monkeypatch.setattr(module, "decode_image", noted)
    return names


@pytest.fixture
def measure(photos, tmp_path):
    def call(out="run", **options):
        settings = {"model": "wrn_10_1", "trials": 2, "epochs": 2, "recipe": {"crop": 24}}
        return ez.measure(photos, **{**settings, **options}, precision="float32", out=tmp_path / out)

    return call


@pytest.mark.long
def test_each_photo_is_decoded_once_whatever_is_trained(measure, decoded, tmp_path):
    measure()
    assert sorted(decoded) == sorted(set(decoded))
    assert len(decoded) == 4 * NUM
    files = sorted((tmp_path / "easiness-cache").iterdir())
    assert [file.suffix for file in files] == [".photos"] * 2
    decoded.clear()
    measure(trials=3, epochs=3)
    measure("another", model="mlp_2_w16")
    assert decoded == []


def test_without_the_cache_photos_are_held_in_memory(measure, decoded, contents, tmp_path):
    cached = contents(measure("cached").path)
    decoded.clear()
    assert contents(measure("held", cache=False).path) == cached
    assert len(decoded) == 4 * NUM
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cached", "easiness-cache", "held"]


def test_the_plan_says_how_photos_are_seen(command, photos, tmp_path):
    options = ["--model", "mlp_2_w16", "--trials", 1, "--epochs", 2, "--out", tmp_path / "run"]
    planned = command("measure", photos, *options, "--dry-run")
    assert planned.code == 0
    assert "crop of 35% to 100% of the photo's area" in planned.out
    assert "of cached photos" in planned.out
    smaller = command("measure", photos, *options, "--image-size", 12, "--dry-run")
    assert "resized to 12 x 12 pixels" in smaller.out
    assert list(tmp_path.iterdir()) == []


SHORT = ["--trials", 2, "--epochs", 30, "--batch-size", 8, "--precision", "float32", "--holdout", 0.2]


def penguins() -> pd.DataFrame:
    """Numbers and categories of three kinds of birds, made up: each has its island, and a bill of its own."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 120)
    table = pd.DataFrame(
        {
            "island": np.array(["Biscoe", "Dream", "Torgersen"])[(kind + (rng.random(120) < 0.2)) % 3],
            "bill_length_mm": (39 + 5 * kind + rng.normal(0, 2, 120)).round(1),
            "sex": rng.choice(["male", "female"], 120),
            "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[kind],
        }
    )
    table.loc[[4, 40], "sex"] = None
    table.loc[7, "bill_length_mm"] = np.nan
    return table


def test_networks_learn_tables_and_find_them_again(command, tmp_path):
    path = tmp_path / "birds.csv"
    penguins().to_csv(path, index=False)
    asked = ["measure", path, "--label", "species", "--model", "mlp_2_w16", *SHORT, "--out", tmp_path / "run"]
    done = command(*asked)
    assert done.code == 0, done.err
    assert "note: input: " in done.err
    run = open_run(tmp_path / "run")
    data = data_of(run)
    assert data.kind.name == "vector"
    assert data.traits.names is not None
    (accuracy,) = re.findall(r"epoch 30 .*held-out (0\.\d+|1\.0+)", done.out)
    assert float(accuracy) > 0.65  # chance is a third
    found = measure_command(run, data)
    assert found is not None
    assert "--label species" in found[0]


ONE_EPOCH = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]


def test_what_is_kept_goes_back_in(command, pictures, tmp_path):
    assert command("measure", pictures, *ONE_EPOCH, "--out", tmp_path / "run").code == 0
    kept = pictures / "kept.csv"
    pruned = command("keep", tmp_path / "run", "--drop", 0.3, "--policy", "random", "-o", kept)
    assert pruned.code == 0
    assert command("measure", kept, *ONE_EPOCH, "--out", tmp_path / "kept").code == 0
    run = open_run(tmp_path / "kept")
    with kept.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert run.ids.tolist() == [row["id"] for row in rows]
    assert run.labels.tolist() == [int(row["label"]) for row in rows]
    assert run.classes == ("cat", "dog")


def test_a_kept_list_of_positions_goes_with_its_source(command, refused, tmp_path, measured):
    kept = tmp_path / "kept.csv"
    assert command("keep", measured, "--drop", 0.3, "--policy", "random", "-o", kept).code == 0
    said = refused("measure", kept, *ONE_EPOCH, "--out", tmp_path / "run")
    assert "kept.csv: its ids" in said
    assert f"give that one with --labels {kept}" in said
    done = command(
        "measure", "digits", "--limit", 100, "--labels", kept, *ONE_EPOCH, "--out", tmp_path / "run"
    )
    assert done.code == 0, done.err
    with kept.open(newline="") as file:
        assert open_run(tmp_path / "run").ids.tolist() == [int(row["id"]) for row in csv.DictReader(file)]
