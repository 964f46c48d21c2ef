"""CSV files: the rows of those that people write, and cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from easiness.errors import BadInput
from easiness.regular_file import UTF_8, open_regular, text_lines

SEPARATORS = ",;\t"

_LONGEST = 2**24  # letters of a cell, which may be a whole text; the library's own limit is 2**17
_MARK = "'"
_NUMBER = r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z"
_UNSEEN = r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
# what spreadsheets take for the beginning of a formula, behind blanks too, in wide forms as well
_FORMULA = re.compile(
    rf"(?:{_UNSEEN}*(?!{_NUMBER})[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])", re.ASCII | re.IGNORECASE
)


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


def csv_rows(
    path: Path, what: str, errors: str = "strict", encoding: str | None = UTF_8
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, the header first, with the number of the line that the row ends on, from 1.

    Commas, semicolons or tabs separate them. Rows without cells are among them. An error calls the file
    ``what``; ``errors`` says what becomes of bytes that are no text, as for `open`. The ``encoding`` is UTF-8
    where the user, who may give it, has not (``None``).
    """
    csv.field_size_limit(max(_LONGEST, csv.field_size_limit()))
    try:
        lines = text_lines(path, errors, encoding or UTF_8)
        first = next(lines, "")
        reader = csv.reader(chain([first], lines), strict=True, delimiter=_separator(first))
        for cells in reader:
            yield reader.line_num, cells
    except OSError as error:
        raise BadInput(
            f"{path}: the {what} cannot be read ({error.strerror or error}); give one that can"
        ) from None
    except UnicodeError:
        raise _undecodable(path, what, encoding) from None
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {reader.line_num}: the {what} is not CSV ({error}); mend the quotes"
        ) from None


def _undecodable(path: Path, what: str, encoding: str | None) -> BadInput:
    """Say why bytes of a file are no text, with the line of the first of them."""
    number = _first_undecodable(path, encoding or UTF_8)
    place = "" if number is None else f"line {number}: "
    if encoding in (None, UTF_8):
        other = "" if encoding else ", or name its own with --encoding, such as latin-1"
        return BadInput(f"{path}: {place}the {what} is not UTF-8; save the file in that encoding{other}")
    return BadInput(f"{path}: {place}the {what} is not in {encoding}; give --encoding its own")


def _first_undecodable(path: Path, encoding: str) -> int | None:
    """The first line, from 1, that is no text; ``None`` where no line is by itself, as in UTF-16."""
    try:
        with open_regular(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode(encoding)
                except UnicodeError:
                    return number
    except OSError:  # it could be read a moment ago
        pass
    return None


def _separator(header: str) -> str:
    return max(SEPARATORS, key=lambda one: _num_cells(header, one))


def _num_cells(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], strict=True, delimiter=separator), []))
    except csv.Error:  # quotes end elsewhere
        return 0
