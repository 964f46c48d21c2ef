from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easiness.records import TrialRecord
from easiness.spec import Probe, SplitRef
from easiness.store import RunWriter
from plans import stored_as
from recording import run_spec, trial_of_logits

IDS = np.array([30, 10, 20, 40])
LABELS = np.array([0, 1, 1, 0])


@pytest.fixture
def make_record() -> Callable[..., TrialRecord]:
    """A trial of four examples of two classes: ``make_record(epochs, trained_on=, keep=, weights=)``."""

    def make(
        epochs: int = 2,
        *,
        trained_on: list[bool] | None = None,
        keep: list[bool] | None = None,
        seed: int = 0,
    ) -> TrialRecord:
        random = np.random.default_rng(seed)
        logits = random.normal(size=(epochs, 4, 2)).astype(np.float32)
        seen = trial_of_logits(logits, LABELS, trained_on=trained_on, keep=keep)
        weights = {"layer.weight": random.normal(size=(2, 3)).astype(np.float32), "steps": np.array(7)}
        return TrialRecord({"train": seen}, [0.5] * epochs, weights=weights, ran={"seconds": 1})

    return make


@pytest.fixture
def add(make_record) -> Callable[..., None]:
    """Stores the trial of an index and length in the run at ``path``, which it creates where needed."""

    def store(path: Path, index: int, epochs: int = 2, **options: bool) -> None:
        from easiness.store import is_run

        with RunWriter(path) as writer:
            if not is_run(path):
                writer.create(run_spec(), IDS, LABELS)
            trial = run_spec(epochs=epochs).trial(index)
            writer.add(make_record(epochs, seed=index), {"train": IDS}, **stored_as(trial), **options)

    return store


HELD_OUT_LOGITS = np.log(
    [
        # p of two classes for three held-out examples with the labels 1, 0, 1: two trials of one epoch
        [[0.25, 0.75], [0.5, 0.5], [0.8, 0.2]],
        [[0.25, 0.75], [0.4, 0.6], [0.9, 0.1]],
    ]
)


@pytest.fixture
def held_out_run(tmp_path) -> Path:
    """Two trials of one epoch; each trained on two of the four examples, and three more are held out."""
    spec = run_spec(epochs=1)
    data = spec.data.model_copy(update={"held_out": SplitRef(fingerprint="g", num_examples=3)})
    spec = spec.model_copy(update={"data": data, "probes": (Probe(name="train"), Probe(name="held_out"))})
    held_out_ids, held_out_labels = np.array(["test/b", "test/a", "test/c"], object), np.array([1, 0, 1])
    with RunWriter(tmp_path / "held_out") as writer:
        writer.create(spec, IDS, LABELS)
        for index, logits in enumerate(HELD_OUT_LOGITS):
            own = np.arange(4) % 2 == index
            train = trial_of_logits(2 * np.eye(2)[LABELS][None], LABELS, trained_on=own)
            held_out = trial_of_logits(logits[None], held_out_labels, trained_on=np.zeros(3))
            record = TrialRecord({"train": train, "held_out": held_out}, [0.5])
            writer.add(record, {"train": IDS, "held_out": held_out_ids}, **stored_as(spec.trial(index)))
    return tmp_path / "held_out"
