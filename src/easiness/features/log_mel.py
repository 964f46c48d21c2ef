"""Vectors of sounds from nothing: statistics of their log-mel pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np

from easiness.data import Dataset
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import SOUND, Samples, log_mel

NAME = "logmel"
RULE = 1
"""Of how vectors are made: a change in it makes other features."""

MELS, HOP, QUARTERS = 64, 0.01, 4
"""Bands of frequency, seconds between columns, and parts of a sound that have means of their own."""

_AT_ONCE = 256
_ABOUT = (
    "Log-mel pictures: of each band of frequency the mean, the standard deviation, the mean change and the "
    "means of four quarters of the sound. Nothing is learned."
)


def _of_sounds(request: Request) -> FeatureSource:
    request.check_kind(SOUND)
    rate = request.data.traits.rate
    identity = identity_of(form=NAME, rule=RULE, mels=MELS, hop=HOP, quarters=QUARTERS, rate=rate)
    return FeatureSource(NAME, identity, _ABOUT, lambda split, positions: _read(split, positions, rate))


def _read(split: Dataset, positions: Positions, rate: int) -> Iterator[Vectors]:
    made = split.stored.subset(positions).map(lambda sound: statistics(sound, rate))
    while some := list(islice(made, _AT_ONCE)):
        yield np.stack(some)


def statistics(sound: Samples, rate: int) -> Vectors:
    """The vector [`MELS` * (3 + `QUARTERS`)] of samples at ``rate`` a second, however loud these are."""
    picture = log_mel(sound, rate, MELS, HOP)
    frames = picture.shape[1]
    change = np.abs(np.diff(picture, axis=1)).sum(axis=1) / max(1, frames - 1)
    edges = np.arange(QUARTERS + 1) * frames
    # parts overlap by a column where frames are no multiple of four, so that none is empty
    parts = [picture[:, low // QUARTERS : -(-high // QUARTERS)] for low, high in pairwise(edges)]
    return np.concatenate(
        [picture.mean(axis=1), picture.std(axis=1), change, *(one.mean(axis=1) for one in parts)]
    )


LOGMEL = FeatureKind(NAME, _of_sounds)
