from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.store import RunWriter, check_output, is_run, open_run, run_folder

IDS = np.array([30, 10, 20, 40])
LABELS = np.array([0, 1, 1, 0])


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_may_become_a_run(tmp_path, add):
    check_output(tmp_path / "new" / "deep")
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty")
    add(tmp_path / "run", 0)
    check_output(tmp_path / "run")
    assert names(tmp_path) == ["empty", "run"]


def test_a_run_killed_before_it_was_described_may_become_one(tmp_path, add):
    folder = tmp_path / "run"
    (folder / "trials" / ".aside-1").mkdir(parents=True)
    for name in (".lock", ".aside-2", "examples.parquet"):
        (folder / name).write_bytes(b"half")
    check_output(folder)
    add(folder, 0)
    assert names(folder) == [".lock", "examples.parquet", "run.json", "trials"]
    assert open_run(folder).ids.tolist() == IDS.tolist()
    assert len(names(folder / "trials")) == 1


def test_what_may_not(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="file: is a file"):
        check_output(tmp_path / "file")
    with pytest.raises(BadInput, match=r"neither empty .*'file'"):
        check_output(tmp_path)
    assert names(tmp_path) == ["file"]


def test_one_writer_at_a_time(tmp_path, add):
    add(tmp_path / "run", 0)
    with RunWriter(tmp_path / "run"):
        with pytest.raises(BadInput, match="another process is writing"):
            RunWriter(tmp_path / "run")
        assert len(open_run(tmp_path / "run").trials) == 1
    with RunWriter(tmp_path / "run"):
        pass


def test_the_lock_goes_when_the_block_fails(tmp_path):
    with pytest.raises(ValueError, match="mine"), RunWriter(tmp_path / "run"):
        raise ValueError("mine")
    with RunWriter(tmp_path / "run"):
        pass


def test_leftovers_are_swept_at_the_start(tmp_path, add):
    add(tmp_path / "run", 0)
    (tmp_path / "run" / ".aside-1").write_bytes(b"x")
    (tmp_path / "run" / "trials" / ".aside-2").mkdir()
    with RunWriter(tmp_path / "run"):
        assert names(tmp_path / "run") == [".lock", "examples.parquet", "run.json", "trials"]
        assert len(names(tmp_path / "run" / "trials")) == 1


def test_a_run_that_cannot_be_described_leaves_nothing(tmp_path, make_spec, monkeypatch):
    monkeypatch.setattr(run_folder, "write_whole", no_room)
    with RunWriter(tmp_path / "run") as writer, pytest.raises(BadInput, match=r"to \(No space left"):
        writer.create(make_spec(), IDS, LABELS)
    assert names(tmp_path) == []


def test_a_longer_trial_replaces_the_shorter_one(tmp_path, add):
    path = tmp_path / "run"
    add(path, 0)
    add(path, 1)
    kept = {name for name in names(path / "trials") if name.startswith("0001")}
    add(path, 0, epochs=3)
    assert len(names(path / "trials")) == 2
    assert kept < set(names(path / "trials"))
    assert [trial.epochs for trial in open_run(path).trials] == [3, 2]


def test_the_old_trial_stays_when_the_new_one_cannot_be_written(tmp_path, add, monkeypatch):
    path = tmp_path / "run"
    add(path, 0)
    before = names(path / "trials")
    with monkeypatch.context() as patch:
        patch.setattr("easiness.store.trial_writing.write_whole", no_room)
        with pytest.raises(OSError, match="No space left"):
            add(path, 0, epochs=3)
    assert names(path / "trials") == before
    assert open_run(path).epochs == 2


def test_damaged_trials_are_removed_on_request(tmp_path, add):
    path = tmp_path / "run"
    for index in range(4):
        add(path, index)
    (third,) = (path / "trials").glob("0002-*")
    (third / "train.parquet").write_bytes(b"x")
    (first,) = (path / "trials").glob("0000-*")
    (first / "trial.json").unlink()
    with RunWriter(path) as writer:
        assert writer.remove_damaged() == [0, 2]
        assert writer.remove_damaged() == []
    assert [trial.index for trial in open_run(path).trials] == [1, 3]
    assert is_run(path)
