"""One item after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from easiness.executors.outcome import Item, Outcome, Value


class SerialExecutor:
    """Runs items in the order given. An interrupt (Ctrl-C) ends the iteration at once."""

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Yield an outcome per item; the next item starts when the last outcome has been taken."""
        for item in items:
            try:
                outcome = Outcome[Item, Value](item, value=fn(item))
            except Exception as error:
                outcome = Outcome(item, error=error)
            yield outcome
