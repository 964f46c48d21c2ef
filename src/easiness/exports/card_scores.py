"""The tables of a score card, read as what they have to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.store import read_strictly

if TYPE_CHECKING:
    import pandas as pd

DIGEST = "digest"
"""Column of both tables: SHA-256 (hex) of the decoded picture, see `picture_digest`."""
_KNOWN = ("id", "label", "class")


def read_scores(path: Path, num_examples: int | None) -> pd.DataFrame:
    """Columns ``id``, ``label``, ``class``, mostly ``digest``, then the scores, a row an example.

    Raises:
        BadInput: the table is not what a card has, or not of so many examples.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with read_strictly(path, damaged_card), pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        if num_examples not in (None, file.metadata.num_rows) or len(set(schema.names)) < len(schema):
            raise ValueError
        if any(pa.types.is_nested(field.type) for field in schema):
            raise ValueError
        texts = [name for name in (DIGEST, "class") if name == "class" or name in schema.names]
        if {str(schema.field(name).type) for name in texts} - {"string", "large_string"}:
            raise ValueError
        table = file.read()
        if any(table.column(name).null_count for name in {*_KNOWN, *texts}):
            raise ValueError
        # not as what the file says of pandas: that is somebody else's word
        found: pd.DataFrame = table.replace_schema_metadata().to_pandas()
        return found


def damaged_card(file: Path) -> BadInput:
    """The error for a file of a card that is not what was written."""
    return BadInput(f"{file}: is damaged or missing; get the card again")
