"""What every executor yields: an item with the value or the error it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """Exactly one of ``value`` and ``error`` is set, unless the function returned ``None``."""

    item: Item
    value: Value | None = None
    error: Exception | None = None


class Executor(Protocol):
    """Runs a function over items somewhere; one item's error never costs another its outcome."""

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Outcomes in completion order, each as soon as it is there."""
        ...
