"""The rows of a file of labels, also as a spreadsheet has saved them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from easiness.csv_cells import from_cell
from easiness.data.sources.manifest_rows import separator_of
from easiness.errors import BadInput
from easiness.regular_file import text_lines

NEEDED = ("id", "label")
COLUMNS = (*NEEDED, "class", "was", "action")

Cells = Mapping[str, str]


def read_label_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows, each with its number as a spreadsheet counts and the text of the `COLUMNS` that are there.

    Cells are separated by commas, semicolons or tabs; a mark of the byte order and rows without text count
    for nothing.

    Raises:
        BadInput: the file cannot be read, is no CSV in UTF-8, lacks one of the `NEEDED` columns or has one
            twice, or a row has more cells than the header.
    """
    try:
        lines = text_lines(path)
        first = next(lines, "")
        reader = csv.reader(chain([first], lines), strict=True, delimiter=separator_of(first))
        header = [name.strip() for name in next(reader, [])]
        places = _places(path, header)
        for number, cells in enumerate(reader, start=2):
            if any(cells):
                yield number, _named(f"{path}: row {number}", cells, places, len(header))
    except OSError as error:
        raise BadInput(f"{path}: the labels cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: the labels are not UTF-8; save the file in that encoding") from None
    except csv.Error as error:
        raise BadInput(f"{path}: the labels are no CSV ({error}); mend the quotes") from None


def _places(path: Path, header: list[str]) -> dict[str, int]:
    if not header:
        raise BadInput(f"{path}: the labels are no CSV (it is empty); give a header and a row an example")
    for name in COLUMNS:
        if header.count(name) > 1:
            raise BadInput(f"{path}: has the column {name!r} twice; keep one of them")
    for name in NEEDED:
        if name not in header:
            raise BadInput(
                f"{path}: has no column {name!r}; give a CSV with a header and the columns id and label"
            )
    return {name: header.index(name) for name in COLUMNS if name in header}


def _named(where: str, cells: list[str], places: Mapping[str, int], width: int) -> Cells:
    """The cells by column; those that a spreadsheet has left out at the end of a row are empty."""
    if any(cells[width:]):
        raise BadInput(f"{where}: has {len(cells)} cells for the {width} columns; mend the quotes")
    return {name: from_cell(cells[place]) if place < len(cells) else "" for name, place in places.items()}
