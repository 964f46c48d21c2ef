"""Examples named by their ids, in a file or as a list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows, from_cell
from easiness.errors import BadInput, shorten
from easiness.regular_file import text_lines

_UNDECODED = "surrogateescape"  # names of files need not be valid text
_FORM = "give a text file with an id a line, or FILE.csv with a column id"


def named_positions(given: str | Path | Iterable[Any], ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the examples that a file or a list names, among all ``ids`` [K].

    Raises:
        BadInput: the file cannot be read or names nothing, or an id is unknown.
    """
    is_file = isinstance(given, str | Path)
    where = f"--ids {given}" if is_file else "ids"
    names = _read(Path(given), where) if isinstance(given, str | Path) else [str(one) for one in given]
    if not names:
        raise BadInput(f"{where}: names no example; {_FORM}" if is_file else f"{where}: names no example")
    positions = {str(one): position for position, one in enumerate(ids)}
    unknown = [name for name in dict.fromkeys(names) if name not in positions]
    if unknown:
        raise BadInput(f"{where}: the run has no example with id {shorten(unknown)}; give ids of the run")
    return np.unique([positions[name] for name in names])


def _read(path: Path, where: str) -> list[str]:
    if path.suffix.lower() == ".csv":
        return _column(path, where)
    try:
        lines = list(text_lines(path, _UNDECODED))
    except OSError as error:
        raise BadInput(f"{where}: cannot be read ({error.strerror}); {_FORM}") from None
    if any("\0" in line for line in lines):
        raise BadInput(f"{where}: is not text; {_FORM}")
    return [name for line in lines if (name := line.rstrip("\r\n"))]


def _column(path: Path, where: str) -> list[str]:
    """What is in the column id of a CSV file, without the cells that are empty."""
    rows = csv_rows(path, "file of ids", _UNDECODED)
    _, header = next(rows, (1, []))
    if "id" not in header:
        raise BadInput(f"{where}: has no column id (but {', '.join(header)}); {_FORM}")
    names = []
    for line, cells in rows:
        if cells and len(cells) != len(header):
            raise BadInput(
                f"{where}: line {line} has {len(cells)} values for {len(header)} columns; mend the quotes"
            )
        names += [from_cell(one) for one in cells[header.index("id") :][:1] if one]
    return names
