"""Score cards: what is in one, and the same examples found in other copies of the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from easiness import BadInput, card, load_dataset, measure, open_run
from easiness.exports import open_card
from easiness.exports.card import read_scores
from recording import small_run

NUM = 120


def write_pngs(folder: Path, data, order, *, change=()):
    """The pictures of a data set as a folder of classes, under new names in this order."""
    for number, at in enumerate(order):
        pixels = data.values(np.array([at]))[0].copy()
        if at in change:
            pixels[0, 0, 0] ^= 1
        place = folder / data.classes[data.labels[at]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(place / f"{number:05d}.png")
    return folder


@pytest.fixture(scope="module")
def run(made_once):
    def make(out):
        size = dict[str, Any](model="mlp_3", trials=3, epochs=2, precision="float32")
        measure(load_dataset("digits", limit=NUM), **size, out=out, progress=False)

    return open_run(made_once("carded", make))


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    return card(run, tmp_path_factory.mktemp("cards") / "card")


def test_a_card_has_scores_digests_recipe_versions_and_no_paths(made, run):
    table = pd.read_parquet(made.path / "scores.parquet")
    assert table["id"].tolist() == run.ids.tolist()
    assert table["digest"].str.fullmatch("[0-9a-f]{64}").all()
    np.testing.assert_array_equal(table["easiness_se"], run.scores()["easiness_se"])
    assert {"p_easy", "p_hard"} <= set(table)
    document = json.loads((made.path / "card.json").read_text())
    assert document["training"]["recipe"]["batch_size"] == run.spec.measured.recipe.batch_size
    assert set(document["versions"]) == {"easiness", "torch", "numpy"}
    assert set(document["files"]) == {"scores.parquet", "easiness.svg"}
    readme = (made.path / "README.md").read_text()
    assert "arXiv 1911.10739" in readme
    for file in made.path.iterdir():
        assert str(run.path.parent).encode() not in file.read_bytes()
    assert open_card(made.path).document == made.document


def test_a_shuffled_folder_of_pictures_gets_the_scores_of_its_own(made, run, tmp_path):
    data = load_dataset("digits", limit=NUM)
    order = np.random.default_rng(0).permutation(NUM)
    found = card(write_pngs(tmp_path / "copy", data, order), apply=made.path)
    assert found.text == f"{NUM} of {NUM} examples found by their values"
    scores = run.scores().set_index("id")
    for row in found.table.itertuples():
        at = order[int(Path(row.id).stem)]
        assert row.card_id == data.ids[at]
        assert row.confidence == scores.loc[data.ids[at], "confidence"]


def test_changed_pixels_are_refused_and_counted(made, tmp_path):
    data = load_dataset("digits", limit=NUM)
    copy = write_pngs(tmp_path / "copy", data, np.arange(NUM), change=(3, 77))
    found = card(copy, apply=made.path)
    assert len(found.table) == NUM - 2
    assert {Path(one).stem for one in found.unknown} == {"00003", "00077"}
    assert found.num_missing == 2
    assert "2 are not in the card" in found.text
    assert "2 of the card are not here" in found.text


def test_copies_of_a_picture_are_told_apart_by_class(tmp_path):
    shades = [0, 0, 9, 9, *range(20, 28)]  # the first two pictures are there twice, with another label
    pixels = np.broadcast_to(np.array(shades, np.uint8)[:, None, None, None], (12, 8, 8, 1)).copy()
    for name, first in {"old": [0, 1, 0, 1], "new": [1, 0, 1, 0], "other": [0, 0, 1, 1]}.items():
        np.savez(tmp_path / f"{name}.npz", x=pixels, y=np.array([*first, *[0, 1] * 4]))
    made = card(small_run(tmp_path / "run", tmp_path / "old.npz", limit=None, trials=2), tmp_path / "card")
    found = card(tmp_path / "new.npz", apply=made.path).table["card_id"]
    assert found.tolist() == [*(1, 0, 3, 2), *range(4, 12)]
    other = card(tmp_path / "other.npz", apply=made.path)
    assert other.table["card_id"].tolist() == [0, 1, 3, 2, *range(4, 12)]
    assert other.num_relabelled == 2


def test_classes_with_other_names_are_no_other_classes(tmp_path):
    pixels = np.broadcast_to(np.arange(20, 32, dtype=np.uint8)[:, None, None, None], (12, 8, 8, 1)).copy()
    labels = np.arange(12) % 3
    own = load_dataset((pixels, labels), classes=["ant", "bee", "cat"])
    made = card(small_run(tmp_path / "run", own, limit=None, trials=2), tmp_path / "card", data=own)
    labels[0] = 1
    found = card(load_dataset((pixels, labels), classes=["ant", "bee", "kitty"]), apply=made.path)
    assert (found.new_names, found.num_relabelled) == ({"cat": "kitty"}, 1)
    assert found.text == (
        "12 of 12 examples found by their values; 1 have another class here; "
        "classes with other names here: cat is kitty"
    )


def test_what_is_no_card_or_has_other_pictures_is_refused(made, run, tmp_path):
    with pytest.raises(BadInput, match="no score card"):
        card("digits", apply=tmp_path)
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 255, (10, 8, 8, 1), np.uint8), np.arange(10) % 2)
    with pytest.raises(BadInput, match="none of its 10"):
        card(load_dataset(noise), apply=made.path)
    with pytest.raises(BadInput, match="exists already"):
        card(run, made.path)
    with pytest.raises(BadInput, match="does not exist"):
        card(run, tmp_path / "no" / "card")


@pytest.mark.parametrize("name", ["scores.parquet", "card.json"])
def test_a_damaged_card_is_named(run, tmp_path, name):
    made = card(run, tmp_path / "card")
    content = bytearray((made.path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (made.path / name).write_bytes(content)
    with pytest.raises(BadInput, match=rf"{name}.*card again"):
        card("digits", apply=made.path)


@pytest.mark.parametrize(
    "column",
    [
        {"easiness": pa.array([b"a", b"b"])},
        {"easiness": pa.array([1, 2], pa.date32())},
        {"easiness": pa.array([1, 2], pa.timestamp("s"))},
        {"easiness": pa.array([1, 2], pa.decimal128(5))},
        {"easiness": pa.array(["a", "b"]).dictionary_encode()},
        {"easiness": pa.array([[1.0], [2.0]])},
        {"card_id": pa.array([1, 2])},
        {"card_split": pa.array(["a", "b"])},
        {"split": pa.array(["a", "b"])},
    ],
    ids=lambda column: " ".join(f"{name} {values.type}" for name, values in column.items()),
)
def test_scores_that_no_card_has_are_damaged(tmp_path, column):
    own = {"id": [0, 1], "label": [0, 1], "class": ["a", "b"]}
    pq.write_table(pa.table(own), tmp_path / "own.parquet")
    assert len(read_scores(tmp_path / "own.parquet", 2)) == 2
    pq.write_table(pa.table({**own, **column}), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"a\.parquet: is damaged"):
        read_scores(tmp_path / "a.parquet", 2)


def test_hostile_names_stay_text(tmp_path):
    hostile = "<script>alert(1)</script>[x](javascript:y)`"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (8, 8, 8, 1)).astype(np.uint8)
    np.savez(tmp_path / f"{hostile.replace('/', '_')}.npz", x=pixels, y=np.arange(8) % 2)
    source = next(tmp_path.glob("*.npz"))
    made = card(small_run(tmp_path / "run", source, limit=None, trials=2), tmp_path / "card")
    readme = (made.path / "README.md").read_text()
    assert readme.count("<script>") == readme.count("\\<script>") > 0  # each escaped, and so no tag
    assert readme.count("[x]") == readme.count("[x]\\(") > 0


@pytest.fixture(scope="module")
def with_held_out(tmp_path_factory):
    """The card of two trials on 80 digits in x and 20 in x_test, of which the last is also in x; its data."""
    folder = tmp_path_factory.mktemp("splits")
    data = load_dataset("digits", limit=99)
    pictures = np.stack(data.values(np.arange(99)))
    test = [*range(80, 99), 0]
    first: dict[str, Any] = {"x": pictures[:80], "y": data.labels[:80]}
    np.savez(folder / "digits.npz", **first, x_test=pictures[test], y_test=data.labels[test])
    size = dict[str, Any](model="mlp_3", limit=None, trials=2, epochs=2)
    run = small_run(folder / "run", folder / "digits.npz", **size, cache=False)
    return run, card(run, folder / "card"), pictures, data.labels


def test_a_card_has_the_held_out_split_beside(with_held_out):
    run, made, _, _ = with_held_out
    table = pd.read_parquet(made.path / "held_out.parquet")
    assert made.note is None
    assert made.document.held_out == run.spec.data.held_out
    assert table["id"].tolist() == list(range(20))
    assert table["digest"].str.fullmatch("[0-9a-f]{64}").all()
    np.testing.assert_array_equal(table["easiness"], run.scores(split="held_out")["easiness"])
    readme = (made.path / "README.md").read_text()
    assert "`held_out.parquet` has the same of 20 examples" in readme
    assert (
        "How easy or hard a network finds each of 80 examples of 10 classes, grey pictures of 8 × 8 pixels; "
        "20 more are held out.\nThe scores are of 2 trainings of mlp_3, after epoch 2; recipe: short"
    ) in readme


def test_a_card_opens_in_datasets_with_both_splits(with_held_out, tmp_path):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(with_held_out[1].path), cache_dir=str(tmp_path / "cache"))
    assert {name: part.num_rows for name, part in loaded.items()} == {"train": 80, "test": 20}


def test_examples_of_both_splits_are_found_in_one_folder(with_held_out, tmp_path):
    run, made, pictures, labels = with_held_out
    order = np.random.default_rng(0).permutation(99)
    np.savez(tmp_path / "all.npz", x=pictures[order], y=labels[order])
    found = card(tmp_path / "all.npz", apply=made.path)
    assert found.text == (
        "99 of 99 examples found by their values; 19 of them are in the held-out split of the card; "
        "19 of them are in the other split here; 1 of the card are not here"
    )
    scores = {split: run.scores(split=split).set_index("id")["confidence"] for split in ("train", "held_out")}
    for row in found.table.itertuples():
        at = order[row.id]
        split, known = ("train", at) if at < 80 else ("held_out", at - 80)
        assert (row.split, row.card_split, row.card_id) == ("train", split, known)
        assert row.confidence == scores[split][known]


def test_a_held_out_split_that_changed_gets_no_digests(with_held_out, tmp_path):
    run, _, pictures, labels = with_held_out
    first = {"x": pictures[:80], "y": labels[:80]}
    np.savez(tmp_path / "other.npz", **first, x_test=pictures[80:], y_test=labels[80:])
    with pytest.raises(BadInput, match=r"other: .*another held-out split"):
        card(run, tmp_path / "card", data=tmp_path / "other.npz")
    assert not (tmp_path / "card").exists()


def test_the_command_makes_and_applies(command, run, tmp_path):
    assert command("card", run.path, "-o", tmp_path / "card").code == 0
    apply = ("card", "--apply", tmp_path / "card")
    assert command(*apply, "digits", "-o", tmp_path / "scores.csv").code == 0
    piped = command(*apply, "digits")
    assert piped.out == (tmp_path / "scores.csv").read_text("utf-8")
    assert f"{NUM} of 1,797 examples found by their values" in piped.err
    for words, told in (
        ((*apply, "digits", "-o", tmp_path / "scores.txt"), "scores.txt"),
        (("card", run.path), "-o: a card is a folder; give a new one"),
        ((*apply, "digits", "--at", 1, "-o", tmp_path / "a.csv"), "leave out --at and --data"),
        ((*apply, "nofolder", "-o", tmp_path / "a.csv"), "'nofolder': no such file"),
    ):
        ended = command(*words)
        assert ended.code == 2
        assert told in ended.err
