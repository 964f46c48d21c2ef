"""All kinds of sources of features, and the source that a text or an object names."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from easiness.data import Dataset
from easiness.errors import BadInput, nearest
from easiness.features.arrays import CODE, COLUMN, INPUTS, NPY, NPZ, by_function, from_given
from easiness.features.from_nothing import HASHED_TEXTS, LOGMEL
from easiness.features.frozen import (
    ENCODER,
    TIMM,
    TORCHVISION,
    FrozenNetwork,
    of_package,
    packaged_encoder,
    packaged_weights,
)
from easiness.features.hub.sequences import HUB
from easiness.features.of_run import RUN
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.inputs import IMAGE, SOUND, TEXT, VECTOR
from easiness.lazy_torch import torch
from easiness.named_import import needing_torch
from easiness.spec import FeaturesRef

AUTO_NAME = "auto"


def _auto(request: Request) -> FeatureSource:
    """The usual source for a kind of examples."""
    usual = {IMAGE: of_package, VECTOR: INPUTS.find, TEXT: _auto_of_texts, SOUND: LOGMEL.find}
    request.check_kind(*usual)
    return next(find for kind, find in usual.items() if kind.name == request.data.kind.name)(request)


def _auto_of_texts(request: Request) -> FeatureSource:
    if packaged_encoder() is None:
        return HASHED_TEXTS.find(request)
    return HUB.find(replace(request, text=f"{HUB.prefix}{ENCODER}"))


def has_usual(kind: str) -> bool:
    """Is the source of ``auto`` for this kind installed? Only that of pictures is a package."""
    return kind != IMAGE.name or packaged_weights() is not None


AUTO = FeatureKind(AUTO_NAME, _auto, frozen=True)
KINDS: tuple[FeatureKind, ...] = (
    *(AUTO, INPUTS, HASHED_TEXTS, LOGMEL, TIMM, TORCHVISION),
    *(HUB, RUN, COLUMN, NPY, NPZ, CODE),
)
"""The first kind that reads a text takes it."""


def find_features(
    form: Any, data: Dataset, *, download: bool = False, device: torch.device | str = "cpu"
) -> FeatureSource:
    """The source of features of a ``form``, a text or an object, for the examples of ``data``."""
    if isinstance(form, FeatureSource):
        return form
    if not isinstance(form, str | os.PathLike):
        return by_function(form) if callable(form) else from_given(form, data)
    request = Request(os.fspath(form), data, download, device)
    kind = _kind_of(request.text)
    if kind is None:
        hint = nearest(request.text.lower(), [kind.prefix or kind.form for kind in KINDS])
        raise BadInput(f"{request.what}: not known{hint}; give {feature_forms()}")
    with needing_torch(request.what):
        return kind.find(request)


def _kind_of(text: str) -> FeatureKind | None:
    return next((kind for kind in KINDS if kind.reads(text)), None)


def code_behind(text: str) -> str | None:
    return text.partition(":")[0] if _kind_of(text) is CODE else None


def feature_forms(*, frozen: bool = False) -> str:
    """The forms of sources in one line, for help and errors; with ``frozen`` those of published networks."""
    *forms, last = (kind.form for kind in KINDS if kind.frozen or not frozen)
    return f"{', '.join(forms)} or {last}"


def find_frozen(ref: FeaturesRef, data: Dataset, device: torch.device) -> FeatureSource:
    kind = _kind_of(ref.name)
    if kind is None or not kind.frozen:
        raise BadInput(_blind(ref.name))
    source = kind.find(Request(ref.name, data, device=device))
    if source.identity != ref.identity:
        raise BadInput(f"features {ref.name!r}: have changed since the run; measure it again")
    return source


def eye_of(source: FeatureSource) -> FrozenNetwork:
    if source.eye is None:
        raise BadInput(_blind(source.name))
    return source.eye


def _blind(name: str) -> str:
    return (
        f"features {name!r}: come from no network that could look at perturbed examples; give a run on "
        f"{feature_forms(frozen=True)}"
    )
