"""Whatever is read, altered: each of thousands of inputs ends in a result or in one clear line.

``FUZZ_CASES=10000 FUZZ_OF=commands pytest tests/fuzz -k sample`` reads so many by whole commands.
"""

from __future__ import annotations

import collections
import json
import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SAMPLE = int(os.environ.get("FUZZ_CASES", "100"))
TARGET = os.environ.get("FUZZ_OF", "anything")
GOOD = {"result", "refused", "failed"}
_MOST_SHOWN = 5


def check(start, target: str, whole: Path, num: int, first: int = 0) -> collections.Counter[str]:
    """How many of ``num`` cases of a target ended how: each has to end in a result or in one clear line.

    They run in a process forked from one that has loaded everything.
    """
    given = [target, str(whole), SEED, first, num]
    herd = f"import sys; sys.path[:0] = {[str(HERE), str(HERE.parent)]}; import herd; herd.main(*{given})"
    done = start(before=f"{herd}; sys.exit(0)")
    assert done.wait(1200 + num) == 0, done.err
    found = [one for one in map(json.loads, done.out.splitlines()) if "case" in one]
    assert [one["case"] for one in found] == list(range(first, first + num))
    bad = [one for one in found if one["how"] not in GOOD]
    shown = [
        f"{one['how']}: {one['was']}; read by {one['reads']}\n{one['said']}\nonce more: "
        f"PYTHONPATH={HERE.parent} python {HERE / 'herd.py'} {target} {whole} {SEED} {one['case']} 1"
        for one in bad[:_MOST_SHOWN]
    ]
    counts = collections.Counter(one["how"] for one in found)
    assert not bad, f"{len(bad)} of {num} ended badly: {dict(counts)}\n" + "\n\n".join(shown)
    return counts


@pytest.mark.long
@pytest.mark.parametrize(("first", "num"), [(0, SAMPLE), (SAMPLE, 4100)], ids=["sample", "all"])
def test_altered_inputs(start, whole, first, num):
    counts = check(start, TARGET, whole, num, first)
    assert min(counts["refused"], counts["result"]) > num // 10


@pytest.mark.long
def test_altered_inputs_by_commands_that_take_long(start, whole):
    check(start, "slow", whole, 40)


@pytest.mark.long
def test_what_is_not_altered_is_read(start, whole):
    assert set(check(start, "sound", whole, 50)) == {"result"}
