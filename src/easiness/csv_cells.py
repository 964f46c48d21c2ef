"""CSV files: the rows of those that people write, and cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from easiness.errors import BadInput
from easiness.regular_file import text_lines

SEPARATORS = ",;\t"

_MARK = "'"
_NUMBER = r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z"
# what spreadsheets take for the beginning of a formula, in the wide forms of other keyboards too
_FORMULA = re.compile(rf"(?!{_NUMBER})[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", re.ASCII | re.IGNORECASE)


def to_cell(text: str) -> str:
    """The text as it is written: with an apostrophe before what would be a formula, else as it is.

    So is one that begins with apostrophes and a formula, which is why `from_cell` gives every text back.
    """
    return f"{_MARK}{text}" if _is_formula(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` has written as ``cell``; a formula that others have written stays as it is."""
    return cell.removeprefix(_MARK) if _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text.lstrip(_MARK)) is not None


def csv_rows(path: Path, what: str, errors: str = "strict") -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, the header first, with the number of the line that the row ends on, from 1.

    Commas, semicolons or tabs separate them. Rows without cells are among them. An error calls the file
    ``what``; ``errors`` says what becomes of text that is not UTF-8, as for `open`.

    Raises:
        BadInput: the file cannot be read, or is no CSV in UTF-8.
    """
    try:
        lines = text_lines(path, errors)
        first = next(lines, "")
        reader = csv.reader(chain([first], lines), strict=True, delimiter=_separator(first))
        for cells in reader:
            yield reader.line_num, cells
    except OSError as error:
        raise BadInput(
            f"{path}: the {what} cannot be read ({error.strerror or error}); give one that can"
        ) from None
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
