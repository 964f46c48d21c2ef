"""Nothing that a run or a card says leads out of its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from easiness import BadInput, card, open_run
from easiness.exports.score_card import open_card
from easiness.spec import content_hash
from easiness.store.files import FileName, check_no_links, digest
from easiness.store.verifying import verify

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


@pytest.mark.parametrize("name", ["train.parquet", "weights.safetensors", "..a", "a b"])
def test_a_plain_name_is_one(name: str) -> None:
    assert TypeAdapter(FileName).validate_python(name) == name


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


def test_a_trial_that_names_files_elsewhere_is_no_trial(run_copy: Path, secret: dict[str, Any]) -> None:
    first = open_run(run_copy).trials[0].path
    sealed = json.loads((first / "trial.json").read_text())
    sealed["trial"]["files"]["../../../secret"] = secret
    sealed["sha256"] = content_hash(sealed["trial"])
    (first / "trial.json").write_text(json.dumps(sealed))
    with pytest.raises(BadInput, match=r"trial\.json"):
        open_run(run_copy).check()
    assert [one.file for one in verify(run_copy)] == [first / "trial.json"]


def test_a_card_that_names_files_elsewhere_is_refused(
    measured: Path, tmp_path: Path, secret: dict[str, Any]
) -> None:
    made = card(open_run(measured), tmp_path / "card").path
    (document,) = made.glob("*.json")
    said = json.loads(document.read_text())
    said["files"]["../secret"] = secret
    document.write_text(json.dumps(said))
    with pytest.raises(BadInput, match="cannot be read") as caught:
        open_card(made)
    assert str(caught.value).startswith(f"{document}: ")


@pytest.mark.parametrize("name", [".lock", "events.jsonl", "checkpoints", "trials", ".index"])
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


def test_nothing_is_kept_through_a_link_in_a_run(
    run_copy: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "own").mkdir()
    (run_copy / "perturbed").symlink_to(tmp_path / "own")
    assert "perturbed: is a link" in refused("perturb", run_copy, "--kind", "radial", "--levels", "2")
    assert list((tmp_path / "own").iterdir()) == []


def test_the_run_itself_may_be_reached_through_a_link(run_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run_copy)
    check_no_links(tmp_path / "link", tmp_path / "none")
    with pytest.raises(BadInput, match=r"link: is a link"):
        check_no_links(tmp_path)
