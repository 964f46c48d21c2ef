from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import easiness as ez
from easiness import card, open_run
from easiness.errors import BadInput
from easiness.exports import open_card
from easiness.store import FileName, check_no_links, digest, files, verify


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


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


OUTSIDE = [
    "../secret",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "C:\\secret",
    "C:secret",
    "\\\\host\\x",
    "a\0b",
]
TRAIN = ("measure", "digits", "--model", "mlp_3", "--limit", "100", "--epochs", "2", "--jobs", "1")
ASKED = (*TRAIN, "--precision", "float32", "--trials")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_with_a_path_is_none(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(FileName).validate_python(name)


@pytest.fixture
def secret(tmp_path: Path) -> dict[str, Any]:
    """What a forged document says of a file outside of the run, truly."""
    (tmp_path / "secret").write_text("a secret")
    return digest(tmp_path / "secret").model_dump()


@pytest.mark.parametrize("name", ["../secret", "{}/secret"])
def test_a_run_that_names_files_elsewhere_is_refused(
    name: str,
    run_copy: Path,
    tmp_path: Path,
    secret: dict[str, Any],
    refused: Callable[..., str],
    command: Callable[..., Any],
) -> None:
    document = json.loads((run_copy / "run.json").read_text())
    document["files"][name.format(tmp_path)] = secret
    document["sha256"] = None
    (run_copy / "run.json").write_text(json.dumps(document))
    for verb in ("scores", "suspects"):
        assert "run.json: the description" in refused(verb, run_copy)
    assert "1 damaged file" in command("status", run_copy).err
    assert [one.file.name for one in verify(run_copy)] == ["run.json"]


def test_a_card_that_names_files_elsewhere_is_refused(
    measured: Path, tmp_path: Path, secret: dict[str, Any]
) -> None:
    made = card(open_run(measured), tmp_path / "card").path
    (document,) = made.glob("*.json")
    said = json.loads(document.read_text())
    said["files"]["../secret"] = secret
    document.write_text(json.dumps(said))
    with pytest.raises(BadInput, match="is damaged or missing") as caught:
        open_card(made)
    assert str(caught.value).startswith(f"{document}: ")


@pytest.mark.parametrize("name", [".lock", "events.jsonl", "checkpoints", "trials"])
def test_nothing_is_written_through_a_link_in_a_run(
    name: str, run_copy: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    own = tmp_path / "own"
    (own / "0007-000001").mkdir(parents=True)
    (own / "0007-000001" / "file").write_text("mine")
    target = own if name in ("checkpoints", "trials") else own / "0007-000001" / "file"
    link = run_copy / name
    if link.exists():
        link.rename(tmp_path / "aside")
    link.symlink_to(target)
    line = refused(*ASKED, 4, "--out", run_copy)
    if name != "trials":  # of which the first is read before
        assert f"{link}: is a link" in line
    assert [path.name for path in own.rglob("*")] == ["0007-000001", "file"]
    assert (own / "0007-000001" / "file").read_text() == "mine"


def test_the_run_itself_may_be_reached_through_a_link(run_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run_copy)
    check_no_links(tmp_path / "link", tmp_path / "none")
    with pytest.raises(BadInput, match=r"link: is a link"):
        check_no_links(tmp_path)


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "suspects": (lambda path: ez.suspects(path), "run"),
    "compare, a list": (lambda path: ez.compare([path]), "runs"),
    "matching_rate": (lambda path: ez.matching_rate(path, path), "run_a"),
    "export": (lambda path: ez.export(path, "csv", "a.csv"), "run"),
    "report": (lambda path: ez.report(path, "page.html"), "runs"),
}


@pytest.mark.parametrize("path", ["runs/a", Path("runs/a")])
@pytest.mark.parametrize("name", CALLS)
def test_a_path_is_to_be_opened(name, path):
    call, parameter = CALLS[name]
    with pytest.raises(BadInput, match=rf"^{parameter} 'runs/a': .* easiness\.open_run\('runs/a'\)$"):
        call(path)


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
