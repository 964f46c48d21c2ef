"""Texts that are the same, or nearly, in one split or both, and sounds that are the same."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import easiness as ez
from easiness.data import Dataset
from easiness.report import render_report
from easiness.report.labels import certain
from easiness.studies.suspects.conflicts import WITHIN, find_conflicts

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
    assert [[one.id for one in group] for group in found.groups("two labels")] == [[3, 4]]
    assert [(pair.train.id, pair.other.id, pair.distance) for pair in found.of(*WITHIN)] == [
        (3, 5, 0),
        (4, 5, 0),
    ]


def test_near_copies_within_the_training_split_are_named() -> None:
    texts = [BONES, *OTHERS, BONES_THERE, LAWYER, BONES.lower(), LAWYER.replace("Craft", "Steven Craft")]
    found = find_conflicts(load(texts, [0, 0, 0, 0, 1, 1, 0, 1]))
    pairs = [(pair.train.id, pair.other.id, pair.labels_agree, pair.distance) for pair in found.of(*WITHIN)]
    # of each the nearest before it, of either label
    assert pairs == [(0, 4, False, 12), (0, 6, True, 0), (4, 6, False, 12), (5, 7, True, 17)]
    assert found.sentences() == [
        "No identical training texts with two labels or more.",
        "5 of 8 training texts have a near copy among the others, 3 of them with another label.",
        "Nothing is held out, so no text can be in both splits.",
    ]
    assert found.unit == "percent of their runs of 4 letters"
    assert found.table()[["kind", "id_a", "id_b", "distance"]].to_numpy().tolist() == [
        ["nearly, two labels", 0, 4, 12],
        ["nearly, two labels", 4, 6, 12],
        ["near duplicate", 0, 6, 0],
        ["near duplicate", 5, 7, 17],
    ]


def test_identical_texts_are_not_named_as_near_ones_again() -> None:
    found = find_conflicts(load([BONES, BONES, *OTHERS], [0, 0, 1, 1, 0], [f" {BONES}"]))
    assert [[one.id for one in group] for group in found.groups("duplicate")] == [[0, 1]]
    assert [(pair.train.id, pair.other.id) for pair in found.of("in both splits")] == [(0, 0)]
    assert found.of(*WITHIN) == found.of("nearly in both splits") == ()


def test_near_copies_in_both_splits_are_the_nearest_of_each_label() -> None:
    found = find_conflicts(load([BONES_THERE, BONES.upper(), *OTHERS], [0, 1, 0, 0, 0], [*OTHERS[:1], BONES]))
    pairs = [
        (pair.train.id, pair.other.id, pair.other.split, pair.distance)
        for pair in found.of("nearly in both splits")
    ]
    assert pairs == [(1, 1, "held_out", 0), (0, 1, "held_out", 12)]
    assert "1 of 2 held-out texts have a near copy in the training split, 1 of them with another label." in (
        found.sentences()
    )


def test_questions_of_one_form_are_said_to_look_alike() -> None:
    texts = [f"What is the origin of the word {word} in English ?" for word in "abcdefghijklmnopqrst"]
    found = find_conflicts(load(texts, [0, 1] * 10))
    assert found.notes[-1].startswith(
        "Half of the training texts with a near copy have 19 or more: texts of "
    )


@pytest.mark.long
def test_the_page_shows_near_copies_with_two_labels_first(tmp_path: Path) -> None:
    texts = [BONES, *OTHERS, BONES_THERE, LAWYER, LAWYER.replace("Craft", "Steven Craft"), "Why ?"]
    rows = [f'"{text}",{label}' for text, label in zip(texts, [0, 0, 1, 0, 1, 1, 1, 0], strict=True)]
    (tmp_path / "questions.csv").write_text("\n".join(["text,label", *rows]))
    source = tmp_path / "questions.csv"
    run = ez.measure(source, model="bag", trials=2, epochs=1, out=tmp_path / "run", progress=False)
    found = certain(run, ez.load_dataset(source))
    assert [one.what for one in found.examples] == ["nearly identical, with two labels", "nearly identical"]
    assert [[two.named for two in one.pair] for one in found.examples] == [
        [("train", 0), ("train", 4)],
        [("train", 5), ("train", 6)],
    ]
    assert "4 of 8 training texts have a near copy among the others, 2 of them with" in found.sentences[1]
    page = render_report([run], source=str(source))
    assert "Nearly identical, with two labels" in page
    assert page.count(BONES_THERE) >= 1


def test_sounds_are_the_same_where_their_samples_are() -> None:
    sounds = [np.random.default_rng(seed).uniform(-1, 1, 800).astype(np.float32) for seed in range(6)]
    sounds[4], sounds[5] = sounds[1].copy(), np.append(sounds[2], np.float32(0))
    data = ez.load_dataset((sounds, [0, 1, 0, 1, 0, 1]), rate=8000, held_out=([sounds[3]], [0]))
    found = find_conflicts(data)
    assert [[one.id for one in group] for group in found.groups("two labels")] == [[1, 4]]
    assert found.groups("duplicate") == ()
    assert [(pair.train.id, pair.other.id, pair.labels_agree) for pair in found.of("in both splits")] == [
        (3, 0, False)
    ]
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
