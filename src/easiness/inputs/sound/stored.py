"""Sounds in memory: arrays of samples at one rate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.sound.decode import RATES, problem_of, resampled
from easiness.inputs.sound.log_mel import Samples
from easiness.inputs.sound.scan import SoundHeader, SoundTraits, scan

R = TypeVar("R")

_FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}
"""What samples of whole numbers are divided by."""


class ArraySounds:
    """Sounds [n] in memory, all at ``rate`` a second; stored bytes are the rate and float32 samples."""

    def __init__(self, sounds: Sequence[Samples], rate: int) -> None:
        self._sounds = sounds
        self._rate = rate

    def __len__(self) -> int:
        return len(self._sounds)

    @cached_property
    def traits(self) -> SoundTraits:
        """Rate and usual length of these sounds."""
        traits = scan(SoundHeader(self._rate, 1, len(sound)) for sound in self._sounds)
        assert traits is not None
        return traits

    def samples(self) -> list[Samples]:
        """The samples of each at the rate that they were given with."""
        return list(self._sounds)

    def subset(self, positions: npt.NDArray[np.int64]) -> ArraySounds:
        """The sounds at ``positions``, with the traits of all."""
        part = ArraySounds([self._sounds[at] for at in positions.tolist()], self._rate)
        part.__dict__["traits"] = self.traits
        return part

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each sound's rate and samples."""
        prefix = f"{self._rate}:".encode()
        return [hashlib.sha256(prefix + sound.astype("<f4").tobytes()).hexdigest() for sound in self._sounds]

    def map(self, function: Callable[[Samples], R]) -> Iterator[R]:
        """``function`` of each sound at the rate of the traits."""
        return (function(resampled(sound, self._rate, self.traits.rate)) for sound in self._sounds)

    def name(self, position: int) -> str:
        """The position among the sounds."""
        return f"sound {position}"


def to_sounds(sounds: Any, rate: Any, where: str, name: Callable[[int], str] | None = None) -> ArraySounds:
    """A list of arrays [n], or an array [K, n], of samples at one ``rate`` a second, copied.

    Samples are floats in [-1, 1], or int16 or int32 of full scale. ``name`` says what the one at a position
    is called in an error.

    Raises:
        BadInput: there are several rates or one that no sound has, or a sound is no such array, empty or
            not finite.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise BadInput(
            f"rate={rate!r:.40}: is not one whole number; give the samples a second that all sounds have, "
            "such as 16000, and resample those that have another"
        )
    if not RATES[0] <= rate <= RATES[1]:
        raise BadInput(f"rate={rate}: no rate of sounds; give {RATES[0]:,} to {RATES[1]:,} samples a second")
    if len(sounds) == 0:
        raise BadInput(f"{where}: no sounds in it; give at least one")
    called = name or (lambda at: f"{where}: sound {at}")
    return ArraySounds([_samples(sound, called(at)) for at, sound in enumerate(sounds)], int(rate))


def _samples(sound: Any, what: str) -> Samples:
    if isinstance(sound, str | bytes | None):
        raise BadInput(f"{what}: {type(sound).__name__} and no samples; give arrays, or leave out rate=")
    array = np.asarray(sound)
    if array.ndim != 1:
        shape = "x".join(map(str, array.shape)) or "()"
        raise BadInput(f"{what}: shape {shape}; give its samples [n], of several channels their mean")
    if array.dtype.kind != "f" and array.dtype.name not in _FULL_SCALE:
        raise BadInput(f"{what}: samples of {array.dtype}; give floats in [-1, 1], or int16 or int32")
    with np.errstate(over="ignore"):
        samples = (array / _FULL_SCALE.get(array.dtype.name, 1)).astype(np.float32)
    problem = problem_of(samples)
    if problem:
        raise BadInput(f"{what}: {problem}; mend it or leave it out")
    return samples
