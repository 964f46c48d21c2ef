"""Columns of numbers, and the course of probabilities over epochs, in few bytes for the script of a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from easiness.show import count
from easiness.spec import Split
from easiness.store import Run

Document = dict[str, Any]
"""What JSON can hold."""

Bits = Literal[8, 16]

_MOST_LEVELS = 255


def quantized(values: npt.NDArray[Any], bits: Bits) -> Document:
    """Numbers [K] as unsigned codes: exact where there are at most 255 different ones, else to half a step.

    ``{"bits", "codes", "levels"}``: a code is a place in ``levels``; or ``{"bits", "codes", "low",
    "step"}``: a code c is ``low + c * step``. Codes are little-endian in base64, and the largest that
    ``bits`` can hold is an undefined value: NaN, or one that is not finite.
    """
    values = np.asarray(values, np.float64)
    defined = np.isfinite(values)
    levels, places = np.unique(values[defined], return_inverse=True)
    if len(levels) <= _MOST_LEVELS:
        codes = np.full(values.shape, 255, np.uint8)
        codes[defined] = places
        return {"bits": 8, "codes": encoded(codes), "levels": levels.tolist()}
    most = (1 << bits) - 1
    low, high = float(levels[0]), float(levels[-1])
    step = high / (most - 1) - low / (most - 1)  # the difference itself may overflow
    codes = np.full(values.shape, most, np.uint8 if bits == 8 else np.uint16)
    codes[defined] = np.clip(np.rint(values[defined] / step - low / step), 0, most - 1)
    return {"bits": bits, "codes": encoded(codes), "low": low, "step": step}


def shares(values: npt.NDArray[Any]) -> str:
    """Numbers in 0..1, of any shape, as bytes in base64: 254 is 1, and 255 is undefined."""
    codes = np.full(values.shape, 255, np.uint8)
    defined = np.isfinite(values)
    codes[defined] = np.clip(np.rint(254 * np.asarray(values, np.float64)[defined]), 0, 254)
    return encoded(codes)


def indices(values: npt.NDArray[np.integer[Any]], num: int) -> Document:
    """Indices below ``num`` [K], or -1 for none: ``{"bits", "codes"}``, the largest code is none."""
    bits: Bits | Literal[32] = 8 if num < 1 << 8 else 16 if num < 1 << 16 else 32
    codes = np.asarray(values, np.int64) % (1 << bits)
    return {"bits": bits, "codes": encoded(codes.astype(f"<u{bits // 8}"))}


def named(ids: npt.NDArray[Any]) -> Document:
    """Ids [K] as one value, shorter than a list where it can be.

    ``{"first", "step"}`` where they are evenly spaced, ``{"numbers"}``, or for paths ``{"folders", "of",
    "names"}``: an id is its folder, which ends in ``/`` or is empty, and its name.
    """
    if ids.dtype == np.int64:
        steps = np.unique(np.diff(ids))
        exact = max(abs(int(ids.min())), abs(int(ids.max()))) < 1 << 53  # beyond it scripts cannot count
        if len(steps) == 1 and exact:
            return {"first": int(ids[0]), "step": int(steps[0])}
        return {"numbers": [str(one) for one in ids.tolist()]}
    parts = [str(one).rpartition("/") for one in ids.tolist()]
    folders = {folder + slash: None for folder, slash, _ in parts}
    place = {name: at for at, name in enumerate(folders)}
    of = np.array([place[folder + slash] for folder, slash, _ in parts], np.int64)
    return {"folders": list(folders), "of": indices(of, len(folders)), "names": [name for *_, name in parts]}


def encoded(codes: npt.NDArray[Any]) -> str:
    """The bytes of an array, little-endian, in base64."""
    return base64.b64encode(codes.astype(codes.dtype.newbyteorder("<")).tobytes()).decode()


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Probabilities of the label in a run, after ``epochs``, or at shares, as ``row_name`` says.

    ``mean`` [n, epochs] is over trials, of all n points. ``by_trial`` [m, trials, epochs] has each trial, of
    the points at ``detailed`` [m].
    """

    epochs: list[int] | list[float]
    num_observed: int
    mean: npt.NDArray[np.float32] = field(repr=False)
    detailed: npt.NDArray[np.int64] = field(repr=False)
    by_trial: npt.NDArray[np.float32] = field(repr=False)
    row_name: str = "epoch"

    def document(self) -> Document:
        """The trajectories as values of JSON; probabilities to 1/508."""
        everything = len(self.detailed) == len(self.mean)
        return {
            "rowName": self.row_name,
            "rows": self.epochs,
            "mean": shares(self.mean),
            "detailed": None if everything else encoded(self.detailed.astype(np.uint32)),
            "byTrial": shares(self.by_trial),
        }

    def notes(self) -> list[str]:
        """Sentences on what is left out."""
        found = []
        if len(self.epochs) < self.num_observed:
            found.append(
                f"Trajectories show {len(self.epochs)} of the {self.num_observed} {self.row_name}s observed."
            )
        if 0 < len(self.detailed) < len(self.mean):
            found.append(
                f"Curves of single trials are kept for {count(len(self.detailed))} examples, those "
                "with a picture and suspects first. Their mean is kept for all."
            )
        return found


def trajectories(
    run: Run,
    epoch: int,
    points: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    most: tuple[int, int],
    split: Split = "train",
) -> Trajectories:
    """The trajectories of the examples at ``points`` [n] of a split of a run up to an epoch."""
    observed = [one for one in run.observed if one <= epoch]
    epochs = _spread(observed, max(2, most[0] // max(1, len(points))))
    num_trials = len(run.trials)
    fit = most[1] // (num_trials * len(epochs))
    detailed = np.arange(len(points)) if num_trials > 1 and len(points) <= fit else np.sort(first[:fit])
    if run.shares or num_trials == 1:  # heads that saw an example are not heard, or the mean is all there is
        detailed = detailed[:0]
    mean, num = np.zeros((2, len(epochs), len(points)))
    by_trial = np.empty((num_trials, len(epochs), len(detailed)), np.float32)
    for row, trial in enumerate(run.trials):
        for at, one in enumerate(epochs):
            seen = trial.columns(one, ["loss", "trained_on"], split)
            p = np.exp(-seen["loss"][points].astype(np.float64))
            heard = ~seen["trained_on"][points] if run.shares else True
            mean[at] += np.where(heard, p, 0)
            num[at] += heard
            by_trial[row, at] = p[detailed]
    with np.errstate(invalid="ignore"):
        mean /= num
    return Trajectories(
        [run.row(one).value for one in epochs],
        len(observed),
        mean.T.astype(np.float32),
        detailed,
        np.ascontiguousarray(by_trial.transpose(2, 0, 1)),
        run.row_name,
    )


def _spread(epochs: list[int], most: int) -> list[int]:
    """At most so many of the epochs, the first and the last among them."""
    if len(epochs) <= most:
        return epochs
    places = np.unique(np.rint(np.linspace(0, len(epochs) - 1, most)).astype(int))
    return [epochs[at] for at in places.tolist()]
