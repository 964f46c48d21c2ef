from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness.store import Run
from recording import recorded


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Run]:
    """`recorded` in this test's folder, under a ``name``."""

    def make(logits: Any, labels: Any = None, *, name: str = "recorded", **options: Any) -> Run:
        return recorded(tmp_path / name, logits, labels, **options)

    return make


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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of torch's downloads, empty, and no Hugging Face cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder
