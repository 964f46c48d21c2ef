"""Photos of many sizes through the whole program: decoded once, and the same whatever holds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import easiness as ez
from easiness.inputs import IMAGE
from easiness.inputs.image import kind as module

NUM = 12  # photos of each class and split


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train and val, cats dark and dogs bright: JPEG of many sizes and aspect ratios, one of them grey."""
    root = tmp_path_factory.mktemp("photos") / "pets"
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name, brightest in (("cat", 120), ("dog", 256)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(NUM):
                height, width = (int(side) for side in rng.integers(20, 90, 2))
                pixels = rng.integers(0, brightest, (height, width, 3), dtype=np.uint8)
                image = Image.fromarray(pixels)
                (image.convert("L") if i == 5 else image).save(folder / f"{i:02d}.jpg")
    return root


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the photos as they are decoded, but for the few that are to tell what decoding costs."""
    monkeypatch.setattr(IMAGE, "decoding", lambda *_: (0, 0.0))
    names: list[str] = []
    decode = module.decode_image

    def noted(blob: Any, name: str, channels: Any) -> Any:
        names.append(name)
        return decode(blob, name, channels)

    monkeypatch.setattr(module, "decode_image", noted)
    return names


@pytest.fixture
def measure(photos: Path, tmp_path: Path) -> Callable[..., ez.Run]:
    def call(out: str = "run", source: Any = photos, **options: Any) -> ez.Run:
        settings = {
            "model": "wrn_10_1",
            "trials": 2,
            "epochs": 2,
            "precision": "float32",
            "recipe": {"crop": 24},
        }
        return ez.measure(source, **{**settings, **options}, out=tmp_path / out)

    return call


@pytest.mark.long
def test_each_photo_is_decoded_once_whatever_is_trained(measure, decoded, tmp_path):
    measure()
    assert sorted(decoded) == sorted(set(decoded))
    assert len(decoded) == 4 * NUM
    files = sorted((tmp_path / "easiness-cache").iterdir())
    assert [file.suffix for file in files] == [".photos"] * 2
    decoded.clear()
    measure(trials=3, epochs=3)
    measure("another", model="mlp_2_w16")
    assert decoded == []


def test_without_the_cache_photos_are_held_in_memory(measure, decoded, contents, tmp_path):
    cached = contents(measure("cached").path)
    decoded.clear()
    assert contents(measure("held", cache=False).path) == cached
    assert len(decoded) == 4 * NUM
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cached", "easiness-cache", "held"]


def test_the_plan_says_how_photos_are_seen(command, photos, tmp_path):
    options = ["--model", "mlp_2_w16", "--trials", 1, "--epochs", 2, "--out", tmp_path / "run"]
    planned = command("measure", photos, *options, "--dry-run")
    assert planned.code == 0
    assert "crop of 35% to 100% of the photo's area" in planned.out
    assert "of cached photos" in planned.out
    smaller = command("measure", photos, *options, "--image-size", 12, "--dry-run")
    assert "resized to 12 x 12 pixels" in smaller.out
    assert list(tmp_path.iterdir()) == []
