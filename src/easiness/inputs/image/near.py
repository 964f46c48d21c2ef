"""Near copies of pictures, in one split or two: a perceptual hash proposes, pixels decide.

The hash is the DCT hash of `imagehash.phash` with 12 x 12 bits. Two pictures are near where at most `NEAR`
of the 144 bits differ and their 16 x 16 grey pictures correlate by `ALIKE` or more. They find 99 % or more of
photos and pictures of CIFAR-10 that were compressed anew, made smaller, brighter, darker, grey, turned by two
degrees or cut by 2 % at each side, and 1 pair of 16 million is false. In all of CIFAR-10 they find 281 pairs,
about 270 of which show the same scene to the eye; the usual 64 bits propose three times as many. Within its
training split 1,152 of 1.25 billion pairs are near, and one of them, a false one, has two classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import pack, unit_rows
from easiness.inputs.encoding import tell
from easiness.inputs.image.pixels import Pixels, to_pil
from easiness.inputs.kind import Near, NearPairs
from easiness.lazy import Image, Mask

NEAR = 32  # bits; different pictures differ in 72 on average
ALIKE = 0.8  # correlation of the grey values of two pictures as small as `_THUMB`
SMALLEST = (
    24  # pixels; the hash looks at 24 x 24, and of smaller pictures, such as digits, many are near by it
)
CLOSE = 12  # bits; the most where pictures are alike by nature, as digits are
MOST_WITHIN = 100_000  # pictures of one split: comparing all takes half a minute, of twice as many two

_MOST_SAMPLES = 1000  # pictures that show whether all are alike by nature
_BITS = 12  # a side
_THUMB = 16  # pixels a side
_PAIRS_AT_ONCE = 1 << 22  # of hashes: 32 MB of bits that differ
_CORRELATED_AT_ONCE = 1 << 14


def hash_picture(pixels: Pixels) -> tuple[Mask, npt.NDArray[np.uint8]] | None:
    """The hash [144] and the thumbnail [16, 16] of a picture, ``None`` if it is too small."""
    import imagehash

    if min(pixels.shape[:2]) < SMALLEST:
        return None
    image = to_pil(pixels).convert("L")
    thumb = np.asarray(image.resize((_THUMB, _THUMB), Image.Resampling.BOX))
    return imagehash.phash(image, _BITS, SMALLEST // _BITS).hash.ravel(), thumb


class PictureHashes:
    """The looks at K pictures, about 300 bytes each: hashes as words [3, K] and thumbnails [K, 256]."""

    def __init__(self, num: int) -> None:
        self.large = np.zeros(num, np.bool_)
        self.words = np.zeros((-(-(_BITS**2) // 64), num), np.uint64)
        self.thumbs = np.zeros((num, _THUMB**2), np.uint8)

    def keep(self, at: int, look: Any) -> None:
        if look is not None:
            self.large[at], self.words[:, at], self.thumbs[at] = True, pack(look[0]), look[1].ravel()


def near_pairs(train: PictureHashes, held_out: PictureHashes) -> Iterator[NearPairs]:
    """Yield all pairs of near pictures, identical ones included, by blocks that fit in memory."""
    num = len(train.large)
    for block in _blocks(num, len(held_out.large)):
        yield _near(train, held_out, num, block, NEAR)


def _alike_by_nature(looks: PictureHashes) -> bool:
    """Do more than half of a sample of the pictures have a near copy?"""
    num = len(looks.large)
    some = np.unique(np.linspace(0, num - 1, min(num, _MOST_SAMPLES)).astype(np.int64))
    sample = PictureHashes(0)
    sample.large, sample.words, sample.thumbs = looks.large[some], looks.words[:, some], looks.thumbs[some]
    has_near = np.zeros(len(some), np.bool_)
    for pairs in near_pairs(looks, sample):
        has_near[pairs.held_out[pairs.train != some[pairs.held_out]]] = True
    return bool(has_near.mean() > 0.5)


def _blocks(num: int, num_others: int) -> Iterator[slice]:
    """Blocks of the others, small enough to compare with ``num`` pictures at once."""
    step = max(1, _PAIRS_AT_ONCE // max(1, num))
    for start in range(0, num_others, step):
        yield slice(start, min(start + step, num_others))


def _near(some: PictureHashes, others: PictureHashes, num: int, block: slice, most: int) -> NearPairs:
    """Pairs of the first ``num`` pictures and a block of others that differ in ``most`` bits at most."""
    distance = _distances(some.words[:, :num], others.words[:, block])
    distance[~others.large[block]] = most + 1
    distance[:, ~some.large[:num]] = most + 1
    rows, columns = np.nonzero(distance <= most)
    near = np.zeros(len(rows), np.bool_)
    for at in range(0, len(rows), _CORRELATED_AT_ONCE):
        part = slice(at, at + _CORRELATED_AT_ONCE)
        thumbs = some.thumbs[columns[part]], others.thumbs[block.start + rows[part]]
        # what has a single grey value correlates with nothing
        one, other = (unit_rows(grey - grey.mean(axis=1, keepdims=True, dtype=np.float32)) for grey in thumbs)
        near[part] = np.einsum("ij,ij->i", one, other) >= ALIKE
    rows, columns = rows[near], columns[near]
    return NearPairs(columns, block.start + rows, distance[rows, columns].astype(np.int64))


def _distances(train: npt.NDArray[np.uint64], held_out: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    shape = held_out.shape[1], train.shape[1]
    distance = np.zeros(shape, np.uint8)
    for some, others in zip(train, held_out, strict=True):
        distance += np.bitwise_count((others[:, None] ^ some).ravel()).reshape(shape)
    return distance


class NearPictures(Near):
    """Near pictures; see `near_pairs`."""

    look = staticmethod(hash_picture)
    collection = PictureHashes
    unit = f"bits of {_BITS**2}"
    pairs = staticmethod(near_pairs)

    def within(self, looks: PictureHashes) -> tuple[Iterator[NearPairs] | None, str]:
        num = len(looks.large)
        if not looks.large.any():
            return None, ""
        if num > MOST_WITHIN:
            return None, (
                f"Near copies were not looked for among the {num:,} training pictures: up to {MOST_WITHIN:,} "
                "are compared with each other."
            )
        alike = _alike_by_nature(looks)
        most = CLOSE if alike else NEAR

        def pairs() -> Iterator[NearPairs]:
            for block in _blocks(num, num):
                yield _near(looks, looks, block.stop, block, most).later()
                tell("comparing pictures", block.stop, num)

        return pairs(), "" if not alike else (
            "More than half of the training pictures have a near copy, so that they may be alike by nature "
            f"(drawings, digits, frames of a film): of two only those that differ in at most {CLOSE} of "
            f"{_BITS**2} bits are named."
        )

    def compares(self, train: PictureHashes, held_out: PictureHashes) -> bool:
        return bool(train.large.any() and held_out.large.any())

    def left_out(self, train: PictureHashes, held_out: PictureHashes) -> str:
        small = sum(int((~looks.large).sum()) for looks in (train, held_out))
        total = len(train.large) + len(held_out.large)
        if not small:
            return ""
        return (
            f"Near copies were not looked for among {small:,} of {total:,} pictures: below {SMALLEST} pixels "
            "different ones look alike."
        )
