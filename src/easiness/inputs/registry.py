"""All kinds of examples, and the kind of an array."""

from __future__ import annotations

from contextlib import suppress

from easiness.errors import BadInput
from easiness.inputs.image.kind import IMAGE
from easiness.inputs.kind import InputKind
from easiness.inputs.sound.kind import SOUND
from easiness.inputs.text.kind import TEXT
from easiness.inputs.vector import VECTOR
from easiness.lazy import Array
from easiness.named_import import find_offer

KINDS: tuple[InputKind, ...] = (IMAGE, VECTOR, SOUND, TEXT)
"""A folder of classes is of the first kind that has a file in it: a text may lie beside each recording."""


def kind_named(name: str) -> InputKind:
    """The kind of this name, which a study may offer as ``NAME_kind``; raises `BadInput`."""
    by_name = {kind.name: kind for kind in KINDS}
    if name in by_name:
        return by_name[name]
    with suppress(KeyError):
        own: InputKind = find_offer(f"{name}_kind")()
        return own
    raise BadInput(f"examples of kind {name!r}: not known to this version; use the one that wrote the run")


def kind_of(array: Array, where: str) -> InputKind:
    """The kind of the examples in an array [K, ...]; raises `BadInput` if no kind takes it."""
    for kind in KINDS:
        if kind.takes(array):
            return kind
    if array.dtype == object:
        raise BadInput(f"{where}: an array of objects; stack the examples into one array of numbers")
    shape = "x".join(map(str, array.shape)) or "()"
    raise BadInput(
        f"{where}: shape {shape} of {array.dtype}; give images [K, height, width], [K, height, width, "
        "channels] or [K, channels, height, width], vectors [K, D] of floats, or a list of texts"
    )
