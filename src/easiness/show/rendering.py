"""Any result as the content of a file, in the format that the end of the file's name asks for."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, BinaryIO

from easiness.show.result import Result
from easiness.show.svg import picture_bytes

if TYPE_CHECKING:
    import pandas as pd

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
"""What a figure alone can be written as."""

SUFFIXES = (".csv", ".md", ".json", ".parquet", *PICTURE_SUFFIXES)
"""What every result can be written as."""


def render(result: Result, suffix: str, file: BinaryIO) -> None:
    """Write a result into an open file, as what one of `SUFFIXES` stands for."""
    if suffix == ".csv":
        _write_csv(result.table(), file)
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


def _write_csv(table: pd.DataFrame, file: BinaryIO) -> None:
    """The library leaves a text that has but a carriage return without quotes, where readers end the row."""
    texts = table.select_dtypes(["object", "string"])
    returns = any("\r" in text for name in texts for text in texts[name] if isinstance(text, str))
    if returns:
        table.to_csv(file, index=False, mode="wb", quoting=csv.QUOTE_NONNUMERIC)
    else:
        table.to_csv(file, index=False, mode="wb")


def json_bytes(document: Any) -> bytes:
    """A document as the content of a JSON file."""
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
