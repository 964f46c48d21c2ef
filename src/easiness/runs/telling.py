"""What tells people in a table which example is meant, where its id does not."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.regular_file import in_words


class Told(NamedTuple):
    """A ``column`` for a table of examples, with the ``texts`` of its cells."""

    column: str
    texts: list[str]


def told(data: Dataset, rows: npt.NDArray[np.int64]) -> Told | None:
    """The texts of the examples at ``rows`` of the data, or their paths where their ids are positions.

    ``None`` where the ids are paths already, or where the examples are neither texts nor files.
    """
    kind = data.kind
    if kind.exported.form == "text":
        return Told(kind.exported.column, data.map(rows, kind.plain))
    if kind.files is None or data.ids.dtype != np.int64 or not len(rows):
        return None
    paths = [Path(data.stored.name(at)) for at in rows.tolist()]
    return Told("path", [in_words(path.absolute()) for path in paths]) if paths[0].is_file() else None
