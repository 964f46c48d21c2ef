"""A process that has loaded everything and forks, for each line of JSON, one that runs a command.

So dozens of commands can be started, killed and started again without loading torch each time.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading

import torch._dynamo  # noqa: F401  # takes a second, and the first step of any optimizer loads it

import easiness.cli.main
import loaded  # noqa: F401

os.fsync = os.fstat  # type: ignore[assignment]  # as in the tests


def begin(asked: dict[str, str | list[str]]) -> None:
    """Become the process of a command: its streams, its arguments, and what is to be done before."""
    for name, number in (("out", 1), ("err", 2)):
        file = os.open(str(asked[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    os.close(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started by
    sys.argv = ["easiness", *asked["arguments"]]
    os.chdir(str(asked["folder"]))
    exec(str(asked["before"]), {})
    easiness.cli.main.run()


assert threading.active_count() == 1, "a process with threads must not be forked"
gc.collect()
gc.freeze()  # no collection in a fork looks through, and so copies, what is loaded here
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "arguments" in asked:
        pid = os.fork()
        if pid == 0:
            begin(asked)
        print(pid, flush=True)
    else:
        pid, status = os.waitpid(asked["pid"], os.WNOHANG)
        print(json.dumps(None if pid == 0 else os.waitstatus_to_exitcode(status)), flush=True)
