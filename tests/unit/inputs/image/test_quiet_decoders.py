from __future__ import annotations

import ctypes
import io
import logging

import numpy as np
import pytest
from PIL import Image, _imaging, features

from easiness.inputs.encoded import Unreadable
from easiness.inputs.image.decode import _set_libtiff_handler, decode_image, decoder_warnings

pytestmark = pytest.mark.skipif(not features.check("libtiff"), reason="Pillow is without libtiff")


def damaged_tiff() -> bytes:
    """Whose packed pixels say what no packer would: libtiff itself writes a line about it."""
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "TIFF", compression="tiff_lzw")
    return content.getvalue().replace(content.getvalue()[300:700], b"\xff" * 400)


def decode_badly() -> None:
    with pytest.raises(Unreadable, match=r"a\.tif: .*truncated image"):
        decode_image(damaged_tiff, "a.tif", 3)


def test_libtiff_is_quiet_while_we_decode_and_as_it_was_after(capfd):
    decode_badly()
    assert capfd.readouterr().err.startswith("tempfile.tif: ")
    with decoder_warnings():
        decode_badly()
    assert capfd.readouterr().err == ""
    decode_badly()
    assert capfd.readouterr().err.startswith("tempfile.tif: ")


def test_a_pillow_without_libtiff(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda file: {_imaging.__file__: object()}[file])
    _set_libtiff_handler.cache_clear()
    with decoder_warnings():
        decode_badly()
    _set_libtiff_handler.cache_clear()


def test_pillows_log_goes_where_the_user_sends_logs_and_nowhere_else(capfd, caplog):
    with decoder_warnings():
        pass
    logger = logging.getLogger("PIL.TiffImagePlugin")
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("PIL").handlers)
    logger.error("more samples than can be decoded")
    assert "more samples" in caplog.text
    assert capfd.readouterr().err == ""
