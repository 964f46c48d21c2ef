"""Examples of one origin: as a column of their source, or as values that are given for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.tables.cells import is_missing
from easiness.errors import BadInput


def grouped(data: Dataset, group: Any) -> Dataset:
    """The data with ``group`` as groups, a value for each training example [K]; ``None`` changes nothing.

    The name of a column is for data that were read with its values.

    Raises:
        BadInput: there are more or fewer values, one is missing, or the column was not read.
    """
    if group is None or (isinstance(group, str) and data.load_options.group == group):
        return data
    if isinstance(group, str):
        raise BadInput(
            f"group {group!r}: {data.name} comes from no CSV or Parquet file that was read with this column; "
            "name it where the file is read, or give a value for each example"
        )
    return replace(data, groups=_values(group, data))


def _values(group: Any, data: Dataset) -> npt.NDArray[np.object_]:
    try:
        given = list(group)
    except TypeError:
        raise BadInput(
            f"group: a {type(group).__name__}; give a value for each of the {len(data)} examples"
        ) from None
    if len(given) != len(data):
        raise BadInput(f"group: {len(given)} values for {len(data)} examples; give one for each")
    values = np.empty(len(given), object)
    values[:] = [None if is_missing(one) else str(one) for one in given]
    missing = next((at for at, one in enumerate(values.tolist()) if one is None), None)
    if missing is not None:
        raise BadInput(
            f"group: the value of example {data.ids.tolist()[missing]!r} is missing; give one for each, such "
            "as its id"
        )
    return values
