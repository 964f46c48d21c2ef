"""`RecordCallback` and `RecordTraining` with the real Trainer."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from easiness import BadInput, Recorder

pytest.importorskip("transformers")
pytest.importorskip("accelerate")
from transformers import Trainer, TrainingArguments, default_data_collator

from easiness.integrations.transformers import STATE, RecordCallback, RecordTraining, keep_ids

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

NUM, LENGTH = 48, 6
TOKENS = np.random.default_rng(0).integers(0, 20, (NUM, LENGTH))
LABELS = (TOKENS[:, 0] > 9).astype(int)
ROWS = [{"id": 3 * at, "input_ids": TOKENS[at].tolist(), "labels": int(LABELS[at])} for at in range(NUM)]


class Network(nn.Module):
    """A bag of words with dropout, which returns what networks of transformers return."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.drop, self.out = nn.Embedding(20, 8), nn.Dropout(0.2), nn.Linear(8, 2)
        self.num_passes = 0

    def forward(self, input_ids, labels=None):
        self.num_passes += 1
        logits = self.out(self.drop(self.embed(input_ids).mean(1)))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def recorder(out, **options):
    return Recorder(out, ids=[row["id"] for row in ROWS], labels=LABELS, keep_logits=True, **options)


def train(folder, *callbacks, epochs=3, resume=None, rows=ROWS, network=None, **options):
    collator = options.pop("data_collator", default_data_collator)
    arguments = TrainingArguments(
        str(folder), num_train_epochs=epochs, per_device_train_batch_size=8, learning_rate=0.05,
        seed=3, report_to=[], use_cpu=True, disable_tqdm=True, logging_strategy="no",
        **{"save_strategy": "no", **options},
    )  # fmt: skip
    torch.manual_seed(0)
    network = network or Network()
    trainer = Trainer(
        network, arguments, train_dataset=rows, callbacks=list(callbacks), data_collator=collator
    )
    trainer.train(resume_from_checkpoint=resume)
    return network


def test_every_example_is_seen_and_the_trainer_is_left_as_it_was(tmp_path):
    alone = train(tmp_path)
    made = recorder(tmp_path / "run")
    watched = train(tmp_path, RecordCallback(made, ROWS))
    for one, other in zip(alone.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)
    seen = made.run.trials[0].observations(2)
    assert seen.epochs == (1, 2, 3)
    watched.eval()
    with torch.no_grad():
        last = watched(torch.from_numpy(TOKENS), torch.from_numpy(LABELS))["logits"]
    np.testing.assert_allclose(seen.logits.values[-1], last.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.long
def test_a_training_that_is_resumed_records_one_whole_trial(tmp_path):
    whole = recorder(tmp_path / "whole")
    train(tmp_path / "a", RecordCallback(whole, ROWS), epochs=4)
    stopped = recorder(tmp_path / "stopped")
    train(tmp_path / "b", RecordCallback(stopped, ROWS), epochs=4, save_strategy="epoch")
    checkpoint = sorted((tmp_path / "b").glob("checkpoint-*"), key=lambda one: int(one.name.split("-")[1]))[1]
    assert (checkpoint / STATE).exists()
    resumed = recorder(tmp_path / "resumed")
    train(
        tmp_path / "b", RecordCallback(resumed, ROWS), epochs=4, resume=str(checkpoint), save_strategy="epoch"
    )
    one, other = (run.run.trials[0].observations(2) for run in (whole, resumed))
    assert other.epochs == (1, 2, 3, 4)
    np.testing.assert_array_equal(one.logits.values, other.logits.values)
    (checkpoint / STATE).write_bytes((checkpoint / STATE).read_bytes()[:-10])
    with pytest.raises(BadInput, match=f"{checkpoint / STATE}: is damaged"):
        train(
            tmp_path / "b", RecordCallback(recorder(tmp_path / "no"), ROWS), epochs=4, resume=str(checkpoint)
        )
    (checkpoint / STATE).unlink()
    with pytest.raises(BadInput, match="is missing"):
        train(
            tmp_path / "b", RecordCallback(recorder(tmp_path / "no"), ROWS), epochs=4, resume=str(checkpoint)
        )


@pytest.mark.parametrize("options", [{"gradient_accumulation_steps": 2}, {"bf16": True}])
def test_training_steps_are_recorded_without_computing_anything(tmp_path, options):
    made = recorder(tmp_path / "run", augmented=True)
    callback = RecordTraining(made)
    collator = keep_ids(default_data_collator)
    network = train(tmp_path, callback, data_collator=collator, remove_unused_columns=False, **options)
    seen = made.run.trials[0].observations(2)
    assert seen.augmented
    assert seen.prediction.shape == (3, NUM)
    assert not network._forward_hooks
    assert not network._forward_pre_hooks
    assert network.num_passes == 3 * NUM / 8


@pytest.mark.long
def test_what_would_lose_ids_is_refused(tmp_path):
    made = recorder(tmp_path / "run", augmented=True)
    with pytest.raises(BadInput, match="remove_unused_columns=False"):
        train(tmp_path, RecordTraining(made), data_collator=keep_ids(default_data_collator))
    rows = [{name: value for name, value in row.items() if name != "id"} for row in ROWS]
    with pytest.raises(BadInput, match="batch has no 'id'"):
        train(tmp_path, RecordTraining(made), rows=rows, remove_unused_columns=False)
    with pytest.raises(BadInput, match="augmented=True"):
        RecordTraining(recorder(tmp_path / "clean"))
    assert not made.run.trials


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"input_ids": row["input_ids"], "labels": row["labels"]} for row in ROWS],
         r"\('input_ids', 'labels'\) has no 'id'"),
        ([(row["input_ids"], row["labels"]) for row in ROWS], r"\(a tuple\) has no 'id'"),
    ],
)  # fmt: skip
def test_a_data_set_without_ids_is_refused_before_the_training(tmp_path, rows, found):
    made = recorder(tmp_path / "run")
    network = Network()
    with pytest.raises(BadInput, match=rf"RecordCallback: .*{found}"):
        train(tmp_path, RecordCallback(made, rows), network=network)
    assert network.num_passes == 0
    assert not made.run.trials


def test_ids_that_a_trainer_cannot_keep_are_named():
    collate = keep_ids(default_data_collator)
    with pytest.raises(BadInput, match=r"keep_ids: .* no 'id'"):
        collate([{"x": 1}])
    with pytest.raises(BadInput, match="keep_ids: id 'a' is"):
        collate([{"id": "a", "x": 1}])


TEXTS = [f"tokens {' '.join(map(str, row))}" for row in TOKENS.tolist()]


def kept_texts(made):
    return pq.read_table(made.path / "data.parquet")["text"].to_pylist()


@pytest.mark.long
def test_texts_that_the_data_set_has_are_kept_once(tmp_path):
    rows = [{**row, "text": text} for row, text in zip(ROWS, TEXTS, strict=True)]
    made = recorder(tmp_path / "run")
    train(tmp_path, RecordCallback(made, rows[::-1]), epochs=1, rows=rows)
    assert kept_texts(made) == TEXTS
    assert made.run.spec.data.kind == "text"
    upper = [{**row, "text": row["text"].upper()} for row in rows]
    train(tmp_path, RecordCallback(made, upper, seed=1), epochs=1, rows=rows)
    assert kept_texts(made) == TEXTS  # it keeps those that it has
    assert len(made.run.trials) == 2


@pytest.mark.parametrize("other", ["", None, "left out"])
def test_an_example_without_its_text_is_named_before_the_training(tmp_path, other):
    rows = [{**row, "text": text} for row, text in zip(ROWS, TEXTS, strict=True)]
    rows[5]["text"] = other
    network = Network()
    if other == "left out":
        rows.pop(5)
    with pytest.raises(BadInput, match=r"^RecordCallback: .* kept \(.*id 15.*\).*text_key=None$"):
        train(tmp_path, RecordCallback(recorder(tmp_path / "run"), rows), rows=ROWS, network=network)
    assert network.num_passes == 0
