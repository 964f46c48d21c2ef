"""Telling the caller how far a long pass over a source has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

Told = Callable[[str, int, int], None]
"""Called with what is done, and how many of how many images it is done for."""

AT_ONCE = 256  # images between two calls

IMAGES = "reading images"
SIZES = "reading image sizes"
UNREADABLE = "looking for unreadable images"

_told: ContextVar[Told | None] = ContextVar("_told", default=None)


@contextmanager
def reading(told: Told) -> Iterator[None]:
    """Within the block, ``told`` is called now and then during every pass over a source."""
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Tell how far a pass has come that is made in parts of its own."""
    told = _told.get()
    if told is not None:
        told(what, done, total)


def counted(items: Iterable[T], what: str, total: int, done: int = 0) -> Iterator[T]:
    """The items as they come, ``total`` of them with ``done`` before the first."""
    told = _told.get()
    for at, item in enumerate(items, done + 1):
        yield item
        if told is not None and (at % AT_ONCE == 0 or at == total):
            told(what, at, total)
