"""Many altered inputs, each read in a child process with limits; says how each ended, as lines of JSON.

``python herd.py MODULE:TARGET WHOLE SEED FIRST NUM`` runs so many cases from one number on. A target is
called as ``target(rng, whole, folder)``: it makes an altered input in the empty ``folder`` from what is
``whole``, and gives the `Asked` that reads it. Cases run one after the other in a child that was forked with
everything loaded; where it dies or hangs, another child goes on with the next case.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np
from mutations import generator

from easiness.store.files import ASIDE

Call: TypeAlias = Callable[[], object]

SECONDS = 20.0  # of a case, on a machine that does much else; of these
CPU_SECONDS = 6  # of the processor's
MEMORY = 3 << 29  # bytes of addresses beyond those of a child that has read nothing
_OF_A_CHILD = 200  # cases
_MOVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # the cursor


@dataclass(frozen=True)
class Asked:
    """What ``was`` altered, what ``reads`` it, and the reading: a function, or arguments of the command.

    A command that ``talks`` says more than its result or its error, where it reads whole runs or trains.
    """

    was: str
    reads: str
    call: Call | list[str]
    talks: bool = False


Target: TypeAlias = Callable[[np.random.Generator, Path, Path], Asked]

GOOD = ("result", "refused", "failed")
"""A result; one line and exit code 2; one line and exit code 1."""


@dataclass(frozen=True)
class Ended:
    """How a case ended: one of `GOOD`, or traceback, crash, hang, memory, noise; and what was said."""

    case: int
    how: str
    was: str
    reads: str
    said: str


def run_cases(target: Target, whole: Path, seed: int, cases: range) -> Iterator[Ended]:
    """Every case in order, in children of this process, which must have no threads."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    left = cases
    while left:
        for ended in _child(target, whole, seed, left[:_OF_A_CHILD]):
            left = range(ended.case + 1, cases.stop)
            yield ended


def _child(target: Target, whole: Path, seed: int, cases: range) -> Iterator[Ended]:
    """The cases until the child has ended; the last one given is the one it died of, where it died."""
    from_, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(from_)
        _work(target, whole, seed, cases, into)
    os.close(into)
    about: dict[str, Any] = {"case": cases.start, "was": "", "reads": ""}
    timed_out = False
    try:
        with os.fdopen(from_, "rb", buffering=0) as told:
            for message in _messages(told):
                if "how" in message:
                    yield Ended(**message)
                    about = {"case": message["case"] + 1, "was": "", "reads": ""}
                else:
                    about = message
    except TimeoutError:
        timed_out = True
        os.kill(pid, signal.SIGKILL)
        yield Ended(**about, how="hang", said=f"no end after {SECONDS:.0f} s")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if about["case"] < cases.stop and not timed_out:
        how = "hang" if code == -signal.SIGXCPU else "crash"
        yield Ended(**about, how=how, said=f"the process ended with {code}")


def _messages(told: Any) -> Iterator[dict[str, Any]]:
    """Lines of JSON from a child until it closes its end."""
    rest = b""
    while True:
        ready, _, _ = select.select([told], [], [], SECONDS)
        if not ready:
            raise TimeoutError
        some = told.read(1 << 16)
        if not some:
            return
        *lines, rest = (rest + some).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _work(target: Target, whole: Path, seed: int, cases: range, into: int) -> NoReturn:
    """What the child does: the cases, each told before and after."""

    def tell(message: dict[str, Any]) -> None:
        os.write(into, json.dumps(message).encode() + b"\n")

    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=whole.parent) as name:
        folder, streams = Path(name, "case"), (Path(name, "out"), Path(name, "err"))
        for number, stream in zip((1, 2), streams, strict=True):
            os.dup2(os.open(stream, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (pages + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for case in cases:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            os.chdir(folder)
            asked = target(generator(seed, case), whole, folder)
            about = {"case": case, "was": asked.was[:500], "reads": asked.reads}
            tell(about)
            spent = resource.getrusage(resource.RUSAGE_SELF)
            most = int(spent.ru_utime + spent.ru_stime) + CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
            for stream in streams:
                os.truncate(stream, 0)
            there = {one.name for one in folder.iterdir()}
            how, said = _judged(asked, streams[1])
            left = {one.name for one in folder.iterdir()} - there - {"easiness-features"}
            if how == "refused" and left:
                how, said = "left behind", f"{sorted(left)}\n{said}"
            if list(folder.rglob(f"{ASIDE}*")):
                how = "left behind"
            tell(asdict(Ended(**about, how=how, said=said)))  # type: ignore[arg-type]
        os.chdir("/")
    os._exit(0)


def _judged(asked: Asked, err: Path) -> tuple[str, str]:
    """How a reading ends in this process, and what was said."""
    call = asked.call
    code: object = 0
    try:
        command(*call) if isinstance(call, list) else _plain(call)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    said = err.read_text(errors="replace")
    lines = said.splitlines()
    short = "\n".join(lines[-12:])[-2000:]
    if "Traceback (most recent call last)" in said:
        return "memory" if "MemoryError" in lines[-1] else "traceback", short
    if "out of memory" in said:
        return "memory", short
    ours = ("note: ", "easiness: ", "wrote ")
    if asked.talks:
        clear = not any("Warning: " in line or _MOVES.search(line) for line in lines)
        told = code == 0 or (lines and lines[-1].startswith("easiness: error: "))
        if not (clear and told):
            return "noise", short
        return {0: "result", 1: "failed", 2: "refused"}.get(code, "traceback"), short  # type: ignore[call-overload]
    if code == 0:
        return ("result" if all(line.startswith(ours) for line in lines) else "noise"), short
    if len(lines) != 1 or not lines[0].startswith("easiness: error: "):
        return "noise", short
    return {1: "failed", 2: "refused"}.get(code, "traceback"), short  # type: ignore[call-overload]


def command(*arguments: str) -> NoReturn:
    """``easiness ARGUMENTS`` in this process, which it means to end."""
    from easiness.cli.main import run

    sys.argv = ["easiness", *arguments]
    run()


def _plain(call: Call) -> None:
    """A function of the package, whose errors are told as the command tells them."""
    from easiness.errors import EasinessError

    try:
        call()
    except EasinessError as error:
        print(f"easiness: error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)


def main(name: str, whole: str, seed: int, first: int, num: int) -> None:
    """Run cases, a line each on standard output."""
    module_name, _, attribute = name.partition(":")
    module = importlib.import_module(module_name)
    began = time.process_time(), time.monotonic()
    for ended in run_cases(getattr(module, attribute), Path(whole), seed, range(first, first + num)):
        print(json.dumps(asdict(ended)), flush=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - began[0] + children.ru_utime + children.ru_stime
    print(json.dumps({"cpu": cpu, "wall": time.monotonic() - began[1]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
