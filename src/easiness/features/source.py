"""Sources of features, which make a vector of every example, and kinds of sources."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from easiness import training
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import InputKind
from easiness.lazy import Array, Integers, Singles
from easiness.lazy_torch import torch
from easiness.named_import import split_name
from easiness.records import to_numpy

if TYPE_CHECKING:
    from easiness.features.frozen import FrozenNetwork
    from easiness.store import Run

Positions: TypeAlias = Integers
Vectors: TypeAlias = Singles  # vectors of some examples: [n, D]
Read: TypeAlias = Callable[[Dataset, Positions], Iterator[Any]]
"""A function that yields the vectors of a split at ascending positions, in parts [b, D] of any size."""


@dataclass(frozen=True, eq=False)
class FeatureSource:
    """A maker of vectors of examples.

    ``identity`` is a SHA-256 (hex) of everything that vectors depend on: weights and preprocessing, values.
    ``about`` says what the network may have seen. ``slow`` tells whether vectors are worth a file. ``eye``
    is a frozen network of pictures. Networks of a run were ``trained_on`` its labels.
    """

    name: str
    identity: str
    about: str
    read: Read
    slow: bool = True
    eye: FrozenNetwork | None = None
    trained_on: Run | None = None

    def parts(self, split: Dataset, positions: Positions) -> Iterator[Vectors]:
        """Yield vectors [b, D] of the examples at ascending ``positions`` of a split."""
        width, num = None, 0
        for part in self.read(split, positions):
            with np.errstate(over="ignore"):
                values = numbers_of(part, self.name).astype(np.float32, copy=False)
            num += len(values)
            if width not in (None, values.shape[1]):
                raise BadInput(
                    f"features {self.name!r}: vectors of {width} and of {values.shape[1]} values; give all "
                    "examples as many"
                )
            width = values.shape[1]
            yield values
        if num != len(positions):
            raise BadInput(
                f"features {self.name!r}: {num} vectors for {len(positions)} examples; give one for each"
            )

    def vectors(self, split: Dataset, positions: Positions) -> Vectors:
        return np.concatenate(list(self.parts(split, positions)))


@dataclass(frozen=True, eq=False)
class Request:
    """The text that names a source of features, the data, and whether downloads are allowed."""

    text: str
    data: Dataset
    download: bool = False
    device: torch.device | str = "cpu"

    @functools.cached_property
    def target(self) -> torch.device:
        return training.resolve_device(self.device) if isinstance(self.device, str) else self.device

    @property
    def what(self) -> str:
        return f"features {self.text!r}"

    @property
    def name(self) -> str:
        prefix, _, name = self.text.partition(":")
        if not name:
            raise BadInput(f"{self.what}: nothing is named behind {prefix}:; write {prefix}:NAME")
        return name

    def check_kind(self, *kinds: InputKind) -> None:
        kind = self.data.kind
        if kind.name not in {one.name for one in kinds}:
            *others, last = (one.nouns for one in kinds)
            nouns = f"{', '.join(others)} or {last}" if others else last
            raise BadInput(
                f"{self.what}: makes vectors of {nouns} and {self.data.name} are {kind.nouns}; give auto, or "
                "vectors of your own (FILE.npy)"
            )


CALLABLE = "package.module:callable"


@dataclass(frozen=True)
class FeatureKind:
    """A kind of sources that texts name; ``find`` makes the source.

    A text has a ``form``: a name, a prefix before ``NAME``, or the name of a ``FILE``. Published networks are
    ``frozen``.
    """

    form: str
    find: Callable[[Request], FeatureSource]
    frozen: bool = False

    @property
    def prefix(self) -> str:
        """The beginning of the text, up to a colon; empty for other forms."""
        prefix, colon, rest = self.form.partition(":")
        return prefix + colon if rest.isupper() else ""

    def reads(self, text: str) -> bool:
        if self.form == CALLABLE:
            return split_name(text) is not None
        if self.form.startswith("FILE"):
            return text.lower().endswith(self.form.removeprefix("FILE"))
        return text.startswith(self.prefix) if self.prefix else text == self.form


def numbers_of(values: Any, name: str) -> Array:
    """Numbers [n, D] of anything that holds them; `BadInput` names the features."""
    try:
        array = to_numpy(values)
    except (TypeError, ValueError):
        array = np.empty(0, np.object_)
    if array.ndim != 2 or array.shape[1] == 0 or array.dtype.kind not in "fiu":
        shape = " x ".join(map(str, array.shape)) or "()"
        raise BadInput(
            f"features {name!r}: {shape} of {array.dtype} and no vector for each example; give numbers [n, D]"
        )
    return array


def in_parts(rows: Array, size: int = 4096) -> Iterator[Array]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def identity_of(**parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
