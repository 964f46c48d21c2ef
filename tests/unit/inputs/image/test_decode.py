"""One rule for each kind of picture, on real encoded bytes."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness.data import load_dataset
from easiness.errors import recast
from easiness.inputs.encoding import Unreadable
from easiness.inputs.image import kind as decoding
from easiness.inputs.image.kind import IMAGE_FILES, decode_image, decoder_warnings, reads_heif
from easiness.inputs.image.pixels import ImageHeader, ImageTraits, scan
from pixels import images_of


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes, channels: int = 3) -> np.ndarray:
    with decoder_warnings():
        return decode_image(lambda: data, "some.png", channels)  # type: ignore[arg-type]


def header(data: bytes) -> ImageHeader:
    return ImageHeader(*IMAGE_FILES.read_header(lambda: data, "some.png"))


@pytest.mark.parametrize(
    ("mode", "kind", "grey"),
    [
        *(("RGB", "PNG", False), ("RGBA", "PNG", False), ("RGBA", "WEBP", False)),
        *(("L", "PNG", True), ("LA", "PNG", True)),
    ],
)
def test_pixels_are_as_they_are_and_alpha_is_dropped(picture, mode, kind, grey):
    image = picture(0, size=(5, 3), mode=mode)
    data = encode(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    values = np.asarray(image).reshape(3, 5, -1)[..., : 1 if grey else 3]
    assert header(data)[:3] == (3, 5, grey)
    assert (decode(data) == values).all()
    if grey:
        assert (decode(data, 1) == values).all()


def test_heic_without_its_plugin_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("easiness.inputs.image.kind.reads_heif", lambda: False)
    reason = r"not an image in a known format \(HEIC needs pip install 'easiness\[heif\]'\)"
    with pytest.raises(Unreadable, match=reason):
        decode(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")


def test_heic_and_avif_where_they_can_be_read(picture):
    image = picture(0, size=(64, 48))
    pytest.importorskip("PIL._avif")
    assert header(encode(image, "AVIF"))[:3] == (48, 64, False)
    pytest.importorskip("pillow_heif")
    assert reads_heif()
    assert header(encode(image, "HEIF"))[:3] == (48, 64, False)
    grey = picture(0, size=(64, 48), mode="L")
    assert (
        np.abs(decode(encode(grey, "HEIF", quality=-1), 1)[..., 0].astype(int) - np.asarray(grey)).max() <= 1
    )


PALETTE = Image.fromarray(np.array([[0, 1]], np.uint8))
PALETTE.putpalette([10, 20, 30, 40, 50, 60])
FRAMES = [Image.new("RGB", (2, 1), color) for color in ((200, 0, 0), (0, 200, 0))]


@pytest.mark.parametrize(
    ("data", "grey", "expected"),
    [
        (encode(Image.fromarray(np.array([[True, False]]))), True, [[[255] * 3, [0] * 3]]),
        (encode(PALETTE), False, [[[10, 20, 30], [40, 50, 60]]]),
        (encode(PALETTE, transparency=1), False, [[[10, 20, 30], [40, 50, 60]]]),
        (encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), False, [[[200, 0, 0]] * 2]),
    ],
    ids=["black and white", "palette", "transparent", "animation"],
)
def test_what_stands_for_colors_becomes_colors(data, grey, expected):
    assert decode(data).tolist() == expected
    assert header(data)[:3] == (1, 2, grey)


@pytest.mark.parametrize(
    ("mode", "color", "kind", "options", "expected"),
    [
        # 255 - ink, and black ink takes from each: (255 - 51) * (255 - 0) / 255 = 204
        ("CMYK", (51, 0, 255, 0), "JPEG", {"quality": 100}, (204, 255, 0)),
        ("LAB", (255, 128, 128), "TIFF", {}, (253, 253, 253)),  # the lightest, without a hue
    ],
)
def test_other_color_spaces_become_rgb(mode, color, kind, options: Any, expected):
    data = encode(Image.new(mode, (16, 16), color), kind, **options)
    assert Image.open(io.BytesIO(data)).mode == mode
    assert abs(decode(data).astype(int) - expected).max() <= 3
    assert not header(data).grey


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind, orientation):
    """The picture is stored the way the camera was held and shown upright."""
    corners = np.zeros((16, 32), np.uint8)
    corners[:8, :16] = 250  # bright at the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(corners).convert("RGB"), kind, exif=exif)
    pixels = decode(data)
    turned = {
        1: corners,
        2: corners[:, ::-1],
        3: corners[::-1, ::-1],
        4: corners[::-1],
        5: corners.T,
        6: np.rot90(corners, -1),
        7: corners.T[::-1, ::-1],
        8: np.rot90(corners),
    }[orientation]
    assert pixels.shape == (*turned.shape, 3)
    assert abs(pixels[..., 0].astype(int) - turned).max() < 30  # of JPEG's losses
    assert header(data)[:3] == (*turned.shape, False)


DEEP = np.array([[0, 255, 256], [40_000, 65_535, 257]], np.uint16)
SCALED = [[0, 0, 1], [156, 255, 1]]  # 40,000 = 156 * 256 + 64


def deep_color(values: np.ndarray) -> bytes:
    """A PNG of three equal channels of 16 bits, which Pillow reads and does not write."""
    height, width = values.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.repeat(values, 3, 1).astype(">u2"))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
    ]
    chunks = [struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "grey"),
    [
        (encode(Image.fromarray(DEEP)), True),
        (encode(Image.fromarray(DEEP), "TIFF"), True),
        (encode(Image.fromarray(DEEP.astype(">u2")), "TIFF"), True),
        (b"P5 3 2 65535\n" + DEEP.astype(">u2").tobytes(), True),
        (deep_color(DEEP), False),
    ],
    ids=["png", "tiff", "big-endian tiff", "pgm", "color"],
)
def test_of_16_bits_the_upper_8_are_taken(data, grey):
    assert decode(data, 1)[..., 0].tolist() == SCALED
    assert decode(data, 3).tolist() == [[[value] * 3 for value in row] for row in SCALED]
    assert header(data) == ImageHeader(2, 3, grey, deep=True)


def test_deep_pixels_are_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.fromarray(DEEP), exif=exif)
    assert decode(data, 1)[..., 0].tolist() == np.rot90(SCALED, -1).tolist()
    assert header(data) == (3, 2, True, True)


@pytest.mark.parametrize(("kind", "mode"), [(np.float32, "F"), (np.int32, "I")])
def test_deeper_pixels_are_refused_not_clipped(kind, mode):
    with pytest.raises(Unreadable, match=rf"some\.png: 32 bits per channel \(mode {mode}\)"):
        decode(encode(Image.fromarray(np.full((2, 2), 1, kind)), "TIFF"))


def test_deep_pictures_in_a_folder_are_said_once(folder):
    before = load_dataset(folder)
    assert before.remarks == ()
    for name in ("cat/deep.png", "dog/deep.png"):
        Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(folder / name)
    data = load_dataset(folder)
    said = "some pictures have 16 bits per channel, and are scaled: 0 to 65535 becomes 0 to 255"
    assert data.remarks == (said,)
    assert load_dataset(folder).remarks == (said,)  # as it is remembered
    assert load_dataset(folder, skip_unreadable=True).num_unreadable == 0


@pytest.mark.parametrize("limit", [200, 100])  # of 225 pixels: more than once, more than twice
def test_decompression_bombs_are_named(picture, monkeypatch, limit):
    data = encode(picture(0, size=(15, 15)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(Unreadable, match=r"some\.png: too many pixels"):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_images_are_named(picture, kind):
    data = encode(picture(0, size=(32, 32)), kind)
    with pytest.raises(Unreadable, match=r"some\.png: ") as refused:
        decode(data[: len(data) // 2])
    assert "\n" not in str(refused.value)


def headers(*sizes: tuple[int, int], grey: bool = False) -> list[ImageHeader]:
    return [ImageHeader(*size, grey) for size in sizes]


SAME = [ImageHeader(4, 4, True)] * 1000


@pytest.mark.parametrize(
    ("found", "traits"),
    [
        (headers((4, 6), (4, 6)), ImageTraits(3, (4, 6), 4)),
        (headers((4, 6), grey=True), ImageTraits(1, (4, 6), 4)),
        ([], None),
        # short sides 5, 4, 3, 9: the lower of the two in the middle
        (headers((5, 6), (6, 4), (3, 3), (9, 10)), ImageTraits(3, None, 4)),
        (headers((4, 6), (6, 4)), ImageTraits(3, None, 4)),  # the same upright and across
        ([*SAME, ImageHeader(4, 5, True)], ImageTraits(1, None, 4)),  # one odd picture at the end
        ([*SAME, ImageHeader(4, 4, False)], ImageTraits(3, (4, 4), 4)),
    ],
    ids=range(7),
)
def test_traits_by_headers(found, traits):
    assert scan(found) == traits


def test_it_stops_when_nothing_more_can_be_learned():
    taken = []

    def stream():
        for i in itertools.count():
            taken.append(i)
            yield ImageHeader(4, 4 + i % 2, False)

    assert scan(stream()) == ImageTraits(3, None, 4)
    assert len(taken) == 257


@pytest.mark.parametrize(
    ("found", "recipe"),
    [
        (ImageTraits(3, (32, 32), 32), {}),
        (ImageTraits(1, (127, 500), 127), {}),
        (ImageTraits(3, (128, 128), 128), {"crop": 224, "translation": 0.0, "batch_size": 64}),
        (ImageTraits(3, None, 300), {"crop": 224, "translation": 0.0, "batch_size": 64}),
        (ImageTraits(3, None, 40), {"crop": 40, "translation": 0.0}),
    ],
)
def test_settings_for_photos(found, recipe):
    assert found.recipe() == recipe


def test_large_pictures_are_decoded_one_at_a_time(folder, monkeypatch):
    """Others wait, of which a small file may hold many."""
    held = []
    noted = lambda error: held.append(decoding._ALONE.locked()) or recast(error)  # noqa: E731
    monkeypatch.setattr(decoding, "recast", noted)
    for large, alone in ((15, True), (16, False)):
        data = load_dataset(folder)
        _ = data.traits
        monkeypatch.setattr(decoding, "_LARGE", large)
        held.clear()
        assert len(images_of(data)) == 6
        assert held == [alone] * 6
