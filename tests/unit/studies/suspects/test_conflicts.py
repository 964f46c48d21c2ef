"""Identical pictures with two labels, and pictures in both splits, are named; nothing else is."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

import easiness as ez
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.store import Run, keep_answer
from easiness.studies.suspects.conflicts import (
    COLUMNS,
    KINDS,
    WITHIN,
    Conflicts,
    Kind,
    Labels,
    arrays_of,
    conflicts_of,
    find_conflicts,
    kept_conflicts,
)
from recording import believing

Array = npt.NDArray[np.uint8]
CLASSES = ["cat", "dog", "owl"]


def noise(num: int, side: int = 32, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (num, side, side, 3), dtype=np.uint8)


def scenes(num: int, side: int = 48, seed: int = 0) -> Array:
    """Smooth pictures of many colors, as photos are."""
    small = np.random.default_rng(seed).integers(0, 256, (num, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side))) for one in small])


def pairs(found: Conflicts, *kinds: Kind) -> list[tuple[Any, Any, bool]]:
    """Ids of both, and whether their labels agree."""
    some = found.of(*kinds)
    return [*zip(some["id_a"], some["id_b"], some["label_a"] == some["label_b"], strict=True)]


def ids(found: Conflicts, kind: Kind) -> list[list[Any]]:
    return [[one, *others] for one, others in found.of(kind).groupby("id_a", sort=False)["id_b"]]


def values(found: Conflicts | None) -> dict[str, Any]:
    assert found is not None
    return vars(found) | {"pairs": found.pairs.to_numpy().tolist()}


def test_identical_training_pictures_are_conflicts_where_labels_differ() -> None:
    x = noise(10)
    x[3], x[5] = x[0], x[0]  # labels 0, 2, 0
    x[4] = x[1]  # one label
    found = find_conflicts(ez.load_dataset((x, [0, 1, 2, 2, 1, 0, 0, 1, 2, 0]), classes=CLASSES))
    assert ids(found, "two labels") == [[0, 3, 5]]
    assert ids(found, "duplicate") == [[1, 4]]
    assert found.of("in both splits", "nearly in both splits").empty
    assert found.sentences() == [
        "1 group of identical training pictures (3 in all) with two labels or more.",
        "1 group of identical training pictures (2 in all) with one label.",
        "0 of 10 training pictures have a near copy among the others.",
        "Nothing is held out, so no picture can be in both splits.",
    ]
    rows = found.pairs[["kind", "split_a", "id_a", "class_a", "split_b", "id_b", "class_b", "distance"]]
    assert rows.to_numpy().tolist() == [
        ["two labels", "train", 0, "cat", "train", 3, "owl", 0],
        ["two labels", "train", 0, "cat", "train", 5, "cat", 0],
        ["duplicate", "train", 1, "dog", "train", 4, "dog", 0],
    ]


def test_what_is_decided_settles_the_pairs_that_it_leaves_without_a_contradiction() -> None:
    owl: dict[tuple[str, object], int | None] = {("train", 3): 2}
    cat = {**owl, ("train", 3): 0}
    one, other, third = (("train", at, label, CLASSES[label]) for at, label in ((0, 0), (3, 2), (5, 1)))
    both = ("two labels", *one, *other, 9)
    rows = [both, ("in both splits", *one, "held_out", 0, 0, "cat", 0), ("nearly, two labels", *both[1:])]
    found = Conflicts(9, 3, pd.DataFrame(rows, columns=[*COLUMNS]), looked_within=True)
    whole = Conflicts(9, 3, pd.DataFrame([both, (both[0], *one, *third, 9)], columns=[*COLUMNS]))

    def left(some: Conflicts, decided: Labels) -> list[str]:
        return some.open_pairs(decided)["kind"].tolist()

    assert left(found, owl) == left(found, {}) == ["two labels", "in both splits", "nearly, two labels"]
    assert left(found, cat) == ["in both splits"]  # which no label settles
    assert left(found, {("train", 0): None}) == []
    # the other two of the three contradict each other still
    assert left(whole, {("train", 0): None}) == ["two labels", "two labels"]
    assert left(whole, cat | {("train", 5): 0}) == []
    (section,) = [one.section for one in found.frames({}, cat)]
    assert section.note.endswith(" 2 pairs are settled by decisions.")
    assert [row[0] for row in section.rows[1:]] == ["in both splits"]
    (first,), (every,) = ([one.section for one in found.frames({}, {}, most)] for most in (1, None))
    assert (len(first.rows), len(every.rows)) == (1 + 1, 1 + 3)
    assert first.note.endswith(" The first 1 of 3 pairs:")
    assert "first" not in every.note


def test_the_shape_and_all_pixels_count_and_not_the_file(tmp_path: Path) -> None:
    scene = Image.fromarray(scenes(1)[0])
    for name, shape, suffix in (("cat", (24, 30), "png"), ("dog", (30, 24), "bmp")):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((*shape, 3), 7, np.uint8)).save(tmp_path / name / "turned.png")
        scene.save(tmp_path / name / f"same.{suffix}")
    assert ids(find_conflicts(ez.load_dataset(tmp_path)), "two labels") == [["cat/same.png", "dog/same.bmp"]]


def test_identical_pictures_in_both_splits_go_by_the_first_of_each_label() -> None:
    x, y = noise(8), [0, 1, 2, 0, 1, 2, 2, 2]
    x[3] = x[0]
    x[4] = x[0]  # labels 0, 0, 1 of one picture
    held_out = noise(3, seed=1)
    held_out[2] = x[0]
    found = find_conflicts(ez.load_dataset((x, y), held_out=(held_out, [2, 2, 1]), classes=CLASSES))
    assert pairs(found, "in both splits") == [(0, 2, False), (4, 2, True)]
    assert {*found.pairs["distance"]} == {0}
    assert found.of("nearly in both splits").empty  # what is identical is not named again
    assert found.looked_for_near
    assert found.sentences()[2:] == [
        "1 of 3 held-out pictures are in the training split as well, 1 of them with another label.",
        "0 of 3 held-out pictures have a near copy in the training split.",
    ]


def jpeg(pixels: Array, quality: int) -> Array:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


COPIES: dict[str, Callable[[Array], Array]] = {
    "JPEG": lambda pixels: jpeg(pixels, 30),
    "brighter": lambda pixels: np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(1.2)),
    "grey": lambda pixels: np.asarray(Image.fromarray(pixels).convert("L").convert("RGB")),
}


@pytest.mark.parametrize("name", COPIES)
def test_near_copies_are_found_and_nothing_else(name: str) -> None:
    x, held_out = scenes(40), scenes(20, seed=1)
    held_out[7] = COPIES[name](x[31])
    labels, others = np.arange(40) % 3, np.arange(20) % 3
    found = find_conflicts(ez.load_dataset((x, labels), held_out=(held_out, others), classes=CLASSES))
    assert pairs(found, "nearly in both splits") == [(31, 7, True)]
    assert found.of("nearly in both splits")["distance"].between(0, 32).all()
    assert found.of("in both splits").empty


def test_near_copies_within_the_training_split_are_conflicts_where_labels_differ() -> None:
    x = scenes(40)
    x[7], x[9] = jpeg(x[31], 30), jpeg(x[12], 60)  # of labels 1 and 1, 0 and 0
    x[20] = x[7]  # identical, of label 2
    found = find_conflicts(ez.load_dataset((x, np.arange(40) % 3), classes=CLASSES))
    assert sorted(pairs(found, *WITHIN)) == [(7, 31, True), (9, 12, True), (20, 31, False)]
    assert set(found.pairs["kind"]) == {"two labels", "nearly, two labels", "near duplicate"}
    assert found.sentences() == [
        "1 group of identical training pictures (2 in all) with two labels or more.",
        "5 of 40 training pictures have a near copy among the others, 2 of them with another label.",
        "Nothing is held out, so no picture can be in both splits.",
    ]


def test_of_several_near_copies_the_nearest_of_each_label_is_named() -> None:
    x, held_out = scenes(9), scenes(2, seed=1)
    held_out[1] = x[0]
    x[3], x[5], x[4] = jpeg(x[0], 5), jpeg(x[0], 90), jpeg(x[0], 60)  # labels 0, 2, 1
    x[6] = jpeg(x[0], 95)  # label 0, and much nearer than 3
    x[0] = noise(1, 48)[0]
    data = ez.load_dataset((x, np.arange(9) % 3), held_out=(held_out, [0, 1]), classes=CLASSES)
    nearest = find_conflicts(data).of("nearly in both splits")
    rows = nearest[["id_a", "label_a", "id_b"]].to_numpy().tolist()
    assert sorted(rows) == [[4, 1, 1], [5, 2, 1], [6, 0, 1]]
    assert nearest["distance"].is_monotonic_increasing


def test_of_flat_pictures_none_and_of_tiny_ones_only_identical_ones_are_found() -> None:
    x = np.zeros((4, 32, 32, 3), np.uint8)
    x += np.array([10, 60, 120, 180], np.uint8)[:, None, None, None]
    assert find_conflicts(ez.load_dataset((x, [0, 1, 0, 1]), held_out=(x[:2] + 1, [0, 1]))).pairs.empty
    found = find_conflicts(ez.load_dataset("digits", holdout=0.2))
    assert found.of("nearly in both splits").empty
    assert not found.looked_for_near
    assert found.sentences()[-1].endswith(" 1,797 pictures: below 24 pixels different ones look alike.")
    assert not any("near copy" in sentence for sentence in found.sentences())


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, held_out = scenes(30), scenes(11, seed=1)
    for at in range(0, 11, 2):
        held_out[at] = jpeg(x[2 * at], 60)
    x[29], x[27] = jpeg(x[1], 60), jpeg(x[3], 60)
    data = ez.load_dataset((x, np.arange(30) % 3), held_out=(held_out, np.arange(11) % 3))
    whole = find_conflicts(data)
    assert whole.of("nearly in both splits")["id_b"].tolist() == [0, 2, 4, 6, 8, 10]
    assert [pair[:2] for pair in pairs(whole, *WITHIN)] == [(1, 29), (3, 27)]
    near = "easiness.inputs.image.near"
    monkeypatch.setattr(f"{near}._PAIRS_AT_ONCE", 45)
    monkeypatch.setattr(f"{near}._CORRELATED_AT_ONCE", 1)
    assert values(find_conflicts(data)) == values(whole)


def test_of_a_run_the_data_are_read_again(tmp_path: Path, record: Any) -> None:
    x, labels = scenes(8), np.arange(8) % 2
    x[5] = x[0]
    np.savez(tmp_path / "data.npz", x=x, y=labels)
    run = record(believing(labels, trials=1, epochs=1), labels)
    assert conflicts_of(run).sentences() == [
        "Pictures were not compared: the run does not say where they are (--data names them)."
    ]
    assert ids(conflicts_of(run, tmp_path / "data.npz"), "two labels") == [[0, 5]]
    with pytest.raises(BadInput, match="ids, labels or classes"):
        conflicts_of(run, ez.load_dataset((x, labels[::-1])))


def test_what_was_found_is_kept_for_the_same_data(tmp_path: Path, monkeypatch: Any) -> None:
    x = scenes(40)
    x[5], x[6], x[7], x[8] = x[0], x[1], x[2], x[3]
    x[9] = jpeg(x[12], 60)
    held_out = np.stack([x[0], jpeg(x[20], 60), *scenes(10, seed=9)])
    y = np.arange(40) % 3
    y[6] = y[1]
    data = ez.load_dataset((x, y), held_out=(held_out, np.arange(12) % 3))
    options: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "epochs": 1, "precision": "float32"}
    run = ez.measure(data, **options, out=tmp_path / "run")
    found = conflicts_of(run, data)
    assert values(found) == values(find_conflicts(data))
    assert {*found.pairs["kind"]} == {*KINDS} - {"nearly, two labels"}
    monkeypatch.setattr("easiness.studies.suspects.conflicts._search", None)
    assert values(conflicts_of(run, data)) == values(found)
    # of other labels nothing is kept
    assert kept_conflicts(run, ez.load_dataset((x, y), held_out=(held_out, np.arange(12) % 2))) is None


@pytest.mark.parametrize(
    ("name", "row", "column", "value"),
    [("pairs", 0, 0, 6), ("pairs", 0, 1, 3), ("pairs", 0, 2, -1), ("pairs", -1, 2, 1), ("pairs", 0, 1, -1)]
    + [("flawed", 0, *bad) for bad in ((0, 2), (1, 3), (1, -1), (2, 5))],
)
def test_what_somebody_else_wrote_is_looked_for_again(
    record: Any, name: str, row: int, column: int, value: int
) -> None:
    """Kinds, positions and flaws that there are not, whose seal fits."""
    x, labels = np.stack([*noise(2), np.zeros((32, 32, 3), np.uint8)]), np.arange(3) % 2
    run: Run = record(believing(labels, trials=1, epochs=1), labels)
    data = ez.load_dataset((np.concatenate([x[:1], x[:1], x[2:]]), labels), held_out=(x[:1], [0]))
    found = conflicts_of(run, data)
    arrays = arrays_of.read(run, data)
    assert arrays is not None
    assert len(arrays["flawed"]) == 1
    arrays[name][row, column] = value
    keep_answer(run.path, "conflicts", arrays_of.identity(run, data), arrays)
    assert kept_conflicts(run, data) is None
    assert values(conflicts_of(run, data)) == values(found) == values(kept_conflicts(run, data))


BONES = "How many bones are in the human hand ?"
BONES_THERE = "How many bones are there in the human hand ?"
LAWYER = "What was the name of the lawyer who represented Randy Craft ?"
OTHERS = ["Who wrote 1984 ?", "What is ozone ?", "Name the second tallest peak in Europe ."]


def load(texts: list[str], labels: list[int], held_out: list[str] | None = None) -> Dataset:
    test = None if held_out is None else (held_out, [0] * len(held_out))
    return ez.load_dataset((texts, labels), held_out=test, classes=["number", "person"])


def test_spaces_and_forms_of_letters_make_no_other_text() -> None:
    texts = [*OTHERS, "caf\u00e9  au lait", " cafe\u0301 au\tlait\n", "Caf\u00e9 au lait"]
    found = find_conflicts(load(texts, [0, 1, 0, 0, 1, 0]))
    assert ids(found, "two labels") == [[3, 4]]
    assert [pair[:2] for pair in pairs(found, *WITHIN)] == [(4, 5), (3, 5)]
    assert {*found.pairs["distance"]} == {0}


def test_near_copies_of_texts_are_named() -> None:
    texts = [BONES, *OTHERS, BONES_THERE, LAWYER, BONES.lower(), LAWYER.replace("Craft", "Steven Craft")]
    found = find_conflicts(load(texts, [0, 0, 0, 0, 1, 1, 0, 1], [*OTHERS[:1], BONES.upper()]))
    # of each the nearest before it, of either label
    assert pairs(found, *WITHIN) == [(0, 4, False), (4, 6, False), (0, 6, True), (5, 7, True)]
    assert found.of(*WITHIN)["distance"].tolist() == [12, 12, 0, 17]
    assert found.sentences()[1:] == [
        "5 of 8 training texts have a near copy among the others, 3 of them with another label.",
        "1 of 2 held-out texts are in the training split as well.",
        "1 of 2 held-out texts have a near copy in the training split, 1 of them with another label.",
    ]
    assert pairs(found, "nearly in both splits") == [(0, 1, True), (4, 1, False)]
    assert found.unit == "percent of their runs of 4 letters"
    assert found.pairs["kind"].tolist()[-4:] == ["nearly, two labels"] * 2 + ["near duplicate"] * 2


def test_sounds_are_the_same_where_their_samples_are() -> None:
    sounds = [np.random.default_rng(seed).uniform(-1, 1, 800).astype(np.float32) for seed in range(6)]
    sounds[4], sounds[5] = sounds[1].copy(), np.append(sounds[2], np.float32(0))
    data = ez.load_dataset((sounds, [0, 1, 0, 1, 0, 1]), rate=8000, held_out=([sounds[3]], [0]))
    found = find_conflicts(data)
    assert (ids(found, "two labels"), ids(found, "duplicate")) == ([[1, 4]], [])
    assert pairs(found, "in both splits") == [(3, 0, False)]
    assert not found.looked_for_near
    assert found.sentences()[0] == "1 group of identical training sounds (2 in all) with two labels or more."


@pytest.mark.long
@pytest.mark.shared_data
def test_questions_of_trec() -> None:
    beside = Path(__file__).parents[5] / "shared" / "data"
    folder = Path(os.environ.get("EASINESS_DATA", beside)) / "trec"
    if not folder.exists():
        pytest.skip(f"{folder} is absent; set EASINESS_DATA to the folder that holds trec")
    parts = []
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        classes = sorted({row["label"] for row in rows})
        parts.append(([row["text"] for row in rows], [classes.index(row["label"]) for row in rows]))
    found = find_conflicts(ez.load_dataset(parts[0], held_out=parts[1]))
    assert found.sentences() == [
        "No identical training texts with two labels or more.",
        "64 groups of identical training texts (136 in all) with one label.",
        "104 of 5,452 training texts have a near copy among the others.",
        "10 of 500 held-out texts are in the training split as well.",
        "4 of 500 held-out texts have a near copy in the training split, 1 of them with another label.",
    ]
