"""Texts as a kind of examples: strings, seen by networks as the numbers of words and of character n-grams."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.inputs.kind import Exported, InputKind, Shown
from easiness.inputs.memory import check_fits
from easiness.inputs.packed import Packed, Values
from easiness.inputs.text.near import NEAR_TEXTS
from easiness.inputs.text.stored import StoredTexts, TextBytes, TextTraits, from_texts, to_bytes, to_text
from easiness.inputs.text.tokens import GRAMS, WORDS, placed_tokens, tokens_of, words_of
from easiness.spec import Recipe

if TYPE_CHECKING:
    from easiness.inputs.bank import Preparation

_WORDS_IN_TEN = 1  # of ten tokens
_FILLED = 2  # half of a row: most texts are shorter than the longest


class ShownText(Shown):
    """A text, whole."""

    suffix = ".txt"

    @property
    def text(self) -> str:
        """The text as it was given."""
        return to_text(self.value)

    def file(self) -> bytes:
        """The text in UTF-8."""
        return self.value.tobytes()

    @property
    def cell(self) -> str:
        """The text."""
        return self.text


class TextKind(InputKind):
    """Texts, each of which networks see as the tokens of its first words."""

    name = "text"
    noun, nouns, values = "text", "texts", "texts"
    axes = ("tokens",)
    columns = ("text", "sentence", "question", "review", "content", "document", "utterance", "tweet", "title")
    networks = ("bag", "text_cnn")
    show = ShownText
    exported = Exported("text", "text")
    in_words = tokens = True
    near = NEAR_TEXTS
    rewritten = StoredTexts

    def takes(self, array: npt.NDArray[Any]) -> bool:
        """Strings; one that is no string among them is for `from_texts` to name."""
        of_strings = array.dtype == object and any(isinstance(one, str) for one in array.flat)
        return array.ndim == 1 and (array.dtype.kind == "U" or of_strings)

    def from_array(self, array: npt.NDArray[Any], where: str, **_: object) -> StoredTexts:
        """The strings; see `from_texts`."""
        return from_texts(array.tolist(), where)

    def same(self, value: TextBytes) -> TextBytes:
        """The text by which identical ones are found: in NFKC, with one space between its words."""
        return to_bytes(" ".join(unicodedata.normalize("NFKC", to_text(value)).split()))

    def plain(self, value: TextBytes) -> str:
        """The text."""
        return to_text(value)

    def pack(self, examples: Any, recipe: Recipe, *_: object) -> Packed:
        """The placed tokens of one split, padded to the length of the longest text of both: int32 [K, L]."""
        traits: TextTraits = examples.traits
        (length,) = traits.signature(recipe).shape
        num = len(examples.stored)
        what = f"texts of {recipe.max_words} words (max_words)"
        check_fits(num * length * np.dtype(np.int32).itemsize, what)
        remembered = cache(tokens_of)
        made = np.zeros((num, length), np.int32)
        tokens = examples.stored.map(
            lambda value: placed_tokens(words_of(to_text(value), recipe.max_words), remembered)
        )
        for row, found in zip(made, tokens, strict=True):
            row[: len(found)] = found[:length]  # a text that was changed may be longer
        return Packed.of_array(made)

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> Preparation:  # noqa: ARG002
        """Numbers of tokens, without those of words that are left out."""
        from easiness.inputs.text.preparation import Numbered

        return Numbered(recipe.word_dropout if augment else 0.0)

    def made_up(self, num: int, shape: tuple[int, ...], recipe: Recipe) -> Packed:  # noqa: ARG002
        """Random tokens in a half of each row."""
        random, (length,) = np.random.default_rng(0), shape
        rows = np.zeros((num, length), np.int32)
        filled = -(-length // _FILLED)
        words = -(-filled * _WORDS_IN_TEN // 10)
        rows[:, :words] = random.integers(WORDS.start, WORDS.stop, (num, words))
        rows[:, words:filled] = random.integers(GRAMS.start, GRAMS.stop, (num, filled - words))
        return Packed.of_array(rows)

    def seen(self, recipe: Recipe, /) -> str:
        """How many words of a text are read."""
        return f", texts of at most {recipe.max_words:,} words"

    def augmentation(self, recipe: Recipe, *_: object) -> str:
        """Word dropout."""
        dropped = recipe.word_dropout
        return f"each word is left out with probability {dropped:g}" if dropped else "none"

    def observation(self, recipe: Recipe, /) -> str:
        """The text."""
        return f"the text, its first {recipe.max_words:,} words"


TEXT = TextKind()
