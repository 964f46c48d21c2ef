"""Tables in CSV files, whose cells are texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from easiness.csv_cells import csv_rows
from easiness.data.tables.table import AT_ONCE, Reader, Table, the_only
from easiness.errors import BadInput
from easiness.gate import A_ROW, check_fits


def csv_table(
    files: Sequence[Path],
    encoding: str | None,
    where: str,
    root: Path,
    *,
    sheet: bool = False,
    ragged: bool = False,
) -> Table:
    """A CSV file, whose cells are strings; its rows are named by the lines that they end on.

    Those of a ``sheet``, which people write, are counted as a spreadsheet counts, and spaces around the names
    of its columns do not. Where it is ``ragged`` empty cells at the ends of rows may be left out.
    """
    import pyarrow as pa

    path = the_only(files)
    rows = csv_rows(path, "table", encoding=encoding)
    _, header = next(rows, (1, []))
    if not any(header):
        raise BadInput(f"{path}: no header; name the columns in the first line")
    unit = f"{path}: {'row' if sheet else 'line'}"
    if sheet:
        header = [name.strip() for name in header]
        rows = ((number, cells) for number, (_, cells) in enumerate(rows, start=2))
    if ragged:
        rows = _even(rows, len(header))
    lines: list[int] = []
    parts: list[list[Any]] = [[] for _ in header]
    num_bytes = 0
    filled = (row for row in rows if row[1])
    while some := list(islice(filled, AT_ONCE)):
        for line, cells in some:
            if len(cells) != len(header):
                raise BadInput(
                    f"{unit} {line}: {len(cells)} values for {len(header)} columns; quote values that "
                    "hold a separator"
                )
            lines.append(line)
        for part, column in zip(parts, zip(*(cells for _, cells in some), strict=True), strict=True):
            part.append(_strings(column, path))
            num_bytes += part[-1].nbytes
        check_fits(num_bytes + A_ROW * len(lines), str(path))
    if not lines:
        raise BadInput(f"{path}: no rows; give one for each example")
    places = {name: at for at, name in reversed(list(enumerate(header)))}
    return Table(
        where,
        pa.schema([(name, pa.large_string()) for name in header]),
        len(lines),
        lambda row: f"{unit} {lines[row]}",
        lambda name: pa.chunked_array(parts[places[name]]),
        root=root,
    )


def _even(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with as many cells as there are columns, unless there are more that are not empty."""
    for number, cells in rows:
        yield number, cells if any(cells[width:]) or not cells else [*cells, *[""] * width][:width]


def csv_header(path: Path) -> list[str]:
    """The names in the first line of a CSV, without spaces around them; none where it cannot be read."""
    try:
        _, header = next(csv_rows(path, "file", errors="replace"), (1, []))
    except BadInput:
        return []
    return [name.strip() for name in header]


def _strings(cells: Sequence[str], path: Path) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells, pa.large_string())
    except UnicodeError:  # halves of pairs, which some encodings have
        raise BadInput(f"{path}: holds halves of characters; save it as UTF-8") from None


CSV = Reader((".csv", ".csv.gz", ".tsv", ".tsv.gz"), csv_table)
