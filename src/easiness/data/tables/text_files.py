"""Tables in files of text: CSV, whose cells are texts, and JSON, a list of objects or an object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from easiness.data.tables.table import AT_ONCE, Reader, Table, the_only
from easiness.errors import BadInput, one_line
from easiness.gate import A_ROW, check_fits
from easiness.lazy import pa
from easiness.regular_file import UTF_8, open_regular, text_lines

_MOST_EMPTY = 200  # cells to one that a row has
_LONGEST = 2**24  # letters of a cell, which may be a whole text; the library's own limit is 2**17
_LONGEST_OBJECT = 2**26  # letters of a line: conversations with all that a model was told
_FORM = (
    'give a list of objects, or one a line, such as {"text": "a b", "label": "c"}, '
    'or of outcomes {"item": "q1", "right": 1}'
)

SEPARATORS = ",;\t"


@contextmanager
def _reading(path: Path, encoding: str | None) -> Iterator[None]:
    """Refuse a table that cannot be read, or decoded by the ``encoding``; ``None`` is UTF-8 by default."""
    try:
        yield
    except OSError as error:
        problem = f"the table cannot be read ({error.strerror or error})"
        raise BadInput(f"{path}: {problem}; give one that can") from None
    except UnicodeError:
        problem = f"{_first_undecodable(path, encoding or UTF_8)}the table is not"
        if encoding not in (None, UTF_8):
            raise BadInput(f"{path}: {problem} in {encoding}; give --encoding its own") from None
        other = "" if encoding else ", or name its own with --encoding, such as latin-1"
        raise BadInput(f"{path}: {problem} UTF-8; save the file in that encoding{other}") from None


def _first_undecodable(path: Path, encoding: str) -> str:
    """The number of the first line that is no text; empty where no line is text by itself, as in UTF-16."""
    with suppress(OSError), open_regular(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return f"line {number}: "
    return ""


def csv_rows(
    path: Path, errors: str = "strict", encoding: str | None = UTF_8
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, the header first, with the number of the line that the row ends on, from 1.

    Commas, semicolons or tabs separate them. Rows without cells are among them. ``errors`` says what becomes
    of bytes that are no text, as for `open`.
    """
    csv.field_size_limit(max(_LONGEST, csv.field_size_limit()))
    with _reading(path, encoding):
        lines = text_lines(path, errors, encoding or UTF_8)
        first = next(lines, "")
        separator = max(SEPARATORS, key=partial(_num_cells, first))
        reader = csv.reader(chain([first], lines), strict=True, delimiter=separator)
        try:
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as error:
            where = f"{path}: line {reader.line_num}"
            raise BadInput(f"{where}: the table is not CSV ({error}); mend the quotes") from None


def _num_cells(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], strict=True, delimiter=separator), []))
    except csv.Error:  # quotes end elsewhere
        return 0


def csv_table(
    files: Sequence[Path], encoding: str | None, where: str, root: Path, *, sheet: bool = False
) -> Table:
    """A CSV file, whose cells are strings; its rows are named by the lines that they end on.

    People write a ``sheet``: its rows are counted as a spreadsheet counts, spaces around the names of its
    columns do not matter, and rows may lack empty cells at their ends.
    """
    path = the_only(files)
    rows = csv_rows(path, encoding=encoding)
    _, header = next(rows, (1, []))
    if not any(header):
        raise BadInput(f"{path}: no header; name the columns in the first line")
    unit = f"{path}: {'row' if sheet else 'line'}"
    if sheet:
        header = [name.strip() for name in header]
        width = len(header)
        rows = (
            (number, cells if len(cells) == width else _filled_up(cells, width))
            for number, (_, cells) in enumerate(rows, start=2)
        )
    lines: list[int] = []
    parts: list[list[Any]] = [[] for _ in header]
    num_bytes = 0
    nonempty = (row for row in rows if row[1])
    while some := list(islice(nonempty, AT_ONCE)):
        for line, cells in some:
            if len(cells) != len(header):
                problem = f"{len(cells)} values for {len(header)} columns"
                raise BadInput(f"{unit} {line}: {problem}; quote values that hold a separator")
            lines.append(line)
        for part, column in zip(parts, zip(*(cells for _, cells in some), strict=True), strict=True):
            part.append(_strings(column, f"{path}:"))
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


def _filled_up(cells: list[str], width: int) -> list[str]:
    return cells if any(cells[width:]) or not cells else [*cells, *[""] * width][:width]


def csv_header(path: Path) -> list[str]:
    """The names in the first line of a CSV, without spaces around them; none where it cannot be read."""
    try:
        return [name.strip() for _, header in islice(csv_rows(path, errors="replace"), 1) for name in header]
    except BadInput:
        return []


def _strings(cells: Sequence[str | None], what: str) -> Any:
    try:
        return pa.array(cells, pa.large_string())
    except (pa.ArrowException, UnicodeError):  # the latter of halves of pairs, which some encodings have
        raise BadInput(f"{what}: holds halves of characters; save it as UTF-8") from None


def json_table(files: Sequence[Path], encoding: str | None, where: str, root: Path) -> Table:
    path = the_only(files)
    return table_of(list(json_objects(path, encoding)), path, where, root)


def table_of(rows: Sequence[dict[str, Any]], path: Path, where: str, root: Path) -> Table:
    """The table of objects in a file, of which the keys are the columns; rows are counted from 0."""
    if not rows:
        raise BadInput(f"{path}: no rows; {_FORM}")
    names = dict.fromkeys(chain.from_iterable(rows))
    if len(names) * len(rows) > _MOST_EMPTY * sum(map(len, rows)):
        raise BadInput(f"{path}: {len(names):,} keys that most rows lack; give all rows the same keys")
    if any("\ud800" <= letter <= "\udfff" for name in names for letter in name):
        raise BadInput(f"{path}: a key holds halves of characters; save it as UTF-8")
    columns = {name: _column(path, name, [row.get(name) for row in rows]) for name in names}
    table = pa.table(columns)
    return Table(where, table.schema, len(rows), lambda row: f"{path}: row {row}", table.column, root=root)


def json_objects(path: Path, encoding: str | None = UTF_8) -> Iterator[dict[str, Any]]:
    """The objects of JSON lines, or of a list in JSON."""
    for at, one in enumerate(_values(path, encoding)):
        if not isinstance(one, dict):
            raise BadInput(f"{path}: row {at} is no object; {_FORM}")
        yield one


def _values(path: Path, encoding: str | None) -> Iterator[Any]:
    where = str(path)
    with _reading(path, encoding):
        try:
            lines = _fitting(path, text_lines(path, encoding=encoding or UTF_8, most=_LONGEST_OBJECT))
            if path.name.lower().removesuffix(".gz").endswith(".json"):
                rows = json.loads("".join(lines))
                if not isinstance(rows, list):
                    raise BadInput(f"{path}: JSON that is no list of objects; {_FORM}")
                yield from rows
                return
            for number, line in enumerate(lines, start=1):
                where = f"{path}: line {number}"
                if line.strip():
                    yield json.loads(line)
        except (ValueError, RecursionError) as error:
            if isinstance(error, BadInput | UnicodeError):
                raise
            raise BadInput(f"{where}: no JSON that can be read ({one_line(error):.200}); {_FORM}") from None


def _fitting(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """The lines, as long as eight times their letters fit in a third of the memory."""
    num_bytes = 0
    for number, line in enumerate(lines):
        num_bytes += 8 * len(line)
        if number % AT_ONCE == 0:
            check_fits(num_bytes, str(path))
        yield line


def _column(path: Path, name: str, values: list[Any]) -> Any:
    try:
        if not all(isinstance(one, str | None) for one in values):
            return pa.array(values)
    except (pa.ArrowException, OverflowError):
        values = [one if isinstance(one, str | None) else json.dumps(one) for one in values]
    except UnicodeError:
        pass
    return _strings(values, f"{path}: {name!r:.80}")


CSV = Reader((".csv", ".csv.gz", ".tsv", ".tsv.gz"), csv_table)
JSON_LINES = Reader(
    tuple(f".{one}{end}" for one in ("jsonl", "ndjson", "json") for end in ("", ".gz")), json_table
)
