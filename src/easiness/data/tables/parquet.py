"""Tables in Parquet files, and encoded examples in the rows of tables, which are read a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness import inputs
from easiness.data.sources.file_blobs import FileFacts
from easiness.data.tables.table import Reader, Table
from easiness.errors import BadInput, shorten
from easiness.gate import A_ROW, check_fits, open_parquet, read_batches, read_column
from easiness.inputs import Blob, Blobs, Files, Header, Positions, Unreadable
from easiness.lazy import pa, pc
from easiness.regular_file import read_regular

AT_ONCE = 64  # encoded examples read together
_ROWS = 4096  # of another column
_ROWS_FACT = "row_sha256"
_UNKNOWN = 64 * "-"


class RowsOfFile(NamedTuple):
    """Rows of a table that lie in one file, of which facts are remembered under its name."""

    start: int
    stop: int
    file: str
    identity: str = ""


class RowBlobs(Blobs):
    """Encoded examples in the rows of a table, which ``read`` gives as (bytes, path of a file)."""

    def __init__(
        self,
        name_at: Callable[[int], str],
        num: int,
        read: Callable[[Positions], Iterator[tuple[bytes | None, str | None]]],
        reader: Files,
        parts: Sequence[RowsOfFile] = (),
        facts: FileFacts | None = None,
    ) -> None:
        self.reader = reader
        self._name_at, self._num, self._read, self._parts, self._facts = name_at, num, read, parts, facts

    def __len__(self) -> int:
        return self._num

    def name(self, position: int) -> str:
        return self._name_at(position)

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        for position, (content, path) in zip(positions.tolist(), self._read(positions), strict=True):
            yield partial(_stored_bytes, content, self.name(position), self.reader.noun, path)

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the rows; of a file whose headers are all the same that one is remembered."""
        for part, rows in self._parts_of(positions):
            if part is None or part.identity or self._facts is None:
                yield from super().headers(rows)
                continue
            stamp, facts = self._facts.recall(part.file)
            common = self.reader.header(facts.get("header"))
            if common is not None:
                yield from repeat(common, len(rows))
                continue
            distinct: set[Header | None] = set()
            for header in super().headers(rows):
                distinct.add(header)
                yield header
            if len(rows) == part.stop - part.start and len(distinct) == 1 and None not in distinct:
                self._facts.remember(part.file, stamp, header=list(*distinct))
                self._facts.save()

    def digests(self, positions: Positions) -> list[str]:
        digests: list[str] = []
        for part, rows in self._parts_of(positions):
            digests += self._digests_in(part, rows, len(positions), len(digests))
        return digests

    def _digests_in(self, part: RowsOfFile | None, rows: Positions, total: int, num_before: int) -> list[str]:
        def read(rows: Positions) -> Iterator[bytes]:
            digests = inputs.in_threads(inputs.digest, self.blobs(rows))
            return inputs.track(digests, self.reader.reading, total, num_before)

        if part is None or self._facts is None:
            return [one.hex() for one in read(rows)]
        stamp, facts = self._facts.recall(part.file)
        digests = [_UNKNOWN] * (part.stop - part.start)
        match facts.get(_ROWS_FACT):
            case [part.identity, str(joined)] if len(joined) == len(_UNKNOWN) * len(digests):
                digests = [joined[at : at + len(_UNKNOWN)] for at in range(0, len(joined), len(_UNKNOWN))]
        places = (rows - part.start).tolist()
        missing = [at for at in places if digests[at] == _UNKNOWN]
        try:
            for at, one in zip(missing, read(np.array(missing, np.int64) + part.start), strict=True):
                digests[at] = one.hex()
        finally:
            if missing:
                self._facts.remember(part.file, stamp, **{_ROWS_FACT: [part.identity, "".join(digests)]})
                self._facts.save()
        return [digests[at] for at in places]

    def unreadable(self, positions: Positions) -> Positions:
        if self._facts is None or len(positions) < len(self) or any(part.identity for part in self._parts):
            return super().unreadable(positions)
        fact = f"un{self.reader.readable()}".replace("unreadable", "unreadable_rows")
        unreadable = []
        for start, stop, file, _ in self._parts:
            learn = partial(self.find_unreadable, positions[start:stop], len(self), start)
            _, bad = self._facts.lookup(file, fact, list, lambda: (learn() - start).tolist())  # noqa: B023
            self._facts.save()
            unreadable.append(np.array(bad, np.int64) + start)
        return np.concatenate(unreadable)

    def _parts_of(self, positions: Positions) -> Iterator[tuple[RowsOfFile | None, Positions]]:
        if not self._parts:
            yield None, positions
        for part in self._parts:
            low, high = np.searchsorted(positions, [part.start, part.stop])
            if low < high:
                yield part, positions[low:high]


def _in_parquet(
    name_at: Callable[[int], str], files: Sequence[Path], root: Path, column: str, reader: Files
) -> RowBlobs:
    groups: list[tuple[Path, int, int, int]] = []
    parts, stop = [], 0
    for file in files:
        content, first = open_parquet(file), stop
        _check_type(str(file), column, content.schema_arrow.field(column).type, reader)
        for group in range(content.metadata.num_row_groups):
            start, stop = stop, stop + content.metadata.row_group(group).num_rows
            groups.append((file, group, start, stop))
        parts.append(RowsOfFile(first, stop, file.relative_to(root).as_posix()))

    def read(positions: Positions) -> Iterator[tuple[bytes | None, None]]:
        for file, group, first, last in groups:
            rows = positions[slice(*np.searchsorted(positions, [first, last]))]
            for values in read_batches(file, column, AT_ONCE, [group]) if len(rows) else ():
                blobs = pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values
                some = rows[: np.searchsorted(rows, first + len(values))]
                for position in some.tolist():
                    yield blobs[position - first].as_py(), None
                first, rows = first + len(values), rows[len(some) :]
                if not len(rows):
                    break

    return RowBlobs(name_at, stop, read, reader, parts, FileFacts(root))


def _check_type(where: str, column: str, kind: Any, reader: Files) -> None:
    inner = kind
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        inner = kind.field("bytes").type
    if not (pa.types.is_binary(inner) or pa.types.is_large_binary(inner)):
        raise BadInput(f"{where}: column {column} holds {kind}; store encoded {reader.noun}s as bytes")


def _stored_bytes(content: bytes | None, name: str, noun: str, path: str | None = None) -> bytes:
    if content is not None:
        return content
    if path is None:
        raise Unreadable(name, f"the {noun} is null")
    try:
        return read_regular(Path(path), inputs.MOST_BYTES)
    except OSError as error:
        raise Unreadable(f"{name}: {path}", f"the file cannot be read: {error.strerror}") from None


def parquet_table(files: Sequence[Path], _: str | None, where: str, root: Path) -> Table:
    """The rows of Parquet files one after another; they are named by their file and the row in it, from 0."""
    contents = [open_parquet(file) for file in files]
    schema = contents[0].schema_arrow
    for file, one in zip(files, contents, strict=True):
        if sorted(one.schema_arrow.names) != sorted(schema.names):
            raise BadInput(f"{file}: its columns are not those of {files[0].name}; give all the same")
    starts = np.cumsum([0, *(one.metadata.num_rows for one in contents)])
    num = int(starts[-1])
    if not num:
        raise BadInput(f"{files[0]}: no rows; give one for each example")
    check_fits(num * A_ROW, f"{where}: {num:,} rows", "give fewer rows")

    def name_at(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{files[at]}: row {row - starts[at]}"

    return Table(
        where,
        schema,
        num,
        name_at,
        lambda name: _parquet_column(files, name),
        root=root,
        batches=lambda name: chain.from_iterable(read_batches(file, name, _ROWS) for file in files),
        blobs=lambda column, reader: _in_parquet(name_at, files, root, column, reader),
    )


def _parquet_column(files: Sequence[Path], name: str) -> Any:
    columns = [read_column(file, name) for file in files]
    columns = [column for column in columns if len(column)] or columns[:1]  # an empty one has any type
    kinds = sorted({str(column.type) for column in columns})
    if len(kinds) > 1:
        problem = f"column {name} holds {shorten(kinds)} in different files"
        raise BadInput(f"{files[0]}: {problem}; give all the same")
    parts = [part for column in columns for part in column.chunks]
    return pa.chunked_array(parts, columns[0].type).unify_dictionaries()


PARQUET = Reader((".parquet",), parquet_table, is_text=False)
