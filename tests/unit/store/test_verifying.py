from __future__ import annotations

import os

import pytest

from easiness.errors import BadInput
from easiness.store import open_run, verify


@pytest.fixture
def path(tmp_path, add):
    for index in range(2):
        add(tmp_path / "run", index)
    return tmp_path / "run"


def files_of(path):
    return sorted(
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.is_file() and file.name != ".lock"
    )


def test_a_run_as_it_was_written(path):
    assert verify(path) == verify(open_run(path)) == []
    assert [name.split("/")[-1] for name in files_of(path)] == [
        *("examples.parquet", "run.json"),
        *["train.parquet", "trial.json", "weights.safetensors"] * 2,
    ]


def test_a_flipped_bit_anywhere_is_named_with_its_trial(path):
    for name in files_of(path):
        file = path / name
        whole = file.read_bytes()
        for place in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            content = bytearray(whole)
            content[place] ^= 1
            file.write_bytes(content)
            (found,) = verify(path) or [None]  # type: ignore[list-item]
            if found is None:  # white space between the values of a document says nothing
                assert name.endswith(".json")
                assert chr(whole[place]).isspace()
                continue
            assert found.file == file
            assert found.trial == (int(name.split("/")[1][:4]) if "/" in name else None)
        file.write_bytes(whole)
    assert verify(path) == []


def test_all_damage_is_found_at_once(path):
    first, second = sorted((path / "trials").iterdir())
    (first / "train.parquet").unlink()
    (second / "weights.safetensors").write_bytes(b"short")
    (path / "examples.parquet").write_bytes(b"")
    (path / "trials" / "failed-0007.json").write_text("{")
    assert [
        (one.file.relative_to(path).as_posix(), one.trial, one.what.split(" ")[0]) for one in verify(path)
    ] == [
        ("examples.parquet", None, "has"),
        (f"trials/{first.name}/train.parquet", 0, "is"),
        (f"trials/{second.name}/weights.safetensors", 1, "has"),
        ("trials/failed-0007.json", 7, "cannot"),
    ]


def test_a_description_that_still_reads_well(path):
    file = path / "run.json"
    file.write_text(file.read_text().replace('"seed": 5', '"seed": 6'))
    (found,) = verify(path)
    assert str(found) == f"{file}: is damaged; without it examples.parquet cannot be checked"


def test_a_description_of_before_has_no_seal(path):
    file = path / "run.json"
    document = file.read_text()
    file.write_text(document[: document.rindex(",")] + "\n}")
    assert '"sha256"' not in file.read_text().split('"stopped"')[1]
    assert verify(path) == []


def test_a_pipe_is_not_waited_for(path):
    file = next((path / "trials").glob("0001-*")) / "trial.json"
    file.unlink()
    os.mkfifo(file)
    (found,) = verify(path)
    assert (found.file, found.trial) == (file, 1)
    assert found.what.startswith("is no file")


def test_no_run_at_all(tmp_path):
    with pytest.raises(BadInput, match="no such run"):
        verify(tmp_path / "none")
