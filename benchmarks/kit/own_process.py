"""What is compared works in a process of its own, so that neither has the other's settings or memory."""

from __future__ import annotations

import multiprocessing
import time


class Turns:
    """A process's end of a conversation: it works when it is told to, and says how long that took."""

    def __init__(self, connection):
        self.connection = connection

    def begin(self):
        self.connection.recv()
        self.began = time.perf_counter()

    def end(self):
        self.connection.send(time.perf_counter() - self.began)

    def take(self, work):
        self.begin()
        work()
        self.end()


def serve(side, connection, *arguments):
    # its own processes start as they usually do: a new process starts others as it was started itself
    multiprocessing.set_start_method(None, force=True)
    connection.send(None)  # all is imported
    connection.send(side(Turns(connection), *arguments))


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

    def seconds(self):
        """Let it take its next turn."""
        self.connection.send(None)
        return self.connection.recv()

    def result(self):
        """What ``work`` returned after its last turn."""
        return self.connection.recv()

    def end(self):
        self.connection.close()
        self.process.join()
