"""What examples of a kind are to other tools: a column of a table, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

Form = Literal["file", "text", "numbers"]
Cell = bytes | str | list[float]


@dataclass(frozen=True)
class Exported:
    """How examples of a kind stand in tables of other tools.

    ``column`` is the usual name of their column, and ``cell`` makes what an example is there, from it and the
    traits of the data: by ``form`` the bytes of a file, a text, or numbers. ``feature`` is the type of
    Hugging Face datasets that reads such files, ``dtype`` the one by which Spotlight shows the column, and
    ``media`` what FiftyOne calls them; ``None`` where it has none or needs none. ``address`` makes a
    ``data:`` address by which a browser shows one, or plays it, where its text does not do.
    """

    column: str
    form: Form
    cell: Callable[[npt.NDArray[Any], Any], Cell]
    feature: str | None = None
    dtype: str | None = None
    media: str | None = None
    address: Callable[[npt.NDArray[Any], Any], str] | None = None
