"""Tables as CSV: the one place where any is written."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from easiness.csv_cells import to_cell

if TYPE_CHECKING:
    import pandas as pd

_WITH_TEXTS = ("object", "str", "string", "category")


def write_csv(table: pd.DataFrame, file: Any) -> None:
    """Write a header and the rows into an open ``file`` of bytes (in UTF-8) or of text.

    Texts that a spreadsheet would take for a formula get an apostrophe, which our readers take off again.
    """
    written = table.copy(deep=False)
    returns = False
    for place, kind in enumerate(table.dtypes):
        if str(kind) in _WITH_TEXTS:
            column = table.iloc[:, place]
            texts = [to_cell(cell) if isinstance(cell, str) else cell for cell in column]
            returns = returns or any("\r" in cell for cell in texts if isinstance(cell, str))
            written.isetitem(place, _as_objects(texts))
    written.columns = [to_cell(str(name)) for name in table.columns]
    # the library leaves a text that has but a carriage return without quotes, where readers end the row
    written.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL)


def _as_objects(cells: list[Any]) -> Any:
    import numpy as np

    column = np.empty(len(cells), object)
    column[:] = cells
    return column
