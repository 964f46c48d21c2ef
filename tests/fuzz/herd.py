"""Many altered inputs, each read in a child process with limits; says how each ended, as lines of JSON.

``python herd.py TARGET WHOLE SEED FIRST NUM`` runs so many cases of a target of `doors` from one number on.
It is called as ``target(rng, whole, folder)``: it makes an altered input in the empty ``folder`` from what is
``whole``, and gives the `Asked` that reads it. Cases run one after the other in a child that was forked with
everything loaded; where it dies or hangs, another child goes on with the next case.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

import numpy as np
from mutations import generator

from easiness.errors import EasinessError
from easiness.store.files import ASIDE

SECONDS = 20.0  # of a case, on a machine that does much else; of these
CPU_SECONDS = 6  # of the processor's
MEMORY = 3 << 29  # bytes of addresses beyond those of a child that has read nothing
_OF_A_CHILD = 200  # cases
_UNCLEAR = re.compile("Warning: |[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # none of ours, or what moves the cursor


@dataclass(frozen=True)
class Asked:
    """What ``was`` altered, what ``reads`` it, and the reading: a function, or arguments of the command."""

    was: str
    reads: str
    call: Callable[[], object] | list[str]


Target: TypeAlias = Callable[[np.random.Generator, Path, Path], Asked]

GOOD = ("result", "refused", "failed")
"""A result; one line and exit code 2; one line and exit code 1."""


@dataclass(frozen=True)
class Ended:
    """How a case ended: one of `GOOD`, or traceback, crash, hang, memory, noise; and what was said."""

    case: int
    how: str = ""
    was: str = ""
    reads: str = ""
    said: str = ""


def run_cases(target: Target, whole: Path, seed: int, cases: range) -> Iterator[Ended]:
    """Every case in order, in children of this process, which must have no threads."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    fork = multiprocessing.get_context("fork")
    while cases:
        told, tell = fork.Pipe(duplex=False)
        child = fork.Process(target=_work, args=(target, whole, seed, cases[:_OF_A_CHILD], tell))
        child.start()
        tell.close()
        about, end = Ended(cases.start), cases[:_OF_A_CHILD].stop
        try:
            while told.poll(SECONDS):
                about = told.recv()
                if about.how:
                    yield about
                    about = Ended(about.case + 1)
            os.kill(child.pid or 0, signal.SIGKILL)
            how, said = "hang", f"no end after {SECONDS:.0f} s"
        except EOFError:
            child.join()
            how = "hang" if child.exitcode == -signal.SIGXCPU else "crash"
            said = f"the process ended with {child.exitcode}"
        child.join()
        if about.case < end:
            yield Ended(**{**asdict(about), "how": how, "said": said})
        cases = range(min(about.case + 1, end), cases.stop)


def _work(target: Target, whole: Path, seed: int, cases: range, tell: Connection) -> None:
    """What the child does: the cases, each told before and after."""
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
            try:
                asked = target(generator(seed, case), whole, folder)
            except Exception:
                tell.send(Ended(case, "no input", said=traceback.format_exc()[-2000:]))
                continue
            about = {"case": case, "was": asked.was[:500], "reads": asked.reads}
            tell.send(Ended(**about))  # type: ignore[arg-type]
            spent = resource.getrusage(resource.RUSAGE_SELF)
            most = int(spent.ru_utime + spent.ru_stime) + CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
            for stream in streams:
                os.truncate(stream, 0)
            there = {one.name for one in folder.iterdir()}
            how, said = _judged(asked.call, streams[1])
            left = {one.name for one in folder.iterdir()} - there - {"easiness-features"}
            if (how == "refused" and left) or any(folder.rglob(f"{ASIDE}*")):
                how, said = "left behind", f"{sorted(left)}\n{said}"
            tell.send(Ended(**about, how=how, said=said))  # type: ignore[arg-type]
        os.chdir("/")


def _judged(call: Callable[[], object] | list[str], err: Path) -> tuple[str, str]:
    """How a reading ends in this process, and what was said; of functions as the command tells it."""
    code: object = 0
    try:
        command(*call) if isinstance(call, list) else call()
    except SystemExit as ended:
        code = ended.code
    except EasinessError as error:
        print(f"easiness: error: {' '.join(str(error).split())}", file=sys.stderr)
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    said = err.read_text(errors="replace")
    lines = said.splitlines()
    short = "\n".join(lines[-12:])[-2000:]
    if (lines and "MemoryError" in lines[-1]) or "out of memory" in said:
        return "memory", short
    if "Traceback (most recent call last)" in said:
        return "traceback", short
    told = code == 0 or (lines and lines[-1].startswith("easiness: error: "))
    clear = len(lines) <= (code != 0) if callable(call) else not any(map(_UNCLEAR.search, lines))
    if not (told and clear):
        return "noise", short
    return {0: "result", 1: "failed", 2: "refused"}.get(code, "traceback"), short  # type: ignore[call-overload]


def command(*arguments: str) -> None:
    """``easiness ARGUMENTS`` in this process, which it means to end."""
    from easiness.cli.main import run

    sys.argv = ["easiness", *arguments]
    run()


def main(name: str, whole: str, seed: int, first: int, num: int) -> None:
    """Run cases, a line each on standard output."""
    import doors

    doors.prepare()
    began = time.monotonic()
    for ended in run_cases(getattr(doors, name), Path(whole), seed, range(first, first + num)):
        print(json.dumps(asdict(ended)), flush=True)
    print(json.dumps({"seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
