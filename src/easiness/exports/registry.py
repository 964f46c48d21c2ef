"""The formats; a new one is a file and a line here."""

from __future__ import annotations

from typing import Any

from easiness.errors import BadInput, nearest
from easiness.exports.confident_learning import CLEANLAB
from easiness.exports.fiftyone import FIFTYONE
from easiness.exports.format import Format
from easiness.exports.hugging_face import HUGGING_FACE
from easiness.exports.rows import CSV, PARQUET
from easiness.exports.spotlight import SPOTLIGHT
from easiness.exports.subset import TORCH

FORMATS: tuple[Format[Any], ...] = (HUGGING_FACE, CLEANLAB, FIFTYONE, SPOTLIGHT, TORCH, CSV, PARQUET)
"""In the order of the help."""


def find_format(name: str) -> Format[Any]:
    """The format of a name.

    Raises:
        BadInput: there is none.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    names = [one.name for one in FORMATS]
    raise BadInput(f"--to {name}: unknown{nearest(name, names)}; choose {', '.join(names)}")
