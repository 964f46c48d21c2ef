"""A kind of source that is given as a text, and a request to load one."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.errors import BadInput
from easiness.gate import check_names
from easiness.regular_file import at_home
from easiness.spec import LoadOptions

_TAKEN_BY = {
    "columns": "no table, so it has no columns to name",
    "text": "no table, so it has no column of texts",
    "sound": "no table, so it has no column of recordings",
    "inputs": "no table, so it has no columns of numbers",
    "label": "no table, so it has no column of labels",
    "encoding": "no CSV file and no folder of .txt files",
}
"""Options that only some sources take, and why others do not."""


@dataclass(frozen=True)
class SourceRequest:
    """The text of a source, a name or a path, and how it is to be loaded."""

    text: str
    options: LoadOptions
    classes: Sequence[str] | None
    download: bool

    @cached_property
    def path(self) -> Path:
        """The text as an absolute path."""
        return absolute(self.text)

    @cached_property
    def exists(self) -> bool:
        """Is there such a file or folder?"""
        return bool(self.text) and os.path.exists(self.path)  # noqa: PTH110 - false for a name too long

    def is_file(self, suffix: str) -> bool:
        """Is there such a file, by the end of its name in lower case?"""
        return self.exists and not self.path.is_dir() and self.path.suffix.lower() == suffix


@dataclass(frozen=True)
class Source:
    """A kind of source: ``form`` says in a few words what it looks like, ``reads`` if a request is for it.

    ``names`` are those that it goes by, for hints: a text that is one stands for it whatever files there
    are. ``takes_classes`` says whether it may lack names of its classes, so that they can be given,
    and ``takes`` which of the options of tables it takes. ``groups`` has the values [K] of the column of
    ``options.group``, where there are columns.
    """

    form: str
    reads: Callable[[SourceRequest], bool]
    load: Callable[[SourceRequest], Dataset]
    names: tuple[str, ...] = ()
    takes_classes: bool = False
    takes: tuple[str, ...] = ()
    groups: Callable[[SourceRequest, Dataset], npt.NDArray[np.object_]] | None = None

    def dataset(self, request: SourceRequest) -> Dataset:
        """The data set."""
        if request.classes is not None and not self.takes_classes:
            raise BadInput(f"{request.text}: has class names of its own; leave out classes=")
        for name, why in _TAKEN_BY.items():
            if getattr(request.options, name) is not None and name not in self.takes:
                raise BadInput(f"{request.text}: {why}; leave out --{name}")
        group = request.options.group
        if group is not None and self.groups is None:
            raise BadInput(
                f"{request.text}: no manifest and no Parquet file, so it has no column {group!r}; leave out "
                "--group, or in Python give group= a value for each example"
            )
        data = self.load(request)
        if self.groups is None or group is None:
            return data
        groups = self.groups(request, data)
        check_names(groups.tolist(), f"{request.text}: column {group}")
        return replace(data, groups=groups)


def listed_path(text: str, folder: Path) -> str:
    """The id of a file that a list in the ``folder`` names: its path from there, normalized as a text.

    A path that would tell the name of the home folder begins with ``~``, which has to be expanded.
    """
    normal = posixpath.normpath(at_home(text))
    if not posixpath.isabs(normal):
        return normal
    way, home = posixpath.relpath(normal, folder.resolve()), at_home("~").resolve()
    is_told = home.name in Path(way).parts and Path(normal).is_relative_to(home)
    return f"~/{posixpath.relpath(normal, home)}" if is_told else way


def absolute(text: str) -> Path:
    """The path without ``~`` and ``..``, whose links are left as they are."""
    return Path(os.path.abspath(at_home(text)))  # noqa: PTH100
