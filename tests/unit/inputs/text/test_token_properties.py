from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given, settings, strategies as st

from easiness.data import load_dataset
from easiness.inputs import TEXT, Packed, Signature, from_texts, to_text, words_of
from easiness.inputs.text.stored import to_bytes
from easiness.inputs.text.tokens import GRAMS, PLACE, VOCABULARY, WORDS, placed_tokens, reach_of, tokens_of
from easiness.models import build_model
from easiness.spec import Recipe

CPU = torch.device("cpu")
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda text: not text.isspace())
lists = st.lists(texts, min_size=2, max_size=6)


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model(name, Signature((1,), "int64", VOCABULARY), 3).eval()


NETWORKS = {name: network(name) for name in ("bag_4", "text_cnn")}


@given(texts)
def test_every_text_has_words_with_numbers_in_their_ranges(text):
    words = list(words_of(text))
    assert words
    for word in words:
        first, *others = tokens_of(word).tolist()
        assert first in WORDS
        assert all(one in GRAMS for one in others)
    assert "".join(words) == "".join("".join(words).split())


@given(lists)
def test_reach_is_the_number_of_tokens(given):
    for num, reach in enumerate(reach_of(given)):
        assert reach == max(
            sum(len(tokens_of(word)) for word in list(words_of(text))[:num]) for text in given
        )


@given(lists)
def test_texts_stay_what_they_are(given):
    stored = from_texts(given, "x")
    assert list(stored.map(to_text)) == given
    assert [TEXT.show(value, None).text for value in stored.map(lambda value: value)] == given


@given(texts)
def test_a_normal_form_is_its_own(text):
    once = TEXT.same(to_bytes(text))
    assert np.array_equal(TEXT.same(once), once)


@given(lists, st.integers(1, 9), st.sampled_from(sorted(NETWORKS)))
@settings(deadline=None)
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
@settings(deadline=None)
def test_word_dropout_leaves_out_whole_words_and_none_at_0(given, seed):
    assume(len(set(given)) > 1)
    data = load_dataset((given, [0] + [1] * (len(given) - 1)))
    positions = torch.arange(len(given))
    for dropout in (0.0, 0.5):
        recipe = Recipe(word_dropout=dropout)
        packed = data.packed(recipe)
        assert isinstance(packed, Packed)
        bank = TEXT.bank(packed, recipe, CPU, augment=True, sharers=1)
        drawn = bank.draw(positions, torch.Generator().manual_seed(seed))
        seen, clean = bank.augmented(positions, drawn), bank.clean(slice(0, len(given)))
        if not dropout:
            assert torch.equal(seen, clean)
        assert torch.equal(seen, torch.where(seen > 0, clean, 0))
        places = torch.from_numpy(packed.array()) >> PLACE
        for row, one, place in zip(clean, seen, places, strict=True):
            kept = [(one[(place == at) & (row > 0)] > 0).float().mean() for at in place[row > 0].unique()]
            assert all(share in (0, 1) for share in kept)
