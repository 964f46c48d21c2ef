"""Transforms of texts: words change places within their windows, or their case; all else stays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from easiness.errors import BadInput
from easiness.perturb import Case, Order

TEXT = "Who, in 1984, wrote “It's a long-lived lie” ?"
QUESTION = 'Who wrote "IBM\'s 360" in New York ?'


def test_the_order_is_the_same_in_every_process() -> None:
    assert Order(0)([TEXT], ids=["3"]) == ["a, in lie, long-lived “Who It's 1984 wrote” ?"]
    assert Order(0)([TEXT], ids=[3]) == ["in, lie long-lived, a “It's Who 1984 wrote” ?"]


def test_windows_lie_side_by_side() -> None:
    text = "a b c d e f g"
    for window, parts in ((2, ["ab", "cd", "ef", "g"]), (4, ["abcd", "efg"]), (0, ["abcdefg"])):
        made = Order(window)([text] * 40, ids=range(40))
        for one in made:
            letters = one.replace(" ", "")
            for part in parts:
                assert sorted(letters[: len(part)]) == list(part)
                letters = letters[len(part) :]
        assert len(set(made)) > 1


def test_punctuation_and_spaces_stay() -> None:
    (made,) = Order(0, seed=4)([TEXT], ids=["x"])
    assert made != TEXT
    marks = [mark for mark in made if not mark.isalnum() and mark not in "'-"]
    assert marks == [mark for mark in TEXT if not mark.isalnum() and mark not in "'-"]


def test_abbreviations_and_numbers_are_words() -> None:
    (made,) = Order(2)(["The U.S. 1,000.50 e-mails"], ids=[1])
    assert sorted(made.split()) == ["1,000.50", "The.", "U.S", "e-mails"] or made.startswith("The")
    assert "U.S" in made


def test_texts_of_no_word_or_one_stay() -> None:
    texts = ["", " ?! ", "one", "  two  "]
    assert Order(0)(texts, ids=range(4)) == texts


def test_a_window_of_1_needs_no_ids() -> None:
    assert Order(1)([TEXT]) == [TEXT]


def test_all_words_by_hand() -> None:
    assert Case(1)([QUESTION], ids=[0]) == ['who WROTE "ibm\'s 360" IN new york ?']


def test_the_share_is_of_words_that_have_cases() -> None:
    text = "a b c d 1 2 3 4 中 文"
    for share, num in ((0, 0), (0.25, 1), (0.5, 2), (1, 4)):
        (made,) = Case(share)([text], ids=["x"])
        assert sum(letter.isupper() for letter in made) == num


def test_a_smaller_share_is_a_part_of_a_larger_one() -> None:
    text = " ".join("abcdefghijklmnop")
    before: set[str] = set()
    for share in (0.1, 0.3, 0.5, 0.8, 1):
        (made,) = Case(share, seed=2)([text], ids=["x"])
        now = {letter for letter in made if letter.isupper()}
        assert before < now
        before = now


def test_words_that_would_not_be_the_same_stay() -> None:
    assert Case(1)(["kapı straße"], ids=[0]) == ["kapı STRASSE"]


def test_examples_and_seeds_differ() -> None:
    text = " ".join("abcdefghijklmnop")
    made = [*Case(0.5)([text] * 2, ids=[1, 2]), *Case(0.5)([text], ids=["1"])]
    made += Case(0.5, seed=1)([text], ids=[1])
    assert len(set(made)) == 4
    assert Case(0.5)([text], ids=[1]) == made[:1]


def test_no_share_of_words_needs_no_ids() -> None:
    assert Case(0)([TEXT]) == [TEXT]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        *((lambda x=x: Order(x), "order window .*: no whole number") for x in (-1, 1.5, math.nan, math.inf)),
        *((lambda x=x: Case(x), r"case share .*: not in \[0, 1\]") for x in (-0.1, 1.1, math.nan)),
        (lambda: Order(2, seed=-1), "order seed -1: negative"),
        (lambda: Case(0.5, seed=-1), "case seed -1"),
        (lambda: Order(2)([TEXT]), "order: needs ids, one per text"),
        (lambda: Case(0.5)([TEXT]), "case: needs ids"),
        (lambda: Order(2)([TEXT], ids=[0, 1]), "2 ids for 1 texts"),
        (lambda: Order(2)([TEXT], ids=[1.5]), r"id 1\.5: neither"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(act: Callable[[], Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        act()
