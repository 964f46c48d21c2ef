"""The study on runs of every kind: measured, recorded, with a held-out split, and moved."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import easiness as ez
from easiness.errors import BadInput
from easiness.store import Run, open_run
from easiness.studies.suspects import features_command

COLUMNS = ["id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share", "kind"]
NUM, WRONG = 200, 20


def logits(*, wrong: int, num_trials: int = 4, num_epochs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Sure networks, and labels [K] of which the first are one class further than these say."""
    rng = np.random.default_rng(0)
    said = np.arange(NUM) % 4
    base = rng.normal(6, 1, NUM)[:, None] * np.eye(4)[said]
    labels = np.where(np.arange(NUM) < wrong, (said + 1) % 4, said)
    return base + rng.normal(0, 0.7, (num_trials, num_epochs, NUM, 4)), labels


@pytest.fixture
def wrong(record) -> Run:
    return record(*logits(wrong=WRONG), classes=["ant", "bee", "cat", "dog"])


@pytest.fixture(scope="module")
def held_out_pair(made_once) -> tuple[list[Run], np.ndarray]:
    """Heads on two kinds of features of the same simulated examples, and which labels are wrong."""
    rng = np.random.default_rng(0)
    true = np.arange(600) % 4
    wrong = rng.random(600) < 0.15
    labels = np.where(wrong, (true + rng.integers(1, 4, 600)) % 4, true)
    seen = [2.2 * np.eye(4)[true] + rng.normal(size=(600, 4)) for _ in range(2)]

    def make(out: Path) -> None:
        for number, x in enumerate(seen):
            ez.measure(
                (np.hstack(seen).astype(np.float32), labels),
                model="ridge",
                features=[x.astype(np.float32)],
                trials=10,
                out=out / str(number),
                executor="serial",
                progress=False,
            )

    out = made_once("suspects-pair", make)
    return [open_run(out / str(number)) for number in range(2)], wrong


@pytest.fixture(scope="module")
def halves(made_once) -> Path:
    """Each of three trials trained on 7 in 10 of 150 digits; as many are held out."""

    def make(out: Path) -> None:
        size = dict[str, Any](model="mlp_2_w8", trials=3, epochs=2, precision="float32")
        data = ez.load_dataset("digits", limit=150, holdout=0.2)
        ez.measure(data, train_share=0.7, compile="off", out=out, **size)

    return made_once("suspects-halves", make)


def test_a_recorded_run(wrong):
    found = ez.suspects(wrong)
    table = found.table()
    assert list(table)[:9] == [*COLUMNS, "reason"]
    first = table.head(WRONG)
    assert set(first["id"]) == set(range(WRONG))
    assert (first["suggested"] == (first["label"] - 1) % 4).all()
    assert (first["kind"] == "wrong label").all()
    assert first["reason"].str.startswith("all 4 say ").all()
    assert (table["p_wrong"].diff().dropna() <= 0).all()
    assert found.share == pytest.approx(WRONG / NUM, abs=0.01)
    assert found.num_likely == WRONG
    # no pictures: nothing is said of conflicts but why, and of what networks alone can tell
    (conflicts, labels) = found.sections()
    assert conflicts.note.startswith("Pictures were not compared: ")
    assert labels.note.startswith("20 of 200 labels are more likely wrong than right; in all about ")
    low, high = math.floor(found.low * NUM), math.ceil(found.high * NUM)
    assert low < WRONG < high
    assert f"; {low} to {high} fit the data. Counted by margins" in labels.note
    assert "Not looked for: unlike its class (" in labels.note


def test_the_table_has_all_above_the_bound_and_five_in_any_case(wrong):
    few, whole = ez.suspects(wrong, above=1), ez.suspects(wrong, above=0)
    assert len(few.table()) == max(int((few.ranked["p_wrong"] == 1).sum()), 5)
    assert (len(few.ranked), len(whole.table())) == (NUM, NUM)
    assert (few.ranked["reason"][few.num_listed :] == "").all()
    document = json.loads(json.dumps(few.document(), allow_nan=False))
    assert (document["share"], document["low"], document["high"]) == (few.share, few.low, few.high)
    assert document["model_of_noise"] == "margins"
    assert [one["epoch"] for one in document["course"]] == [1, 2]
    assert document["course"][1]["share_standing_out"] == pytest.approx(WRONG / NUM, abs=0.01)
    assert document["kinds_left_out"].keys() >= {"unlike its class", "rare"}
    # a terminal shows the first rows, every file has all that are listed
    assert len(whole.sections()[-1].rows) == 1 + 20
    assert "first 20" in whole.sections()[-1].note
    assert sum(line.startswith("| ") for line in whole.markdown().splitlines()) == 2 + NUM
    assert "first 20" not in whole.markdown()


def test_clean_data_says_so(record):
    found = ez.suspects(record(*logits(wrong=0)), pictures=False)
    assert (len(found.table()), found.num_likely) == (5, 0)
    assert found.share < 0.01
    (labels,) = found.sections()
    assert labels.notices == ()
    assert "100.0\N{NO-BREAK SPACE}% of the labels right" in labels.note
    assert "None of 200 labels is more likely wrong than right; in all fewer than one (0" in labels.note
    assert "Listed are the first 5; 0.1 or more: none." in labels.note
    assert (found.table()["suggested"] != found.table()["label"]).all()  # what would come next
    assert (found.table()["suggested_share"] == 0).all()
    assert (found.table()["reason"] == "all 4 have it right").all()


def test_what_networks_do_not_know_is_said_before_the_table(record):
    """Each names one class for every example: a quarter of the labels."""
    said = np.tile(2 * np.eye(4)[0], (4, 2, NUM, 1))
    (section,) = ez.suspects(record(said, np.arange(NUM) % 4), pictures=False).sections()
    (notice,) = section.notices
    assert notice.startswith("The networks have 25.0\N{NO-BREAK SPACE}% of the labels right: what they do")
    assert "The networks have" not in section.note


@pytest.mark.parametrize(
    ("num_wrong", "num_trials", "heart"), [(2, 4, True), (WRONG, 4, False), (WRONG, 1, False)]
)
def test_what_is_said_of_those_who_judge(record, num_wrong, num_trials, heart):
    found = ez.suspects(record(*logits(wrong=num_wrong, num_trials=num_trials)), pictures=False)
    (section,) = found.sections()
    assert ("may have learned wrong ones by heart. With --train-share 0.8" in section.note) == heart
    assert ("One trial alone judges the labels" in " ".join(section.notices)) == (num_trials == 1)
    assert set(found.table()["id"][:num_wrong]) == set(range(num_wrong))
    assert found.low <= num_wrong / NUM <= found.high


@pytest.mark.long
def test_labels_that_are_learned_by_heart_are_read_before(record):
    """From the third epoch on networks say what they were shown."""
    values, labels = logits(wrong=WRONG, num_epochs=4)
    values[:, 2:] = np.random.default_rng(1).normal(6, 1, (4, 2, NUM, 1)) * np.eye(4)[labels]
    run = record(values, labels)
    found = ez.suspects(run, pictures=False)
    assert found.rows[-1].number < 3
    assert found.share == pytest.approx(WRONG / NUM, abs=0.01)
    (section,) = found.sections()
    read = found.rows[-1].number
    num = round(NUM * {row.number: share for row, share in found.course}[read])
    assert num == pytest.approx(WRONG, abs=1)
    assert section.notices == (
        f"Labels are being learned by heart: after epoch {read} about {num} stood out, after epoch 4 fewer "
        f"than one, so it was read after epoch {read}; --at 4 reads the end.",
    )
    at_end = ez.suspects(run, pictures=False, at=4)
    assert (at_end.by_heart(), at_end.share < 0.01) == ("", True)


def test_conflicts_come_first(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (24, 8, 8), dtype=np.uint8), np.arange(24) % 2
    x[1] = x[0]
    size = dict[str, Any](model="mlp_2_w8", trials=2, epochs=1, precision="float32", compile="off")
    data = ez.load_dataset((x, y), classes=["<b>", "$x$|"])
    run = ez.measure(data, out=tmp_path / "run", **size)
    found = ez.suspects(run, data=data)
    (conflicts, labels) = found.sections()
    assert conflicts.rows[1] == ["two labels", "0", "<b>", "1", "$x$|", "0"]
    assert len(found.document()["conflicts"]) == 1
    # of noise nothing is known: no kind is guessed, which is said once
    assert set(found.left_out_kinds) >= {"between two classes"}
    assert labels.note.count("can be expected to be sound") == 1
    with pytest.raises(BadInput):
        ez.suspects(run, data=(x[:12], y[:12]))


@pytest.mark.long
def test_trials_that_left_examples_out(halves):
    found = ez.suspects(open_run(halves))
    ranked = found.ranked.set_index("id")
    trained_on = [trial.observations(10).trained_on for trial in open_run(halves).trials]
    num_out = (~np.stack(trained_on)).sum(axis=0)
    num_heard = ranked["num_heard"].reindex(open_run(halves).ids).to_numpy()
    assert 0 < (num_out > 0).sum() < 150
    np.testing.assert_array_equal(num_heard, np.where(num_out > 0, num_out, 3))
    out = found.table()[found.table()["left_out"]]
    assert out["reason"].str.contains("that left it out").all()
    num = int((num_out > 0).sum())
    said = f" {num} are judged only by trials that left them out. The other {150 - num} were left out "
    assert said in found.sections()[-1].note


def test_the_held_out_split(halves):
    found = ez.suspects(open_run(halves), split="held_out")
    assert len(found.ranked) == 150
    assert found.ranked["left_out"].all()
    assert found.ranked["num_heard"].eq(3).all()
    assert found.left_out_kinds["unlike its class"] == "networks are asked for training examples only"
    note = found.sections()[-1].note
    assert "labels of held-out examples" in note
    assert not any(one in note for one in ("judged only by trials", "by heart"))


def test_a_run_whose_source_moved(run_copy, describe_anew):
    describe_anew(run_copy, lambda document: document["spec"]["data"].update(source="/nowhere"))
    found = ez.suspects(open_run(run_copy))
    assert found.conflicts.notes[0].startswith("Pictures were not compared: ")
    assert "unlike its class" in found.left_out_kinds
    assert found.ranked["p_wrong"].equals(ez.suspects(open_run(run_copy), pictures=False).ranked["p_wrong"])
    # what the networks said where they were is kept
    ez.suspects(open_run(run_copy), data=ez.load_dataset("digits", limit=100))
    assert "unlike its class" not in ez.suspects(open_run(run_copy)).left_out_kinds


def test_runs_that_left_examples_out_are_voices_of_one_estimate(held_out_pair):
    runs, wrong = held_out_pair
    alone = [ez.suspects(run, pictures=False) for run in runs]
    both = ez.suspects(runs, pictures=False)
    told = [found.ranked.sort_values("id")["p_wrong"].to_numpy() for found in (*alone, both)]
    nats = [-np.log(np.where(wrong, p, 1 - p).clip(1e-3)).mean() for p in told]
    assert nats[2] < 2 / 3 * min(nats[:2])  # a weighted mean of both has 0.77 of them
    assert both.low <= min(found.low for found in alone) + 1e-12
    assert both.high >= max(found.high for found in alone) - 1e-12
    assert both.low <= both.share <= both.high
    assert [" counts " in what for _, what in both.others] == [False]


def test_it_is_said_how_much_a_run_counts_that_claims_less(record, wrong):
    shown, labels = logits(wrong=WRONG)
    vague = record(
        shown * 0.1 + np.random.default_rng(1).normal(0, 0.7, shown.shape),
        labels,
        name="vague",
        classes=list(wrong.classes),
    )
    found = ez.suspects([vague, wrong], pictures=False)
    assert found.share == pytest.approx(WRONG / NUM, abs=0.02)
    ((path, what),) = found.others
    assert path == vague.path
    assert 0 <= float(what.split("counts ")[1].split()[0]) < 1


def test_photos_and_texts_have_features_that_judge_along(measured, monkeypatch):
    run = open_run(measured)
    spec = run.spec.measured
    assert spec is not None

    def command(**data: Any) -> str | None:
        changed = spec.model_copy(update={"data": spec.data.model_copy(update=data)})
        monkeypatch.setattr(run, "spec", changed)
        return features_command(run)

    assert command() is None  # of small pictures
    monkeypatch.setattr("easiness.features.has_usual", lambda kind: kind != "sound")
    line = f"easiness measure digits --features auto --trials 20 --limit 100 --out {run.path}-features"
    assert command(image_shape=(3, 32, 32)) == line
    assert command(kind="text", image_shape=None) == line
    assert command(kind="vector", image_shape=None) is command(kind="sound", image_shape=None) is None


def test_classes_that_are_too_few_are_named_and_condemned_by_none(tmp_path):
    x, y = load_digits(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 8)[:10], np.flatnonzero(y != 8)]
    run = ez.measure((x[rows].astype(np.float32), y[rows]), features="inputs", trials=5, out=tmp_path / "run")
    found = ez.suspects(run, pictures=False)
    assert any("'8' (10)" in note for section in found.sections() for note in section.notices)
    assert (found.ranked.loc[found.ranked["class"] == "8", "p_wrong"] < 0.5).all()
