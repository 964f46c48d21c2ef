"""Texts that differ in case, punctuation, a letter or a word are near; other texts are not."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from easiness.inputs.text import near
from easiness.inputs.text.near import NEAR_TEXTS, FoldedTexts, folded, near_texts

LONG = "What is the approximate weight of a teaspoon of matter in a black hole ?"
OTHERS = [
    "Who wrote the screenplay of the film that won in 1984 ?",
    "How many hearts does an octopus have ?",
    "What fowl grabs the spotlight after the Chinese Year of the Monkey ?",
]


def look(text: str) -> str:
    return folded(np.frombuffer(text.encode(), np.uint8))


def kept(texts: list[str]) -> FoldedTexts:
    looks = FoldedTexts(len(texts))
    for at, text in enumerate(texts):
        looks.keep(at, look(text))
    return looks


def found(train: list[str], held_out: list[str]) -> list[tuple[int, int, int]]:
    blocks = list(near_texts(kept(train), kept(held_out)))
    parts = [
        np.concatenate([getattr(one, name) for one in blocks]) for name in ("train", "held_out", "distance")
    ]
    return sorted(zip(*(part.tolist() for part in parts), strict=True))


def test_case_punctuation_spaces_and_width_do_not_count() -> None:
    assert look("  The  cat's, “hat” (№ 7)") == "the cat s hat no 7"
    assert look("\uff23\uff21\uff34 CAT") == "cat cat"
    assert look("?!  ...") == "?! ..."  # of a text without words all counts
    assert found([*OTHERS, LONG], [LONG.upper().replace(" ?", "!!")]) == [(3, 0, 0)]


@pytest.mark.parametrize(
    "other",
    [
        "What is the weight of a teaspoon of matter in a black hole ?",  # a word less
        "What is the approximate weight of a full teaspoon of matter in a black hole ?",
        "What is the approximate weight of a teaspoon of antimatter in a black hole ?",
        "What is the aproximate weight of a teaspoon of matter in a black hole ?",
        "Of matter in a black hole what is the approximate weight of a teaspoon ?",
    ],
)
def test_edits_are_near(other: str) -> None:
    ((train, held_out, distance),) = found([*OTHERS, LONG], [*OTHERS[:0], other])
    assert (train, held_out) == (3, 0)
    assert 0 < distance <= 25


def test_the_distance_is_the_share_of_runs_that_one_alone_has() -> None:
    # " abcdefghijklmnopqrst " has 19 runs of four, with a u before the space 20: 18 are in both
    assert found(["abcdefghijklmnopqrst"], ["abcdefghijklmnopqrstu"]) == [(0, 0, round(100 * (1 - 18 / 21)))]


@pytest.mark.parametrize(
    "other", ["Who is Duke Elington ?", "Who is Duke Ellingtom", "Who si Duke Ellington ?"]
)
def test_a_typing_error_in_a_question_of_four_words_is_near(other: str) -> None:
    ((train, held_out, _),) = found(["Who is Duke Ellington ?", *OTHERS], [other])
    assert (train, held_out) == (0, 0)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Who is Duke Ellington ?", "Who is Duke Wellington Smith ?"),
        ("What is a fear of bees ?", "What is a fear of trees ?"),
        ("What is ozone ?", "What is amoxicillin ?"),
        ("yes", "yet"),  # too short to tell
        ("a", "b"),
        ("!", "?"),
        (LONG, OTHERS[0]),
    ],
)
def test_other_questions_are_not_near(text: str, other: str) -> None:
    assert found([text], [other]) == []


def test_texts_of_a_character_or_none_that_is_a_letter_are_near_to_themselves() -> None:
    texts = ["a", "!", "😀", "中文"]
    assert found(texts, texts) == [(at, at, 0) for at in range(4)]


def test_all_copies_are_named_of_one_side_and_the_first_of_the_other() -> None:
    pairs = found([LONG] * 40, [LONG.lower()] * 3)
    assert pairs == [(some, other, 0) for some in range(32) for other in range(3)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{text} {number}" for text in (*OTHERS, LONG) for number in range(5)]
    whole = found(texts, texts[::-1])
    assert len(whole) > 20
    monkeypatch.setattr(near, "_CELLS_AT_ONCE", 1)
    monkeypatch.setattr(near, "_COMPARED_AT_ONCE", 1)
    assert found(texts, texts[::-1]) == whole


def test_their_unit_is_named() -> None:
    assert NEAR_TEXTS.unit == "percent of their runs of 4 letters"


@pytest.mark.long
@pytest.mark.shared_data
def test_near_questions_of_trec_are_those_that_all_pairs_give() -> None:
    beside = Path(__file__).parents[5] / "shared" / "data"
    source = Path(os.environ.get("EASINESS_DATA", beside)) / "trec" / "train.csv"
    if not source.exists():
        pytest.skip(f"{source} is absent; set EASINESS_DATA to the folder that holds trec")
    with source.open(encoding="utf-8") as file:
        texts = list(dict.fromkeys(look(row["text"]) for row in csv.DictReader(file)))
    pairs = [(some, other) for some, other, _ in found(texts, texts) if some < other]
    assert len(texts) == 5376
    assert len(pairs) == 54
    runs: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        for run in near._runs(text):
            runs.setdefault(run, []).append(at)
    sizes = np.array([len(near._runs(text)) for text in texts])
    expected = []
    for at, text in enumerate(texts):
        shared = np.zeros(len(texts), np.int64)
        for run in near._runs(text):
            shared[runs[run]] += 1
        alike = shared / (sizes + sizes[at] - shared) >= near.ALIKE
        expected += [(at, other) for other in np.flatnonzero(alike).tolist() if other > at]
    assert set(expected) <= set(pairs)
    assert len(expected) == 53
