"""Parquet read as what it has to be: other columns, types, rows or values than were written are damage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.store.trial_document import damaged

_FLOAT = ("float",)
# by column; where it is not among these, none
_TYPES: Mapping[str, tuple[str, ...]] = {
    "epoch": ("int32",),
    "id": ("int64", "string"),
    "label": ("int32", "int64"),
    "trained_on": ("bool",),
    "prediction": ("int32",),
    **dict.fromkeys(("loss", "margin", "error_norm", "entropy"), _FLOAT),
    "augmented": ("bool",),
}
_CLASSES = ("label", "prediction")
_LEAST_LOSS = -1e-3  # -log of a probability, which rounding may have put above 1


@dataclass(frozen=True)
class Extent:
    """What a file of observations has: a group of rows for each of so many ``epochs``, each of ``examples``.

    Labels and predictions are below ``classes``. What is ``None`` is not known.
    """

    epochs: int | None = None
    examples: int | None = None
    classes: int | None = None


@contextmanager
def read_strictly(path: Path, error: Callable[[Path], BadInput] = damaged) -> Iterator[None]:
    """Say of whatever a reader in the block stumbles over that the file is damaged.

    Raises:
        BadInput: it is.
    """
    import pyarrow as pa

    try:
        yield
    except MemoryError:  # also one of Arrow's: not the fault of the file
        raise
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError):
        raise error(path) from None


def check_table(file: Any, columns: Iterable[str], extent: Extent) -> None:
    """Make sure that an open file of Parquet has the columns, each once and of its type, and the rows.

    Raises:
        ValueError: it has not.
    """
    schema, metadata = file.schema_arrow, file.metadata
    for name in columns:
        if schema.names.count(name) != 1 or str(schema.field(name).type) not in _TYPES[name]:
            raise ValueError(f"column {name}")
    check_groups(metadata, extent)


def check_groups(metadata: Any, extent: Extent) -> int:
    """Make sure that the groups of rows are as many as epochs, and equally long; the rows of each.

    Raises:
        ValueError: they are not.
    """
    found = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    if not found or len(set(found)) > 1 or extent.epochs not in (None, len(found)):
        raise ValueError(f"groups of {found[:3]} rows")
    if extent.examples not in (None, found[0]) or metadata.num_rows != sum(found):
        raise ValueError(f"{found[0]} rows")
    return int(found[0])


def values_of(column: Any, name: str, extent: Extent) -> npt.NDArray[Any]:
    """The values of a column or a piece of one, none of which is missing or impossible.

    Raises:
        ValueError: one is.
    """
    if column.null_count:
        raise ValueError(f"column {name} has nulls")
    values: npt.NDArray[Any] = (
        column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
    )
    if not len(values):
        return values
    if name in _CLASSES and not 0 <= values.min() <= values.max() < (extent.classes or np.inf):
        raise ValueError(f"column {name} names other classes")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"column {name} is not finite")
    if name == "loss" and values.min() < _LEAST_LOSS:
        raise ValueError("a loss is below 0")
    return values
