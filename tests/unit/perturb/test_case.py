"""Words change their case, as many as asked for; letters stay what they are."""

from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.perturb import Case

TEXT = 'Who wrote "IBM\'s 360" in New York ?'


def test_all_words_by_hand() -> None:
    assert Case(1)([TEXT], ids=[0]) == ['who WROTE "ibm\'s 360" IN new york ?']


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


def test_bad_options() -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match=r"case share .*: not in \[0, 1\]"):
            Case(share)
    with pytest.raises(BadInput, match="case seed -1"):
        Case(0.5, seed=-1)
    with pytest.raises(BadInput, match="case: needs ids"):
        Case(0.5)([TEXT])
    assert Case(0)([TEXT]) == [TEXT]
