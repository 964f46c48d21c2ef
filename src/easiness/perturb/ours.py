"""Transforms of our own: of pictures their colors, frequencies and tiles, of texts the words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from easiness.errors import BadInput
from easiness.perturb.kind import Ids, Kind, Shape, as_batch, check_seed, plain_ids, random_bits

_ROUNDED_ROOT = 1e-9  # so that a radius that is a rounded square root, sqrt(13), keeps its ring
_EPSILON = 1e-6  # so that 1 / (1/3) is 3 tiles and 98 pixels in tiles of 1/49 are 2 pixels each
_COVERAGE = 0.75  # share of each side that the default levels must at least shuffle


@dataclass(frozen=True)
class Color:
    """X_a = a X + (1 - a) Grey, with Grey the mean of the channels (Kishida and Nakayama 2019, Eq. 3).

    ``alpha`` is in [0, 1]: 1 changes nothing, 0 makes all channels equal. Images of one channel are
    grey already and stay as they are.

    Raises:
        BadInput: alpha outside [0, 1].
    """

    alpha: float

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise BadInput(f"color alpha {self.alpha}: not in [0, 1]; 1 keeps the color, 0 leaves grey")

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The images [b, c, h, w], with values in the range that they had; ``ids`` do not matter."""
        images = as_batch(images, ids)
        if self.alpha == 1 or images.shape[1] == 1:
            return images
        return self.alpha * images + (1 - self.alpha) * images.mean(1, keepdim=True)


COLOR = Kind(
    "color",
    Color,
    (0, 0.25, 0.5, 0.75, 1),
    neutral=1,
    label="alpha",
    digest="cb2874cdf0f53ae0345319ccd042958bb0105d7b2b6a87bbb3d9fed22e58d8ae",
)


def _largest(shape: Shape) -> float:
    return math.hypot(shape[1] // 2, shape[2] // 2)


@dataclass(frozen=True)
class Radial:
    """Low-pass by a disc in the frequency plane (Jo and Bengio 2018; Kishida and Nakayama 2019, section 6).

    It keeps the coefficients of each channel's 2-D Fourier transform at a Euclidean distance of at most
    ``radius`` from the zero frequency; the distance counts waves per image side, up to half a side each way.
    A radius of at least the largest distance changes nothing, 0 leaves the mean. Values are not clamped and
    may leave [0, 1]. Sounds are filtered in their log-mel picture.

    Raises:
        BadInput: a negative or infinite radius.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 <= self.radius < math.inf:
            raise BadInput(
                f"radial radius {self.radius}: negative or not finite; "
                "it counts frequencies, from 0, which leaves the mean"
            )

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The images [b, c, h, w] without their high frequencies; ``ids`` do not matter."""
        images = as_batch(images, ids)
        _, _, height, width = images.shape
        if self.radius + _ROUNDED_ROOT >= _largest((1, height, width)) or images.numel() == 0:
            return images
        # The mask is the same at opposite frequencies, so the inverse is real and half the plane tells it.
        down, right = np.fft.fftfreq(height) * height, np.fft.rfftfreq(width) * width
        mask = np.hypot.outer(down, right) <= self.radius + _ROUNDED_ROOT
        spectrum = torch.fft.rfft2(images) * torch.from_numpy(mask).to(images.device)
        low: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
        return low


RADIAL = Kind(
    "radial",
    Radial,
    lambda shape: [min(shape[1:]) / 2**n for n in range(1, 1 + int(math.log2(min(shape[1:]))))],
    neutral=lambda shape: math.ceil(_largest(shape)),
    label="radius (frequencies)",
    digest="74732eb21a0aa63919d80cb05181d4624e9944baca7f8b40ded26f7c9f9548fb",
    kinds=("image", "sound"),
)


def _tile_sizes(sides: tuple[int, ...]) -> list[float]:
    """1, 1/2, 1/4, ... as long as whole tiles cover most of each side."""
    counts = [1]
    while all(side // (2 * counts[-1]) * 2 * counts[-1] >= _COVERAGE * side for side in sides):
        counts.append(2 * counts[-1])
    return [1 / count for count in counts]


@dataclass(frozen=True)
class Shuffle:
    """Tiles of relative size ``tile`` in random order (Kishida and Nakayama 2019, section 6).

    There are n = floor(1 / tile) tiles per side, of floor(tile * side) pixels, at least 1; where n
    tiles of one pixel are more than the side has, there are as many as pixels. The block of tiles at
    the top left is permuted, what remains at the right and the bottom stays where it is. The order
    depends on the example's id and the ``seed`` alone: 3 and "3" are different ids. ``tile`` is in
    (0, 1]; above 1/2 there is one tile and nothing changes. ``in_time`` tiles have the full height and are
    parts of the width alone, as those of a sound in its log-mel picture.

    Raises:
        BadInput: tile outside (0, 1], or a negative seed.
    """

    tile: float
    seed: int = 0
    in_time: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.tile <= 1:
            raise BadInput(
                f"shuffle tile {self.tile}: not in (0, 1]; it is a share of the side, 1 shuffles nothing"
            )
        check_seed("shuffle", self.seed)

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The images [b, c, h, w] in other order of tiles; ``ids`` [b] are integers or texts."""
        images = as_batch(images, ids)
        down, right = images.shape[2:]
        rows, height = (1, down) if self.in_time else self._tiles(down)
        cols, width = self._tiles(right)
        if rows * cols == 1 or images.numel() == 0:
            return images
        of = plain_ids(ids, "shuffle: needs ids, one per image; the order of the tiles is drawn from them")
        keys = np.stack([random_bits(one, self.seed, rows * cols) for one in of])
        order = torch.from_numpy(keys.argsort(axis=1, kind="stable")).to(images.device)
        num, channels = images.shape[:2]
        block = images[:, :, : rows * height, : cols * width]
        tiles = block.reshape(num, channels, rows, height, cols, width).permute(0, 2, 4, 1, 3, 5)
        tiles = tiles.reshape(num, rows * cols, channels, height, width)
        tiles = tiles[torch.arange(num, device=images.device)[:, None], order]
        tiles = tiles.view(num, rows, cols, channels, height, width).permute(0, 3, 1, 4, 2, 5)
        output = images.clone()
        output[:, :, : rows * height, : cols * width] = tiles.reshape(block.shape)
        return output

    def _tiles(self, side: int) -> tuple[int, int]:
        length = max(1, int(self.tile * side + _EPSILON))
        return int(min(1 / self.tile + _EPSILON, side // length)), length


SHUFFLE = Kind(
    "shuffle",
    Shuffle,
    lambda shape: _tile_sizes(shape[1:]),
    neutral=1,
    label="tile (share of the side)",
    seeded=True,
    digest="1f4aa2a8dcc0193b2eb94458694bed3ca6c76ec42c358b4a9bcad858b41d244a",
)

SHUFFLE_IN_TIME = Kind(
    "shuffle",
    partial(Shuffle, in_time=True),
    lambda shape: _tile_sizes(shape[2:]),
    neutral=1,
    label="tile (share of the time)",
    seeded=True,
    digest="ff018bb9006157fe8db9e1c107b18339b02b071a0081f8ffd993a72b5e8f2f77",
    kinds=("sound",),
)


WHOLE = 0
"""The window that is the whole text."""

_WORD = re.compile(r"\w+(?:(?:['’.-]|(?<=\d),(?=\d))\w+)*")


@dataclass(frozen=True)
class Order:
    """Words in random order within windows of ``window`` words (after Pham et al. 2021, who shuffle all).

    Windows lie side by side from the first word on; the last may be shorter. Punctuation and spaces stay
    where they are, and every word is kept. A window of 1 changes nothing, and 0 is the whole text. The order
    depends on the example's id and the ``seed`` alone, and may by chance be the one that was.

    Raises:
        BadInput: the window is no whole number, or it or the seed is negative.
    """

    window: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.window < math.inf or self.window % 1:
            raise BadInput(
                f"order window {self.window:g}: no whole number of words from 0; 1 changes nothing and 0 "
                "shuffles the whole text"
            )
        check_seed("order", self.seed)

    def __call__(self, texts: Sequence[str], *, ids: Ids | None = None) -> list[str]:
        """The texts with their words in other order; ``ids`` are integers or texts, one per text."""
        if self.window == 1:
            return list(texts)
        return _changed_words(texts, ids, "order", self._shuffle)

    def _shuffle(self, words: list[str], example: object) -> list[str]:
        keys = random_bits(example, self.seed, len(words)).tolist()
        window = int(self.window) or max(1, len(words))
        places = sorted(range(len(words)), key=lambda at: (at // window, keys[at], at))
        return [words[at] for at in places]


ORDER = Kind(
    "order",
    Order,
    (1, 2, 4, 8, WHOLE),
    neutral=1,
    label="window (words; 0: all)",
    seeded=True,
    digest="79687c096bd2ac42e8c249fc7cc39950d555dc70811a8fd6c488e81f3b2d7573",
    kinds=("text",),
    strength=lambda level: math.inf if level == WHOLE else level,
)


@dataclass(frozen=True)
class Case:
    """A ``share`` of the words of a text in the other case: lower case in capitals, all others in lower case.

    The example's id and the ``seed`` alone draw round(share * n) of its n words that have cases; a larger
    share changes all words of a smaller one. A word stays as it is where its letters would not be the same
    without case, as the Turkish dotless i. 0 changes nothing. Networks that read words in lower case see no
    difference.

    Raises:
        BadInput: the share is outside [0, 1], or the seed is negative.
    """

    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise BadInput(f"case share {self.share}: not in [0, 1]; it is a share of words, 0 changes none")
        check_seed("case", self.seed)

    def __call__(self, texts: Sequence[str], *, ids: Ids | None = None) -> list[str]:
        """The texts with some words in the other case; ``ids`` are integers or texts, one per text."""
        if self.share == 0:
            return list(texts)
        return _changed_words(texts, ids, "case", self._some)

    def _some(self, words: list[str], example: object) -> list[str]:
        others = [_other_case(word) for word in words]
        able = [at for at, word in enumerate(words) if others[at] != word]
        keys = random_bits(example, self.seed, len(words)).tolist()
        some = set(sorted(able, key=lambda at: (keys[at], at))[: round(self.share * len(able))])
        return [others[at] if at in some else word for at, word in enumerate(words)]


def _other_case(word: str) -> str:
    other = word.upper() if word == word.lower() else word.lower()
    return other if other.casefold() == word.casefold() else word


CASE = Kind(
    "case",
    Case,
    (0, 0.25, 0.5, 1),
    neutral=0,
    label="share of words",
    seeded=True,
    digest="5f2e8c6682d6bbb1f1d6f85df3b7151426a06e7e52e80846684acb6e41455fee",
    kinds=("text",),
)


def _changed_words(
    texts: Sequence[str], ids: Ids | None, what: str, change: Callable[[list[str], object], list[str]]
) -> list[str]:
    """Texts with other words in the places of their words, by ``change`` of these and the example's id.

    A word is a run of letters and digits, with the apostrophes, hyphens and points in it: ``don't``, ``U.S``,
    ``1,000``. Where a script has no spaces between words, a run of its letters counts as one.
    """
    names = list(plain_ids(ids, f"{what}: needs ids, one per text; what it draws comes from them"))
    if len(names) != len(texts):
        raise BadInput(f"{len(names)} ids for {len(texts)} texts: give one id per text")
    outputs = []
    for text, example in zip(texts, names, strict=True):
        between, words = _WORD.split(text), iter(change(_WORD.findall(text), example))
        outputs.append(between[0] + "".join(next(words) + part for part in between[1:]))
    return outputs
