"""Many altered inputs, each read in a child process with limits; says how each ended, as lines of JSON.

``python herd.py WHOLE SEED FIRST NUM CHANGED`` runs so many cases of `doors.drawn` from a number on. They run
one after the other in a child that was forked with everything loaded; where it dies or hangs, another child
goes on with the next case.
"""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from doors import drawn, prepare
from mutations import generator
from PIL import Image

from easiness.errors import EasinessError
from easiness.store.files import ASIDE

SECONDS, CPU_SECONDS = 20.0, 6  # of a case, on a machine that does much else; of the processor's
MEMORY = 3 << 29  # bytes of addresses beyond those of a child that has read nothing
_OF_A_CHILD = 200  # cases
_OF_READINGS = ["datasketch", "imagehash", "jinja2", "matplotlib.figure", "pillow_heif", "safetensors.torch"]
_OF_READINGS += ["sklearn.isotonic", "sklearn.linear_model", "sklearn.neighbors"]
"""What readings load, loaded once for all children."""


def run_cases(whole: Path, seed: int, cases: range, changed: bool) -> Iterator[dict[str, Any]]:
    """Every case in order, in children of this process, which must have no threads."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    fork = multiprocessing.get_context("fork")
    while cases:
        told, tell = fork.Pipe(duplex=False)
        child = fork.Process(target=_work, args=(whole, seed, cases[:_OF_A_CHILD], changed, tell))
        child.start()
        tell.close()
        about, end = {"case": cases.start}, cases[:_OF_A_CHILD].stop
        try:
            while told.poll(SECONDS):
                about = told.recv()
                if "how" in about:
                    yield about
                    about = {"case": about["case"] + 1}
            os.kill(child.pid or 0, signal.SIGKILL)
            how = "hang"
        except EOFError:
            child.join()
            how = "hang" if child.exitcode == -signal.SIGXCPU else "crash"
        child.join()
        if about["case"] < end:
            yield {**about, "how": how, "said": f"the process ended with {child.exitcode}"}
        cases = range(min(about["case"] + 1, end), cases.stop)


def _work(whole: Path, seed: int, cases: range, changed: bool, tell: Connection) -> None:
    """What the child does: the cases, each told before and after."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=whole.parent) as name:
        folder, err = Path(name, "case"), Path(name, "err")
        for number in (1, 2):
            os.dup2(os.open(err, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (pages + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for case in cases:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            os.chdir(folder)
            was, reads, call = drawn(generator(seed, case), whole, folder, changed=changed)
            about = {"case": case, "was": was[:500], "reads": reads}
            tell.send(about)
            spent = resource.getrusage(resource.RUSAGE_SELF)
            most = int(spent.ru_utime + spent.ru_stime) + CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
            os.truncate(err, 0)
            how, said = _judged(call)
            if any(folder.rglob(f"{ASIDE}*")):
                how = "left behind"
            tell.send({**about, "how": how, "said": (said or err.read_text(errors="replace"))[-2000:]})
        os.chdir("/")


def _judged(call: Callable[[], object]) -> tuple[str, str]:
    """How a reading ends in this process: in a result, in one line of ours, or badly; and what was said."""
    code: object = 0
    try:
        call()
    except SystemExit as ended:
        code = ended.code
    except EasinessError as error:
        code = error.exit_code if len(str(error).splitlines()) == 1 else f"several lines: {error}"
    except MemoryError:
        code = "memory"
    except BaseException:
        return "traceback", traceback.format_exc()
    return {0: "result", None: "result", 1: "failed", 2: "refused"}.get(code, str(code)), ""  # type: ignore[call-overload]


def main(whole: str, seed: int, first: int, num: int, changed: int) -> None:
    """Run cases, a line each on standard output."""
    prepare()
    for name in _OF_READINGS:
        importlib.import_module(name)
    Image.init()
    gc.collect()
    gc.freeze()
    for ended in run_cases(Path(whole), seed, range(first, first + num), bool(changed)):
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:6]))
