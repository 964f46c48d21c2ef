"""Words change places within their windows; nothing else of a text does."""

from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.perturb import Order

TEXT = "Who, in 1984, wrote “It's a long-lived lie” ?"


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


@pytest.mark.parametrize("window", [-1, 1.5, float("nan"), float("inf")])
def test_bad_windows(window: float) -> None:
    with pytest.raises(BadInput, match=r"order window .*: no whole number of words"):
        Order(window)


def test_bad_ids_and_seeds() -> None:
    with pytest.raises(BadInput, match="order seed -1: negative"):
        Order(2, seed=-1)
    with pytest.raises(BadInput, match="order: needs ids, one per text"):
        Order(2)([TEXT])
    with pytest.raises(BadInput, match="2 ids for 1 texts"):
        Order(2)([TEXT], ids=[0, 1])
    with pytest.raises(BadInput, match=r"id 1\.5: neither"):
        Order(2)([TEXT], ids=[1.5])  # type: ignore[arg-type]
