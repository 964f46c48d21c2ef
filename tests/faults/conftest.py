"""Shared by the tests of faults: small disks, read-only folders, and how a command is to end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixels import PETS, write_noise


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
def photos(tmp_path) -> Path:
    """Photos of several sizes, which are decoded when they are needed where they do not fit into memory."""
    return write_noise(tmp_path / "photos", PETS, [(40 + at, 48, 3) for at in range(6)])


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
