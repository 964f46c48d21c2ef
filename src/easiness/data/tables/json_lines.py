"""Tables in JSON: a list of objects, or an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from easiness.data.label_forms import CROP
from easiness.data.tables.table import AT_ONCE, Reader, Table, the_only
from easiness.errors import BadInput, one_line, shorten
from easiness.gate import check_fits
from easiness.regular_file import UTF_8, text_lines

_FORM = 'give a list of objects, or one a line, such as {"text": "a b", "label": "c"}'


def json_table(files: Sequence[Path], encoding: str | None, where: str, root: Path) -> Table:
    """The objects in a file, a row each; a key that an object lacks is missing there."""
    import pyarrow as pa

    path = the_only(files)
    names: dict[str, None] = {}
    rows: list[dict[str, Any]] = []
    num_bytes = 0
    for length, row in _objects(path, encoding or UTF_8):
        if not isinstance(row, dict):
            raise BadInput(f"{path}: row {len(rows)} is no object; {_FORM}")
        names.update(dict.fromkeys(row))
        rows.append(row)
        num_bytes += 8 * length  # what values of Python take beside their letters
        if len(rows) % AT_ONCE == 0:
            check_fits(num_bytes, str(path))
    if not rows:
        raise BadInput(f"{path}: no rows; {_FORM}")
    columns = {name: _column(path, name, [row.get(name) for row in rows]) for name in names}
    table = pa.table(columns)
    return Table(where, table.schema, len(rows), lambda row: f"{path}: row {row}", table.column, root=root)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    """The letters that a row takes, and the row."""
    number = 0
    try:
        lines = text_lines(path, encoding=encoding)
        if path.name.lower().removesuffix(".gz").endswith(".json"):
            whole = "".join(lines)
            found = json.loads(whole)
            if isinstance(found, dict):
                boxes = f"; if it has boxes, as of COCO, {CROP}" if "annotations" in found else ""
                raise BadInput(f"{path}: JSON of one object ({shorten(found)}); {_FORM}{boxes}")
            yield from ((len(whole) // max(len(found), 1), row) for row in found)
            return
        for number, line in enumerate(lines, start=1):  # noqa: B007 - for the errors below
            if line.strip():
                yield len(line), json.loads(line)
    except OSError as error:
        raise BadInput(f"{path}: the table cannot be read ({error.strerror or error}); {_FORM}") from None
    except (ValueError, RecursionError) as error:  # which errors of decoding are, too
        if isinstance(error, BadInput):
            raise
        at = f"line {number}: " if number else ""
        raise BadInput(f"{path}: {at}no JSON that can be read ({one_line(error):.200}); {_FORM}") from None


def _column(path: Path, name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(
            values, pa.large_string() if all(isinstance(one, str | None) for one in values) else None
        )
    except (pa.ArrowException, OverflowError):
        kinds = sorted({type(one).__name__ for one in values if one is not None})
        raise BadInput(
            f"{path}: the values of {name!r:.80} are of several types ({', '.join(kinds)}); give all the same"
        ) from None


JSON_LINES = Reader(
    tuple(f".{one}{end}" for one in ("jsonl", "ndjson", "json") for end in ("", ".gz")), json_table
)
