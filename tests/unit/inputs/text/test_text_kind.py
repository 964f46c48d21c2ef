from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.inputs import TEXT, WORDS, Packed, StoredTexts, from_texts, kind_of, to_text
from easiness.inputs.text.stored import to_bytes
from easiness.inputs.text.tokens import PLACE, tokens_of
from easiness.spec import Recipe

CPU = torch.device("cpu")


def rows(data: Dataset, recipe: Recipe) -> torch.Tensor:
    packed = data.packed(recipe)
    assert isinstance(packed, Packed)
    return torch.from_numpy(packed.array())


TEXTS = ["Who wrote Hamlet ?", "Where is the Nile?", "Wie heißt du", "one"]


def test_texts_are_identified_by_their_bytes():
    stored = from_texts(TEXTS, "x")
    assert stored.digests() == [hashlib.sha256(text.encode()).hexdigest() for text in TEXTS]
    assert stored.texts() == TEXTS
    assert list(stored.map(to_text)) == TEXTS
    assert [value.dtype for value in stored.map(lambda value: value)] == [np.uint8] * 4


def test_a_subset_keeps_names():
    stored = from_texts(TEXTS, "x").subset(np.array([1, 3])).subset(np.array([1]))
    assert stored.texts() == ["one"]
    assert stored.name(0) == "x: row 3"
    assert StoredTexts(TEXTS).name(2) == "text 2"


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


def test_errors_name_rows_as_the_source_does():
    with pytest.raises(BadInput, match=r"^t\.csv: row 3: an empty text"):
        from_texts(["a", ""], "t.csv", lambda at: f"t.csv: row {at + 2}")


def test_lists_and_arrays_of_strings_are_texts():
    for x in (TEXTS, tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, object)):
        data = load_dataset((x, [0, 1, 0, 1]))
        assert data.kind is TEXT
        assert data.stored.texts() == TEXTS
    with pytest.raises(BadInput, match=r"^x: row 2: int and no text"):
        load_dataset((["a", "b", 3, "d"], [0, 1, 0, 1]))
    with pytest.raises(BadInput, match=r"^held_out x: row 0: an empty text"):
        load_dataset((TEXTS, [0, 1, 0, 1]), held_out=([" "], [0]))
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


def test_networks_get_numbers_and_observation_leaves_out_nothing():
    data = load_dataset((TEXTS, [0, 1, 0, 1]))
    recipe = Recipe(word_dropout=0.9)
    bank = TEXT.bank(data.packed(recipe), recipe, CPU, augment=False, sharers=1)
    seen = bank.clean(slice(0, 4))
    assert seen.dtype == torch.int64
    numbers = seen[3][seen[3] > 0].tolist()
    assert numbers == tokens_of("one").tolist()
    positions = torch.arange(4)
    drawn = bank.draw(positions, torch.Generator().manual_seed(0))
    assert drawn.shape == (4, 0)
    assert torch.equal(bank.augmented(positions, drawn), seen)


def test_word_dropout_takes_a_word_and_its_n_grams():
    data = load_dataset((["alpha beta gamma delta"] * 500, [0, 1] * 250))
    recipe = Recipe(word_dropout=0.3)
    packed = rows(data, recipe)
    bank = TEXT.bank(data.packed(recipe), recipe, CPU, augment=True, sharers=1)
    positions = torch.arange(500)
    drawn = bank.draw(positions, torch.Generator().manual_seed(0))
    assert drawn.shape == (500, 1)
    seen = bank.augmented(positions, drawn)
    places = packed >> PLACE
    there = packed > 0
    words = (seen[:, :4] > 0) & (seen[:, :4] < WORDS.stop)
    for place in range(4):
        of_word = (seen > 0) & (places == place) & there
        kept = of_word.any(1)
        assert torch.equal(kept, words[:, place])  # all of it or nothing
        assert torch.equal(
            of_word.sum(1)[kept].unique(), torch.tensor([int(((places == place) & there)[0].sum())])
        )
        assert 0.62 < kept.float().mean() < 0.78  # 0.7 within four standard errors
    assert torch.equal(bank.augmented(positions, drawn), seen)


def test_texts_are_the_same_after_normalization_and_spaces():
    assert to_text(TEXT.same(to_bytes("  ﬁne\u00a0\n day "))) == "fine day"
    assert to_text(TEXT.same(to_bytes("Fine day"))) == "Fine day"


def test_a_text_is_shown_whole():
    shown = TEXT.show(to_bytes("<b>Who?</b>\nYou."), None)
    assert shown.text == "<b>Who?</b>\nYou."
    assert shown.uri is None
    assert shown.file() == b"<b>Who?</b>\nYou."
    assert shown.suffix == ".txt"


def test_words_about_texts():
    recipe = Recipe(word_dropout=0.1, max_words=64)
    assert TEXT.augmentation(recipe) == "each word is left out with probability 0.1"
    assert TEXT.augmentation(Recipe()) == "none"
    assert TEXT.observation(recipe) == "the text, its first 64 words"
    assert TEXT.seen(recipe) == ", texts of at most 64 words"


def test_traits_and_packed_texts_can_be_sent():
    data = load_dataset((TEXTS, [0, 1, 0, 1])).without_values()
    assert pickle.loads(pickle.dumps(data.traits)).reach.tolist() == data.traits.reach.tolist()


def test_made_up_texts_are_tokens():
    made_up = TEXT.made_up(3, (50,), Recipe()).take(np.array([0]))[0]
    assert made_up.shape == (50,)
    assert 0 < (made_up > 0).sum() < 50
