"""Pictures as a kind of examples: grey or in color, of one size or of many."""

from __future__ import annotations

import base64
import importlib.util
import io
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from easiness import inputs
from easiness.errors import one_line, recast
from easiness.inputs.encoding import Blob, Files, Unreadable
from easiness.inputs.image.near import NearPictures
from easiness.inputs.image.photos import average_blocks, cache_path, cached_photos, reduce, uncached_photos
from easiness.inputs.image.pixels import (
    ArrayImages,
    ImageHeader,
    Pixels,
    scan,
    to_pil,
    to_pixels,
)
from easiness.inputs.kind import OF_PICTURES, ExportForm, InputKind, ShownValue
from easiness.inputs.pack import Pack, Values
from easiness.lazy import Array, Image
from easiness.lazy_torch import torch
from easiness.spec import Recipe

ALWAYS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
HEIF = frozenset({".heic", ".heif"})


@cache
def suffixes() -> frozenset[str]:
    avif = frozenset({".avif"} if importlib.util.find_spec("PIL._avif") else ())
    return ALWAYS | avif | (HEIF if reads_heif() else frozenset())


@cache
def reads_heif() -> bool:
    """Is pillow-heif installed? The first call registers it with Pillow."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


GREY_MODES = ("1", "L", "LA", "I")  # of Pillow, and the beginning of those of 16 bits (I;16, I;16B)
DEEP = ";16"  # Pillow's name of stored pixels of 16 bits per channel, as in I;16 and RGB;16B
HAS_16_BITS = ("PNG", "TIFF")  # formats of such colors; in BMP the same word means 16 bits for all three
MEANS_16_BITS = ("PNG", "PPM")  # formats of whose grey pictures Pillow makes numbers of 32 bits (mode I)
ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange height and width
STORED_SIZE = (0x0100, 0x0101)  # tags of width and height in a TIFF file
BOMB = "too many pixels to be safe (a decompression bomb)"
_LARGE = 2**26  # pixels: a picture of more is decoded alone, since it takes up to 12 bytes for each meanwhile
_ALONE = threading.Lock()


@contextmanager
def decoder_warnings() -> Iterator[None]:
    """Make decompression bombs errors and drop other warnings, around all threads that decode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode_image(blob: Blob, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    return decode_opened(_open(blob, name), name, channels)


def decode_opened(image: Image.Image, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    """Pixels [height, width, channels] of an opened picture, turned as its EXIF orientation says.

    The first frame of an animation is taken. Palettes become colors, CMYK and other color spaces RGB, and
    alpha is dropped. From 16 bits per channel the upper 8 are taken, as Pillow itself does for colors. Raises
    `Unreadable` for a picture that cannot be decoded, is too large, or has more than 16 bits per channel.
    """
    from PIL import Image, ImageOps

    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise Unreadable(name, BOMB)
    alone = _ALONE if image.width * image.height > _LARGE else nullcontext()
    with alone, recast(lambda error: Unreadable(name, f"unreadable or truncated image ({one_line(error)})")):
        if image.mode.startswith("F") or (image.mode == "I" and not _is_deep(image)):
            raise Unreadable(name, f"32 bits per channel (mode {image.mode}); convert it to 8 or 16 bits")
        orientation = image.getexif().get(ORIENTATION, 1)
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            image.getexif()[ORIENTATION] = orientation
        if orientation != 1:
            image = ImageOps.exif_transpose(image)
        mode = "L" if channels == 1 else "RGB"
        pixels = np.array(image if image.mode == mode else image.convert(mode))
    return pixels[..., None] if channels == 1 else pixels


def header_of(image: Image.Image) -> ImageHeader:
    """The header of a picture that was opened; pixels are left alone."""
    width, height = image.size
    deep = _is_deep(image)
    if image.format == "TIFF":  # some versions of Pillow exchange the sides already
        width, height = (image.tag_v2[tag] for tag in STORED_SIZE)  # type: ignore[attr-defined]
    if width != height:  # some formats store the orientation behind the pixels: slow to read
        with suppress(Exception):  # a decoder may raise anything, and does so again later
            if image.getexif().get(ORIENTATION, 1) in SIDEWAYS:
                width, height = height, width
    return ImageHeader(height, width, image.mode.split(";")[0] in GREY_MODES, deep)


def _is_deep(image: Image.Image) -> bool:
    from PIL import ImageFile

    if image.mode == "I":
        return image.format in MEANS_16_BITS
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) and image.format in HAS_16_BITS else ()
    return DEEP in image.mode or any(DEEP in str(tile) for tile in tiles)


def _open(blob: Blob, name: str) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    data = blob()
    no_heif = data[4:8] == b"ftyp" and not reads_heif()  # of a HEIC or AVIF file
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        reason = "not an image in a known format" if data else "an empty file"
        if no_heif:
            reason += " (HEIC needs pip install 'easiness[heif]')"
        raise Unreadable(name, reason) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(name, BOMB) from None
    except Exception as error:  # a decoder may raise anything on broken bytes
        raise Unreadable(name, f"unreadable image ({one_line(error)})") from None


IMAGE_FILES = Files(
    "image",
    "sizes",
    ImageHeader(1, 1, False),
    suffixes,
    lambda blob, name: header_of(_open(blob, name)),
    scan,
    lambda blob, name, traits: decode_image(blob, name, 3 if traits is None else traits.channels),
    lambda: "readable_16_bits_heif" if reads_heif() else "readable_16_bits",
    decoder_warnings,
)


LARGEST_SIDE = 160  # pixels of a picture in a page, so that one of twenty classes of photos has about 4 MB
_EXPORTED_SIDE = 1024  # pixels of a picture in a browser
_LOOKED_AT = 512  # pixels a side, in the middle, that tell brightness, contrast and sharpness
_QUALITY = 80
_FEW = 32  # photos, whose sizes stand for those of all
_COLORS = {1: "grey", 3: "color"}


class ShownPicture(ShownValue):
    """A picture: in a page, and as a file."""

    @property
    def text(self) -> str:
        height, width, _ = self.value.shape
        return f"{width} x {height} pixels"

    @property
    def uri(self) -> str:
        return self._within(LARGEST_SIDE)

    @property
    def address(self) -> str:
        return self._within(_EXPORTED_SIDE)

    def _within(self, side: int) -> str:
        """A ``data:`` address: small pictures to the pixel (PNG), others reduced, with loss (JPEG)."""
        image = to_pil(self.value)
        if max(image.size) <= side:
            return _address("png", image, optimize=True)
        return _with_loss(image, side, "jpeg")

    @property
    def cell(self) -> bytes:
        file = io.BytesIO()
        to_pil(self.value).save(file, "PNG")
        return file.getvalue()


def _with_loss(image: Any, side: int, *formats: str) -> str:
    from PIL import Image, features

    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    available = (one for one in formats if one == "jpeg" or features.check(one))
    return min((_address(one, image, quality=_QUALITY, method=2) for one in available), key=len)


def _address(kind: str, image: Any, **options: Any) -> str:
    file = io.BytesIO()
    image.save(file, kind.upper(), **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


class ImageKind(InputKind):
    """Pictures, which networks see moved and mirrored, or as crops of photos."""

    name = "image"
    noun, nouns, values = "picture", "pictures", "pixels"
    axes = ("channels", "height", "width")
    columns = ("image", "img")
    networks = ("wrn_16_4", "mlp_3")
    show = ShownPicture
    export_form = ExportForm("image", "file", feature="Image", dtype="Image")
    files = IMAGE_FILES
    near = NearPictures()
    flaws = OF_PICTURES

    def takes(self, array: Array) -> bool:
        return array.ndim in (3, 4)

    def from_array(self, array: Array, where: str, *, copy: bool) -> ArrayImages:
        pixels = to_pixels(array, where)
        return ArrayImages(pixels.copy() if copy and np.may_share_memory(pixels, array) else pixels)

    def pixels(self, value: Pixels, _: Any) -> Pixels:
        return value

    def measures(self, value: Pixels, _: Any) -> dict[str, float]:
        """Width, height, and of grey values in [0, 1] mean, deviation, and the deviation of their Laplacian.

        The last tells sharp pictures from blurred ones (Pech-Pacheco et al. 2000).
        """
        height, width, _ = value.shape
        top, left = (max(0, side - _LOOKED_AT) // 2 for side in (height, width))
        grey = value[top : top + _LOOKED_AT, left : left + _LOOKED_AT].mean(axis=2) / 255
        wide = np.pad(grey, 1, mode="edge")
        laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * grey
        looks = {"brightness": grey.mean(), "contrast": grey.std(), "sharpness": laplacian.std()}
        return {"width": width, "height": height, **looks}

    def photo(self, value: Pixels, side: int) -> str | None:
        """A ``data:`` address (WebP or JPEG), no side longer than ``side``, of pictures larger than shown."""
        image = to_pil(value)
        return None if max(image.size) <= LARGEST_SIDE else _with_loss(image, side, "jpeg", "webp")

    def pack(
        self, examples: Any, recipe: Recipe, cache: Path | None, on_packed: Callable[[int], None]
    ) -> Values:
        """The pictures of one split, reduced; photos, for ``recipe.crop``, in a file in the folder ``cache``.

        Without that folder photos are in memory, or decoded for each batch if they do not fit.
        """
        if not recipe.crop:
            return Pack.of_array(average_blocks(examples.array, recipe.reduce))
        if cache is None:
            return uncached_photos(examples.stored, examples.stored.sizes(), recipe.resize)
        return cached_photos(examples.stored, recipe.resize, cache_path(examples, recipe, cache), on_packed)

    def cached_bytes(self, examples: Any, recipe: Recipe, cache: Path) -> int:
        if not recipe.crop or cache_path(examples, recipe, cache).exists():
            return 0
        few = examples.stored.subset(np.arange(min(_FEW, len(examples.stored))))
        sizes = few.map(lambda photo: reduce(photo, short_side=recipe.resize).size)
        return int(np.mean(list(sizes)) * len(examples.stored))

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> inputs.Preparation:
        from easiness.inputs.image.preparation import PhotoCrops, PictureMoves

        if recipe.crop:
            return PhotoCrops(recipe, torch.from_numpy(np.ascontiguousarray(values.shapes[:, :2])))
        return PictureMoves(recipe, recipe.shift(int(values.shapes[0, :2].min())) if augment else 0)

    def looks(self, shape: tuple[int, ...], /) -> str:
        channels, height, width = shape
        return f", {_COLORS.get(channels, f'{channels}-channel')} pictures of {width} × {height} pixels"

    def view(self, recipe: Recipe, /) -> str:
        text = f", seen as crops of {recipe.crop} × {recipe.crop}" if recipe.crop else ""
        if recipe.reduce > 1:
            text += f", seen with blocks of {recipe.reduce} × {recipe.reduce} averaged into one pixel"
        return text

    def augmentation(self, recipe: Recipe, shape: tuple[int, ...]) -> str:
        if recipe.crop:
            moves = (
                f"crop of {recipe.crop_scale:.0%} to 100% of the photo's area, aspect ratio up to "
                f"{recipe.crop_ratio:.3g}, resized to {recipe.crop} x {recipe.crop} pixels"
            )
        else:
            shift = recipe.shift(min(shape[1:]))
            moves = f"translation by up to {shift} pixels (zero-padded)" if shift else "no translation"
        return f"{moves}, flip with probability {recipe.flip:g}"

    def observation(self, recipe: Recipe, /) -> str:
        if recipe.crop:
            side = f"{recipe.crop} x {recipe.crop}"
            return f"short side resized to {recipe.resize} pixels, then the centre {side}"
        if recipe.reduce > 1:
            return f"the image with blocks of {recipe.reduce} x {recipe.reduce} pixels averaged"
        return "the image as it is"


IMAGE = ImageKind()
