"""A folder that `datasets.load_dataset` reads: pictures, labels with their names, and a column a score."""

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
    schema, with_pictures = plain.schema, examples.without_pictures is None
    if with_pictures:
        picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        schema = pa.schema([("image", picture), *schema])
    # what `datasets` reads the types of columns from
    features = {"info": {"features": {name: _feature(name, schema, examples) for name in schema.names}}}
    schema = schema.with_metadata({"huggingface": json.dumps(features)})
    file = folder / "data" / f"{_NAMES[examples.split]}-00000-of-00001.parquet"
    file.parent.mkdir()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        if not with_pictures:
            writer.write_table(plain.cast(schema))
        for pictures, part in examples.with_files(plain) if with_pictures else ():
            column = pa.array([{"bytes": one, "path": None} for one in pictures], schema.field("image").type)
            writer.write_table(pa.table([column, *part.columns], schema=schema))
    (folder / "README.md").write_text(_card(examples))
    return examples.without_pictures


def _feature(name: str, schema: Any, examples: Examples) -> dict[str, Any]:
    if name == "image":
        return {"_type": "Image"}
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
    "a folder for Hugging Face datasets, with pictures and a column a score",
    _write,
    "datasets.load_dataset({out!r})",
)
