"""Pandas and sparse matrices, which load when they are first used, and types of arrays and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from scipy import sparse

    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Reals = npt.NDArray[np.floating]
    Singles = npt.NDArray[np.float32]
else:

    class _Pandas:
        def __getattr__(self, name: str) -> Any:
            import pandas

            return getattr(pandas, name)

    class _Sparse:
        def __getattr__(self, name: str) -> Any:
            from scipy import sparse

            return getattr(sparse, name)

    pd, sparse = _Pandas(), _Sparse()
    Array = Axes = Figure = Floats = Integers = Mask = Reals = Singles = Any  # nothing here calls them

__all__ = ["Array", "Axes", "Figure", "Floats", "Integers", "Mask", "Reals", "Singles", "pd", "sparse"]
