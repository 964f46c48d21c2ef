"""The identity of a data set: the same bytes, ids, labels and classes give the same fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def fingerprint(
    classes: Sequence[str],
    ids: npt.NDArray[np.int64] | npt.NDArray[np.object_],
    labels: npt.NDArray[np.int64],
    digests: Sequence[str],
) -> str:
    """SHA-256 (hex) over the class names, then (id, label, digest of the stored bytes) in order.

    Each part is one line of JSON, so an id can never run into its neighbour and ``1`` is not ``"1"``.
    """
    total = hashlib.sha256()
    total.update(json.dumps(["classes", *classes]).encode())
    for row in zip(ids.tolist(), labels.tolist(), digests, strict=True):
        total.update(b"\n" + json.dumps(row).encode())
    return total.hexdigest()
