"""Rounds in turn, each way in a process of its own where settings or memory matter."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_turn(ways, rounds):
    """Seconds of every call by the name of its way, round after round, and what each way gave last."""
    times, results = {name: [] for name in ways}, {}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            results[name] = way()
            times[name].append(time.perf_counter() - began)
    return times, results


def medians(times):
    return {name: statistics.median(values) for name, values in times.items()}


def of_process(*arguments):
    """Wall seconds, processor seconds and peak bytes of a Python of its own; an error ends the benchmark.

    Its peak counts what this process held as it started it, so import nothing heavy before.
    """
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit


class Turns:
    """A process's end of a conversation: it works when it is told to, and says how long that took."""

    def __init__(self, connection):
        self.connection, self.told = connection, True

    def begin(self):
        """Wait for the next turn; what is falsy says that there is none."""
        self.told = self.connection.recv()
        self.began = time.perf_counter()
        return self.told

    def end(self):
        self.connection.send(time.perf_counter() - self.began)

    def take(self, work):
        self.begin()
        work()
        self.end()

    def take_all(self, work):
        while self.begin():
            work()
            self.end()


def serve(side, connection, *arguments):
    # its own processes start as they usually do: a new process starts others as it was started itself
    multiprocessing.set_start_method(None, force=True)
    connection.send(None)  # all is imported
    turns = Turns(connection)
    found = side(turns, *arguments)
    if turns.told:
        connection.recv()  # that there is no other turn
    connection.send(found)


class OwnProcess:
    """Calls ``work(turns, *arguments)`` in a new process, which idles while it is not its turn.

    It may have processes of its own.
    """

    def __init__(self, work, *arguments):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(work, theirs, *arguments))
        self.process.start()
        theirs.close()
        self.connection.recv()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.join()

    def seconds(self):
        self.connection.send(True)
        return self.connection.recv()

    def result(self):
        self.connection.send(False)
        return self.connection.recv()
