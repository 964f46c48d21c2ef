"""When a training is observed: after which of its epochs, or by its own steps."""

from __future__ import annotations

from easiness.errors import BadInput

ALL, LAST, TRAIN = "all", "last", "train"
_EVERY = "every:"
_MOST_DIGITS = 9  # more epochs than anybody trains, and int() refuses thousands of digits
_WORDS = {
    ALL: "after every epoch, clean",
    LAST: "after the last epoch, clean",
    TRAIN: "augmented: made during training, while the weights moved",
}


def check_observe(text: str) -> str:
    """``text`` in the one way to write it: ``all``, ``every:K``, ``last`` or ``train``.

    ``all`` looks after each epoch, ``every:K`` after the epochs K, 2K, ... and the last, ``last`` after the
    last alone. ``train`` takes what the training steps compute of their augmented images, and looks at a
    held-out split after each epoch.
    """
    if text in (ALL, LAST, TRAIN):
        return text
    every = text.removeprefix(_EVERY)
    is_number = every.isascii() and every.isdigit() and len(every) <= _MOST_DIGITS
    if every == text or not (is_number and int(every) > 0):
        raise BadInput(f"--observe {text}: unknown; choose all, every:K (K = 2, 3, ...), last or train")
    return ALL if int(every) == 1 else f"{_EVERY}{int(every)}"


def observe_text(observe: str) -> str:
    """In words: ``after epochs 5, 10, ... and the last``."""
    if observe in _WORDS:
        return _WORDS[observe]
    every = int(observe.removeprefix(_EVERY))
    return f"after epochs {every}, {2 * every}, ... and the last, clean"


def observed_epochs(observe: str, epochs: int) -> tuple[int, ...]:
    """The epochs (from 1, ascending) after which a training of ``epochs`` epochs is observed."""
    if observe in (ALL, TRAIN):
        return tuple(range(1, epochs + 1))
    every = epochs if observe == LAST else int(observe.removeprefix(_EVERY))
    return (*range(every, epochs, every), epochs)
