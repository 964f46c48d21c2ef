"""Texts as a kind of examples: their tokens, network input, and what stays the same."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, strategies as st

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.inputs import TEXT, Pack, Signature, StoredTexts, from_texts, kind_of, to_bytes, to_text
from easiness.inputs.text import PLACE, VOCABULARY, near
from easiness.inputs.text.kind import (
    placed_tokens,
    reach_of,
    tokens_of,
    words_of,
)
from easiness.inputs.text.near import FoldedTexts, fold, near_texts
from easiness.models import build_model
from easiness.spec import Recipe

CPU = torch.device("cpu")


def rows(data: Dataset, recipe: Recipe) -> torch.Tensor:
    packed = data.packed(recipe)
    assert isinstance(packed, Pack)
    return torch.from_numpy(packed.array())


TEXTS = ["Who wrote Hamlet ?", "Where is the Nile?", "Wie heißt du", "one"]


def test_a_subset_keeps_names():
    stored = from_texts(TEXTS, "x").subset(np.array([1, 3])).subset(np.array([1]))
    assert stored.texts() == ["one"]
    assert stored.name(0) == "x: row 3"
    assert StoredTexts(TEXTS).name(2) == "text 2"
    with pytest.raises(BadInput, match=r"^t\.csv: row 3: an empty text"):
        from_texts(["a", ""], "t.csv", lambda at: f"t.csv: row {at + 2}")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", ""], "x: row 1: an empty text; "),
        (["a", "b", " \n\t"], "x: row 2: an empty text; "),
        (["a", None], "x: row 1: NoneType and no text; "),
        (["a", 3.5], "x: row 1: float and no text; "),
        (["a", "b\ud800"], "x: row 1: half of a character"),
        ([], "x: no texts; "),
    ],
)
def test_what_is_no_text_is_refused_by_its_row(texts: list[object], message: str):
    with pytest.raises(BadInput, match=f"^{message}"):
        from_texts(texts, "x")


def test_lists_and_arrays_of_strings_are_texts():
    for x in (tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, object)):
        assert load_dataset((x, [0, 1, 0, 1])).stored.texts() == TEXTS
    with pytest.raises(BadInput, match=r"^x: row 2: int and no text"):
        load_dataset((["a", "b", 3, "d"], [0, 1, 0, 1]))
    with pytest.raises(BadInput, match="an array of objects"):
        kind_of(np.array([None, 1], object), "x")


def test_both_splits_are_padded_to_the_longest_text_that_is_seen():
    data = load_dataset((TEXTS[2:], [0, 1]), held_out=(TEXTS[:2], [0, 1]))
    lengths = [sum(len(tokens_of(word)) for word in text.replace("?", " ?").split()) for text in TEXTS]
    signature = data.signature(Recipe())
    assert signature.shape == (max(lengths),)
    assert (signature.dtype, signature.vocabulary) == ("int64", 1 + 2**17)
    for split in data.splits.values():
        assert rows(split, Recipe()).shape == (2, max(lengths))
        assert split.signature(Recipe()) == signature
    two = data.signature(Recipe(max_words=2)).shape
    assert two == (len(tokens_of("Wie")) + len(tokens_of("heißt")),)
    assert data.held_out is not None
    assert rows(data.held_out, Recipe(max_words=2)).shape == (2, *two)


def test_words_are_left_out_as_often_as_asked():
    data = load_dataset((["alpha beta gamma delta"] * 500, [0, 1] * 250))
    recipe = Recipe(word_dropout=0.3)
    bank = TEXT.bank(data.packed(recipe), recipe, CPU, augment=True, sharers=1)
    positions = torch.arange(500)
    drawn = bank.draw(positions, torch.Generator().manual_seed(0))
    assert drawn.shape == (500, 1)
    kept = (bank.augmented(positions, drawn)[:, :4] > 0).float().mean(dim=0)
    assert ((kept > 0.62) & (kept < 0.78)).all()  # 0.7 within four standard errors


def test_words_are_runs_of_letters_and_marks_by_themselves():
    assert list(words_of("What 's  a\n'café' in Zürich_2?")) == [
        *("What", "'", "s", "a", "'", "café", "'", "in", "Zürich_2", "?")
    ]
    assert list(words_of("one two three", most=2)) == ["one", "two"]
    assert list(words_of("日本語 テキスト")) == ["日本語", "テキスト"]


def test_numbers_stay_what_they_are():
    assert tokens_of("who").tolist() == [15010, 104874, 80546, 70699, 103314, 100866, 101637]
    assert tokens_of("é?").tolist()[0] == 56215


def test_words_come_first_then_the_n_grams_of_each_with_its_place():
    placed = placed_tokens(["Hi", "you"])
    numbers, places = placed & (2**PLACE - 1), placed >> PLACE
    hi, you = tokens_of("Hi"), tokens_of("you")
    assert numbers.tolist() == [hi[0], you[0], *hi[1:], *you[1:]]
    assert places.tolist() == [0, 1, *[0] * (len(hi) - 1), *[1] * (len(you) - 1)]


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda text: not text.isspace())
lists = st.lists(texts, min_size=2, max_size=6)


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model(name, Signature((1,), "int64", VOCABULARY), 3).eval()


NETWORKS = {name: network(name) for name in ("bag_4", "text_cnn")}


@given(lists)
def test_reach_is_the_number_of_tokens(given):
    for num, reach in enumerate(reach_of(given)):
        assert reach == max(
            sum(len(tokens_of(word)) for word in list(words_of(text))[:num]) for text in given
        )


@given(lists)
def test_texts_stay_what_they_are(given):
    stored = from_texts(given, "x")
    assert stored.texts() == list(stored.map(to_text)) == given
    assert [TEXT.show(value, None).text for value in stored.map(lambda value: value)] == given
    assert stored.digests() == [hashlib.sha256(text.encode()).hexdigest() for text in given]


@given(texts)
def test_a_normal_form_is_its_own(text):
    once = TEXT.same(to_bytes(text))
    assert np.array_equal(TEXT.same(once), once)


@given(lists, st.integers(1, 9), st.sampled_from(sorted(NETWORKS)))
def test_padding_and_neighbours_change_no_logits(given, more, name):
    rows = [torch.from_numpy(placed_tokens(words_of(text)) & (2**PLACE - 1)).long() for text in given]
    padded = torch.zeros(len(rows), max(map(len, rows)) + more, dtype=torch.int64)
    for row, into in zip(rows, padded, strict=True):
        into[: len(row)] = row
    with torch.no_grad():
        together = NETWORKS[name](padded)
        alone = torch.cat([NETWORKS[name](row[None]) for row in rows])
    torch.testing.assert_close(together, alone)


@given(lists, st.integers(0, 2**40))
def test_word_dropout_leaves_out_whole_words_and_none_at_0(given, seed):
    assume(len(set(given)) > 1)
    data = load_dataset((given, [0] + [1] * (len(given) - 1)))
    positions = torch.arange(len(given))
    for dropout in (0.0, 0.5):
        recipe = Recipe(word_dropout=dropout)
        packed = data.packed(recipe)
        assert isinstance(packed, Pack)
        bank = TEXT.bank(packed, recipe, CPU, augment=True, sharers=1)
        drawn = bank.draw(positions, torch.Generator().manual_seed(seed))
        seen, clean = bank.augmented(positions, drawn), bank.clean(slice(0, len(given)))
        assert clean.dtype == torch.int64
        plain = TEXT.bank(packed, recipe, CPU, augment=False, sharers=1)
        none = plain.draw(positions, torch.Generator())
        assert none.shape == (len(given), 0)
        assert torch.equal(plain.augmented(positions, none), clean)
        if not dropout:
            assert torch.equal(seen, clean)
        assert torch.equal(seen, torch.where(seen > 0, clean, 0))
        places = torch.from_numpy(packed.array()) >> PLACE
        for row, one, place in zip(clean, seen, places, strict=True):
            kept = [(one[(place == at) & (row > 0)] > 0).float().mean() for at in place[row > 0].unique()]
            assert all(share in (0, 1) for share in kept)


LONG = "What is the approximate weight of a teaspoon of matter in a black hole ?"
OTHERS = [
    "Who wrote the screenplay of the film that won in 1984 ?",
    "How many hearts does an octopus have ?",
    "What fowl grabs the spotlight after the Chinese Year of the Monkey ?",
]


def look(text: str) -> str:
    return fold(np.frombuffer(text.encode(), np.uint8))


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
        *("Who is Duke Elington ?", "Who is Duke Ellingtom", "Who si Duke Ellington ?"),
    ],
)
def test_edits_are_near(other: str) -> None:
    ((train, held_out, distance),) = found([*OTHERS, LONG, "Who is Duke Ellington ?"], [other])
    assert (train, held_out) == (3 + other.startswith("Who"), 0)
    assert distance > 0
    assert distance <= 25 or train == 4  # short texts are near by one typing error


def test_the_distance_is_the_share_of_runs_that_one_alone_has() -> None:
    # " abcdefghijklmnopqrst " has 19 runs of four, with a u before the space 20: 18 are in both
    assert found(["abcdefghijklmnopqrst"], ["abcdefghijklmnopqrstu"]) == [(0, 0, round(100 * (1 - 18 / 21)))]


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
