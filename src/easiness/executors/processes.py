"""Several items at a time, each in a process of its own on this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import connection
from typing import Any, ClassVar

from easiness.errors import RunFailed
from easiness.executors.executor import Item, Outcome, Tell, Value, failed
from easiness.own_process import (
    ChildrenOffCurrentFolder,
    become_worker,
    passive_environment,
    safe_environment,
)

_SECONDS_BETWEEN_LOOKS = 0.1  # at messages of workers, and in workers for whether their parent lives

_messages: Any = None
"""In a worker: the queue for what its function tells."""


class ProcessesExecutor:
    """Keeps up to ``jobs`` worker processes, which start with the first items and serve until `close`.

    Workers are new interpreters (not forks, which break threads and CUDA), know their number
    (`worker_number`), import neither the caller's main module nor what merely lies in the current folder
    (`safe_path`). Functions, items and values are pickled on their way. A worker's threads sleep while they
    wait for each other (`wait_policy`). Items in flight
    when a worker ends are run once more in a new one, each alone: the one whose worker ends again has an
    error for an outcome, and costs no other. Workers end when this process does, however it ends.
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
        return self._run(partial(_call, fn), items, _ignore)

    def run_telling(
        self, fn: Callable[[Item, Tell], Value], items: Iterable[Item], listener: Tell
    ) -> Iterator[Outcome[Item, Value]]:
        """Does as `run`; ``listener`` hears what is told within a tenth of a second."""
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
        lost: deque[Item] = deque()  # since a worker ended; which of its items ended it nobody knows
        alone = False  # is one of them run once more?
        try:
            while True:
                alone = alone if running else bool(lost)
                ready: Iterable[Item] = ()
                if alone and not running:
                    ready = (lost.popleft(),)
                elif not lost and not alone:
                    ready = islice(rest, self.jobs - len(running))
                for item in ready:
                    future = self._submit(call, item)
                    running[future] = item, self._pool
                if not running:
                    return
                done, _ = wait(running, timeout=_SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
                self._hear(listener)
                if not done:
                    self._give_up_what_was_half_sent()
                broken = [running[future][1] for future in done if _is_broken(future)]
                if broken:  # all that the pool works on fails with it, at once
                    done = {future for future, (_, pool) in running.items() if pool in broken}
                    wait(done)
                    if self._pool in broken:
                        self.close()
                for future in done:
                    item, _ = running.pop(future)
                    if _is_broken(future) and not alone:
                        lost.append(item)
                    else:
                        yield _outcome(item, future)
        finally:
            if running:  # given up or interrupted
                self.close()

    def _submit(self, call: Callable[[Item], Value], item: Item) -> Future[Value]:
        if self._pool is None:
            self._start()
        try:
            return self._submitted(call, item)
        except BrokenProcessPool:  # a worker was killed since the last outcome
            self.close()
            self._start()
            return self._submitted(call, item)

    def _submitted(self, call: Callable[[Item], Value], item: Item) -> Future[Value]:
        # workers that start here inherit what is blocked: until they can ignore Ctrl-C they do not see it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with ChildrenOffCurrentFolder():  # the processes that clean up after workers start here, too
                future: Future[Value] = self._pool.submit(call, item)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return future

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
        """Has a worker ended, and loky not taken the pool for broken?"""
        ends = [worker.sentinel for worker in list(self._pool._processes.values())]
        return self._pool._flags.broken is None and bool(connection.wait(ends, timeout=0))

    def _hear(self, listener: Tell) -> None:
        while self._queue is not None and not self._queue.empty():
            listener(self._queue.get())


def _ignore(_: object) -> None:
    pass


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
        return failed(item, error)
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


def _call(fn: Callable[[Item], Value], item: Item) -> Value:
    return fn(item)


def _call_telling(fn: Callable[[Item, Tell], Value], item: Item) -> Value:
    return fn(item, _messages.put)
