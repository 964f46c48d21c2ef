"""Page faults tell whether memory comes from the system anew."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from easiness.training.device import keep_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def use():
    before = faults()
    torch.empty(48 * 2**20, dtype=torch.uint8).fill_(1)
    return faults() - before

first = use(), use()
keep_memory()
use()
print(*first, use())
"""


@pytest.mark.long
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep")
def test_what_is_freed_is_used_again():
    """Two uses of 48 MiB take memory from the system each; after `keep_memory` the second takes none."""
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    first, second, kept = map(int, run.stdout.split())
    assert min(first, second) > 20
    assert kept < 10


def test_other_systems_are_left_alone(monkeypatch):
    from easiness.training import device

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("a library was opened"))
    device.keep_memory.__wrapped__()
