"""Any result as the content of a file, in the format that the end of the file's name asks for."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO

from easiness.show.csv_file import write_csv
from easiness.show.result import Result
from easiness.show.svg import picture_bytes

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
"""What a figure alone can be written as."""

SUFFIXES = (".csv", ".md", ".json", ".parquet", *PICTURE_SUFFIXES)
"""What every result can be written as."""


def render(result: Result, suffix: str, file: BinaryIO) -> None:
    """Write a result into an open file, as what one of `SUFFIXES` stands for."""
    if suffix == ".csv":
        write_csv(result.table(), file)
    elif suffix == ".parquet":
        result.table().to_parquet(file, index=False)
    elif suffix == ".json":
        file.write(json_bytes(result.document()))
    elif suffix == ".md":
        file.write(result.markdown().encode())
    else:
        file.write(picture_bytes(result.figure(), suffix))


def rendered(result: Result, suffix: str) -> bytes:
    """What `render` writes."""
    file = io.BytesIO()
    render(result, suffix, file)
    return file.getvalue()


def json_bytes(document: Any) -> bytes:
    """A document as the content of a JSON file."""
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
