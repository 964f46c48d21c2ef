from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness.store import Recorder, Run


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Run]:
    """Records trials from logits [trials, epochs, examples, classes]; ids count from 0 unless given."""

    def make(logits: Any, labels: Any, *, name: str = "recorded", ids: Any = None, **options: Any) -> Run:
        ids = np.arange(len(labels)) if ids is None else ids
        recorder = Recorder(tmp_path / name, ids=ids, labels=labels, **options)
        for seed, epochs in enumerate(np.asarray(logits, np.float64)):
            with recorder.trial(seed=seed) as trial:
                for values in epochs:
                    trial.update(ids, values)
                    trial.end_epoch()
        return recorder.run

    return make


@pytest.fixture
def noisy_logits() -> Callable[..., Any]:
    """Logits of trials that favor the label, by an amount that differs between examples."""

    def make(labels: Any, *, trials: int, epochs: int, seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        classes = int(max(labels)) + 1
        favor = np.linspace(0, 4, len(labels)) * np.eye(classes)[labels].T
        return rng.normal(size=(trials, epochs, len(labels), classes)) + favor.T

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
