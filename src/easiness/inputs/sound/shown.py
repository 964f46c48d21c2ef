"""A sound as people see and hear it: its log-mel picture, and a file to play."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from easiness.inputs.sound.log_mel import Samples, log_mel, windowed
from easiness.inputs.sound.scan import SoundTraits

LONGEST = 10
"""Seconds that are shown and played in a page; of a longer sound its loudest."""

MOST_COLUMNS = 320
"""Of the picture, at most."""

_BANDS = 64
_HOP = 0.005  # seconds between columns of a short sound
_LOUDEST = 32767  # of 16 bits


@dataclass(frozen=True, eq=False)
class ShownSound:
    """``value`` [n] at the rate of ``traits``."""

    value: Samples
    traits: SoundTraits
    suffix: str = ".wav"

    @property
    def text(self) -> str:
        """``0.43 s at 8 kHz``: how long it is, and its rate."""
        return f"{len(self.value) / self.traits.rate:.2f} s at {self.traits.rate / 1000:g} kHz"

    @property
    def uri(self) -> str:
        """A ``data:`` address of its log-mel picture as PNG: dark is loud, the lowest band at the bottom."""
        from PIL import Image

        file, hop = io.BytesIO(), max(_HOP, self._seconds / MOST_COLUMNS)
        Image.fromarray(self._picture(hop)).save(file, "PNG", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    @property
    def sound(self) -> str:
        """A ``data:`` address of a WAV file, for an ``audio`` element; at most `LONGEST` seconds."""
        return f"data:audio/wav;base64,{base64.b64encode(_wav(self._part, self.traits.rate)).decode()}"

    @property
    def square(self) -> npt.NDArray[np.uint8]:
        """The log-mel picture [bands, columns, 1] with as many columns as bands, or nearly so."""
        return self._picture(self._seconds / _BANDS)[:, :_BANDS, None]

    def file(self) -> bytes:
        """A WAV file of all of it, with 16 bits a sample."""
        return _wav(self.value, self.traits.rate)

    def _picture(self, hop: float) -> npt.NDArray[np.uint8]:
        loud = log_mel(self._part, self.traits.rate, _BANDS, hop)
        return np.rint(255 * (1 - loud[::-1])).astype(np.uint8)

    @property
    def _seconds(self) -> float:
        return len(self._part) / self.traits.rate

    @cached_property
    def _part(self) -> Samples:
        most = LONGEST * self.traits.rate
        return self.value if len(self.value) <= most else windowed(self.value, most)


def _wav(samples: Samples, rate: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(samples.clip(-1, 1) * _LOUDEST).astype("<i2").tobytes())
    return made.getvalue()
