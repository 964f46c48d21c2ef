"""Reading and decoding many small files in as many threads as there are cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 32  # items per task: handing over one small picture costs as much as decoding it


def in_threads(function: Callable[[T], R], items: Iterable[T], num: int | None = None) -> Iterator[R]:
    """``function`` of each item, in order; the first error, in order, is raised and ends it.

    Items are taken and results made only a little ahead of their use, so that photos do not pile up. Of
    ``num`` items, where that is known and small, every core gets some.
    """

    def several(chunk: list[T]) -> list[R]:
        return [function(item) for item in chunk]

    cores = os.cpu_count() or 1
    size = CHUNK if num is None else max(1, min(CHUNK, num // (2 * cores)))
    rest = iter(items)
    ahead: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            while True:
                while len(ahead) < 2 * cores and (chunk := list(islice(rest, size))):
                    ahead.append(pool.submit(several, chunk))
                if not ahead:
                    return
                yield from ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
