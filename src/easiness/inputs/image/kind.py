"""Pictures as a kind of examples: grey or in color, of one size or of many."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.gate import fits
from easiness.inputs.exported import Exported
from easiness.inputs.files import Blob, Files
from easiness.inputs.flaws import OF_PICTURES
from easiness.inputs.image.decode import decode_image, decoder_warnings, is_readable, read_header
from easiness.inputs.image.formats import reads_heif, suffixes
from easiness.inputs.image.near import NEAR_PICTURES
from easiness.inputs.image.photo_cache import cache_path, cached_photos
from easiness.inputs.image.photos import DecodedPhotos, average_blocks, reduce, uncached_photos
from easiness.inputs.image.pixels import to_pixels
from easiness.inputs.image.scan import ImageHeader, ImageTraits, scan
from easiness.inputs.image.shown import photo, show
from easiness.inputs.image.stored import ArrayImages, Pixels
from easiness.inputs.image.words import augmentation, looks, observation
from easiness.inputs.kind import Examples, InputKind, Values
from easiness.inputs.packed import Packed
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank


_DECODED, _SECONDS = 32, 1.0  # photos whose size and decoding stand for all, fewer where they take longer


def _takes(array: npt.NDArray[Any]) -> bool:
    return array.ndim in (3, 4)


def _from_array(array: npt.NDArray[Any], where: str, *, copy: bool) -> ArrayImages:
    pixels = to_pixels(array, where)
    return ArrayImages(pixels.copy() if copy and np.may_share_memory(pixels, array) else pixels)


def _decode(blob: Blob, name: str, traits: ImageTraits) -> Pixels:
    return decode_image(blob, name, traits.channels)


def _pack(
    examples: Examples, recipe: Recipe, cache: Path | None, on_packed: Callable[[int], None]
) -> Packed | DecodedPhotos:
    """The pictures of one split, decoded once where they can be kept.

    Without ``recipe.crop`` they have one shape, made smaller by ``recipe.reduce``. Else they are photos whose
    short side is at most ``recipe.resize``: in a file in the folder ``cache``, built on first use and found
    again by the fingerprint, or without that folder in memory, or decoded anew where they do not fit.
    ``on_packed`` is told how many photos the file has while it is built.
    """
    if not recipe.crop:
        return Packed.of_array(average_blocks(examples.array, recipe.reduce))
    if cache is None:
        return uncached_photos(examples.stored, recipe.resize)
    path = cache_path(cache, examples.fingerprint, recipe.resize, examples.traits.channels)
    return cached_photos(examples.stored, recipe.resize, path, on_packed)


def _decoding(examples: Examples, recipe: Recipe, cache: Path | None, num_passes: int) -> tuple[int, float]:
    """By the first photos of the split; without a cache each pass may decode all."""
    if not recipe.crop:
        return 0, 0.0
    if cache and cache_path(cache, examples.fingerprint, recipe.resize, examples.traits.channels).exists():
        return 0, 0.0
    began, num, at_once = time.perf_counter(), len(examples.stored), os.cpu_count() or 1
    sizes: list[int] = []
    while len(sizes) < min(_DECODED, num) and (not sizes or time.perf_counter() - began < _SECONDS):
        some = examples.stored.subset(np.arange(len(sizes), min(len(sizes) + at_once, num)))
        sizes += [photo.size for photo in some.map(partial(reduce, short_side=recipe.resize))]
    seconds = (time.perf_counter() - began) / len(sizes) * num
    num_bytes = int(np.mean(sizes) * num)
    if cache:
        return num_bytes, seconds
    return 0, seconds if fits(num_bytes) else seconds * num_passes


def _bank(values: Values, recipe: Recipe, device: torch.device, *, augment: bool, sharers: int) -> TensorBank:
    import torch

    from easiness.inputs.bank import TensorBank
    from easiness.inputs.image.preparation import Cropped, Moved

    if recipe.crop:
        sizes = torch.from_numpy(np.ascontiguousarray(values.shapes[:, :2]))
        return TensorBank(values, Cropped(recipe, sizes), device)
    shift = recipe.shift(int(values.shapes[0, :2].min())) if augment else 0
    return TensorBank(values, Moved(recipe, shift), device, sharers=sharers)


class _Repeated:
    """One photo as many, which takes the memory of one."""

    def __init__(self, photo: Pixels, num: int) -> None:
        self._photo = photo
        self.shapes = np.tile(np.array(photo.shape, np.int64), (num, 1))

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photo for each of the ``positions``."""
        return [self._photo] * len(positions)


def _made_up(shape: tuple[int, ...], recipe: Recipe, num: int) -> Packed | _Repeated:
    channels, height, width = shape
    random = np.random.default_rng(0)
    if not recipe.crop:
        return Packed.of_array(random.integers(0, 256, (num, height, width, channels), np.uint8))
    side = recipe.resize
    photo = random.integers(0, 256, (side, side * 4 // 3, channels), np.uint8)
    return _Repeated(photo, num)


def _header(kept: Any) -> ImageHeader | None:
    match kept:
        case [int(height), int(width), bool(grey), bool(deep)]:
            return ImageHeader(height, width, grey, deep)
    return None


def _readable() -> str:
    return "readable_16_bits_heif" if reads_heif() else "readable_16_bits"


IMAGE_FILES = Files(
    noun="image",
    measures="sizes",
    suffixes=suffixes,
    read_header=read_header,
    header=_header,
    scan=scan,
    decode=_decode,
    is_readable=is_readable,
    readable=_readable,
    quiet=decoder_warnings,
)

IMAGE = InputKind(
    name="image",
    noun="picture",
    nouns="pictures",
    axes=("channels", "height", "width"),
    columns=("image", "img"),
    takes=_takes,
    from_array=_from_array,
    pack=_pack,
    decoding=_decoding,
    bank=_bank,
    made_up=_made_up,
    networks=("wrn_16_4", "mlp_3"),
    looks=looks,
    augmentation=augmentation,
    observation=observation,
    show=show,
    near=NEAR_PICTURES,
    flaws=OF_PICTURES,
    files=IMAGE_FILES,
    pixels=lambda value, _: value,
    photo=photo,
    values="pixels",
    exported=Exported(
        "image",
        "file",
        lambda value, traits: show(value, traits).file(),
        feature="Image",
        dtype="Image",
        media="image",
        address=lambda value, traits: show(value, traits).within(1024),
    ),
)
