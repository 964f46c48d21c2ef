"""Texts as they are stored, and what they have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.kind import Stored, Traits
from easiness.inputs.signature import Signature
from easiness.inputs.text.tokens import VOCABULARY, reach_of
from easiness.spec import Recipe

TextBytes: TypeAlias = npt.NDArray[np.uint8]
"""One example: the UTF-8 bytes of a text as it was given, [n]."""


def to_text(value: TextBytes) -> str:
    """The text of an example."""
    return value.tobytes().decode()


def to_bytes(text: str) -> TextBytes:
    """A text as an example, not to be written to."""
    return np.frombuffer(text.encode(), np.uint8)


@dataclass(frozen=True, eq=False)
class TextTraits(Traits):
    """What texts have in common: the most tokens that the first n words of one have, by n; see `reach_of`."""

    reach: npt.NDArray[np.int64]

    def recipe(self) -> dict[str, Any]:
        """Steps and augmentation that suit networks on words (docs/data.md)."""
        return {"batch_size": 64, "alpha": 0.003, "word_dropout": 0.1}

    def signature(self, recipe: Recipe, *_: object) -> Signature:
        """Token numbers, as many as the longest text has among its first ``recipe.max_words`` words."""
        longest = self.reach[min(recipe.max_words, len(self.reach) - 1)]
        return Signature((int(longest),), "int64", VOCABULARY)

    def joined(self, held_out: TextTraits, *_: object) -> TextTraits:
        """The traits of both splits: padding for the longest text of either."""
        num = max(len(self.reach), len(held_out.reach))
        ours, theirs = (np.pad(x.reach, (0, num - len(x.reach)), mode="edge") for x in (self, held_out))
        return TextTraits(np.maximum(ours, theirs))

    def pooled(self, other: TextTraits, *_: object) -> TextTraits:
        """The traits of both."""
        return self.joined(other)

    def held_out_from(self, train: Stored) -> TextTraits:
        """The traits of these and of ``train``."""
        return self.joined(train.traits)


_REMEMBERED = 4096  # different texts, which may occur again: a million equal ones are looked at once
_SHORT = 1024  # characters, which are digested as fast as they are found again


def _mostly_once(texts: Iterable[str]) -> Iterator[str]:
    """The texts, of which one that has occurred a short while before is left out."""
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            yield text
            if len(seen) == _REMEMBERED:
                seen.clear()
            seen.add(text)


class StoredTexts(Stored):
    """Texts in memory; their stored bytes are UTF-8. ``name`` says what the one at a position is called."""

    noun = "text"

    def __init__(
        self,
        texts: Sequence[str],
        name: Callable[[int], str] | None = None,
        positions: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """``positions`` are those of the texts by which they are named."""
        self._held = texts if isinstance(texts, list) else list(texts)
        self._name = name or super().name
        self._positions = np.arange(len(self._held)) if positions is None else positions

    @cached_property
    def traits(self) -> TextTraits:
        """How long these texts are."""
        return TextTraits(reach_of(_mostly_once(self._held)))

    def texts(self) -> list[str]:
        """The texts, in order."""
        return list(self._held)

    def subset(self, positions: npt.NDArray[np.int64]) -> StoredTexts:
        """The texts at ``positions``."""
        texts = [self._held[at] for at in positions.tolist()]
        return StoredTexts(texts, self._name, self._positions[positions])

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each text."""
        again = lru_cache(_REMEMBERED)(self._digest)
        return [(self._digest if len(text) < _SHORT else again)(text) for text in self._held]

    def _digest(self, text: str) -> str:
        return hashlib.sha256(self._stored(text)).hexdigest()

    def name(self, position: int) -> str:
        """What the text is called in an error."""
        return self._name(int(self._positions[position]))

    def _stored(self, item: str) -> bytes:
        return item.encode()

    def _value(self, item: str) -> TextBytes:
        return to_bytes(item)


def from_texts(texts: Sequence[Any], where: str, name: Callable[[int], str] | None = None) -> StoredTexts:
    """Checked texts; ``name`` says what the one at a position is called, ``where`` what all are."""
    if not len(texts):
        raise BadInput(f"{where}: no texts; give at least one")
    called = name or (lambda at: f"{where}: row {at}")
    found = [_checked(text, at, called) for at, text in enumerate(texts)]
    return StoredTexts(found, called)


def _checked(text: Any, at: int, called: Callable[[int], str]) -> str:
    if not isinstance(text, str):
        kind = type(text).__name__
        raise BadInput(f"{called(at)}: {kind} and no text; give a string, or leave the example out")
    if not text or text.isspace():
        raise BadInput(f"{called(at)}: an empty text; give it words, or leave the example out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"{called(at)}: half of a character (a lone surrogate), which is no text; mend it, or leave the "
            "example out"
        ) from None
    return str(text)
