"""A checkpoint is read where it is whole and of this training, and is one of its kind."""

from __future__ import annotations

import json
import os

import pytest
import torch

from easiness.errors import BadInput
from easiness.store import (
    CheckpointDocument,
    checkpoints_of,
    clear_checkpoints,
    read_checkpoint,
    remove_checkpoints,
    write_checkpoint,
)
from easiness.store.files import ASIDE

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "steps": torch.tensor(7),
    "bytes": torch.tensor([1, 2], dtype=torch.uint8),
}
HERE = ("settings", "1.0", "2.13")


def document(epoch=3, **changes):
    fixed = {"identity": HERE[0], "easiness": HERE[1], "torch": HERE[2], "images": 10, "seconds": 1.5}
    return CheckpointDocument(epoch=epoch, failures={1: "no"}, **{**fixed, **changes})


def test_it_reads_what_was_written(tmp_path):
    write_checkpoint(tmp_path, 5, document(), TENSORS)
    (path,) = checkpoints_of(tmp_path, 5)
    stored = read_checkpoint(path, *HERE)
    assert stored.document.model_copy(update={"files": {}}) == document()
    assert stored.tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert stored.tensors[name].dtype == value.dtype
        assert torch.equal(stored.tensors[name], value)
    assert sorted(file.name for file in path.iterdir()) == ["checkpoint.json", "state.safetensors"]


def test_one_is_kept_of_each(tmp_path):
    for epoch in (1, 3, 2, 2):
        write_checkpoint(tmp_path, 5, document(epoch), TENSORS)
    write_checkpoint(tmp_path, 15, document(9), TENSORS)
    write_checkpoint(tmp_path, 50000, document(1), TENSORS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0005-000002",
        "0015-000009",
        "50000-000001",
    ]
    remove_checkpoints(tmp_path, 15)
    assert checkpoints_of(tmp_path, 15) == []
    (tmp_path / f"{ASIDE}left").mkdir()
    (tmp_path / "other").mkdir()
    clear_checkpoints(tmp_path, {5})
    assert [path.name for path in tmp_path.iterdir()] == ["0005-000002"]
    clear_checkpoints(tmp_path)
    clear_checkpoints(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (("others", "1.0", "2.13"), "it is of a training with other settings"),
        (("settings", "1.1", "2.13"), "it was written with easiness 1.0, this is 1.1"),
        (("settings", "1.0", "2.14"), "it was written with torch 2.13, this is 2.14"),
    ],
)
def test_one_of_another_training_is_refused(tmp_path, here, reason):
    write_checkpoint(tmp_path, 5, document(), TENSORS)
    with pytest.raises(BadInput, match=reason):
        read_checkpoint(checkpoints_of(tmp_path, 5)[0], *here)


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def altered(file):
    sealed = json.loads(file.read_bytes())
    sealed["checkpoint"]["epoch"] = 2
    file.write_text(json.dumps(sealed))


def piped(file):
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("state.safetensors", flipped),
        ("checkpoint.json", flipped),
        ("checkpoint.json", altered),
        *((name, lambda file: file.write_bytes(b"")) for name in ("state.safetensors", "checkpoint.json")),
        *((name, lambda file: file.unlink()) for name in ("state.safetensors", "checkpoint.json")),
        *((name, piped) for name in ("state.safetensors", "checkpoint.json")),
        ("checkpoint.json", lambda file: file.write_text("[" * 100_000)),
        ("checkpoint.json", lambda file: file.write_text("[]")),
        ("checkpoint.json", lambda file: os.truncate(file, 2**21)),
    ],
)
def test_a_damaged_one_is_refused(tmp_path, name, damage):
    write_checkpoint(tmp_path, 5, document(), TENSORS)
    (path,) = checkpoints_of(tmp_path, 5)
    damage(path / name)
    with pytest.raises(BadInput, match="it is damaged"):
        read_checkpoint(path, *HERE)


def test_what_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 5, document(1), TENSORS)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(tmp_path, 5, document(2), TENSORS)
    assert [path.name for path in tmp_path.iterdir()] == ["0005-000001"]
