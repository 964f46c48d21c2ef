"""For the tests: a herd of cases, and what is said where one ends otherwise than well."""

from __future__ import annotations

import collections
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from herd import GOOD, Ended

from starting import Start

HERE = Path(__file__).parent
_PATHS = [str(HERE), str(HERE.parent)]
SEED = int(os.environ.get("FUZZ_SEED", "1"))
"""Of all cases; another one gives other inputs."""
_MOST_SHOWN = 5


def cases(
    start: Start, target: str, whole: Path, num: int, first: int = 0, seed: int = SEED
) -> Iterator[Ended]:
    """How each of ``num`` cases of a target (``module:function``, in this folder) ended.

    They run in a process forked from one that has loaded everything.
    """
    given = [target, str(whole), seed, first, num]
    herd = f"import sys; sys.path[:0] = {_PATHS}; import herd; herd.main(*{given}); sys.exit(0)"
    done = start(before=herd)
    assert done.wait(1200 + num) == 0, done.err
    for line in map(json.loads, done.out.splitlines()):
        if "case" in line:
            yield Ended(**line)


def environment() -> dict[str, str]:
    """Of processes that load the modules of this folder, and may be forked: without threads."""
    paths = [*_PATHS, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}


def _arguments(target: str, whole: Path, num: int, first: int, seed: int) -> list[str]:
    return [str(HERE / "herd.py"), target, str(whole), str(seed), str(first), str(num)]


def check(start: Start, target: str, whole: Path, num: int, first: int = 0) -> collections.Counter[str]:
    """Run ``num`` cases, each of which has to end in a result or in one clear line. How many ended how."""
    found = list(cases(start, target, whole, num, first))
    assert [one.case for one in found] == list(range(first, first + num))
    bad = [one for one in found if one.how not in GOOD]
    shown = [
        f"{one.how}: {one.was}; read by {one.reads}\n{one.said}\nonce more: PYTHONPATH={HERE.parent} "
        + shlex.join([sys.executable, *_arguments(target, whole, 1, one.case, SEED)])
        for one in bad[:_MOST_SHOWN]
    ]
    counts = collections.Counter(one.how for one in found)
    assert not bad, f"{len(bad)} of {num} ended badly: {dict(counts)}\n" + "\n\n".join(shown)
    return counts
