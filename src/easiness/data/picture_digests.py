"""What pictures show, as digests: the same for the same pixels in whatever file and format."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.inputs import Pixels, counted

DIGEST_BYTES = 32


def picture_digest(pixels: Pixels) -> bytes:
    """SHA-256 of a decoded picture: of its shape and its values."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


def picture_digests(data: Dataset) -> npt.NDArray[np.uint8]:
    """`picture_digest` of every picture of a data set, [K, 32]; each is decoded once, in threads.

    Raises:
        BadInput: a picture is unreadable.
    """
    digests = np.zeros((len(data), DIGEST_BYTES), np.uint8)
    read = data.stored.map(picture_digest)
    for at, digest in enumerate(counted(read, "reading pixels", len(data))):
        digests[at] = np.frombuffer(digest, np.uint8)
    return digests
