"""Ctrl-C, SIGTERM and SIGHUP, once and twice: what is finished is kept, and one line says how to go on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from easiness.store import ASIDE
from lengths import long_but

KEPT = "everything finished so far is kept. To go on: easiness measure digits"

# a network that hangs in its second trial; a stubborn one lets no exception through. It sleeps in short
# naps: a signal that comes just before a call of the system is seen after it
HANGS = """
import os, time, torch
from easiness import spec

class Hangs(torch.nn.Sequential):
    def __init__(self, input_shape, num_classes):
        size = input_shape[0] * input_shape[1] * input_shape[2]
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(size, num_classes))
        self.hangs = torch.initial_seed() == spec.trial_seeds(0, 1).initialization

    def forward(self, images):
        while self.hangs:
            try:
                open("hangs", "w").close()
                while True:
                    time.sleep(0.01)
            except BaseException:
                if "LOSES" in os.environ:
                    raise ValueError("as from a library")
                if "STUBBORN" not in os.environ:
                    raise
                open("stubborn", "w").close()
        return super().forward(images)
"""


def trials(path: Path) -> int:
    return len(list(path.glob("trials/0*")))


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "ended by SIGTERM"),
        (signal.SIGHUP, "ended by SIGHUP"),
    ],
)
def test_once(start, digits, tmp_path, contents, one_line, number, word):
    if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup, which a command then goes by
        pytest.skip(f"{number.name} is ignored by whoever runs the tests")
    path = tmp_path / "run"
    process = start(*digits(path, "--trials", 3001))
    process.until(lambda: trials(path) >= 2)
    process.send(number)
    assert process.wait() == 128 + number
    line = one_line(process.err)
    assert line.startswith(f"easiness: {word}; {KEPT}")
    assert len(contents(path)) >= 2
    assert not list(path.rglob(f"{ASIDE}*"))
    assert process.out == ""


# a library that calls us may make an error of it, as pydantic does while it writes: the trial has not failed
@pytest.mark.parametrize(
    "before", long_but(["", "os.environ['LOSES'] = 'yes'"], [""]), ids=["as it is", "made an error of"]
)
@pytest.mark.parametrize("number", long_but([signal.SIGINT, signal.SIGTERM], [signal.SIGINT]))
def test_a_trial_that_hangs_is_named(start, tmp_path, contents, one_line, number, before):
    (tmp_path / "hangs_at_one.py").write_text(HANGS)
    process = start(*_measured("hangs_at_one:Hangs"), before=before)
    process.until((tmp_path / "hangs").exists)
    process.send(number)
    assert process.wait() == 128 + number
    assert KEPT in one_line(process.err)
    assert "run: trial 1 in hand, not finished" in process.err
    assert "failed" not in process.err
    assert list(contents(tmp_path / "run")) == [0]


# a signal comes just after a trial was stored, before whoever trains knows
LATE = """
from easiness.store import RunWriter
add = RunWriter.add

def add_late(self, *args, index, **kwargs):
    stored = add(self, *args, index=index, **kwargs)
    if index == LATE:
        os.kill(os.getpid(), NUMBER)
    return stored

RunWriter.add = add_late
"""


@pytest.mark.parametrize("number", long_but([signal.SIGINT, signal.SIGTERM], [signal.SIGTERM]))
@pytest.mark.parametrize("last", [1, 2])
def test_a_trial_that_is_stored_is_not_named_as_lost(
    start, digits, tmp_path, contents, one_line, number, last
):
    path, late = tmp_path / "run", LATE.replace("LATE", str(last)).replace("NUMBER", str(int(number)))
    process = start(*digits(path, "--trials", 3, "--jobs", 1), before=late)
    assert process.wait() == 128 + number
    assert KEPT in one_line(process.err)
    assert list(contents(path)) == [*range(last + 1)]
    assert "not finished" not in process.err
    assert ("run: every trial is finished" in process.err) == (last == 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_twice_is_now(start, tmp_path, contents, one_line, number):
    (tmp_path / "stubborn_at_one.py").write_text(HANGS)
    process = start(*_measured("stubborn_at_one:Hangs"), before="os.environ['STUBBORN'] = 'yes'")
    process.until((tmp_path / "hangs").exists)
    process.send(number)
    process.until((tmp_path / "stubborn").exists)
    process.send(number)
    assert process.wait() == 128 + number
    assert one_line(process.err).startswith(f"easiness: ended at once; {KEPT}")
    assert list(contents(tmp_path / "run")) == [0]


def _measured(model: str) -> list[object]:
    size = ["--limit", 100, "--trials", 3, "--epochs", 1, "--precision", "float32"]
    return ["measure", "digits", "--model", model, *size, "--executor", "serial", "--out", "run"]


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_workers(start, digits, tmp_path, contents, one_line, number, times):
    path = tmp_path / "run"
    process = start(*digits(path, "--trials", 3001, "--epochs", 20, "--jobs", 2))
    process.until(lambda: trials(path) >= 2)
    for _ in range(times):
        process.send(number)
    assert process.wait() == 128 + number
    assert KEPT in one_line(process.err)
    assert len(contents(path)) >= 2


def test_when_all_is_done_it_comes_too_late(start, measured):
    """The interpreter is ending: what was to be done is done, and the exit code says so."""
    late = "import atexit, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT)"
    process = start("status", measured, before=late)
    assert process.wait() == 0
    assert process.err == ""
    assert "3 of 3 trials finished" in process.out
