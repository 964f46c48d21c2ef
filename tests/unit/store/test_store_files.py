from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from easiness.errors import BadInput
from easiness.store import files


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    found = files.digest(tmp_path / "a")
    assert found.num_bytes == 3
    assert found.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_a_file_is_replaced_whole(tmp_path):
    files.write_whole(tmp_path / "a", b"old")
    files.write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    files.write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_folder_appears_when_its_block_has_ended(tmp_path):
    with files.folder_written_whole(tmp_path / "trial") as aside:
        (aside / "a").write_bytes(b"1")
        assert not (tmp_path / "trial").exists()
        assert aside.name.startswith(files.ASIDE)
    assert (tmp_path / "trial" / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["trial"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_whose_block_fails_leaves_nothing(tmp_path, error):
    def write():
        with files.folder_written_whole(tmp_path / "trial") as aside:
            (aside / "a").write_bytes(b"1")
            raise error

    with pytest.raises(error):
        write()
    assert names(tmp_path) == []


def test_a_removed_folder_is_gone(tmp_path):
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "a").write_bytes(b"1")
    files.remove_folder(tmp_path / "trial")
    assert names(tmp_path) == []


def test_sweeping_takes_leftovers_alone(tmp_path):
    (tmp_path / f"{files.ASIDE}1").mkdir()
    (tmp_path / f"{files.ASIDE}1" / "a").write_bytes(b"1")
    (tmp_path / f"{files.ASIDE}2").write_bytes(b"2")
    (tmp_path / "kept").write_bytes(b"3")
    (tmp_path / "0000-abc").mkdir()
    files.sweep(tmp_path)
    assert names(tmp_path) == ["0000-abc", "kept"]


def test_checking_for_writing_leaves_nothing(tmp_path):
    files.check_writable(tmp_path)
    files.check_writable(tmp_path / "new" / "deep")
    assert names(tmp_path) == []


def test_a_folder_below_a_file_cannot_be_written_to(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(BadInput, match=r"a/run: .*\(Not a directory"):
        files.check_writable(tmp_path / "a" / "run")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc to refuse a new folder")
def test_a_place_that_takes_no_folder():
    with pytest.raises(BadInput, match="/proc/run: cannot be written to"):
        files.check_writable(Path("/proc/run"))


def test_another_process_may_sweep_while_it_is_seen_whether_a_folder_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp

    def swept(**given: Any) -> str:
        made = make(**given)
        files.sweep(tmp_path)
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    files.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
