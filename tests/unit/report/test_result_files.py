from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from easiness.errors import BadInput, RunFailed
from easiness.report.files import check_output_file, check_output_folder, output_folder, write_file


def test_a_file_that_can_be_written(tmp_path, monkeypatch):
    check_output_file(tmp_path / "a.csv", (".parquet", ".csv"))
    (tmp_path / "a.csv").write_text("old")
    check_output_file(tmp_path / "a.csv", (".csv",))
    monkeypatch.chdir(tmp_path)
    check_output_file(Path("b.csv"), (".csv",))
    write_file(tmp_path / "a.csv", b"new")
    assert (tmp_path / "a.csv").read_text() == "new"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz", ".csv"])
def test_a_suffix_that_says_nothing(tmp_path, name):
    with pytest.raises(BadInput, match=r"tell the format; .*\.parquet or \.csv"):
        check_output_file(tmp_path / name, (".parquet", ".csv"))


def test_places_where_no_file_can_be(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(BadInput, match=r"a\.csv: is a folder"):
        check_output_file(tmp_path / "a.csv", (".csv",))
    with pytest.raises(BadInput, match=r"b\.csv: .*folder .*none does not exist"):
        check_output_file(tmp_path / "none" / "b.csv", (".csv",))
    with pytest.raises(BadInput, match=r"x{9}\.\.\.: cannot be written \(File name too long"):
        check_output_file(tmp_path / f"{'x' * 300}.csv", (".csv",))


def test_places_where_no_new_folder_can_be(tmp_path):
    check_output_folder(tmp_path / "new")
    with pytest.raises(BadInput, match="exists already"):
        check_output_folder(tmp_path)
    with pytest.raises(BadInput, match=r"folder .*none does not exist"):
        check_output_folder(tmp_path / "none" / "new")


def test_a_folder_that_cannot_be_filled_is_not_left(tmp_path):
    def fill():
        with output_folder(tmp_path / "new") as folder:
            (folder / "part").write_text("a")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunFailed, match=r"new: .*written"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def no_room(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.csv").write_text("old")
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(RunFailed, match=r"a\.csv: .*No space left"):
        write_file(tmp_path / "a.csv", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"
