"""What the sounds of a source have in common, read off their headers: the rate, and how long they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from easiness.errors import BadInput
from easiness.inputs.kind import Traits
from easiness.inputs.signature import Signature
from easiness.spec import Recipe

HIGHEST_RATE = 16_000
"""Samples a second, at most; speech and most that is told apart by ear lies below 8 kHz."""

LONGEST = 4.0
"""Seconds that are heard by default, at most."""

FEW_EXAMPLES_A_STEP = 16

_ENOUGH = 0.95  # of the sounds are heard whole
_STEP = 0.04  # seconds, to which the window is rounded up


class SoundHeader(NamedTuple):
    """What a sound's header says: samples a second, channels, and samples a channel."""

    rate: int
    channels: int
    frames: int


@dataclass(frozen=True)
class SoundTraits(Traits):
    """The whole source at a glance.

    ``rate`` is that of all decoded sounds, in samples a second, and ``seconds`` what a network hears of each
    by default. ``others`` are rates that sounds are stored at instead, with how many there are of each.
    """

    rate: int
    seconds: float
    others: tuple[tuple[int, int], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: which sounds are resampled."""
        return tuple(
            f"{num:,} of the sounds {'has' if num == 1 else 'have'} {rate / 1000:g} kHz, and "
            f"{'is' if num == 1 else 'are'} resampled to {self.rate / 1000:g} kHz"
            for rate, num in self.others
        )

    def recipe(self) -> dict[str, Any]:
        """Recipe settings that these sounds need: the window, and small steps, as sounds are seldom many."""
        return {"seconds": self.seconds, "batch_size": FEW_EXAMPLES_A_STEP}

    def signature(self, recipe: Recipe, *_: object) -> Signature:
        """(1, bands, columns) of the log-mel picture."""
        return Signature((1, recipe.mels, recipe.frames))

    def joined(self, held_out: SoundTraits, where: str, names: tuple[str, str]) -> SoundTraits:
        """The traits of the training split; rates must be the same."""
        if self.rate != held_out.rate:
            raise BadInput(
                f"{where}: sounds of {names[0]} have {self.rate:,} samples a second but those of {names[1]} "
                f"{held_out.rate:,}; give both splits the same"
            )
        return self

    def pooled(self, other: SoundTraits, nums: tuple[int, int]) -> SoundTraits:
        """The traits of two sets of so many sounds as one; the larger one decides the rate."""
        rate = self.rate if nums[0] >= nums[1] else other.rate
        return SoundTraits(rate, max(self.seconds, other.seconds))


def scan(headers: Iterable[SoundHeader]) -> SoundTraits | None:
    """The traits of sounds with these headers; ``None`` where there are none.

    The rate is the most common one, the lowest of several, and at most `HIGHEST_RATE`.
    """
    rates = Counter[int]()
    seconds = []
    for header in headers:
        rates[header.rate] += 1
        seconds.append(header.frames / header.rate)
    if not rates:
        return None
    usual = min(rates, key=lambda rate: (-rates[rate], rate))
    rate = min(usual, HIGHEST_RATE)
    others = tuple(sorted((other, num) for other, num in rates.items() if other != rate))
    return SoundTraits(rate, window_for(seconds), others)


def window_for(seconds: Iterable[float]) -> float:
    """The seconds that 95 % of sounds of such lengths do not exceed, within bounds, as a multiple of 0.04."""
    enough = min(float(np.quantile(list(seconds), _ENOUGH)), LONGEST)
    return round(max(4, math.ceil(enough / _STEP - 1e-9)) * _STEP, 2)
