"""Documents of a run, read as what they have to be: regular files of JSON that is not nested without end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from easiness.regular_file import read_regular

MOST_BYTES = 2**28
"""Of a document: lists of a million names fit, and what is larger was never ours."""


def read_json(file: Path, most: int = MOST_BYTES) -> Any:
    """The value in a file.

    Raises:
        OSError: it cannot be read, is no regular file, or has more than ``most`` bytes.
        ValueError: it is not JSON, or nested deeper than any of ours.
    """
    content = read_regular(file, most)
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError(f"{file}: is nested without end") from None
