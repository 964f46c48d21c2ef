"""Tables: plain rows for anything that reads them, and Parquet with the examples for other tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from easiness.exports.examples import Examples, Format
from easiness.show import markdown_text, write_csv, write_parquet

_NAMES = {"train": "train", "held_out": "test"}
"""The names of the splits for `datasets`."""


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


def _with_examples(
    examples: Examples,
    place: Path | BinaryIO,
    table: Any,
    of_files: Any,
    metadata: Callable[[Any], dict[str, str] | None] = lambda _: None,
) -> str | None:
    """Write a table as Parquet, with the examples as its first column; those of files have a type of Arrow.

    ``metadata`` are made of the schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    schema, exported = plain.schema, examples.exported
    if exported is not None:
        kind = {"file": of_files, "text": pa.string(), "numbers": pa.list_(pa.float32())}[exported.form]
        schema = pa.schema([(exported.column, kind), *schema])
    schema = schema.with_metadata(metadata(schema))
    with pq.ParquetWriter(place, schema, compression="zstd") as writer:
        if exported is None:
            writer.write_table(plain.cast(schema))
        for cells, part in examples.with_cells(plain) if exported is not None else ():
            wrapped = [{"bytes": one, "path": None} for one in cells] if pa.types.is_struct(kind) else cells
            writer.write_table(pa.table([pa.array(wrapped, kind), *part.columns], schema=schema))
    return examples.without


def _spotlight(examples: Examples, file: BinaryIO) -> str | None:
    import pyarrow as pa

    return _with_examples(examples, file, examples.table, pa.binary())


SPOTLIGHT = Format(
    "spotlight",
    "a Parquet with the examples, for Renumics Spotlight",
    _spotlight,
    "spotlight.show({out!r}, dtype={{{column!r}: spotlight.{dtype}}})",
    suffixes=(".parquet",),
    then_without="spotlight.show({out!r})",
)


def _hugging_face(examples: Examples, folder: Path) -> str | None:
    import pyarrow as pa

    def features(schema: Any) -> dict[str, str]:  # `datasets` reads the types of columns from these
        found = {name: _feature(name, schema, examples) for name in schema.names}
        return {"huggingface": json.dumps({"info": {"features": found}})}

    path = folder / "data" / f"{_NAMES[examples.split]}-00000-of-00001.parquet"
    path.parent.mkdir()
    file = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    (folder / "README.md").write_text(_card(examples), "utf-8")
    return _with_examples(examples, path, examples.table.drop(columns="class"), file, features)


def _feature(name: str, schema: Any, examples: Examples) -> dict[str, Any]:
    exported = examples.exported
    if exported is not None and name == exported.column and exported.form != "text":
        numbers = {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "float32"}}
        return numbers if exported.feature is None else {"_type": exported.feature}
    if name == "label":
        return {"_type": "ClassLabel", "names": list(examples.run.classes)}
    dtype = str(schema.field(name).type).replace("double", "float64").removeprefix("large_")
    return {"_type": "Value", "dtype": dtype}


def _card(examples: Examples) -> str:
    run, split = examples.run, _NAMES[examples.split]
    which = "examples" if split == "train" else "held-out examples"
    return (
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        f"  - split: {split}\n    path: data/{split}-*\n---\n\n"
        f"{len(examples.table):,} {which} with a column for each score of easiness, from {len(run.trials)} "
        f"{run.made} of {markdown_text(run.network)} {run.at(examples.epoch)}.\n"
    )


HUGGING_FACE = Format(
    "hf",
    "a folder for Hugging Face datasets, with the examples and a column a score",
    _hugging_face,
    "datasets.load_dataset({out!r})",
)
