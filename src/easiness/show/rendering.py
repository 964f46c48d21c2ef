"""Results as the content of files: any in the format that the end of the name asks for; tables as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.metadata import version
from typing import Any, BinaryIO

from easiness.csv_cells import to_cell
from easiness.lazy import pd
from easiness.named_import import find_offer
from easiness.show.result import Result
from easiness.show.svg import picture_bytes

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
"""The formats that a figure alone can be written in."""

SUFFIXES = (".csv", ".md", ".json", ".parquet", ".html", *PICTURE_SUFFIXES)
"""The formats that every result can be written in."""

_WITH_TEXTS = ("object", "str", "string", "category")


def render(result: Result, suffix: str, file: BinaryIO) -> None:
    """Write a result into an open file, as what one of `SUFFIXES` stands for."""
    if suffix == ".csv":
        write_csv(result.csv_rows(), file)
    elif suffix == ".parquet":
        write_parquet(result.table(), file, result=result.in_full())
    elif suffix == ".json":
        document = result.document()
        if isinstance(document, dict):  # rows alone are a list
            document = {"easiness": version("easiness"), **document}
        file.write(json_bytes(document))
    elif suffix == ".md":
        file.write(f"{result.markdown().rstrip()}\n\nMade by easiness {version('easiness')}.\n".encode())
    elif suffix == ".html":
        file.write(find_offer("result_page")(result).encode())
    elif suffix in PICTURE_SUFFIXES:
        file.write(picture_bytes(result.figure(), suffix, about=result.in_full()))
    else:
        file.write(result.own_file(suffix))


def file_bytes(result: Result, suffix: str) -> bytes:
    """The bytes that `render` writes."""
    file = io.BytesIO()
    render(result, suffix, file)
    return file.getvalue()


def json_bytes(document: Any) -> bytes:
    """A document as the content of a JSON file."""
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


# What the library leaves without quotes: readers end the row at a carriage return, and a spreadsheet of other
# countries the cell at a semicolon or tab, behind which it would look for a formula
_NEEDS_QUOTES = re.compile("[\r;\t]")


def write_csv(table: pd.DataFrame, file: Any) -> None:
    """Write a header and the rows into an open ``file`` of bytes (in UTF-8) or of text.

    Texts that a spreadsheet would take for a formula get an apostrophe, which our readers take off again.
    """
    import numpy as np

    frame = table.copy(deep=False)
    needs_quotes = False
    for place, kind in enumerate(table.dtypes):
        if str(kind) in _WITH_TEXTS:
            column = table.iloc[:, place]
            texts = [to_cell(cell) if isinstance(cell, str) else cell for cell in column]
            needs_quotes = needs_quotes or any(
                _NEEDS_QUOTES.search(cell) for cell in texts if isinstance(cell, str)
            )
            frame.isetitem(place, np.fromiter(texts, object, len(texts)))
    frame.columns = [to_cell(str(name)) for name in table.columns]
    frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC if needs_quotes else csv.QUOTE_MINIMAL)


def write_parquet(table: pd.DataFrame, file: Any, **about: str) -> None:
    """Write the rows into an open ``file`` of bytes, or a path.

    A column of numbers and texts, such as ids of two splits, is one of texts, as in a CSV. Its ``attrs``
    are the version of this package and words ``about`` the table.
    """
    frame = table.copy(deep=False)
    frame.attrs = {"easiness": version("easiness")}
    frame.attrs.update(about)
    for place, kind in enumerate(table.dtypes):
        column = table.iloc[:, place]
        if str(kind) == "object" and len({isinstance(cell, str) for cell in column[column.notna()]}) > 1:
            frame.isetitem(place, column.map(str, na_action="ignore").to_numpy(object))
    frame.to_parquet(file, index=False)
