"""Pictures in the tests: in files, all of a data set as one tensor, and banks of tensors and of photos."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from easiness.data import Dataset
from easiness.inputs import IMAGE, Pack, TensorBank
from easiness.inputs.image.preparation import PictureMoves
from easiness.spec import Recipe


def images_of(data: Dataset | None) -> torch.Tensor:
    """The pictures of a data set, uint8 [K, channels, height, width]."""
    assert data is not None
    return torch.from_numpy(data.array).permute(0, 3, 1, 2).contiguous()


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    """The file of a picture, uint8 [height, width] or [height, width, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_pictures(root: Path, pictures: Iterable[tuple[str, Any]]) -> Path:
    """Write each picture, uint8 [height, width] or [height, width, 3], to its name below a folder."""
    for name, pixels in pictures:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)
    return root


def write_noise(
    root: Path, classes: Mapping[str, int], shapes: Iterable[tuple[int, ...]], form: str = "{}.png"
) -> Path:
    """Class folders of random pictures, one of each shape, whose values lie below those of the classes."""
    rng, sizes = np.random.default_rng(0), [*shapes]
    pictures = (
        (f"{name}/{form.format(at)}", rng.integers(0, brightest, shape, np.uint8))
        for name, brightest in classes.items()
        for at, shape in enumerate(sizes)
    )
    return write_pictures(root, pictures)


PETS = {"cat": 256, "dog": 256}


def packed_images(images: torch.Tensor) -> Pack:
    """Images, uint8 [K, channels, height, width], as training takes them."""
    return Pack.of_array(images.permute(0, 2, 3, 1).contiguous().numpy())


def packed_photos(photos: Sequence[np.ndarray[Any, Any]]) -> Pack:
    """Photos, uint8 [height, width, channels] each, as training takes them."""
    return Pack.of_values(photos, np.array([photo.shape for photo in photos], np.int64), np.uint8)


def make_bank(
    images: torch.Tensor | Pack,
    recipe: Recipe,
    device: torch.device,
    *,
    augment: bool,
    sharers: int = 1,
) -> TensorBank:
    """The bank of images [K, channels, height, width], or of photos that are packed."""
    packed = packed_images(images) if isinstance(images, torch.Tensor) else images
    return IMAGE.bank(packed, recipe, device, augment=augment, sharers=sharers)


def moved_bank(
    images: torch.Tensor, recipe: Recipe, device: torch.device, *, shift: int = 0, resident: bool = True
) -> TensorBank:
    """A bank of images that are translated by up to ``shift`` pixels, on the device or on the host."""
    with pytest.MonkeyPatch.context() as patch:
        if not resident:
            patch.setattr("easiness.inputs.bank.has_room", lambda *_: False)
        return TensorBank(packed_images(images), PictureMoves(recipe, shift), device)
