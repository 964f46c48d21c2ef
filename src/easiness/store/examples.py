"""The examples themselves, which a recorded run keeps in a file of its own folder."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from easiness.errors import BadInput
from easiness.gate import check_columns, read_batches
from easiness.inputs import MOST_BYTES, SOUND, TEXT, Unreadable, from_texts, to_sounds
from easiness.lazy import Integers
from easiness.records import to_numpy
from easiness.regular_file import at_home, read_regular
from easiness.store.parquet import Ids, read_strictly
from easiness.store.trial import ids_array

KEPT_FILE = "data.parquet"
COLUMNS = {"text": "text", "sound": "audio"}
"""The column that the examples stand in, by their kind."""
_FEATURES = {"text": {"dtype": "string", "_type": "Value"}, "audio": {"_type": "Audio"}}  # for `datasets`

_ROWS, _BYTES = 1024, 2**24  # of a group of rows: no more are in memory at once
_AT_ONCE = 64  # rows compared together


@dataclass(frozen=True, eq=False)
class KeptExamples:
    """Examples to keep, so many of a ``kind``: ``cell(row)`` is what stands in their column.

    ``check`` raises `BadInput` for a cell that is no example; it is asked when the cell is written.
    """

    kind: str
    num: int
    cell: Callable[[int], Any]
    check: Callable[[int, Any], None] = lambda *_: None

    @property
    def column(self) -> str:
        return COLUMNS[self.kind]


def write_kept(
    file: BinaryIO, examples: KeptExamples, ids: Ids, labels: Integers, classes: Sequence[str]
) -> None:
    """Columns ``id``, ``label`` and that of the examples, in the order of the run."""
    schema = _schema(examples.column, ids).with_metadata(_for_datasets(examples, ids, classes))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start, cells in _groups(examples):
            rows = slice(start, start + len(cells))
            columns = [ids_array(ids[rows]), pa.array(labels[rows]), pa.array(cells, schema.field(2).type)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _groups(examples: KeptExamples) -> Iterator[tuple[int, list[Any]]]:
    start, cells, size = 0, [], 0
    for row in range(examples.num):
        cells.append(examples.cell(row))
        examples.check(row, cells[-1])
        size += len(cells[-1]["bytes"] if isinstance(cells[-1], dict) else cells[-1])
        if len(cells) == _ROWS or size >= _BYTES or row == examples.num - 1:
            yield start, cells
            start, cells, size = row + 1, [], 0


def _schema(column: str, ids: Ids) -> Any:
    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = {"text": pa.string(), "audio": audio}
    return pa.schema([("id", ids_array(ids[:0]).type), ("label", pa.int64()), (column, types[column])])


def _for_datasets(examples: KeptExamples, ids: Ids, classes: Sequence[str]) -> dict[str, str]:
    label = {"names": list(classes), "_type": "ClassLabel"}
    of_ids = {"dtype": str(ids_array(ids[:0]).type), "_type": "Value"}
    features = {"id": of_ids, "label": label, examples.column: _FEATURES[examples.column]}
    return {"huggingface": json.dumps({"info": {"features": features}})}


def holds(path: Path, examples: KeptExamples) -> bool:
    row = 0
    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.names[2:] != [examples.column] or file.metadata.num_rows != examples.num:
            return False
        for values in read_batches(path, examples.column, _AT_ONCE):
            for cell in values.to_pylist():
                if cell != examples.cell(row):
                    return False
                row += 1
    return True


def check_kept(path: Path, kind: str, ids: Ids, labels: Integers) -> None:
    """Make sure that the file at ``path`` is as `write_kept` has written it for these examples of a kind."""
    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.remove_metadata() != _schema(COLUMNS[kind], ids):
            raise ValueError("other columns")
        if file.metadata.num_rows != len(ids):
            raise ValueError("other rows")
        check_columns(path, file, ["id", "label"], names=["id"])
        table = file.read(["id", "label"])
        for name, own in (("id", ids), ("label", labels)):
            if table.column(name).null_count or table.column(name).to_pylist() != own.tolist():
                raise ValueError(f"other values of {name}")


def damaged_kept(path: Path) -> BadInput:
    return BadInput(f"{path}: the examples that the run keeps are damaged; restore the file or give --data")


def kept_examples(ids: Ids, texts: Any, sounds: Any, rate: Any) -> KeptExamples | None:
    """The examples with these ids as `Recorder.keep` takes them, or ``None`` where none are given."""
    if texts is not None and sounds is not None:
        raise BadInput("Recorder: texts and sounds: are two kinds of examples; give one of them")
    if rate is not None and sounds is None:
        raise BadInput(f"Recorder: rate={rate}: is that of arrays of sound; give them in sounds")
    if texts is not None:
        strings = _in_order(texts, "texts", "strings", ids)
        texts_of_run = from_texts(strings, "Recorder: texts", lambda row: f"Recorder: id {ids[row]}").texts()
        return KeptExamples(TEXT.name, len(texts_of_run), lambda row: texts_of_run[row])
    if sounds is None:
        return None
    examples = _in_order(sounds, "sounds", "paths, or of arrays of samples", ids)
    are_files = isinstance(examples[0], str | os.PathLike)
    return (_kept_files if are_files else _kept_arrays)(examples, rate, ids)


def _in_order(examples: Any, what: str, of: str, ids: Ids) -> list[Any]:
    """The examples, one for each id: in the order of ids, or by id."""
    if isinstance(examples, Mapping):
        missing = next((name for name in ids.tolist() if name not in examples), None)
        if missing is not None:
            raise BadInput(f"Recorder: {what}: none for the id {missing}; give one for each id")
        return [examples[name] for name in ids.tolist()]
    if isinstance(examples, str | bytes) or not hasattr(examples, "__len__"):
        raise BadInput(f"Recorder: {what}: are {type(examples).__name__}; give a list of {of}")
    if len(examples) != len(ids):
        raise BadInput(
            f"Recorder: {what}: {len(examples)} for {len(ids)} ids; give one for each, in the order of ids"
        )
    return list(examples)


def _kept_arrays(arrays: list[Any], rate: Any, ids: Ids) -> KeptExamples:
    if rate is None:
        raise BadInput("Recorder: sounds: are arrays without a rate; give the samples a second in rate=")
    sounds = to_sounds(
        list(map(to_numpy, arrays)), rate, "Recorder: sounds", lambda row: f"Recorder: id {ids[row]}"
    ).samples()

    def cell(row: int) -> dict[str, Any]:
        from scipy.io import wavfile

        file = io.BytesIO()
        wavfile.write(file, int(rate), sounds[row])
        return {"bytes": file.getvalue(), "path": None}

    return KeptExamples(SOUND.name, len(sounds), cell)


def _kept_files(paths: list[Any], rate: Any, ids: Ids) -> KeptExamples:
    if rate is not None:
        raise BadInput(f"Recorder: rate={rate}: files have their own; leave it out")
    files = SOUND.files
    assert files is not None

    def name(row: int) -> str:
        return f"Recorder: id {ids[row]}: {paths[row]}"

    def cell(row: int) -> dict[str, Any]:
        try:
            path = at_home(paths[row])
            return {"bytes": read_regular(path, MOST_BYTES), "path": path.name}
        except TypeError:
            raise BadInput(f"{name(row)}: is no path; give a path for each, or an array for each") from None
        except OSError as error:
            raise BadInput(f"{name(row)}: cannot be read ({error.strerror}); give a sound for it") from None

    def check(row: int, cell_written: dict[str, Any]) -> None:
        blob = partial(bytes, cell_written["bytes"])
        try:
            with files.quiet():
                files.decode(blob, name(row), files.scan(iter([files.read_header(blob, name(row))])))
        except Unreadable as error:
            raise BadInput(f"{name(row)}: {error.reason}; mend it or leave the example out") from None

    return KeptExamples(SOUND.name, len(paths), cell, check)
