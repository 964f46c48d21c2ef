"""What a format is: how it is called, where it goes, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from easiness.exports.examples import Examples

Place = TypeVar("Place", BinaryIO, Path)


@dataclass(frozen=True)
class Format(Generic[Place]):
    """One format: ``write`` fills a file, or a folder that is empty, and may say a sentence about it.

    ``suffixes`` are what the name of a file ends in; without any it is a folder. ``then`` is how to read it,
    with ``{out}`` for the path, and ``then_without`` how where pictures are missing, if that differs.
    ``needs_pictures`` tells that without the data nothing can be written.
    """

    name: str
    about: str
    write: Callable[[Examples, Place], str | None]
    then: str
    suffixes: tuple[str, ...] = ()
    then_without: str | None = None
    needs_pictures: bool = False
