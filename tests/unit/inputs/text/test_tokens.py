from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np

from easiness.inputs.text.tokens import (
    GRAMS,
    PLACE,
    VOCABULARY,
    WORDS,
    placed_tokens,
    reach_of,
    tokens_of,
    words_of,
)


def test_ranges_lie_one_after_another():
    assert WORDS.start == 1
    assert WORDS.stop == GRAMS.start
    assert GRAMS.stop == VOCABULARY == 1 + 2**17
    assert VOCABULARY < 2**PLACE


def test_words_are_runs_of_letters_and_marks_by_themselves():
    assert list(words_of("What 's  a\n'café' in Zürich_2?")) == [
        *("What", "'", "s", "a", "'", "café", "'", "in", "Zürich_2", "?")
    ]
    assert list(words_of("one two three", most=2)) == ["one", "two"]
    assert list(words_of("日本語 テキスト")) == ["日本語", "テキスト"]


def test_a_word_has_its_own_number_and_those_of_its_n_grams():
    (word, *grams) = tokens_of("Cat").tolist()
    assert word == WORDS.start + zlib.crc32(b"cat") % 2**16
    texts = [b" Ca", b"Cat", b"at ", b" Cat", b"Cat ", b" Cat "]
    assert grams == [GRAMS.start + zlib.crc32(text) % 2**16 for text in texts]


def test_a_number_goes_by_lower_case_and_n_grams_by_what_is_written():
    upper, lower = tokens_of("WHO"), tokens_of("who")
    assert upper[0] == lower[0]
    assert not np.isin(upper[1:], lower[1:]).any()


def test_numbers_stay_what_they_are():
    assert tokens_of("who").tolist() == [15010, 104874, 80546, 70699, 103314, 100866, 101637]
    assert tokens_of("é?").tolist()[0] == 56215


def test_numbers_are_the_same_in_another_process():
    code = "from easiness.inputs.text.tokens import tokens_of; print(tokens_of('serfdom').tolist())"
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == str(tokens_of("serfdom").tolist())


def test_words_come_first_then_the_n_grams_of_each_with_its_place():
    placed = placed_tokens(["Hi", "you"])
    numbers, places = placed & (2**PLACE - 1), placed >> PLACE
    hi, you = tokens_of("Hi"), tokens_of("you")
    assert numbers.tolist() == [hi[0], you[0], *hi[1:], *you[1:]]
    assert places.tolist() == [0, 1, *[0] * (len(hi) - 1), *[1] * (len(you) - 1)]


def test_the_last_place_fits():
    placed = placed_tokens(["a"] * 2**11)
    assert placed.dtype == np.int32
    assert (placed >> PLACE).max() == 2**11 - 1
    assert (placed > 0).all()


def test_reach_is_the_most_tokens_of_the_first_words():
    texts = ["a b", "cat", "a " * 3, "x" * 100]
    counts = [[len(tokens_of(word)) for word in words_of(text)] for text in texts]
    expected = [max(sum(one[:num]) for one in counts) for num in range(4)]
    assert reach_of(texts).tolist() == expected
    assert max(len(placed_tokens(words_of(text))) for text in texts) == expected[-1]
