"""Texts as a kind of examples: strings, seen by networks as the numbers of words and of character n-grams."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.gate import check_fits
from easiness.inputs.exported import Exported
from easiness.inputs.kind import Examples, InputKind, Values
from easiness.inputs.packed import Packed
from easiness.inputs.text.near import NEAR_TEXTS
from easiness.inputs.text.stored import StoredTexts, TextBytes, TextTraits, to_bytes, to_text, to_texts
from easiness.inputs.text.tokens import GRAMS, WORDS, placed_tokens, tokens_of, words_of
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank


def _takes(array: npt.NDArray[Any]) -> bool:
    """Strings; one that is no string among them is for `to_texts` to name."""
    of_strings = array.dtype == object and any(isinstance(one, str) for one in array.flat)
    return array.ndim == 1 and (array.dtype.kind == "U" or of_strings)


def same_text(value: TextBytes) -> TextBytes:
    """The text by which identical ones are found: in NFKC, with one space between its words."""
    return to_bytes(" ".join(unicodedata.normalize("NFKC", to_text(value)).split()))


def _pack(
    examples: Examples,
    recipe: Recipe,
    cache_folder: Path | None,  # noqa: ARG001
    on_packed: Callable[[int], None],  # noqa: ARG001
) -> Packed:
    """The placed tokens of one split, padded to the length of the longest text of both: int32 [K, L].

    Raises:
        BadInput: they do not fit in memory.
    """
    traits: TextTraits = examples.traits
    (length,) = traits.signature(recipe, "").shape
    num = len(examples.stored)
    check_fits(num * length * np.dtype(np.int32).itemsize, f"texts of {recipe.max_words} words (max_words)")
    remembered = cache(tokens_of)
    made = np.zeros((num, length), np.int32)
    tokens = examples.stored.map(
        lambda value: placed_tokens(words_of(to_text(value), recipe.max_words), remembered)
    )
    for row, found in zip(made, tokens, strict=True):
        row[: len(found)] = found[:length]  # a text that was changed may be longer
    return Packed.of_array(made)


def _bank(values: Values, recipe: Recipe, device: torch.device, *, augment: bool, sharers: int) -> TensorBank:
    from easiness.inputs.bank import TensorBank
    from easiness.inputs.text.preparation import Numbered

    return TensorBank(values, Numbered(recipe.word_dropout if augment else 0.0), device, sharers=sharers)


_WORDS_IN_TEN = 1  # of ten tokens
_FILLED = 2  # half of a row: most texts are shorter than the longest


def _made_up(shape: tuple[int, ...], recipe: Recipe, num: int) -> Packed:  # noqa: ARG001
    random, (length,) = np.random.default_rng(0), shape
    rows = np.zeros((num, length), np.int32)
    filled = -(-length // _FILLED)
    words = -(-filled * _WORDS_IN_TEN // 10)
    rows[:, :words] = random.integers(WORDS.start, WORDS.stop, (num, words))
    rows[:, words:filled] = random.integers(GRAMS.start, GRAMS.stop, (num, filled - words))
    return Packed.of_array(rows)


@dataclass(frozen=True, eq=False)
class ShownText:
    """A text, whole."""

    value: TextBytes
    traits: TextTraits | None = None
    uri: None = None
    sound: None = None
    suffix: str = ".txt"

    @property
    def text(self) -> str:
        """The text as it was given."""
        return to_text(self.value)

    def file(self) -> bytes:
        """The text in UTF-8."""
        return self.value.tobytes()


def _looks(shape: tuple[int, ...] | None, recipe: Recipe | None) -> str:  # noqa: ARG001
    return "" if recipe is None else f", texts of at most {recipe.max_words:,} words"


def _augmentation(shape: tuple[int, ...], recipe: Recipe) -> str:  # noqa: ARG001
    dropped = recipe.word_dropout
    return f"each word is left out with probability {dropped:g}" if dropped else "none"


def _observation(recipe: Recipe) -> str:
    return f"the text, its first {recipe.max_words:,} words"


TEXT = InputKind(
    name="text",
    noun="text",
    nouns="texts",
    axes=("tokens",),
    columns=("text", "sentence", "question", "review", "content", "document", "utterance", "tweet", "title"),
    takes=_takes,
    from_array=to_texts,
    pack=_pack,
    bank=_bank,
    made_up=_made_up,
    networks=("bag", "text_cnn"),
    looks=_looks,
    augmentation=_augmentation,
    observation=_observation,
    show=ShownText,
    tokens=True,
    near=NEAR_TEXTS,
    same=same_text,
    plain=to_text,
    rewritten=StoredTexts,
    values="texts",
    in_words=True,
    exported=Exported("text", "text", lambda value, _: to_text(value)),
)
