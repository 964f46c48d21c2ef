"""Formats in a file or two: rows, Parquet with the examples, and NumPy archives for cleanlab and torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.exports.examples import Examples, Format
from easiness.runs import positions_in
from easiness.show import markdown_text, write_csv, write_parquet

_NAMES = {"train": "train", "held_out": "test"}
"""The names of the splits for `datasets`."""


CSV = Format[BinaryIO](
    "csv",
    "rows with every score and suspect",
    lambda examples, file: write_csv(examples.table_with_texts(), file),
    "pandas.read_csv({out!r})",
    suffixes=(".csv",),
)
PARQUET = Format[BinaryIO](
    "parquet",
    "the same rows as Parquet, for DuckDB, polars and pandas",
    lambda examples, file: write_parquet(examples.table_with_texts(), file),
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


_TEXT_BYTES = 2**28  # of texts in an array, where each takes as much as the longest


def _write_cleanlab(examples: Examples, file: BinaryIO) -> str | None:
    run, table, split = examples.run, examples.table, examples.split
    probabilities = np.full((len(table), len(run.classes)), np.nan)
    with suppress(BadInput):  # no trial left any out, or too few were kept
        probabilities = run.probabilities(**run.asked(examples.epoch), split=split, left_out=True)
    out_of_sample = ~np.isnan(probabilities).any(axis=1)
    if not out_of_sample.all():
        others = _of_all_trials(examples)
        probabilities[~out_of_sample] = others[~out_of_sample]
    arrays: dict[str, Any] = {
        "labels": table["label"].to_numpy(),
        "pred_probs": probabilities,
        "out_of_sample": out_of_sample,
        "ids": examples.ids,
        "classes": np.array(run.classes, str),
        **_told(examples),
    }
    np.savez_compressed(file, **arrays)
    return _out_of_sample(int(out_of_sample.sum()), len(table))


def _told(examples: Examples) -> dict[str, npt.NDArray[Any]]:
    """``texts`` or ``paths`` [K] of a fixed width, beginnings where the whole would take too much memory."""
    if examples.told is None:
        return {}
    most = max(1, _TEXT_BYTES // (4 * len(examples.told.texts)))
    return {f"{examples.told.column}s": np.array([text[:most] for text in examples.told.texts], str)}


def _of_all_trials(examples: Examples) -> npt.NDArray[np.float64]:
    run = examples.run
    try:
        return run.probabilities(**run.asked(examples.epoch), split=examples.split)
    except BadInput:
        raise BadInput(
            f"{run.path}: cleanlab needs probabilities of every example, and not all logits were kept; "
            "measure (--keep-logits) or record (keep_logits=True) another run"
        ) from None


def _out_of_sample(num_out: int, num: int) -> str:
    if num_out == num:
        return "all probabilities are out of sample: of trials that did not train on the example"
    if num_out == 0:
        return (
            "all probabilities are of networks that trained on the example, which hides wrong labels; "
            "measure with --train-share 0.8 for trials that leave examples out"
        )
    return (
        f"{num_out:,} of {num:,} examples have probabilities out of sample, see `out_of_sample`; every trial "
        "trained on the others, and more trials would leave them out"
    )


CLEANLAB = Format(
    "cleanlab",
    "labels and pred_probs, for cleanlab, and texts beside them",
    _write_cleanlab,
    "cleanlab.filter.find_label_issues(**{{k: numpy.load({out!r})[k] for k in ('labels', 'pred_probs')}})",
    suffixes=(".npz",),
)


def _write_torch(examples: Examples, file: BinaryIO) -> str | None:
    table = examples.table
    indices, note = _positions(examples)
    order = np.argsort(table["difficulty"].to_numpy(), kind="stable")
    wrong = table["p_wrong"] if "p_wrong" in table else np.zeros(len(table))
    np.savez_compressed(
        file,
        indices=indices[order],
        weights=1 - table["easiness_expected"].to_numpy()[order],
        p_wrong=np.asarray(wrong, np.float64)[order],
        labels=table["label"].to_numpy()[order],
        ids=examples.ids[order],
    )
    return note


def _positions(examples: Examples) -> tuple[npt.NDArray[np.int64], str]:
    """Positions [K] of the examples in the data set that they come from, and how these are known."""
    ids, ref = examples.table["id"].to_numpy(), examples.run.spec.data
    whole = "held-out split" if examples.split == "held_out" and ref.holdout is None else "training split"
    if examples.data is not None:  # or says which it lacks
        positions_in(examples.data, examples.run, examples.split)
    if examples.run.spec.measured is None:
        return np.arange(len(ids)), "indices are positions in the ids that the Recorder was given"
    if ids.dtype == np.int64:
        of = "source" if whole == "training split" else f"source's {whole}"
        return ids.astype(np.int64), f"indices are the ids: positions in the {of}"
    if examples.data is None or examples.data.source is None:
        return np.arange(len(ids)), "indices are positions in the run, since the source is not known"
    options = ref.load_options().model_dump() | {"holdout": None, "labels": None}
    data = load_dataset(examples.data.source, **options)
    if whole == "held-out split":
        assert data.held_out is not None
        data = data.held_out
    note = f"indices are positions in the {whole}, ids in order, as torchvision's ImageFolder has them"
    return positions_in(data, examples.run, examples.split), note


TORCH = Format(
    "torch",
    "indices, easiest first, and their weights, for Subset and a WeightedRandomSampler over it",
    _write_torch,
    "part = numpy.load({out!r}); subset = torch.utils.data.Subset(data, part['indices']); sampler = "
    "torch.utils.data.WeightedRandomSampler(part['weights'], len(subset)); loader = "
    "torch.utils.data.DataLoader(subset, sampler=sampler)",
    suffixes=(".npz",),
)
