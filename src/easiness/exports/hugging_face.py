"""A folder that `datasets.load_dataset` reads: examples, labels with their names, and a column a score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from easiness.exports.examples import Examples, Format
from easiness.show import markdown_text

_NAMES = {"train": "train", "held_out": "test"}
"""What `datasets` calls the splits."""


def _write(examples: Examples, folder: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = pa.Table.from_pandas(examples.table.drop(columns="class"), preserve_index=False)
    plain = plain.replace_schema_metadata(None)
    schema, exported = plain.schema, examples.exported
    if exported is not None:
        file = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        kind = {"file": file, "text": pa.string(), "numbers": pa.list_(pa.float32())}[exported.form]
        schema = pa.schema([(exported.column, kind), *schema])
    # what `datasets` reads the types of columns from
    features = {"info": {"features": {name: _feature(name, schema, examples) for name in schema.names}}}
    schema = schema.with_metadata({"huggingface": json.dumps(features)})
    path = folder / "data" / f"{_NAMES[examples.split]}-00000-of-00001.parquet"
    path.parent.mkdir()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        if exported is None:
            writer.write_table(plain.cast(schema))
        for cells, part in examples.with_cells(plain) if exported is not None else ():
            values = [{"bytes": one, "path": None} if isinstance(one, bytes) else one for one in cells]
            writer.write_table(pa.table([pa.array(values, schema.types[0]), *part.columns], schema=schema))
    (folder / "README.md").write_text(_card(examples), "utf-8")
    return examples.without


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
    _write,
    "datasets.load_dataset({out!r})",
)
