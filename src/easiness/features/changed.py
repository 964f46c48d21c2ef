"""Vectors of pictures that are changed before frozen networks see them, rounded as those that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.half import Halves, halved
from easiness.features.registry import KINDS, feature_forms
from easiness.features.source import Eye, FeatureSource, Request
from easiness.perturb import Transform
from easiness.spec import FeaturesRef

_PARTS = 64  # of what networks give at a time: a picture or a batch


def find_frozen(ref: FeaturesRef, data: Dataset, device: torch.device) -> FeatureSource:
    """The frozen network that made the features of a run; only networks that are published are found.

    Raises:
        BadInput: the features come from elsewhere, or the network is not here as it was.
    """
    kind = next((kind for kind in KINDS if kind.reads(ref.name)), None)
    if kind is None or not kind.frozen:
        raise BadInput(
            f"features {ref.name!r}: come from no network that could look at perturbed pictures; give a run "
            f"on {feature_forms(frozen=True)}"
        )
    source = kind.find(Request(ref.name, data, device=device))
    if source.identity != ref.identity:
        raise BadInput(f"features {ref.name!r}: have changed since the run; measure it again")
    return source


def eye_of(source: FeatureSource) -> Eye:
    """How a network that `find_frozen` has found sees pictures."""
    assert source.eye is not None
    return source.eye


def changed_vectors(
    sources: Sequence[FeatureSource], exponents: Sequence[int], split: Dataset, transform: Transform
) -> Iterator[list[Halves]]:
    """Vectors [b, D] of all examples under ``transform``, of each source, some examples at a time.

    They are rounded as those that `kept_features` keeps, by its ``exponents``, and cut where they are larger.

    Raises:
        BadInput: a picture is unreadable, or the transform fails.
    """
    everything = np.arange(len(split))
    parts = zip(*(eye_of(one).read(split, everything, transform) for one in sources), strict=True)
    while some := list(islice(parts, _PARTS)):
        yield [
            halved(np.concatenate(own), exponent, cut=True)
            for own, exponent in zip(zip(*some, strict=True), exponents, strict=True)
        ]
