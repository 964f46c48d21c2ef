from __future__ import annotations

import multiprocessing
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from easiness.data.sources import file_blobs
from easiness.data.sources.file_blobs import FileFacts


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name in "abc":
        (root / name).write_text(name)
    return root


def remember(root, name="a", **given):
    facts = FileFacts(root)
    facts.remember(name, facts.recall(name)[0], **given)
    facts.save()


def recall(root, name="a"):
    return FileFacts(root).recall(name)[1]


def database(cache: Path) -> Path:
    (file,) = (cache / "files").iterdir()
    return file


def test_names_in_any_encoding(root):
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x90\x88")
    (root / name).write_text("x")
    remember(root, name, sha256="00")
    assert recall(root, name) == {"sha256": "00"}


def _remember_many(root: Path, key: str) -> None:
    file_blobs.AT_ONCE = 3
    facts = FileFacts(root)
    for i in range(30):
        for name in "abc":
            facts.remember(name, facts.recall(name)[0], **{f"{key}{i}": i})
    facts.save()


def test_several_processes(root):
    forked = multiprocessing.get_context("fork")
    running = [forked.Process(target=_remember_many, args=(root, key)) for key in "xyz"]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0, 0, 0]
    for name in "abc":
        assert recall(root, name) == {f"{key}{i}": i for key in "xyz" for i in range(30)}


def test_a_locked_database_costs_time_once(root, cache, monkeypatch):
    monkeypatch.setattr(file_blobs, "SECONDS_TO_WAIT", 0.01)
    remember(root, sha256="00")
    reader, writer = FileFacts(root), FileFacts(root)
    stamp, _ = writer.recall("b")
    with closing(sqlite3.connect(database(cache), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert reader.recall("a")[1] == {}
        writer.remember("b", stamp, sha256="01")
        writer.save()
        assert FileFacts(root).recall("a")[1] == {}
        other.execute("ROLLBACK")
    assert reader.recall("a")[1] == {}
    assert recall(root) == {"sha256": "00"}


def test_a_broken_database_is_made_anew(root, cache):
    remember(root, sha256="00")
    database(cache).write_bytes(b"no database" * 100)
    assert recall(root) == {}
    remember(root, sha256="01")
    assert recall(root) == {"sha256": "01"}


def test_a_database_that_breaks_on_the_way(root, cache):
    remember(root, sha256="00")
    facts = FileFacts(root)
    content = database(cache).read_bytes()
    database(cache).write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert facts.recall("a")[1] == {}
    facts.remember("a", facts.recall("a")[0], sha256="01")
    facts.save()
    remember(root, sha256="02")
    assert recall(root) == {"sha256": "02"}


@pytest.mark.parametrize("stored", ["{", "3", None, b"\xff", "[" * 100_000])
def test_facts_that_are_none(root, cache, stored):
    remember(root, sha256="00")
    with closing(sqlite3.connect(database(cache))) as other, other:
        other.execute("UPDATE files SET facts = ?", (stored,))
    assert recall(root) == {}
    remember(root, sha256="01")
    assert recall(root)["sha256"] == "01"


def test_a_database_that_cannot_be_written_is_still_read(root, monkeypatch):
    remember(root, sha256="00")
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda path, *more, **options: connect(f"{path.as_uri()}?mode=ro", *more, uri=True, **options),
    )
    remember(root, readable=True)
    assert recall(root) == {"sha256": "00"}
