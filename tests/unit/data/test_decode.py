from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from easiness.data.decode import UnreadableImage, decode_image, decoder_warnings, is_grey


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes, channels: int = 3) -> np.ndarray:
    with decoder_warnings():
        return decode_image(lambda: data, "some.png", channels)  # type: ignore[arg-type]


def test_alpha_is_dropped(picture):
    image = picture(0, mode="RGBA")
    assert (decode(encode(image)) == np.asarray(image)[:, :, :3].transpose(2, 0, 1)).all()


def test_grey_to_one_channel_and_to_three(picture):
    image = picture(0, size=(3, 2), mode="L")
    data = encode(image)
    assert decode(data, 1).shape == (1, 2, 3)
    assert (decode(data, 1)[0] == np.asarray(image)).all()
    assert (decode(data, 3) == np.asarray(image)).all()


def test_black_and_white_goes_to_0_and_255():
    image = Image.fromarray(np.array([[True, False]]))
    assert decode(encode(image), 1).tolist() == [[[255, 0]]]


def test_palette_is_color():
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60])
    data = encode(image)
    assert decode(data).tolist() == [[[10, 40]], [[20, 50]], [[30, 60]]]
    assert not is_grey(lambda: data, "some.png")


def test_exif_orientation_is_applied():
    image = Image.fromarray(np.array([[1, 2, 3]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    assert decode(encode(image, exif=exif), 1).tolist() == [[[1], [2], [3]]]


def test_deep_pixels_are_refused_not_clipped():
    data = encode(Image.fromarray(np.full((2, 2), 40_000, np.uint16)))
    with pytest.raises(UnreadableImage, match=r"some\.png: more than 8 bits per channel"):
        decode(data)


@pytest.mark.parametrize("limit", [200, 100])  # of 225 pixels: more than once, more than twice
def test_decompression_bombs_are_named(picture, monkeypatch, limit):
    data = encode(picture(0, size=(15, 15)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UnreadableImage, match=r"some\.png: too many pixels to be safe"):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_truncated_images_are_named(picture, kind):
    data = encode(picture(0, size=(32, 32)), kind)
    with pytest.raises(UnreadableImage, match=r"some\.png: ") as caught:
        decode(data[: len(data) // 2])
    assert "\n" not in str(caught.value)


def test_empty_bytes():
    with pytest.raises(UnreadableImage, match="an empty file"):
        decode(b"")
