"""Texts as a kind of examples: networks get the numbers of words and of character n-grams.

Words stand in their order, then the character n-grams of each. Number 0 is padding. A word, or a mark of
punctuation, has a number in `WORDS` by its lower case; an n-gram has one in `GRAMS` as it is written. Numbers
are remainders of CRC-32, so that they are the same in every process and need no list of words; two words may
share one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness import inputs
from easiness.errors import BadInput
from easiness.gate import check_fits
from easiness.inputs.encoding import track
from easiness.inputs.kind import ExportForm, InputKind, ShownValue, Signature, StoredExamples, Traits
from easiness.inputs.pack import Pack, Values
from easiness.inputs.text import GRAMS, PLACE, VOCABULARY, WORDS
from easiness.inputs.text.near import NearTexts
from easiness.lazy import Array, Integers
from easiness.spec import Recipe

MOST_WORDS = 2**11  # of a text that can be looked at
LENGTHS = range(3, 6)  # of the n-grams of a word between two spaces; of "I" that is " I " alone

Tokens: TypeAlias = npt.NDArray[np.int32]

_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST = 64  # characters of a word whose n-grams are taken; what is longer is hardly one


def words_of(text: str, most: int = MOST_WORDS) -> Iterator[str]:
    """Yield the first words and marks of punctuation of a text."""
    return (match.group() for match in islice(_WORD.finditer(text), most))


def tokens_of(word: str) -> Tokens:
    with_spaces = f" {word[:_LONGEST]} "
    grams = (with_spaces[at : at + of] for of in LENGTHS for at in range(len(with_spaces) - of + 1))
    numbers = [_number(word.lower(), WORDS), *(_number(gram, GRAMS) for gram in grams)]
    return np.array(numbers, np.int32)


def _number(text: str, among: range) -> int:
    return among[zlib.crc32(text.encode()) % len(among)]


def placed_tokens(words: Iterable[str], tokens: Callable[[str], Tokens] = tokens_of) -> Tokens:
    """Tokens of words, then of their n-grams, with places: ``place << PLACE | number``."""
    parts = [tokens(word) + np.int32(place << PLACE) for place, word in enumerate(words)]
    return np.concatenate([np.array([one[0] for one in parts], np.int32), *(one[1:] for one in parts)])


def reach_of(texts: Iterable[str]) -> Integers:
    """The most tokens of the first n words of any text, for n from 0 to the words of the longest."""
    most = [0] * (MOST_WORDS + 1)
    longest = 0
    for text in texts:
        total = place = 0
        for place, word in enumerate(words_of(text), 1):
            total += _NUM_TOKENS[min(len(word), _LONGEST)]
            if total > most[place]:
                most[place] = total
        longest = max(longest, place)
    return np.maximum.accumulate(np.array(most[: longest + 1], np.int64))


_NUM_TOKENS = [1 + sum(max(0, length + 3 - of) for of in LENGTHS) for length in range(_LONGEST + 1)]


TextBytes: TypeAlias = npt.NDArray[np.uint8]  # one example: the UTF-8 bytes of a text, [n]


def to_text(value: TextBytes) -> str:
    return value.tobytes().decode()


def to_bytes(text: str) -> TextBytes:
    return np.frombuffer(text.encode(), np.uint8)


@dataclass(frozen=True, eq=False)
class TextTraits(Traits):
    """Traits of texts: ``reach`` is of `reach_of`."""

    reach: Integers

    def recipe(self) -> dict[str, Any]:
        return {"batch_size": 64, "alpha": 0.003, "word_dropout": 0.1}

    def signature(self, recipe: Recipe, *_: object) -> Signature:
        """The most token numbers among the first ``recipe.max_words`` words of a text."""
        longest = self.reach[min(recipe.max_words, len(self.reach) - 1)]
        return Signature((int(longest),), "int64", VOCABULARY)

    def join(self, held_out: TextTraits, *_: object) -> TextTraits:
        """The traits of both splits: padding for the longest text of either."""
        num = max(len(self.reach), len(held_out.reach))
        ours, theirs = (np.pad(x.reach, (0, num - len(x.reach)), mode="edge") for x in (self, held_out))
        return TextTraits(np.maximum(ours, theirs))

    def pooled(self, other: TextTraits, *_: object) -> TextTraits:
        return self.join(other)

    def held_out_from(self, train: StoredExamples) -> TextTraits:
        return self.join(train.traits)


class StoredTexts(StoredExamples):
    """Texts in memory, stored as UTF-8; errors call the text at a position by ``name``."""

    noun = "text"

    def __init__(self, texts: Sequence[str], name: Callable[[int], str] | None = None) -> None:
        self._items = texts if isinstance(texts, list) else list(texts)
        self._name = name or super().name

    @cached_property
    def traits(self) -> TextTraits:
        return TextTraits(reach_of(set(self._items)))  # equal texts are looked at once

    def texts(self) -> list[str]:
        return list(self._items)

    def subset(self, positions: Integers) -> StoredTexts:
        texts, name = [self._items[at] for at in positions.tolist()], self._name
        return StoredTexts(texts, lambda at: name(int(positions[at])))

    def digests(self) -> list[str]:
        by_text = {text: hashlib.sha256(self._content(text)).hexdigest() for text in set(self._items)}
        return [by_text[text] for text in self._items]

    def name(self, position: int) -> str:
        return self._name(position)

    def _content(self, item: str) -> bytes:
        return item.encode()

    def _value(self, item: str) -> TextBytes:
        return to_bytes(item)


def from_texts(texts: Sequence[Any], where: str, name: Callable[[int], str] | None = None) -> StoredTexts:
    """Texts that are checked; errors call one at a position by ``name``, and all ``where``."""
    if not len(texts):
        raise BadInput(f"{where}: no texts; give at least one")
    name_of = name or (lambda at: f"{where}: row {at}")
    valid = [_check(text, at, name_of) for at, text in enumerate(track(texts, "reading texts", len(texts)))]
    return StoredTexts(valid, name_of)


def _check(text: Any, at: int, name_of: Callable[[int], str]) -> str:
    if not isinstance(text, str):
        kind = type(text).__name__
        raise BadInput(f"{name_of(at)}: {kind} and no text; give a string, or leave the example out")
    if not text or text.isspace():
        raise BadInput(f"{name_of(at)}: an empty text; give it words, or leave the example out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"{name_of(at)}: half of a character (a lone surrogate), which is no text; mend it, or leave the "
            "example out"
        ) from None
    return str(text)


class ShownText(ShownValue):
    """A text, whole."""

    @property
    def text(self) -> str:
        return to_text(self.value)

    cell = text


class TextKind(InputKind):
    """Texts, each of which networks see as the tokens of its first words."""

    name = "text"
    noun, nouns, values = "text", "texts", "texts"
    axes = ("tokens",)
    columns = ("text", "sentence", "question", "review", "content", "document", "utterance", "tweet", "title")
    networks = ("bag", "text_cnn")
    show = ShownText
    export_form = ExportForm("text", "text")
    in_words = tokens = True
    near = NearTexts()
    rewritten = StoredTexts

    def takes(self, array: Array) -> bool:
        """Whether any are strings; `from_texts` names those that are not."""
        of_strings = array.dtype == object and any(isinstance(one, str) for one in array.flat)
        return array.ndim == 1 and (array.dtype.kind == "U" or of_strings)

    def from_array(self, array: Array, where: str, **_: object) -> StoredTexts:
        return from_texts(array.tolist(), where)

    def same(self, value: TextBytes) -> TextBytes:
        return to_bytes(" ".join(unicodedata.normalize("NFKC", to_text(value)).split()))

    def measures(self, value: TextBytes, _: Any) -> dict[str, float]:
        text = to_text(value)
        return {"words": len(text.split()), "characters": len(text)}

    def plain(self, value: TextBytes) -> str:
        return to_text(value)

    def pack(self, examples: Any, recipe: Recipe, *_: object) -> Pack:
        """The placed tokens of one split, padded to the length of the longest text of both: int32 [K, L]."""
        traits: TextTraits = examples.traits
        (length,) = traits.signature(recipe).shape
        num = len(examples.stored)
        what = f"texts of {recipe.max_words} words (max_words)"
        check_fits(num * length * np.dtype(np.int32).itemsize, what)
        cached_tokens = cache(tokens_of)
        rows = np.zeros((num, length), np.int32)
        tokens = examples.stored.map(
            lambda value: placed_tokens(words_of(to_text(value), recipe.max_words), cached_tokens)
        )
        for row, numbers in zip(rows, tokens, strict=True):
            row[: len(numbers)] = numbers[:length]  # a text that was changed may be longer
        return Pack.of_array(rows)

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> inputs.Preparation:  # noqa: ARG002
        from easiness.inputs.text.preparation import PlacedTokens

        return PlacedTokens(PLACE, recipe.word_dropout if augment else 0.0)

    def view(self, recipe: Recipe, /) -> str:
        return f", texts of at most {recipe.max_words:,} words"

    def augmentation(self, recipe: Recipe, *_: object) -> str:
        share = recipe.word_dropout
        return f"each word is left out with probability {share:g}" if share else "none"

    def observation(self, recipe: Recipe, /) -> str:
        return f"the text, its first {recipe.max_words:,} words"


TEXT = TextKind()
