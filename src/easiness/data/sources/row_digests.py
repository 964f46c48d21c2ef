"""Digests of the many pictures in one file, remembered together as one fact about that file."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.pictures.encoded import Positions
from easiness.data.sources.file_facts import FileFacts

FACT = "row_sha256"
SIZE = 32  # bytes of a SHA-256


def row_digests(
    facts: FileFacts,
    file: str,
    num_rows: int,
    rows: Positions,
    read: Callable[[Positions], Iterable[bytes]],
    *,
    identity: str = "",
) -> list[str]:
    """SHA-256 (hex) of the pictures at ascending ``rows`` among the ``num_rows`` of ``file``.

    ``read`` digests those rows that are not known yet. ``identity`` tells apart what one file can be read
    as; what is known under another one is forgotten.
    """
    stamp, known = facts.recall(file)
    table = _unpacked(known.get(FACT), identity, num_rows)
    missing = rows[~table[rows].any(axis=1)]  # no digest is all zeros
    try:
        for row, digest in zip(missing.tolist(), read(missing), strict=True):
            table[row] = np.frombuffer(digest, np.uint8)
    finally:
        if len(missing):
            packed = b64encode(table.tobytes()).decode()
            facts.remember(file, stamp, **{FACT: [identity, packed]})
            facts.save()
    return [digest.tobytes().hex() for digest in table[rows]]


def _unpacked(fact: Any, identity: str, num_rows: int) -> npt.NDArray[np.uint8]:
    content = b""
    match fact:
        case [str(known), str(packed)] if known == identity:
            with suppress(ValueError):  # not base64
                content = b64decode(packed)
    if len(content) != num_rows * SIZE:
        return np.zeros((num_rows, SIZE), np.uint8)
    return np.frombuffer(content, np.uint8).reshape(num_rows, SIZE).copy()
