"""Bytes, altered: what becomes of a file on a bad disk, in a bad copy, or in bad hands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Mutation: TypeAlias = Callable[[np.random.Generator, bytes], bytes]

NUMBERS = (b"-1", b"0", b"1e999", b"NaN", b"9" * 19, b"9" * 400, b"%d" % 2**31, b"%d" % 2**63, b"-%d" % 2**64)
"""What is spliced in where a number stands."""
_MOST = 1 << 12  # bytes that one alteration takes out, puts in or moves


def generator(seed: int, case: int) -> np.random.Generator:
    """The random numbers of one case alone, whatever cases ran before it."""
    return np.random.default_rng(np.random.SeedSequence((seed, case)))


def _part(rng: np.random.Generator, content: bytes) -> slice:
    """Somewhere in the content; short more often than long."""
    first = int(rng.integers(0, len(content) + 1))
    return slice(first, first + int(2 ** rng.uniform(0, np.log2(_MOST))))


def flip_bits(rng: np.random.Generator, content: bytes) -> bytes:
    """One bit, or a few."""
    altered = bytearray(content)
    for place in rng.integers(0, len(content), int(rng.choice((1, 1, 2, 8)))):
        altered[place] ^= 1 << int(rng.integers(8))
    return bytes(altered)


def overwrite(rng: np.random.Generator, content: bytes) -> bytes:
    """A few bytes by those that numbers end at, or by any."""
    place, num = int(rng.integers(0, len(content))), int(rng.choice((1, 2, 4, 8)))
    of_ends = (b"\xff" * num, b"\x7f" * num, b"\x80" + bytes(num - 1), rng.bytes(num))
    return content[:place] + of_ends[rng.integers(len(of_ends))] + content[place + num :]


def truncate(rng: np.random.Generator, content: bytes) -> bytes:
    """The end is missing, or all but the end."""
    place = int(rng.integers(0, len(content)))
    return content[:place] if rng.random() < 0.8 else content[place:]


def insert(rng: np.random.Generator, content: bytes) -> bytes:
    """Random bytes, or zeros, in between."""
    part = _part(rng, content)
    num = part.stop - part.start
    return content[: part.start] + (rng.bytes(num) if rng.random() < 0.5 else bytes(num)) + content[part.start :]


def zero(rng: np.random.Generator, content: bytes) -> bytes:
    """A part that was never written."""
    part = _part(rng, content)
    return content[: part.start] + bytes(len(content[part])) + content[part.stop :]


def double(rng: np.random.Generator, content: bytes) -> bytes:
    """A part is there twice."""
    part = _part(rng, content)
    return content[: part.stop] + content[part] + content[part.stop :]


def cut(rng: np.random.Generator, content: bytes) -> bytes:
    """A part is missing."""
    part = _part(rng, content)
    return content[: part.start] + content[part.stop :]


def swap(rng: np.random.Generator, content: bytes) -> bytes:
    """Two parts have changed places."""
    a, b, c = sorted(rng.integers(0, len(content) + 1, 3).tolist())
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def renumber(rng: np.random.Generator, content: bytes) -> bytes:
    """A number in digits has become another, giant or none at all."""
    found = list(re.finditer(rb"-?[0-9]+", content))
    if not found:
        return flip_bits(rng, content)
    number = found[rng.integers(len(found))]
    return content[: number.start()] + NUMBERS[rng.integers(len(NUMBERS))] + content[number.end() :]


OF_BYTES: tuple[Mutation, ...] = (flip_bits, overwrite, truncate, insert, zero, double, cut, swap, renumber)


def altered(rng: np.random.Generator, content: bytes, among: tuple[Mutation, ...] = OF_BYTES) -> tuple[bytes, str]:
    """The content after one of these mutations, now and then several; and their names."""
    names = []
    for _ in range(int(rng.choice((1, 1, 1, 2, 4)))):
        mutation = among[rng.integers(len(among))]
        content = mutation(rng, content) if content else rng.bytes(8)
        names.append(mutation.__name__)
    return content, "+".join(names)
