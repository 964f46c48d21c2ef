"""A Parquet that Renumics Spotlight opens, with the pictures in it."""

from __future__ import annotations

from typing import BinaryIO

from easiness.exports.examples import Examples
from easiness.exports.format import Format


def _write(examples: Examples, file: BinaryIO) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = pa.Table.from_pandas(examples.table, preserve_index=False).replace_schema_metadata(None)
    if examples.data is None:
        pq.write_table(plain, file, compression="zstd")
        return f"without pictures: {examples.notes[0]}"
    schema = pa.schema([("image", pa.binary()), *plain.schema])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        first = 0
        for pictures in examples.pictures():
            part = plain.slice(first, len(pictures))
            writer.write_table(pa.table([pa.array(pictures, pa.binary()), *part.columns], schema=schema))
            first += len(pictures)
    return None


SPOTLIGHT = Format(
    "spotlight",
    "a Parquet with pictures, for Renumics Spotlight",
    _write,
    "spotlight.show({out!r}, dtype={{'image': spotlight.Image}})",
    suffixes=(".parquet",),
    then_without="spotlight.show({out!r})",
)
