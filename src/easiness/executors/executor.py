"""Executors: their contract, and those that stay on this machine, one item or several at a time."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import connection
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from easiness.errors import RunFailed, raise_end, unless_exit
from easiness.own_process import (
    ChildrenOffCurrentFolder,
    become_worker,
    passive_environment,
    safe_environment,
)
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
                outcome = failure(item, error)
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


def failure(item: Item, error: Exception | SystemExit) -> Outcome[Item, Any]:
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


_SECONDS_BETWEEN_LOOKS = 0.1  # at messages of workers, and in workers for whether their parent lives

_messages: Any = None
"""In a worker: the queue for what its function tells."""


class ProcessesExecutor:
    """Keeps up to ``jobs`` worker processes, which start with the first items and serve until `close`.

    Workers are new interpreters (forks break threads and CUDA), know their number (`worker_number`) and
    import neither the caller's main module nor what merely lies in the current folder. Items in flight when
    a worker ends are run once more, each alone: the one whose worker ends again has an error for an outcome,
    and costs no other. Workers end when this process does, however it ends.
    """

    shares_memory: ClassVar[bool] = False

    def __init__(self, jobs: int | None = None, environment: Mapping[str, str] | None = None) -> None:
        """``jobs``: as many as there are cores, unless given.

        ``environment`` is added to this process's own for workers, before they import anything:
        `passive_environment` unless given.
        """
        self._environment = environment
        self.jobs = jobs or os.cpu_count() or 1
        self._pool: Any = None
        self._queue: Any = None

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        return self._run(fn, items, lambda _: None)

    def run_telling(
        self, fn: Callable[[Item, Tell], Value], items: Iterable[Item], listener: Tell
    ) -> Iterator[Outcome[Item, Value]]:
        return self._run(partial(_call_telling, fn), items, listener)

    def close(self) -> None:
        """End the workers, also in the middle of an item."""
        if self._pool is not None:
            self._give_up_what_was_half_sent()
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = self._queue = None

    def _run(
        self, call: Callable[[Item], Value], items: Iterable[Item], listener: Tell
    ) -> Iterator[Outcome[Item, Value]]:
        rest = iter(items)
        running: dict[Future[Value], tuple[Item, Any]] = {}  # with the pool that works on it
        once_more: deque[Item] = deque()  # since a worker ended; which of its items ended it nobody knows
        alone = False  # is one of them run once more?
        try:
            while True:
                alone = alone if running else bool(once_more)
                ready: Iterable[Item] = ()
                if alone and not running:
                    ready = (once_more.popleft(),)
                elif not once_more and not alone:
                    ready = islice(rest, self.jobs - len(running))
                for item in ready:
                    future = self._submit(call, item)
                    running[future] = item, self._pool
                if not running:
                    return
                ends, _ = wait(running, timeout=_SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
                while self._queue is not None and not self._queue.empty():
                    listener(self._queue.get())
                if not ends:
                    self._give_up_what_was_half_sent()
                pools = [running[future][1] for future in ends if _is_broken(future)]
                if pools:  # all that the pool works on fails with it, at once
                    ends = {future for future, (_, pool) in running.items() if pool in pools}
                    wait(ends)
                    if self._pool in pools:
                        self.close()
                for future in ends:
                    item, _ = running.pop(future)
                    if _is_broken(future) and not alone:
                        once_more.append(item)
                    else:
                        yield _outcome(item, future)
        finally:
            if running:  # given up or interrupted
                self.close()

    def _submit(self, call: Callable[[Item], Value], item: Item) -> Future[Value]:
        if self._pool is None:
            self._start()
        # workers that start here inherit what is blocked: until they can ignore Ctrl-C they do not see it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with ChildrenOffCurrentFolder():  # the processes that clean up after workers start here, too
                future: Future[Value] = self._pool.submit(call, item)
            return future
        except BrokenProcessPool:  # a worker was killed since the last outcome
            self.close()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._submit(call, item)

    def _start(self) -> None:
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        context = get_context("loky")
        with ChildrenOffCurrentFolder():
            self._queue = context.SimpleQueue()  # what is put there is there before the outcome is
            numbers = context.SimpleQueue()
        numbers.put(0)
        self._pool = ProcessPoolExecutor(
            self.jobs,
            context=context,
            initializer=_begin,
            initargs=(self._queue, numbers, os.getpid()),
            env=safe_environment()
            | (passive_environment() if self._environment is None else dict(self._environment)),
        )

    def _give_up_what_was_half_sent(self) -> None:
        """End the pool if a worker ended while it sent a value: loky waits for the rest, without end.

        It stops waiting once nobody is left who could send: no worker, nor this process.
        """
        if not self._has_missed_an_end():
            return
        time.sleep(_SECONDS_BETWEEN_LOOKS)  # for loky to see it, which is what it mostly does
        if self._has_missed_an_end():
            from loky.backend.utils import kill_process_tree

            for worker in list(self._pool._processes.values()):
                kill_process_tree(worker)
            with self._pool._flags.shutdown_lock:  # which loky takes before it closes that end itself
                if self._pool._flags.broken is None:
                    self._pool._result_queue._writer.close()

    def _has_missed_an_end(self) -> bool:
        ends = [worker.sentinel for worker in list(self._pool._processes.values())]
        return self._pool._flags.broken is None and bool(connection.wait(ends, timeout=0))


def _is_broken(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _outcome(item: Item, future: Future[Value]) -> Outcome[Item, Value]:
    error = future.exception()
    if error is None:
        return Outcome(item, value=future.result())
    if isinstance(error, BrokenProcessPool):
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        text = f"its worker process ended unexpectedly, twice ({reason}); if memory is short, make room"
        return Outcome(item, error=RunFailed(text))
    if isinstance(error, Exception | SystemExit):
        return failure(item, error)
    raise error  # an interrupt


def _begin(messages: Any, numbers: Any, parent: int) -> None:
    """Makes a process a worker with the next of ``numbers``: deaf to Ctrl-C, and gone with its parent."""
    global _messages
    _messages = messages
    number = numbers.get()
    numbers.put(number + 1)
    become_worker(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _call_telling(fn: Callable[[Item, Tell], Value], item: Item) -> Value:
    return fn(item, _messages.put)
