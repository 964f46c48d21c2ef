"""Sounds as a kind of examples: recordings of any length, each a log-mel picture of one window of it."""

from __future__ import annotations

import base64
import io
import wave
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.inputs.flaws import OF_SOUNDS
from easiness.inputs.kind import Exported, InputKind, Shown, timed
from easiness.inputs.memory import check_fits
from easiness.inputs.packed import Packed, Values
from easiness.inputs.sound.log_mel import Samples, log_mel, windowed
from easiness.inputs.sound.samples import SOUND_FILES
from easiness.inputs.sound.scan import SoundTraits
from easiness.spec import Recipe

if TYPE_CHECKING:
    from easiness.inputs.bank import Preparation

LONGEST = 10
"""Seconds that are shown and played in a page; of a longer sound its loudest."""

MOST_COLUMNS = 320
"""Of the picture, at most."""

_BANDS = 64
_HOP = 0.005  # seconds between columns of a short sound
_LOUDEST = 32767  # of 16 bits


class ShownSound(Shown):
    """``value`` [n] at the rate of ``traits``."""

    suffix = ".wav"

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
    def address(self) -> str:
        """As `sound`."""
        return self.sound

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
        return len(self._part) / int(self.traits.rate)

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


def picture(samples: Samples, rate: int, recipe: Recipe) -> npt.NDArray[np.float16]:
    """The log-mel picture [mels, frames] of the window that a network hears of a sound; see `log_mel`.

    Of single precision's last bits, which differ between machines, half precision has none.
    """
    num = recipe.frames * max(1, round(recipe.hop * rate))
    return log_mel(windowed(samples, num), rate, recipe.mels, recipe.hop).astype(np.float16)


class SoundKind(InputKind):
    """Sounds, which networks hear as log-mel pictures. No array is some without a rate; see `to_sounds`."""

    name = "sound"
    noun, nouns, values = "sound", "sounds", "samples"
    axes = ("channels", "bands", "time")
    columns = ("audio", "sound")
    networks = ("wrn_10_1", "mlp_3")
    show = ShownSound
    exported = Exported("audio", "file", feature="Audio", dtype="Audio")
    files = SOUND_FILES
    flaws = OF_SOUNDS

    def pixels(self, value: Samples, traits: SoundTraits) -> npt.NDArray[np.uint8]:
        """The log-mel picture, nearly a square."""
        return ShownSound(value, traits).square

    def pack(self, examples: Any, recipe: Recipe, *_: object) -> Packed:
        """The log-mel pictures of one split, [K, mels, frames]."""
        shape = (len(examples.stored), recipe.mels, recipe.frames)
        check_fits(2 * int(np.prod(shape)), "log-mel pictures")
        made = np.empty(shape, np.float16)
        heard = examples.stored.map(partial(picture, rate=examples.traits.rate, recipe=recipe))
        for at, one in enumerate(heard):
            made[at] = one
        return Packed.of_array(made)

    def decoding(self, examples: Any, recipe: Recipe, *_: object) -> tuple[int, float]:
        """By the first sounds of the split; they are kept in memory."""
        return 0, timed(examples.stored, partial(picture, rate=examples.traits.rate, recipe=recipe))[1]

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> Preparation:  # noqa: ARG002
        """Shifted, louder or quieter, masked, and standardized."""
        from easiness.inputs.sound.preparation import Heard

        return Heard(recipe, augment)

    def made_up(self, num: int, shape: tuple[int, ...], recipe: Recipe) -> Packed:  # noqa: ARG002
        """Random pictures."""
        random = np.random.default_rng(0)
        return Packed.of_array(random.random((num, *shape[1:]), np.float32).astype(np.float16))

    def seen(self, recipe: Recipe, /) -> str:
        """How networks hear sounds."""
        return (
            f", heard as log-mel pictures of {recipe.mels} bands × {recipe.frames} columns "
            f"({recipe.seconds:g} seconds)"
        )

    def augmentation(self, recipe: Recipe, *_: object) -> str:
        """Shift, gain and masks."""
        said = [
            f"shift by up to {recipe.time_shift:.0%} of the window" if recipe.time_shift else "no shift",
            f"gain of up to ±{recipe.gain:g} dB" if recipe.gain else "no gain",
        ]
        if recipe.masks:
            said.append(
                f"{recipe.masks} x up to {recipe.time_mask:.0%} of the time and {recipe.mel_mask:.0%} of the "
                "bands silenced"
            )
        return ", ".join(said)

    def observation(self, recipe: Recipe, /) -> str:
        """The window."""
        return f"the loudest {recipe.seconds:g} seconds, shorter sounds with silence on both sides"


SOUND = SoundKind()
