"""A kind of source that is given as a text, and a request to load one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from easiness.data.dataset import Dataset
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.spec import TABLE_OPTIONS, LoadOptions

OF_TABLES = ("columns", *TABLE_OPTIONS, "group")
"""Options that tables take, and few other sources."""


@dataclass(frozen=True)
class SourceRequest:
    """The text of a source, a name or a path, and how it is to be loaded."""

    text: str
    options: LoadOptions
    classes: Sequence[str] | None
    download: bool

    @cached_property
    def path(self) -> Path:
        return absolute(self.text)

    @cached_property
    def exists(self) -> bool:
        return bool(self.text) and os.path.exists(self.path)  # noqa: PTH110 - false for a name too long


@dataclass(frozen=True)
class Source:
    """A kind of source: ``form`` says in a few words what it looks like, ``reads`` if a request is for it.

    ``names`` are those that it goes by, for hints: a text that is one stands for it whatever files there
    are. ``takes_classes`` says whether it may lack names of its classes, so that they can be given,
    and ``takes`` which of the options of tables it takes.
    """

    form: str
    reads: Callable[[SourceRequest], bool]
    load: Callable[[SourceRequest], Dataset]
    names: tuple[str, ...] = ()
    takes_classes: bool = False
    takes: tuple[str, ...] = ()

    def dataset(self, request: SourceRequest) -> Dataset:
        if request.classes is not None and not self.takes_classes:
            raise BadInput(f"{request.text}: has class names of its own; leave out classes=")
        for name in OF_TABLES:
            if getattr(request.options, name) is not None and name not in self.takes:
                also = " (in Python group= takes a value for each example)" if name == "group" else ""
                raise BadInput(
                    f"{request.text}: no table, so --{name} means nothing here{also}; leave it out"
                )
        return self.load(request)


def absolute(text: str) -> Path:
    """The path without ``~`` and ``..``, whose links are left as they are."""
    return Path(os.path.abspath(at_home(text)))  # noqa: PTH100
