from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.spec import Probe, check_observe, observe_text, observed_epochs


@pytest.mark.parametrize(
    ("observe", "epochs", "expected"),
    [
        ("all", 3, (1, 2, 3)),
        ("train", 3, (1, 2, 3)),
        ("last", 3, (3,)),
        ("every:2", 5, (2, 4, 5)),
        ("every:2", 4, (2, 4)),
        ("every:5", 4, (4,)),
        ("every:3", 1, (1,)),
    ],
)
def test_the_last_epoch_is_always_observed(observe, epochs, expected):
    assert observed_epochs(observe, epochs) == expected
    assert Probe(name="train", observe=observe).observed(epochs) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("all", "all"),
        ("last", "last"),
        ("train", "train"),
        ("every:7", "every:7"),
        ("every:07", "every:7"),
        ("every:999999999", "every:999999999"),
    ],
)
def test_what_can_be_asked_for(text, same):
    assert check_observe(text) == same


def test_every_epoch_has_one_name():
    assert check_observe("every:1") == "all"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "every",
        "every:",
        "every:0",
        "every:-1",
        "every:1.5",
        "every:²",
        "every:1234567890",
        "every:" + "9" * 5000,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="--observe"):
        Probe(name="train", observe=text)
    with pytest.raises(BadInput) as refusal:
        check_observe(text)
    said = text if len(text) < 300 else f"{text[:80]}..."
    assert str(refusal.value) == (
        f"--observe {said}: unknown; choose all, every:K (K = 2, 3, ...), last or train"
    )


def test_in_words():
    assert observe_text("every:5") == "after epochs 5, 10, ... and the last, clean"
    assert observe_text("train") == "augmented: made during training, while the weights moved"
