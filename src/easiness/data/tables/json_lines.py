"""Tables in JSON: a list of objects, or an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from easiness.data.label_forms import CROP
from easiness.data.tables.table import AT_ONCE, Reader, Table, the_only
from easiness.errors import BadInput, one_line
from easiness.gate import check_fits
from easiness.regular_file import UTF_8, text_lines

_STEP = 2**24  # bytes between looks at the memory
_MOST_EMPTY = 200  # cells to one that a row has
_FORM = 'give a list of objects, or one a line, such as {"text": "a b", "label": "c"}'


def json_table(files: Sequence[Path], encoding: str | None, where: str, root: Path) -> Table:
    """The objects in a file, a row each; a key that an object lacks is missing there."""
    import pyarrow as pa

    path = the_only(files)
    names: dict[str, None] = {}
    rows: list[dict[str, Any]] = []
    num_bytes = known = num_cells = 0
    for length, row in _objects(path, encoding):
        if not isinstance(row, dict):
            raise BadInput(f"{path}: row {len(rows)} is no object; {_FORM}")
        names.update(dict.fromkeys(row))
        rows.append(row)
        num_cells += len(row)
        num_bytes += 8 * length  # what values of Python take beside their letters
        if num_bytes > known + _STEP:
            known = num_bytes
            check_fits(num_bytes, str(path))
    if not rows:
        raise BadInput(f"{path}: no rows; {_FORM}")
    if len(names) * len(rows) > _MOST_EMPTY * num_cells:
        raise BadInput(
            f"{path}: {len(names):,} keys, of which most rows lack most; give all rows the same keys"
        )
    if any("\ud800" <= letter <= "\udfff" for name in names for letter in name):
        raise BadInput(f"{path}: a key holds halves of characters; save it as UTF-8")
    columns = {name: _column(path, name, [row.get(name) for row in rows]) for name in names}
    table = pa.table(columns)
    return Table(where, table.schema, len(rows), lambda row: f"{path}: row {row}", table.column, root=root)


def _objects(path: Path, encoding: str | None) -> Iterator[tuple[int, Any]]:
    """The letters that a row takes, and the row."""
    number = 0
    try:
        lines = text_lines(path, encoding=encoding or UTF_8)
        if path.name.lower().removesuffix(".gz").endswith(".json"):
            whole = "".join(_fitting(path, lines))
            found = json.loads(whole)
            if not isinstance(found, list):
                boxes = (
                    f"; if it has boxes, as of COCO, {CROP}" if "annotations" in str(found)[:10_000] else ""
                )
                raise BadInput(f"{path}: JSON that is no list of objects; {_FORM}{boxes}")
            yield from ((len(whole) // max(len(found), 1), row) for row in found)
            return
        for number, line in enumerate(lines, start=1):  # noqa: B007 - for the errors below
            if line.strip():
                yield len(line), json.loads(line)
    except OSError as error:
        raise BadInput(f"{path}: the table cannot be read ({error.strerror or error}); {_FORM}") from None
    except UnicodeError:
        other = "" if encoding else ", or name its own with --encoding, such as latin-1"
        raise BadInput(f"{path}: is not in {encoding or 'UTF-8'}; save it in that encoding{other}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        at = f"line {number}: " if number else ""
        raise BadInput(f"{path}: {at}no JSON that can be read ({one_line(error):.200}); {_FORM}") from None


def _fitting(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """The lines, of which a third of the memory has room for eight times their letters."""
    num_bytes = 0
    for number, line in enumerate(lines):
        num_bytes += 8 * len(line)
        if number % AT_ONCE == 0:
            check_fits(num_bytes, str(path))
        yield line


def _column(path: Path, name: str, values: list[Any]) -> Any:
    """The values of a key, as texts where they are of several types, as cells of a CSV are."""
    import pyarrow as pa

    try:
        if not all(isinstance(one, str | None) for one in values):
            return pa.array(values)
    except (pa.ArrowException, OverflowError):
        values = [one if isinstance(one, str | None) else json.dumps(one) for one in values]
    except UnicodeError:
        pass
    try:
        return pa.array(values, pa.large_string())
    except (pa.ArrowException, UnicodeError):  # the latter of halves of pairs
        raise BadInput(f"{path}: {name!r:.80} holds halves of characters; save it as UTF-8") from None


JSON_LINES = Reader(
    tuple(f".{one}{end}" for one in ("jsonl", "ndjson", "json") for end in ("", ".gz")), json_table
)
