"""Flaws of pictures and sounds that show nothing, by three numbers of each example.

The numbers of a picture are the first and the 99th percentile of its grey values and the share of white
pixels; those of a sound, of full scale 1, are its peak, its root mean square and the share of quiet samples.
A flaw that many examples of the data have is their nature, and none is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FLAWS = ("", "blank", "dark", "overexposed", "silent")  # names of flaws by index; 0 is none

FLAT, DARK = 0.05, 0.15  # grey values, of 1: the range of a blank picture, and the brightest of a dark one
WHITE, MOSTLY, PALE = 0.97, 0.5, 0.4  # a white pixel, their share in an overexposed picture, its darkest
FAINT, QUIET, NEARLY_ALL = 0.003, 0.001, 0.99  # peak of silence; a quiet sample; their share beside a click
_SIDE = 256  # pixels that are looked at, at most
_KIND, _FEW = 0.05, 5  # of the examples, and in number: more with one flaw are so by kind


@dataclass(frozen=True)
class Flaws:
    """``look`` gives three numbers of an example, ``classify`` the index in `FLAWS` of each row [K, 3]."""

    look: Callable[[npt.NDArray[Any]], tuple[float, float, float]]
    classify: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.int64]]

    def among(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The flaw [K] of each of K examples of one data set, by their numbers [K, 3]."""
        flaws = self.classify(numbers)
        by_kind = np.bincount(flaws, minlength=len(FLAWS)) > max(_KIND * len(flaws), _FEW)
        return np.where(by_kind[flaws], 0, flaws)


def _look_at(pixels: npt.NDArray[np.uint8]) -> tuple[float, float, float]:
    step = -(-max(pixels.shape[:2]) // _SIDE)
    grey = pixels[::step, ::step].mean(axis=-1) / 255
    low, high = np.percentile(grey, (1, 99))
    return float(low), float(high), float((grey >= WHITE).mean())


def _classify_pictures(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    low, high, white = numbers.T
    return np.select([high - low < FLAT, high < DARK, (white > MOSTLY) & (low > PALE)], [1, 2, 3], 0)


def _listen_to(samples: npt.NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    loud = np.abs(samples)
    return float(loud.max()), float(np.sqrt(np.square(loud).mean())), float((loud < QUIET).mean())


def _classify_sounds(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    peak, level, quiet = numbers.T
    return np.where((peak < FAINT) | ((level < QUIET) & (quiet > NEARLY_ALL)), 4, 0)


OF_PICTURES = Flaws(_look_at, _classify_pictures)
OF_SOUNDS = Flaws(_listen_to, _classify_sounds)
