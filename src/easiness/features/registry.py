"""Every kind of sources of features, and the one that is given."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from easiness.data import Dataset
from easiness.errors import BadInput, nearest
from easiness.features.array_files import NPY, NPZ
from easiness.features.arrays import INPUTS, from_given
from easiness.features.called import CALLED, by_function
from easiness.features.column import COLUMN
from easiness.features.hub.networks import HUB
from easiness.features.of_run import RUN
from easiness.features.published import AUTO, TIMM, TORCHVISION
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.named_import import current_folder_importable

if TYPE_CHECKING:
    import torch

KINDS: tuple[FeatureKind, ...] = (
    AUTO,
    INPUTS,
    TIMM,
    TORCHVISION,
    HUB,
    RUN,
    COLUMN,
    NPY,
    NPZ,
    CALLED,
)
"""A text belongs to the first that reads it."""


def find_features(
    given: Any, data: Dataset, *, download: bool = False, device: torch.device | str = "cpu"
) -> FeatureSource:
    """The source of features that is ``given`` for the examples of ``data``.

    Args:
        given: a text of a form that `feature_forms` names; in Python also an array [K, D] in the order of
            the examples (those held out behind the others), or one for each split by its name (``train``,
            ``held_out``).
        data: the examples.
        download: fetch weights that are not on this disk.
        device: what networks compute on.

    Raises:
        BadInput: it is not known, cannot be had, or does not go with the examples.
        RunFailed: a download failed.
    """
    if isinstance(given, FeatureSource):
        return given
    if not isinstance(given, str | os.PathLike):
        return by_function(given) if callable(given) else from_given(given, data)
    request = Request(os.fspath(given), data, download, device)
    for kind in KINDS:
        if kind.reads(request.text):
            if kind is CALLED and (hint := _mistyped(request.text)):
                raise BadInput(f"{request.what}: not known{hint}; give {feature_forms()}")
            return kind.find(request)
    raise BadInput(_unknown(request.text))


def code_behind(text: str) -> str | None:
    """The module that finding features of this name imports; ``None`` where there is none."""
    kind = next((kind for kind in KINDS if kind.reads(text)), None)
    return text.partition(":")[0] if kind is CALLED else None


def feature_forms(*, frozen: bool = False) -> str:
    """The forms of a source, for help and error texts (one line); with ``frozen`` of published networks."""
    *forms, last = (kind.form for kind in KINDS if kind.frozen or not frozen)
    return f"{', '.join(forms)} or {last}"


def _mistyped(text: str) -> str:
    """A hint where a prefix is nearly right and no module is called so."""
    prefix = text.partition(":")[0]
    with current_folder_importable():
        if find_spec(prefix.partition(".")[0]) is not None:
            return ""
    return nearest(f"{prefix}:", [kind.form.removesuffix("NAME").removesuffix("RUN") for kind in KINDS], 0.7)


def _unknown(text: str) -> str:
    names = [name for kind in KINDS for name in kind.names]
    return f"features {text!r}: not known{nearest(text.lower(), names)}; give {feature_forms()}"
