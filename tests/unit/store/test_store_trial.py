from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from easiness import store
from easiness.errors import BadInput
from easiness.records import Observations
from easiness.store.trial import write_trial
from plans import stored_as
from recording import flip, run_spec

IDS = np.array([30, 10, 20, 40])


@pytest.fixture
def write(tmp_path):
    def write(record, index=0, keep_weights=True):
        spec = run_spec(epochs=record.num_epochs).trial(index)
        write_trial(tmp_path, record, {"train": IDS}, **stored_as(spec), keep_weights=keep_weights)
        return tmp_path / f"{index:04d}-{spec.hash[:12]}"

    return write


def assert_same(read: Observations, written: Observations, epochs: int) -> None:
    assert read.labels.tolist() == written.labels.tolist()
    assert read.trained_on.tolist() == written.trained_on.tolist()
    for name in store.STATISTICS:
        values, expected = getattr(read, name), getattr(written, name)[:epochs]
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected, err_msg=name)


def test_what_is_written_is_read(write, make_record):
    record = make_record(3, trained_on=[True, False, True, True])
    trial = store.StoredTrial(write(record, index=4))
    assert (trial.index, trial.epochs) == (4, 3)
    assert trial.document.train_loss == [0.5, 0.5, 0.5]
    assert trial.document.accuracy == record.accuracy()
    assert set(trial.document.accuracy) == {"train", "left_out"}
    assert sorted(trial.document.files) == ["train.parquet", "weights.safetensors"]
    assert_same(trial.observations(2), record.probes["train"], 3)
    assert_same(trial.observations(2, epoch=2), record.probes["train"], 2)
    assert trial.observations(2).logits is None


def test_a_trial_from_before_there_were_rivals(write, make_record, monkeypatch):
    record = make_record(3)
    with monkeypatch.context() as before:
        before.setattr(store.trial, "STATISTICS", store.STATISTICS[:-1])
        trial, seen = store.StoredTrial(write(record)), record.probes["train"]
    known = np.where(seen.correct, -1, seen.prediction)
    assert -1 in known
    assert set(known.ravel().tolist()) > {-1}
    assert_same(trial.observations(2), replace(seen, rival=known), 3)
    blocks = [block.rival for _, block in trial.blocks(2)]
    assert np.concatenate(blocks, axis=1).tolist() == known.tolist()
    for names in (["rival"], ["prediction", "loss", "margin", "rival"], ["rival", "label"]):
        columns = trial.columns(2, names)
        assert list(columns) == names
        assert columns["rival"].tolist() == known[1].tolist()
        assert columns["rival"].dtype == np.int32


@pytest.mark.parametrize("keep", [None, [False, True, True, False], [True] * 4])
def test_a_trial_in_blocks(write, make_record, monkeypatch, keep):
    trained_on = [True] * 4 if keep is None else [not k for k in keep]
    trial = store.StoredTrial(write(make_record(3, trained_on=trained_on, keep=keep)))
    whole = trial.observations(2, epoch=2)
    monkeypatch.setattr(store.parquet, "_BLOCK", 3)
    blocks = list(trial.blocks(2, epoch=2))
    assert [(first, len(block.labels)) for first, block in blocks] == [(0, 3), (3, 1)]
    for name in ("labels", "trained_on"):
        joined = np.concatenate([getattr(block, name) for _, block in blocks])
        assert joined.tolist() == getattr(whole, name).tolist()
    for name in store.STATISTICS:
        joined = np.concatenate([getattr(block, name) for _, block in blocks], axis=1)
        np.testing.assert_array_equal(joined, getattr(whole, name), err_msg=name)
    if keep is None:
        assert all(block.logits is None for _, block in blocks)
        return
    positions = [first + at for first, block in blocks for at in block.logits.positions.tolist()]  # type: ignore[union-attr]
    assert positions == np.flatnonzero(keep).tolist()
    values = np.concatenate([block.logits.values for _, block in blocks], axis=1)  # type: ignore[union-attr]
    assert whole.logits is not None
    np.testing.assert_array_equal(values, whole.logits.values)


def test_without_weights(write, make_record):
    trial = store.StoredTrial(write(make_record(), keep_weights=False))
    assert sorted(trial.document.files) == ["train.parquet"]
    with pytest.raises(BadInput, match="made without weights"):
        trial.weights()


@pytest.mark.parametrize(
    ("trained_on", "keep", "positions"),
    [
        ([True, True, False, True], [False, False, True, False], [2]),
        ([True, True, False, True], [True] * 4, [0, 1, 2, 3]),
        ([True] * 4, [True] * 4, [0, 1, 2, 3]),
        ([True] * 4, [False] * 4, []),  # a share below 1 that rounds to all
    ],
)
def test_kept_logits(write, make_record, trained_on, keep, positions):
    record = make_record(3, trained_on=trained_on, keep=keep)
    logits = store.StoredTrial(write(record)).observations(2, epoch=2).logits
    assert logits is not None
    assert logits.positions.tolist() == positions
    assert logits.values.shape == (2, len(positions), 2)
    np.testing.assert_array_equal(logits.values, record.probes["train"].logits.values[:2])


TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "steps": torch.tensor(7),
    "bytes": torch.tensor([1, 2], dtype=torch.uint8),
}
HERE = ("settings", "1.0", "2.13")


def document(epoch=3, **changes):
    fixed = {"identity": HERE[0], "easiness": HERE[1], "torch": HERE[2], "images": 10, "seconds": 1.5}
    return store.CheckpointDocument(epoch=epoch, failures={1: "no"}, **{**fixed, **changes})


def test_it_reads_what_was_written(tmp_path):
    store.write_checkpoint(tmp_path, 5, document(), TENSORS)
    (path,) = store.checkpoints_of(tmp_path, 5)
    stored, tensors = store.read_checkpoint(path, *HERE)
    assert stored.model_copy(update={"files": {}}) == document()
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value)
    assert sorted(file.name for file in path.iterdir()) == ["checkpoint.json", "state.safetensors"]


def test_one_is_kept_of_each(tmp_path):
    for epoch in (1, 3, 2, 2):
        store.write_checkpoint(tmp_path, 5, document(epoch), TENSORS)
    store.write_checkpoint(tmp_path, 15, document(9), TENSORS)
    store.write_checkpoint(tmp_path, 50000, document(1), TENSORS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0005-000002",
        "0015-000009",
        "50000-000001",
    ]
    store.remove_checkpoints(tmp_path, 15)
    assert store.checkpoints_of(tmp_path, 15) == []
    (tmp_path / f"{store.ASIDE}left").mkdir()
    (tmp_path / "other").mkdir()
    store.clear_checkpoints(tmp_path, {5})
    assert [path.name for path in tmp_path.iterdir()] == ["0005-000002"]
    store.clear_checkpoints(tmp_path)
    store.clear_checkpoints(tmp_path)
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
    store.write_checkpoint(tmp_path, 5, document(), TENSORS)
    with pytest.raises(BadInput, match=reason):
        store.read_checkpoint(store.checkpoints_of(tmp_path, 5)[0], *here)


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
        ("state.safetensors", flip),
        ("checkpoint.json", flip),
        ("checkpoint.json", altered),
        *((name, lambda file: file.unlink()) for name in ("state.safetensors", "checkpoint.json")),
        *((name, piped) for name in ("state.safetensors", "checkpoint.json")),
        ("checkpoint.json", lambda file: file.write_text("[" * 100_000)),
        ("checkpoint.json", lambda file: os.truncate(file, 2**21)),
    ],
)
def test_a_damaged_one_is_refused(tmp_path, name, damage):
    store.write_checkpoint(tmp_path, 5, document(), TENSORS)
    (path,) = store.checkpoints_of(tmp_path, 5)
    damage(path / name)
    with pytest.raises(BadInput, match="it is damaged"):
        store.read_checkpoint(path, *HERE)
