"""Sets of examples as bits, 64 to a word: a few machine words say which of a million examples are in."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""A set of K examples: [ceil(K / 64)], of which example i is bit i % 64 of word i // 64; the rest is 0."""

_WORD = np.dtype("<u8")


def pack(members: npt.NDArray[np.bool_]) -> Words:
    """Words [..., W] of masks [..., K]."""
    packed = np.packbits(members, axis=-1, bitorder="little")
    words = np.zeros((*members.shape[:-1], -(-members.shape[-1] // 64) * 8), np.uint8)
    words[..., : packed.shape[-1]] = packed
    return words.view(_WORD)


def unpack(words: Words, num_examples: int) -> npt.NDArray[np.bool_]:
    """The mask [K] of a set."""
    return np.unpackbits(words.view(np.uint8), count=num_examples, bitorder="little").view(np.bool_)


def size(words: Words) -> int:
    """The number of examples in a set."""
    return int(sizes(words))


def sizes(words: Words) -> npt.NDArray[np.int64]:
    """The number of examples in each of several sets [..., W]."""
    counts: npt.NDArray[np.int64] = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts


def ones_before(words: Words, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The number of examples of a set that lie before each of the ``positions`` in 0..K."""
    before = np.concatenate([[0], np.cumsum(np.bitwise_count(words), dtype=np.int64)])
    word, bit = positions >> 6, (positions & 63).astype(np.uint64)
    # a position at the end of the last word has none of a word before it
    started = words[np.minimum(word, len(words) - 1)] & ((np.uint64(1) << bit) - np.uint64(1))
    counts: npt.NDArray[np.int64] = before[word] + np.bitwise_count(started)
    return counts


class Members:
    """The ``positions`` [n] of the examples of a set, ascending, and sets of some of them."""

    def __init__(self, words: Words) -> None:
        # few examples lie in few bytes: only those are looked into
        octets = words.view(np.uint8)
        self._octets = np.flatnonzero(octets != 0)  # of truth values, which is looked through much faster
        inside = np.unpackbits(octets[self._octets], bitorder="little").view(np.bool_)
        self._at = np.flatnonzero(inside)
        self._num_words = len(words)
        self.positions: npt.NDArray[np.int64] = 8 * self._octets[self._at >> 3] + (self._at & 7)

    def subset(self, which: npt.NDArray[np.bool_]) -> Words:
        """The words of those in the mask [n]."""
        some = np.zeros(8 * len(self._octets), np.bool_)
        some[self._at[which]] = True
        words = np.zeros(self._num_words, _WORD)
        words.view(np.uint8)[self._octets] = np.packbits(some, bitorder="little")
        return words


def sums(rows: Sequence[Words]) -> list[Words]:
    """The number of sets that each example is in, as binary digits: the last of the list counts most.

    Three digits of one weight become one of it and one of twice the weight, until none has a like.
    """
    digits: list[Words] = []
    waiting = list(rows)
    while waiting:
        carried: list[Words] = []
        while len(waiting) > 1:
            a, b, *third = waiting[:3]
            del waiting[:3]
            either = a ^ b
            carry = a & b
            if third:
                carry |= either & third[0]
                either ^= third[0]
            waiting.append(either)
            carried.append(carry)
        digits.append(waiting[0])
        waiting = carried
    return digits


def joint_tally(a: Sequence[Words], b: Sequence[Words], everyone: Words) -> npt.NDArray[np.int64]:
    """The number of examples with each pair of numbers, given as `sums`: [2**len(a), 2**len(b)]."""
    num = size(everyone)
    if num < 1 << (len(a) + len(b)):  # of few examples each is looked at, and not each pair of numbers
        each = (_numbers(a, num) << len(b)) + _numbers(b, num)
        return np.bincount(each, minlength=1 << (len(a) + len(b))).reshape(1 << len(a), 1 << len(b))
    levels_a, levels_b = _levels(a, everyone), _levels(b, everyone)
    tally = np.zeros((len(levels_a), len(levels_b)), np.int64)
    *occurring, last = (level for level, some in enumerate(levels_b) if some.any())
    for row, ours in zip(tally, levels_a, strict=True):
        if ours.any():
            for level in occurring:
                row[level] = size(ours & levels_b[level])
            row[last] = size(ours) - row.sum()
    return tally


def _numbers(digits: Sequence[Words], num_examples: int) -> npt.NDArray[np.int64]:
    """The number [K] of each example."""
    found = np.zeros(num_examples, np.int64)
    for place, digit in enumerate(digits):
        found += unpack(digit, num_examples).astype(np.int64) << place
    return found


def _levels(digits: Sequence[Words], everyone: Words) -> list[Words]:
    """The examples of each number 0, 1, ... that has these digits."""
    found = [everyone]
    for digit in reversed(digits):
        found = [part for one in found for part in (one & ~digit, one & digit)]
    return found


class ClassTally:
    """Counts the members of sets of K examples by class; ``sizes`` [C] are the examples of each class.

    ``labels`` [K] are class indices from 0. Where they ascend, as in a folder of class folders, a class is a
    run of bits, and a set is counted twenty times faster.
    """

    def __init__(self, labels: npt.NDArray[np.integer[Any]]) -> None:
        self._labels = labels
        self.sizes: npt.NDArray[np.int64] = np.bincount(labels)
        self._ends = np.cumsum(self.sizes) if (labels[1:] >= labels[:-1]).all() else None

    @functools.cached_property
    def key(self) -> bytes:
        """What counts by the same labels have in common."""
        return hashlib.sha256(np.ascontiguousarray(self._labels).tobytes()).digest()

    def of(self, words: Words) -> npt.NDArray[np.int64]:
        """Members of a set in each class [C]."""
        if self._ends is not None:
            return np.diff(ones_before(words, self._ends), prepend=0)
        return np.bincount(self._labels[unpack(words, len(self._labels))], minlength=len(self.sizes))
