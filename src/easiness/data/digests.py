"""What examples are, as digests: the same for the same values, in whatever file and format."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.inputs import InputKind, counted

DIGEST_BYTES = 32


def value_digest(kind: InputKind, value: npt.NDArray[Any]) -> bytes:
    """SHA-256 of a decoded example of a kind: of the shape and the values of its `InputKind.same`."""
    value = kind.same(value)
    digest = hashlib.sha256(repr(value.shape).encode())
    digest.update(np.ascontiguousarray(value).data)
    return digest.digest()


def value_digests(data: Dataset) -> npt.NDArray[np.uint8]:
    """`value_digest` of every example of a data set, [K, 32]; each is decoded once, in threads.

    Raises:
        BadInput: an example is unreadable.
    """
    digests = np.zeros((len(data), DIGEST_BYTES), np.uint8)
    read = data.stored.map(partial(value_digest, data.kind))
    for at, digest in enumerate(counted(read, "reading examples", len(data))):
        digests[at] = np.frombuffer(digest, np.uint8)
    return digests


def same_values(*parts: Dataset) -> npt.NDArray[np.int64] | None:
    """A number for every example of the parts, one behind the other, the same for those that are the same.

    ``None`` of kinds without a normal form, of which equal vectors tell that.

    Raises:
        BadInput: an example is unreadable.
    """
    if not parts[0].kind.has_normal_form:
        return None
    digests = np.concatenate([value_digests(one) for one in parts])
    numbers = np.unique(digests.view(f"V{DIGEST_BYTES}").ravel(), return_inverse=True)[1]
    return np.asarray(numbers, np.int64)


def same_at(*parts: tuple[Dataset, npt.NDArray[np.int64]]) -> npt.NDArray[np.int64] | None:
    """`same_values` of the examples at some positions of each part, one part behind the other.

    Raises:
        BadInput: as `same_values`.
    """
    same = same_values(*(data for data, _ in parts))
    if same is None:
        return None
    of_parts = np.split(same, np.cumsum([len(data) for data, _ in parts])[:-1])
    return np.concatenate([numbers[own] for numbers, (_, own) in zip(of_parts, parts, strict=True)])
