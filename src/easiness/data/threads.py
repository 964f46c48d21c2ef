"""Reading and decoding many small files in as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 64  # items per task: handing over one small picture costs as much as decoding it


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """``function`` of each item, in order; the first error, in order, is raised and ends it."""

    def several(start: int) -> list[R]:
        return [function(item) for item in items[start : start + CHUNK]]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(several, range(0, len(items), CHUNK)):
            yield from results
