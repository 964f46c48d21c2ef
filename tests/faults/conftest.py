"""Shared by the tests of faults: commands in processes of their own, small disks, read-only folders."""

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

    def wait(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while (code := self.poll()) is None:
            assert time.monotonic() < deadline, self.err
            time.sleep(0.005)
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
def _zygote() -> Iterator[Callable[[dict[str, object]], object]]:
    tests = str(Path(__file__).parents[1])  # where `loaded` is
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
def start(_zygote: Callable[[dict[str, object]], object], tmp_path: Path) -> Iterator[Start]:
    """``start(*arguments, before="")``: a command in a process forked from one that has loaded everything.

    It works in ``tmp_path``, after the Python statements ``before``, and ends with the test.
    """
    started: list[Started] = []

    def begin(*arguments: object, before: str = "") -> Started:
        streams = tmp_path / f"streams-{len(started)}"
        streams.mkdir()
        before = f"import os; os.environ['EASINESS_CACHE'] = {os.environ['EASINESS_CACHE']!r}\n{before}"
        asked = {"arguments": [*map(str, arguments)], "before": before, "folder": str(tmp_path)}
        pid = _zygote({**asked, "out": str(streams / "out"), "err": str(streams / "err")})
        assert isinstance(pid, int)
        started.append(Started(pid, streams, _zygote))
        return started[-1]

    yield begin
    for one in started:
        if one.poll() is None:
            one.send(signal.SIGKILL)
            one.wait()


def mounted(*arguments: object) -> None:
    """Mount something, or skip where this process may not."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting takes Linux and its root")
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")


def unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=True)


class Disk:
    """A file system in memory that is as large as one wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        mounted("-t", "tmpfs", "-o", "size=64m", "tmpfs", path)

    @property
    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def leave(self, num_bytes: int) -> None:
        """Fill it, but for so many bytes: they count by pages."""
        self.empty()
        with (self.path / "ballast").open("wb") as file:
            file.write(bytes(max(0, self.free - num_bytes)))

    def empty(self) -> None:
        """Room again."""
        (self.path / "ballast").unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 64 MB, which can be full (``disk.leave(0)``) and have room again (``disk.empty()``)."""
    made = Disk(tmp_path / "disk")
    yield made
    unmount(made.path)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """``read_only(folder)``: the same folder in a place where nobody may write, not even root."""
    places: list[Path] = []

    def show(folder: Path) -> Path:
        place = tmp_path / f"read-only-{len(places)}"
        place.mkdir()
        mounted("--bind", folder, place)
        places.append(place)
        mounted("-o", "remount,ro,bind", place)
        return place

    yield show
    for place in places:
        unmount(place)


@pytest.fixture
def one_line() -> Callable[[str], str]:
    """The last line of what was said on standard error; there is no traceback, and nothing of ours leaks."""

    def check(err: str) -> str:
        for word in ("Traceback", "leaked", "resource_tracker", "Exception ignored", "Warning:"):
            assert word not in err, err
        last = err.splitlines()[-1]
        assert last.startswith("easiness: "), err
        return last

    return check
