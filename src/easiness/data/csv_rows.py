"""The rows of CSV files that people write, with commas, semicolons or tabs between the cells."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from easiness.errors import BadInput
from easiness.regular_file import text_lines

SEPARATORS = ",;\t"


def csv_rows(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, the header first, with the number of the line that the row ends on, from 1.

    Rows without cells are among them. An error calls the file ``what``.

    Raises:
        BadInput: the file cannot be read, or is no CSV in UTF-8.
    """
    try:
        lines = text_lines(path)
        first = next(lines, "")
        reader = csv.reader(chain([first], lines), strict=True, delimiter=_separator(first))
        for cells in reader:
            yield reader.line_num, cells
    except OSError as error:
        raise BadInput(f"{path}: the {what} cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: the {what} is not UTF-8; save the file in that encoding") from None
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {reader.line_num}: the {what} is not CSV ({error}); mend the quotes"
        ) from None


def _separator(header: str) -> str:
    """The separator by which the first line of a file has most cells; of equals the comma."""
    return max(SEPARATORS, key=lambda one: _num_cells(header, one))


def _num_cells(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], strict=True, delimiter=separator), []))
    except csv.Error:  # quotes end elsewhere
        return 0
