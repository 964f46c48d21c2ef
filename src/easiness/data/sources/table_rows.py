"""Encoded examples in the rows of tables, read a few at a time: Parquet files, and those of `datasets`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data.sources.file_facts import FileFacts, row_digests
from easiness.data.sources.tables import column_of, parquet_column
from easiness.errors import BadInput
from easiness.gate import is_text, objects_in, open_parquet, read_batches
from easiness.inputs import (
    MOST_BYTES,
    Blob,
    Files,
    Header,
    Positions,
    Unreadable,
    counted,
    digest,
    find_unreadable,
    in_threads,
    read_headers,
)
from easiness.regular_file import read_regular

AT_ONCE = 64  # rows read together


def whole_labels(values: Any, where: str) -> npt.NDArray[Any]:
    """The labels in an Arrow column, of which none is null.

    Raises:
        BadInput: one is.
    """
    if values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy())[0])
        raise BadInput(f"{where}: row {row}: the label is null; give it a label or leave the row out")
    return objects_in(values) if is_text(values.type) else values.to_numpy()


class _Group(NamedTuple):
    """A row group, and where its rows are in the split."""

    file: int
    group: int
    start: int
    stop: int


class ParquetBlobs:
    """Examples in ``columns[i]`` of ``files[i]``, the rows of all files joined in order."""

    def __init__(
        self, files: list[Path], columns: list[str], root: Path, facts: FileFacts, reader: Files
    ) -> None:
        self._files = files
        self._columns = columns
        self._root = root
        self._facts = facts
        self.reader = reader
        self._groups: list[_Group] = []
        starts = [0]
        for index, file in enumerate(files):
            opened = open_parquet(file)
            _check_type(file, columns[index], opened.schema_arrow, reader)
            start = starts[-1]
            for group in range(opened.metadata.num_row_groups):
                stop = start + opened.metadata.row_group(group).num_rows
                self._groups.append(_Group(index, group, start, stop))
                start = stop
            starts.append(start)
        self._starts = np.array(starts)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def name(self, position: int) -> str:
        """The file and the row in it, from 0."""
        index = int(np.searchsorted(self._starts, position, side="right")) - 1
        return f"{self._files[index]}: row {position - self._starts[index]}"

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the rows, some at a time; row groups without a row wanted are not read."""
        for group in self._groups:
            low, high = np.searchsorted(positions, [group.start, group.stop])
            if low < high:
                yield from self._blobs_of(group, positions[low:high])

    def _blobs_of(self, group: _Group, positions: Positions) -> Iterator[Blob]:
        start = group.start
        for values in self._read(group):
            low, high = np.searchsorted(positions, [start, start + len(values)])
            for position in positions[low:high].tolist():
                yield partial(
                    _bytes_of, values[position - start].as_py(), self.name(position), self.reader.noun
                )
            start += len(values)
            if high == len(positions):
                return

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the rows; of a file whose headers are all the same that one is remembered."""
        for index, file in enumerate(self._files):
            rows = positions[(positions >= self._starts[index]) & (positions < self._starts[index + 1])]
            stamp, known = self._facts.recall(self._fact_name(file))
            remembered = self.reader.header(known.get("header"))
            if remembered is not None:
                yield from repeat(remembered, len(rows))
                continue
            seen: set[Header | None] = set()
            for header in read_headers(self, rows):
                seen.add(header)
                yield header
            if len(rows) == self._starts[index + 1] - self._starts[index] and len(seen) == 1:
                (header,) = seen
                if header is not None:
                    self._facts.remember(self._fact_name(file), stamp, header=list(header))
                    self._facts.save()

    def column(self, name: str, positions: Positions) -> Iterator[npt.NDArray[Any]]:
        """Vectors [n, D] in another column of the rows; as `parquet_column`."""
        return parquet_column(self._files, name, positions)

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the bytes in each row; those of files that have not changed are remembered."""
        found = []
        for index, file in enumerate(self._files):
            start, stop = self._starts[index : index + 2].tolist()
            low, high = np.searchsorted(positions, [start, stop]).tolist()
            read = partial(self._read_digests, start, len(positions), low)
            if low < high:
                rows = positions[low:high] - start
                found += row_digests(self._facts, self._fact_name(file), stop - start, rows, read)
        return found

    def _read_digests(self, start: int, total: int, done: int, rows: Positions) -> Iterator[bytes]:
        return counted(in_threads(digest, self.blobs(rows + start)), self.reader.reading, total, done)

    def unreadable(self) -> Positions:
        """Positions of rows that cannot be decoded; files that have not changed are not tried again."""
        found = []
        fact = f"un{self.reader.readable()}".replace("unreadable", "unreadable_rows")
        for index, file in enumerate(self._files):
            start, stop = int(self._starts[index]), int(self._starts[index + 1])
            learn = partial(self._unreadable_between, start, stop)
            _, rows = self._facts.learned(self._fact_name(file), fact, list, learn)
            self._facts.save()
            found.append(np.array(rows, np.int64) + start)
        return np.concatenate(found)

    def _unreadable_between(self, start: int, stop: int) -> list[int]:
        found = find_unreadable(self, np.arange(start, stop), len(self), start)
        rows: list[int] = (found - start).tolist()
        return rows

    def _fact_name(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    def _read(self, group: _Group) -> Iterator[Any]:
        """The stored bytes in a row group, some rows at a time: what is packed well may be huge unpacked."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for values in read_batches(
            self._files[group.file], self._columns[group.file], AT_ONCE, [group.group]
        ):
            yield pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values


class HubBlobs:
    """Examples in the column of a `datasets.Dataset` which are stored as (bytes, path)."""

    def __init__(self, table: Any, column: str, what: str, reader: Files) -> None:
        """``table`` is in the arrow format; ``what`` names it in an error."""
        self._table = table
        self._column = column
        self._what = what
        self.reader = reader

    def __len__(self) -> int:
        return len(self._table)

    def name(self, position: int) -> str:
        """The split and the row in it, from 0."""
        return f"{self._what}: row {position}"

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the rows."""
        for start in range(0, len(positions), AT_ONCE):
            rows = positions[start : start + AT_ONCE].tolist()
            values = self._table[rows].column(self._column).to_pylist()
            for row, value in zip(rows, values, strict=True):
                stored = value or {"bytes": None, "path": None}
                yield partial(_bytes_of, stored["bytes"], self.name(row), self.reader.noun, stored["path"])

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the rows."""
        return read_headers(self, positions)

    def column(self, name: str, positions: Positions) -> Iterator[npt.NDArray[Any]]:
        """Vectors [n, D] in another column of the rows; as `column_of`."""
        for start in range(0, len(positions), AT_ONCE):
            yield column_of(self._table[positions[start : start + AT_ONCE].tolist()], name, self._what)

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the bytes of each row; remembered where they lie in files of the library."""
        found = self._files()
        if found is None:
            return [value.hex() for value in self._read_digests(positions)]
        path, identity = found
        facts = FileFacts(path.parent)
        return row_digests(facts, path.name, len(self), positions, self._read_digests, identity=identity)

    def _read_digests(self, positions: Positions) -> Iterator[bytes]:
        return counted(in_threads(digest, self.blobs(positions)), self.reader.reading, len(positions))

    def _files(self) -> tuple[Path, str] | None:
        """The first Arrow file, and what the rows are in it and the others; ``None`` where they are in none.

        The library's own fingerprint says which rows are taken, in which order; that the files still hold
        what they did is seen by their size and time of modification.
        """
        import pyarrow.compute as pc

        files = [Path(file["filename"]) for file in self._table.cache_files]
        stored_bytes = pc.struct_field(self._table.data.column(self._column), "bytes")
        if not files or stored_bytes.null_count:  # in memory, or in picture files that change by themselves
            return None
        try:
            stamps = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
        except OSError:
            return None
        identity = json.dumps([self._table._fingerprint, self._column, stamps])
        return files[0], hashlib.sha256(identity.encode()).hexdigest()

    def unreadable(self) -> Positions:
        """Positions of the rows that cannot be decoded."""
        return find_unreadable(self, np.arange(len(self)), len(self))


def _check_type(file: Path, column: str, schema: Any, reader: Files) -> None:
    import pyarrow as pa

    kind = schema.field(column).type
    stored = kind
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        stored = kind.field("bytes").type
    if not (pa.types.is_binary(stored) or pa.types.is_large_binary(stored)):
        raise BadInput(f"{file}: column {column} holds {kind}; store encoded {reader.noun}s as bytes")


def _bytes_of(content: bytes | None, name: str, noun: str, path: str | None = None) -> bytes:
    """The ``content``, else that of the file at ``path``."""
    if content is not None:
        return content
    if path is None:
        raise Unreadable(name, f"the {noun} is null")
    try:
        return read_regular(Path(path), MOST_BYTES)
    except OSError as error:
        raise Unreadable(f"{name}: {path}", f"the file cannot be read: {error.strerror}") from None
