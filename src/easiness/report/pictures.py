"""Pictures for the page: found again at the source of a run, and put into the page as data."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.spec import DatasetRef
from easiness.store import Run

LARGEST_SIDE = 96
"""Pixels; larger pictures are made smaller."""

_JPEG_QUALITY = 85


def find_data(run: Run, source: Any) -> tuple[Dataset | None, str]:
    """The data of a run, or ``None`` and why they are not to be had.

    Args:
        run: whose data to find.
        source: where they are now: a `Dataset` or what `load_dataset` takes; ``None`` for where they
            were when the run was made.

    Raises:
        BadInput: the data at the ``source`` given cannot be read, or are others than those of the run.
    """
    ref = run.spec.data
    if source is not None:
        data = _load(source, ref)
        if data.fingerprint != ref.train.fingerprint:
            where = data.name if isinstance(source, Dataset | tuple | list) else source
            raise BadInput(
                f"{where}: these are not the data of {run.path} ({len(data)} and {ref.train.num_examples} "
                f"examples, fingerprints {data.fingerprint[:8]} and {ref.train.fingerprint[:8]}); "
                "give the source it was measured on"
            )
        return data, ""
    if ref.source is None:
        return None, "the run does not say where they are (--source names them)"
    try:
        data = _load(ref.source, ref)
        if data.fingerprint != ref.train.fingerprint:
            return None, f"the data at {ref.source} have changed since the run (--source names others)"
    except BadInput as error:
        return None, f"the data of the run cannot be read ({error})"
    return data, ""


def _load(source: Any, ref: DatasetRef) -> Dataset:
    if isinstance(source, Dataset):
        return source if ref.limit is None or ref.limit == len(source) else source.limit(ref.limit)
    return load_dataset(source, limit=ref.limit, **ref.load_options().model_dump())


def picture_uris(run: Run, data: Dataset, positions: list[int]) -> dict[int, str]:
    """``data:`` addresses of the pictures of the examples at ``positions`` of the run, by position.

    Raises:
        BadInput: the data lack an example of the run, or a picture is unreadable.
    """
    where = {name: at for at, name in enumerate(data.ids.tolist())}
    ids = run.ids.tolist()
    unknown = [ids[position] for position in positions if ids[position] not in where]
    if unknown:
        raise BadInput(
            f"{data.name}: has no example with the id {unknown[0]} of {run.path}; give the source it was "
            "measured on"
        )
    pixels = data.pictures(np.array([where[ids[position]] for position in positions], np.int64))
    return {position: picture_uri(image) for position, image in zip(positions, pixels, strict=True)}


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
