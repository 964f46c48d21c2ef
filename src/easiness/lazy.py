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
    import datasets
    import huggingface_hub
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import ray
    import transformers
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image
    from ray import cloudpickle
    from safetensors import numpy as safetensors
    from scipy import optimize, sparse, special, stats

    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Reals = npt.NDArray[np.floating]
    Singles = npt.NDArray[np.float32]
else:
    pd, pa, pc = Lazy("pandas"), Lazy("pyarrow"), Lazy("pyarrow.compute")
    pq, safetensors, Image = Lazy("pyarrow.parquet"), Lazy("safetensors.numpy"), Lazy("PIL.Image")
    optimize, sparse = Lazy("scipy.optimize"), Lazy("scipy.sparse")
    special, stats = Lazy("scipy.special"), Lazy("scipy.stats")
    datasets, huggingface_hub, transformers = map(Lazy, ("datasets", "huggingface_hub", "transformers"))
    ray, cloudpickle = Lazy("ray"), Lazy("ray.cloudpickle")
    Array = Axes = Figure = Floats = Integers = Mask = Reals = Singles = Any  # nothing here calls them

__all__ = ["Array", "Axes", "Figure", "Floats", "Image", "Integers", "Lazy", "Mask", "Reals", "Singles"]
__all__ += ["cloudpickle", "datasets", "huggingface_hub", "optimize", "pa", "pc", "pd", "pq", "ray"]
__all__ += ["safetensors", "sparse", "special", "stats", "transformers"]
