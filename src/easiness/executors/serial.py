"""One item after the other, in this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from easiness.executors.executor import Item, Outcome, Tell, Value, failed


class SerialExecutor:
    """Runs items in the order given. An interrupt (Ctrl-C) ends the iteration at once."""

    jobs = 1
    shares_memory: ClassVar[bool] = True

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Yield an outcome per item; the next item starts when the last outcome has been taken."""
        for item in items:
            try:
                outcome = Outcome[Item, Value](item, value=fn(item))
            except (Exception, SystemExit) as error:
                # what it held, as tensors of a trial, is not to be held while the next item runs
                traceback.clear_frames(error.__traceback__)
                outcome = failed(item, error)
            yield outcome

    def run_telling(
        self, fn: Callable[[Item, Tell], Value], items: Iterable[Item], listener: Tell
    ) -> Iterator[Outcome[Item, Value]]:
        """Does as `run`; ``listener`` hears what is told at once."""
        return self.run(lambda item: fn(item, listener), items)

    def close(self) -> None:
        """Do nothing: nothing was started."""
