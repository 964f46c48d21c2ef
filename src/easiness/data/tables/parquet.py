"""Tables in Parquet files, and encoded examples in their rows, which are read a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness.data.sources.file_facts import FileFacts, row_digests
from easiness.data.tables.table import Reader, Table
from easiness.errors import BadInput, shorten
from easiness.gate import check_rows, open_parquet, read_batches, read_column
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

AT_ONCE = 64  # encoded examples read together
_ROWS = 4096  # of another column


class _Group(NamedTuple):
    """A row group, and where its rows are in the split."""

    file: int
    group: int
    start: int
    stop: int


class ParquetBlobs:
    """Examples in a column of files, the rows of all joined in order."""

    def __init__(
        self, files: Sequence[Path], column: str, root: Path, facts: FileFacts, reader: Files
    ) -> None:
        self._files = files
        self._column = column
        self._root = root
        self._facts = facts
        self.reader = reader
        self._groups: list[_Group] = []
        starts = [0]
        for index, file in enumerate(files):
            opened = open_parquet(file)
            _check_type(str(file), column, opened.schema_arrow.field(column).type, reader)
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
                    stored_bytes, values[position - start].as_py(), self.name(position), self.reader.noun
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

        for values in read_batches(self._files[group.file], self._column, AT_ONCE, [group.group]):
            yield pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values


def _check_type(where: str, column: str, kind: Any, reader: Files) -> None:
    import pyarrow as pa

    stored = kind
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        stored = kind.field("bytes").type
    if not (pa.types.is_binary(stored) or pa.types.is_large_binary(stored)):
        raise BadInput(f"{where}: column {column} holds {kind}; store encoded {reader.noun}s as bytes")


def stored_bytes(content: bytes | None, name: str, noun: str, path: str | None = None) -> bytes:
    """The ``content``, else that of the file at ``path``."""
    if content is not None:
        return content
    if path is None:
        raise Unreadable(name, f"the {noun} is null")
    try:
        return read_regular(Path(path), MOST_BYTES)
    except OSError as error:
        raise Unreadable(f"{name}: {path}", f"the file cannot be read: {error.strerror}") from None


def parquet_table(files: Sequence[Path], _: str | None, where: str, root: Path) -> Table:
    """The rows of Parquet files one after another; they are named by their file and the row in it, from 0."""
    opened = [open_parquet(file) for file in files]
    names = opened[0].schema_arrow.names
    for file, one in zip(files, opened, strict=True):
        if sorted(one.schema_arrow.names) != sorted(names):
            raise BadInput(f"{file}: its columns are not those of {files[0].name}; give all the same")
    starts = np.cumsum([0, *(one.metadata.num_rows for one in opened)])
    if not starts[-1]:
        raise BadInput(f"{files[0]}: no rows; give one for each example")
    check_rows(int(starts[-1]), where)

    def name_at(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{files[at]}: row {row - starts[at]}"

    return Table(
        where,
        opened[0].schema_arrow,
        int(starts[-1]),
        name_at,
        lambda name: _parquet_column(files, name),
        root=root,
        batches=lambda name: chain.from_iterable(read_batches(file, name, _ROWS) for file in files),
        blobs=lambda column, reader: ParquetBlobs(files, column, root, FileFacts(root), reader),
    )


def _parquet_column(files: Sequence[Path], name: str) -> Any:
    import pyarrow as pa

    columns = [read_column(file, name) for file in files]
    columns = [column for column in columns if len(column)] or columns[:1]  # an empty one has any type
    kinds = {column.type for column in columns}
    if len(kinds) > 1:
        raise BadInput(
            f"{files[0]}: column {name} holds {shorten(sorted(map(str, kinds)))} in different files; give "
            "all the same"
        )
    parts = [part for column in columns for part in column.chunks]
    return pa.chunked_array(parts, columns[0].type).unify_dictionaries()


PARQUET = Reader((".parquet",), parquet_table, is_text=False)
