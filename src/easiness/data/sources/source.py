"""What a kind of source is, of those that are given as a text, and what is asked of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from easiness.data.dataset import Dataset
from easiness.errors import BadInput
from easiness.spec import LoadOptions

OTHER_KINDS = "text, sound and tables are recorded from your own training code: docs/tutorials/loop.md"
"""The page for those with kinds of data that no source reads."""


@dataclass(frozen=True)
class Asked:
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
    """A kind of source: ``form`` says in a few words what it looks like, ``reads`` whether a text is one.

    ``names`` are those that it goes by, for hints: a text that is one stands for it whatever files there
    are. ``takes_classes`` says whether it may lack names of its classes, so that they can be given,
    ``takes_columns`` whether it has columns that can be named.
    """

    form: str
    reads: Callable[[Asked], bool]
    load: Callable[[Asked], Dataset]
    names: tuple[str, ...] = ()
    takes_classes: bool = False
    takes_columns: bool = False

    def dataset(self, asked: Asked) -> Dataset:
        """The data set.

        Raises:
            BadInput: it cannot be used as it is.
            RunFailed: a download failed.
        """
        if asked.classes is not None and not self.takes_classes:
            raise BadInput(f"{asked.text}: has class names of its own; leave out classes=")
        if asked.options.columns is not None and not self.takes_columns:
            raise BadInput(f"{asked.text}: no CSV file, so it has no columns to name; leave out --columns")
        return self.load(asked)


def absolute(text: str) -> Path:
    """The path without ``~`` and ``..``, whose links are left as they are."""
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100
