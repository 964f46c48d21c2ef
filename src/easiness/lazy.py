"""Libraries that load when something of them is first used, and types of arrays and figures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class Lazy:
    """A library that loads when something of it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image
    from scipy import optimize, sparse, special, stats

    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Reals = npt.NDArray[np.floating]
    Singles = npt.NDArray[np.float32]
else:
    pd, pa, pc, Image = map(Lazy, ("pandas", "pyarrow", "pyarrow.compute", "PIL.Image"))
    optimize, sparse, special, stats = (
        Lazy(f"scipy.{name}") for name in ("optimize", "sparse", "special", "stats")
    )
    Array = Axes = Figure = Floats = Integers = Mask = Reals = Singles = Any  # nothing here calls them

__all__ = ["Array", "Axes", "Figure", "Floats", "Image", "Integers", "Lazy", "Mask", "Reals", "Singles"]
__all__ += ["optimize", "pa", "pc", "pd", "sparse", "special", "stats"]
