"""Tables: plain rows for anything that reads them, and Parquet with the examples for Renumics Spotlight."""

from __future__ import annotations

from typing import BinaryIO

from easiness.exports.examples import Examples, Format
from easiness.show import write_csv, write_parquet


def _csv(examples: Examples, file: BinaryIO) -> None:
    write_csv(examples.table_with_texts(), file)


def _parquet(examples: Examples, file: BinaryIO) -> None:
    write_parquet(examples.table_with_texts(), file)


CSV = Format("csv", "rows with every score and suspect", _csv, "pandas.read_csv({out!r})", suffixes=(".csv",))
PARQUET = Format(
    "parquet",
    "the same rows as Parquet, for DuckDB, polars and pandas",
    _parquet,
    "polars.read_parquet({out!r})",
    suffixes=(".parquet",),
)


def _spotlight(examples: Examples, file: BinaryIO) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = pa.Table.from_pandas(examples.table, preserve_index=False).replace_schema_metadata(None)
    exported = examples.exported
    if exported is None:
        pq.write_table(plain, file, compression="zstd")
        return examples.without
    kind = {"file": pa.binary(), "text": pa.string(), "numbers": pa.list_(pa.float32())}[exported.form]
    schema = pa.schema([(exported.column, kind), *plain.schema])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for cells, part in examples.with_cells(plain):
            writer.write_table(pa.table([pa.array(cells, kind), *part.columns], schema=schema))
    return None


SPOTLIGHT = Format(
    "spotlight",
    "a Parquet with the examples, for Renumics Spotlight",
    _spotlight,
    "spotlight.show({out!r}, dtype={{{column!r}: spotlight.{dtype}}})",
    suffixes=(".parquet",),
    then_without="spotlight.show({out!r})",
)
