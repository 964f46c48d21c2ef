"""Executors: what items take of a machine, and the value or the error that each comes to."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from easiness.errors import raise_end, unless_exit
from easiness.show import quantity


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
        return self.run(lambda item: fn(item, listener), items)

    def close(self) -> None:
        """Do nothing: nothing was started."""


Item = TypeVar("Item")
Value = TypeVar("Value")

Tell: TypeAlias = Callable[[Any], None]
"""Brings a value, which may have to be pickled on its way, to whoever listens."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """Exactly one of ``value`` and ``error`` is set, unless the function returned ``None``."""

    item: Item
    value: Value | None = None
    error: Exception | None = None


def failed(item: Item, error: Exception | SystemExit) -> Outcome[Item, Any]:
    """The outcome of an item that raised; wanting to end the process is an error too: it is not its own.

    An error that an end of the whole work has become is none: the end is raised.
    """
    raise_end()
    return Outcome(item, error=unless_exit(error))


@runtime_checkable
class Executor(Protocol):
    """Runs a function over items somewhere; one item's error never costs another its outcome."""

    shares_memory: ClassVar[bool]
    """Do functions and items go to work as they are, in the caller's process, and not as copies of them?"""

    @property
    def jobs(self) -> int:
        """The number of items that are worked on at a time."""

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Outcomes in completion order, each as soon as it is there.

        An interrupt, here or in the function, ends the iteration; so does giving it up.
        """

    def run_telling(
        self, fn: Callable[[Item, Tell], Value], items: Iterable[Item], listener: Tell
    ) -> Iterator[Outcome[Item, Value]]:
        """Does as `run` with a function that tells what happens: ``listener`` hears it in this thread."""

    def close(self) -> None:
        """End whatever was started to run items; it can be used again."""


@dataclass(frozen=True)
class Needs:
    """Needs of an item: ``cores``, ``memory`` in bytes, and how many items share a GPU (0: none)."""

    cores: int = 1
    memory: int = 0
    per_gpu: int = 0

    def __str__(self) -> str:
        parts = [quantity(self.cores, "core")]
        if self.per_gpu:
            parts.append("1 GPU" if self.per_gpu == 1 else f"1/{self.per_gpu} of a GPU")
        if self.memory:
            parts.append(f"{self.memory / 2**30:.1f} GiB of memory")
        return ", ".join(parts)


@dataclass(frozen=True)
class Machine:
    """A machine for items: its cores, bytes of memory, GPUs."""

    cores: int
    memory: int
    gpus: int = 0

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.gpus} GPUs, {self.memory / 2**30:.1f} GiB of memory"

    def room(self, needs: Needs) -> int:
        """The number of items with these needs that it holds at a time."""
        rooms = [self.cores // max(1, needs.cores)]
        if needs.memory:
            rooms.append(self.memory // needs.memory)
        if needs.per_gpu:
            rooms.append(self.gpus * needs.per_gpu)
        return min(rooms)


def room(machines: Iterable[Machine], needs: Needs) -> int:
    """The number of items with these needs that the machines hold at a time, each on one of them."""
    return sum(machine.room(needs) for machine in machines)
