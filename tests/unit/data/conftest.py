from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EASINESS_CACHE", str(folder))
    return folder


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """A picture of random pixels: ``picture(seed, size=(width, height), mode="RGB")``."""

    def make(seed: int = 0, size: tuple[int, int] = (4, 4), mode: str = "RGB") -> Image.Image:
        width, height = size
        channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, *channels), dtype=np.uint8)
        return Image.fromarray(pixels)

    return make


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Image.Image]) -> Path:
    """Two class folders, cat and dog, of three 4 x 4 pictures each."""
    root = tmp_path / "pets"
    for c, name in enumerate(["cat", "dog"]):
        (root / name).mkdir(parents=True)
        for i in range(3):
            picture(10 * c + i).save(root / name / f"{i}.png")
    return root
