"""Torch Datasets that are no more than a list of picture files and labels, as most of torchvision's are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

LOADERS = ("default_loader", "pil_loader", "accimage_loader")

Listed = tuple[Path, list[str], list[int]]
"""A root, files relative to it (absolute where they lie elsewhere), and the label of each."""


def listed_files(dataset: Any) -> Listed | None:
    """The files and labels of a Dataset that reads them with torchvision's loader and changes nothing.

    These are torchvision's `DatasetFolder` and classes derived from it that get their items in the same
    way (`ImageFolder`, `ImageNet`, ...), and torchvision's other Datasets with such a list.
    """
    folder: Any = sys.modules.get("torchvision.datasets.folder")
    if folder is None or not _only_loads(dataset, folder):
        return None
    if isinstance(dataset, folder.DatasetFolder):
        same = type(dataset).__getitem__ is folder.DatasetFolder.__getitem__
        pairs = dataset.samples if same else None
    elif type(dataset).__module__.startswith("torchvision.datasets."):
        pairs = _pairs(dataset)
    else:
        pairs = None
    if pairs is None:
        return None
    pairs = list(pairs)
    if len(pairs) != len(dataset) or not all(
        isinstance(path, str | os.PathLike)
        and isinstance(label, int | np.integer)
        and abs(int(label)) < 2**63
        for path, label in pairs
    ):
        return None
    root = Path(os.path.abspath(dataset.root))  # noqa: PTH100 - resolves ".." but no links
    return root, [_from(root, path) for path, _ in pairs], [int(label) for _, label in pairs]


def _only_loads(dataset: Any, folder: Any) -> bool:
    changes = (
        "transform",
        "target_transform",
        "transforms",
    )  # the last is made of the others, or given alone
    loader = getattr(dataset, "loader", getattr(dataset, "_loader", None))
    return all(getattr(dataset, name, None) is None for name in changes) and (
        loader is None or loader in [getattr(folder, name) for name in LOADERS]
    )


def _pairs(dataset: Any) -> Iterable[tuple[Any, Any]] | None:
    """(path, label) of each item, under the names that torchvision's own Datasets have for them."""
    for name in ("_samples", "imgs"):
        if hasattr(dataset, name):
            pairs: Iterable[tuple[Any, Any]] = getattr(dataset, name)
            return pairs
    if hasattr(dataset, "_image_files") and hasattr(dataset, "_labels"):
        return zip(dataset._image_files, dataset._labels, strict=True)
    return None


def _from(root: Path, path: str | os.PathLike[str]) -> str:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)
