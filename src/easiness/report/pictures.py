"""Pictures for the page: found again at the source of a run, and put into the page as data."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.runs import run_pictures
from easiness.spec import Split
from easiness.store import Run

Named: TypeAlias = tuple[Split, int | str]
"""An example by its split and its id there."""

LARGEST_SIDE = 160
"""Pixels; larger pictures are made smaller, so that a page of twenty classes of photos has about 4 MB."""

_JPEG_QUALITY = 80


def picture_uris(run: Run, data: Dataset, positions: list[int]) -> dict[int, str]:
    """``data:`` addresses of the pictures of the examples at ``positions`` of the run, by position.

    Raises:
        BadInput: the data lack an example of the run, or a picture is unreadable.
    """
    uris = run_pictures(run, data, np.array(positions, np.int64), picture_uri)
    return dict(zip(positions, uris, strict=True))


def named_uris(data: Dataset, wanted: Iterable[Named]) -> dict[Named, str]:
    """``data:`` addresses of pictures by their split and id; those that the data lack are left out.

    Raises:
        BadInput: a picture is unreadable.
    """
    found: dict[Named, str] = {}
    asked = set(wanted)
    for name, split in data.splits.items():
        at = [i for i, one in enumerate(split.ids.tolist()) if (name, one) in asked]
        uris = split.map_pictures(np.array(at, np.int64), picture_uri)
        found |= {(name, one): uri for one, uri in zip(split.ids[at].tolist(), uris, strict=True)}
    return found


def picture_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """A picture [height, width, channels] as a ``data:`` address.

    Small ones are kept to the pixel (PNG). A side beyond `LARGEST_SIDE` pixels is reduced to that, and
    as those pixels are no longer the data's own, compressed with loss (JPEG).
    """
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    file = io.BytesIO()
    if max(image.size) > LARGEST_SIDE:
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
        image.save(file, "JPEG", quality=_JPEG_QUALITY)
        kind = "jpeg"
    else:
        image.save(file, "PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
