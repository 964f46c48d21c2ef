"""Commands in processes of their own, forked from one that has loaded everything: fixtures for all tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

PATIENCE = 120  # seconds, on a machine that does much else


@dataclass
class Started:
    """A command at work in a process of its own."""

    pid: int
    folder: Path
    ask: Callable[[dict[str, object]], object]
    code: int | None = field(default=None)

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), once it has ended."""
        if self.code is None:
            found = self.ask({"pid": self.pid})
            assert found is None or isinstance(found, int)
            self.code = found
        return self.code

    def wait(self, patience: float = PATIENCE) -> int:
        begun = time.monotonic()
        while (code := self.poll()) is None:
            spent = time.monotonic() - begun
            assert spent < patience, self.err
            time.sleep(min(0.005 + spent / 50, 0.1))
        return code

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that happens before it ends."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.poll() is None, (self.code, self.out, self.err)
            assert time.monotonic() < deadline, self.err
            time.sleep(0.002)

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()


Start = Callable[..., Started]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Callable[[dict[str, object]], object]]:
    tests = str(Path(__file__).parent)  # where `loaded` is
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("zygote.py"))],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    into: IO[str] = process.stdin
    from_: IO[str] = process.stdout
    assert from_.readline() == "ready\n"

    def ask(what: dict[str, object]) -> object:
        into.write(json.dumps(what) + "\n")
        into.flush()
        return json.loads(from_.readline())

    yield ask
    into.close()
    process.wait()
    from_.close()


@pytest.fixture
def start(zygote: Callable[[dict[str, object]], object], tmp_path: Path) -> Iterator[Start]:
    """``start(*arguments, before="")``: a command in a process forked from one that has loaded everything.

    It works in ``tmp_path``, after the Python statements ``before``, and ends with the test.
    """
    started: list[Started] = []

    def begin(*arguments: object, before: str = "") -> Started:
        streams = tmp_path / f"streams-{len(started)}"
        streams.mkdir()
        before = f"import os; os.environ['EASINESS_CACHE'] = {os.environ['EASINESS_CACHE']!r}\n{before}"
        asked = {"arguments": [*map(str, arguments)], "before": before, "folder": str(tmp_path)}
        pid = zygote({**asked, "out": str(streams / "out"), "err": str(streams / "err")})
        assert isinstance(pid, int)
        started.append(Started(pid, streams, zygote))
        return started[-1]

    yield begin
    for one in started:
        if one.poll() is None:
            one.send(signal.SIGKILL)
            one.wait()
