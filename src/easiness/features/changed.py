"""Vectors of examples that are changed before frozen networks see them, rounded as those that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch

from easiness.data import Dataset, rewritten
from easiness.errors import BadInput
from easiness.features.kept import Halves, halved
from easiness.features.registry import KINDS, feature_forms
from easiness.features.source import Eye, FeatureSource, Request
from easiness.perturb import Transform
from easiness.spec import FeaturesRef

_EXAMPLES = 1024  # at a time
_PARTS = 64  # of what networks give at a time: a picture or a batch


def find_frozen(ref: FeaturesRef, data: Dataset, device: torch.device) -> FeatureSource:
    """The frozen network that made the features of a run; only networks that are published are found.

    Raises:
        BadInput: the features come from elsewhere, or the network is not here as it was.
    """
    kind = next((kind for kind in KINDS if kind.reads(ref.name)), None)
    if kind is None or not kind.frozen:
        raise BadInput(_blind(ref.name))
    source = kind.find(Request(ref.name, data, device=device))
    if source.identity != ref.identity:
        raise BadInput(f"features {ref.name!r}: have changed since the run; measure it again")
    return source


def eye_of(source: FeatureSource) -> Eye:
    """How a network that `find_frozen` has found sees pictures.

    Raises:
        BadInput: it sees none.
    """
    if source.eye is None:
        raise BadInput(_blind(source.name))
    return source.eye


def _blind(name: str) -> str:
    return (
        f"features {name!r}: come from no network that could look at perturbed examples; give a run on "
        f"{feature_forms(frozen=True)}"
    )


def changed_vectors(
    sources: Sequence[FeatureSource], exponents: Sequence[int], split: Dataset, transform: Transform
) -> Iterator[list[Halves]]:
    """Vectors [b, D] of all examples under ``transform``, of each source, some examples at a time.

    They are rounded as those that `kept_features` keeps, by its ``exponents``, and cut where they are larger.
    Of texts that are rewritten any source makes vectors that reads them.

    Raises:
        BadInput: a picture is unreadable, or the transform fails.
    """
    everything = np.arange(len(split))
    if split.kind.rewritten is not None:
        yield from vectors_of_changed(sources, exponents, rewritten(split, transform))
        return
    parts = zip(*(eye_of(one).read(split, everything, transform) for one in sources), strict=True)
    while some := list(islice(parts, _PARTS)):
        yield [
            halved(np.concatenate(own), exponent)
            for own, exponent in zip(zip(*some, strict=True), exponents, strict=True)
        ]


def vectors_of_changed(
    sources: Sequence[FeatureSource], exponents: Sequence[int], changed: Dataset
) -> Iterator[list[Halves]]:
    """Vectors [b, D] of the examples of a split that were replaced by others, of each source, as kept ones.

    What sources have learned from the training examples, as weights of words, stays as it was. Rounded as by
    `changed_vectors`.

    Raises:
        BadInput: an example is unreadable, or a network cannot take it.
    """
    for start in range(0, len(changed), _EXAMPLES):
        some = np.arange(start, min(start + _EXAMPLES, len(changed)))
        yield [
            halved(one.vectors(changed, some), exponent)
            for one, exponent in zip(sources, exponents, strict=True)
        ]
