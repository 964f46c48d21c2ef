"""Sounds for tests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile


def tone(hertz: float, seconds: float = 0.5, rate: int = 8000, loud: float = 0.5) -> np.ndarray:
    """A sine, float32 [n]."""
    times = np.arange(round(seconds * rate)) / rate
    wave: np.ndarray = (loud * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
    return wave


def encoded(samples: np.ndarray, rate: int = 8000, form: str = "WAV", subtype: str | None = None) -> bytes:
    """A file of samples [n] or [n, channels], as bytes."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def write_sounds(root: Path, classes: dict[str, list[bytes]], suffix: str = ".wav") -> Path:
    """Class folders of files with these bytes, named 0, 1, ...; gives their root."""
    for name, files in classes.items():
        (root / name).mkdir(parents=True)
        for at, content in enumerate(files):
            (root / name / f"{at}{suffix}").write_bytes(content)
    return root
