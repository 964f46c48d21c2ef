"""A record with epochs left out holds the rows of the full one, bit by bit, and so do its files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_array_equal

from easiness.record import ObservationLog, TrialRecord
from easiness.record.observations import STATISTICS
from easiness.spec import (
    DatasetRef,
    Probe,
    Recipe,
    Resolved,
    RunSpec,
    SplitRef,
)
from easiness.store import StoredTrial
from easiness.store.trial_writing import write_trial

observing = st.one_of(st.just("all"), st.just("last"), st.integers(2, 9).map("every:{}".format))


@given(
    observing,
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(0, 2**16),
    st.sampled_from(["left_out", "all"]),
)
@settings(deadline=None, max_examples=40)
def test_rows_of_the_full_record(observe, num_epochs, num, seed, keep):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_epochs, num, 3)).astype(np.float32)
    trained_on = random.random(num) < 0.5
    kept = np.ones(num, np.bool_) if keep == "all" else ~trained_on
    probe = Probe(name="train", observe=observe, keep_logits=keep)

    def observed(epochs):
        log = ObservationLog(
            np.arange(num), np.arange(num) % 3, 3, trained_on=trained_on, keep_logits=kept, epochs=epochs
        )
        for epoch in epochs:
            log.update(np.arange(num), logits[epoch - 1])
            log.end_epoch()
        return log.observations()

    full, thin = observed(tuple(range(1, num_epochs + 1))), observed(probe.observed(num_epochs))
    spec = RunSpec(
        data=DatasetRef(train=SplitRef(fingerprint="f", num_examples=num), classes=("a", "b", "c")),
        model="mlp_3",
        recipe=Recipe(),
        resolved=Resolved(precision="float32", channels_last=False, threads=1),
        probes=(probe,),
        seed=0,
        trials=1,
        epochs=num_epochs,
    ).trial(0)
    with tempfile.TemporaryDirectory() as folder:
        write_trial(
            Path(folder),
            TrialRecord({"train": thin}, train_loss=[1.0] * num_epochs),
            {"train": np.arange(num)},
            index=0,
            seed=0,
            identity=spec.hash,
            spec=spec,
            keep_weights=False,
        )
        (path,) = Path(folder).iterdir()
        stored = StoredTrial(path)
        assert stored.epochs == num_epochs
        assert stored.observed == probe.observed(num_epochs)
        for at in stored.observed:
            read = stored.observations(3, at)
            assert read.epochs == tuple(e for e in stored.observed if e <= at)
            rows = [e - 1 for e in read.epochs]
            for name in STATISTICS:
                assert_array_equal(getattr(read, name), getattr(full, name)[rows])
            assert read.logits is not None
            assert_array_equal(read.logits.values, logits[rows][:, kept])
            assert_array_equal(stored.columns(at, ["loss"])["loss"], full.loss[at - 1])
            assert stored.columns(at, ["epoch"])["epoch"].tolist() == [at] * num
