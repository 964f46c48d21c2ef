"""Plain rows, for anything that reads tables: every score, and what is suspected of the label."""

from __future__ import annotations

from typing import BinaryIO

from easiness.exports.examples import Examples
from easiness.exports.format import Format
from easiness.show import write_csv


def _csv(examples: Examples, file: BinaryIO) -> None:
    write_csv(examples.table, file)


def _parquet(examples: Examples, file: BinaryIO) -> None:
    examples.table.to_parquet(file, index=False)


CSV = Format("csv", "rows with every score and suspect", _csv, "pandas.read_csv({out!r})", suffixes=(".csv",))
PARQUET = Format(
    "parquet",
    "the same rows as Parquet, for DuckDB, polars and pandas",
    _parquet,
    "polars.read_parquet({out!r})",
    suffixes=(".parquet",),
)
