"""From a text to token numbers: its words in their order, then the character n-grams of each.

Number 0 is padding. A word, or a mark of punctuation, has a number in `WORDS` by its lower case; an n-gram of
characters has one in `GRAMS` as it is written. Numbers are remainders of CRC-32, so that they are the same in
every process and need no list of words; two words may share one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

WORDS = range(1, 1 + 2**16)
"""Numbers of words."""

GRAMS = range(WORDS.stop, WORDS.stop + 2**16)
"""Numbers of character n-grams."""

VOCABULARY = GRAMS.stop
"""How many numbers there are, padding among them."""

MOST_WORDS = 2**11
"""Words of a text that can be looked at, at most."""

LENGTHS = range(3, 6)
"""Lengths of the n-grams of a word between two spaces; of ``I`` that is `` I `` alone."""

PLACE = 20
"""Bits of a token as it is stored, above which is the place of its word in the text."""

Tokens: TypeAlias = npt.NDArray[np.int32]

_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST = 64  # characters of a word whose n-grams are taken; what is longer is hardly one


def words_of(text: str, most: int = MOST_WORDS) -> Iterator[str]:
    """The first words and marks of punctuation of a text, as they are written."""
    return (found.group() for found in islice(_WORD.finditer(text), most))


def tokens_of(word: str) -> Tokens:
    """The number of a word, then those of its n-grams."""
    spaced = f" {word[:_LONGEST]} "
    grams = (spaced[at : at + of] for of in LENGTHS for at in range(len(spaced) - of + 1))
    numbers = [_number(word.lower(), WORDS), *(_number(gram, GRAMS) for gram in grams)]
    return np.array(numbers, np.int32)


def _number(text: str, among: range) -> int:
    return among[zlib.crc32(text.encode()) % len(among)]


def placed_tokens(words: Iterable[str], tokens: Callable[[str], Tokens] = tokens_of) -> Tokens:
    """Tokens of words, then of n-grams, each with the place of its word: ``place << PLACE | number``."""
    found = [tokens(word) + np.int32(place << PLACE) for place, word in enumerate(words)]
    return np.concatenate([np.array([one[0] for one in found], np.int32), *(one[1:] for one in found)])


def reach_of(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """The most tokens that the first n words of a text have, for n from 0 to the words of the longest."""
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
