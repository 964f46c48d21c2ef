from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from scipy.special import log_softmax

from easiness.records import STATISTICS, ObservationLog, TrialRecord, example_statistics
from easiness.spec import Probe
from easiness.store import StoredTrial
from easiness.store.trial import write_trial
from plans import stored_as
from recording import run_spec, trial_of_logits

SQRT2 = float(np.float32(np.sqrt(2)))

sizes = st.tuples(st.integers(1, 12), st.integers(2, 6))
values = st.one_of(
    st.integers(-3, 3).map(float),  # ties are common here
    st.floats(-1e4, 1e4, width=32),
    st.sampled_from([1e4, -1e4]),
)
batches_of_logits = sizes.flatmap(lambda size: hnp.arrays(np.float32, size, elements=values))


def draw_labels(data, logits):
    num, num_classes = logits.shape
    return np.array(data.draw(st.lists(st.integers(0, num_classes - 1), min_size=num, max_size=num)))


@given(batches_of_logits, st.data())
def test_statistics_stay_in_their_ranges(logits, data):
    labels = draw_labels(data, logits)
    seen = example_statistics(logits, labels)
    assert all(np.isfinite(field).all() for field in seen)
    assert (seen.loss >= 0).all()
    assert ((seen.error_norm >= 0) & (seen.error_norm <= SQRT2 * (1 + 1e-6))).all()
    assert ((seen.entropy >= 0) & (seen.entropy <= np.log(logits.shape[1]) * (1 + 1e-6))).all()
    # p of the largest logit, from the label's: what a score computes from the record alone
    p = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    largest = np.exp(-seen.loss.astype(np.float64) + np.maximum(0, -seen.margin.astype(np.float64)))
    # a loss of 20000 has an error of 0.001 in float32
    np.testing.assert_allclose(largest, p.max(axis=1), rtol=1e-2)


@given(batches_of_logits, st.data())
def test_the_sign_of_the_margin_says_correct_unless_logits_tie(logits, data):
    labels = draw_labels(data, logits)
    seen = example_statistics(logits, labels)
    correct = seen.prediction == labels
    assert correct[seen.margin > 0].all()
    assert not correct[seen.margin < 0].any()
    largest = logits.max(axis=1, keepdims=True)
    label_ties = (logits == largest)[np.arange(len(labels)), labels] & ((logits == largest).sum(axis=1) > 1)
    np.testing.assert_array_equal(seen.margin == 0, label_ties)


@given(batches_of_logits, st.data())
def test_a_log_does_not_depend_on_how_examples_come_in(logits, data):
    labels = draw_labels(data, logits)
    num, num_classes = logits.shape
    order = np.array(data.draw(st.permutations(range(num))))
    cuts = sorted(data.draw(st.lists(st.integers(0, num), max_size=3)))
    log = ObservationLog(np.arange(num), labels, num_classes, keep_logits=np.ones(num, np.bool_))
    for batch in np.split(order, cuts):
        log.update(batch, logits[batch])
    log.end_epoch()
    seen = log.observations()
    for name, expected in example_statistics(logits, labels)._asdict().items():
        np.testing.assert_array_equal(getattr(seen, name)[0], expected)
    assert seen.logits is not None
    np.testing.assert_array_equal(seen.logits.values[0], logits)


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
        seen, labels = logits[np.array(epochs) - 1], np.arange(num) % 3
        return trial_of_logits(seen, labels, trained_on=trained_on, keep=kept, epochs=epochs)

    full, thin = observed(tuple(range(1, num_epochs + 1))), observed(probe.observed(num_epochs))
    spec = run_spec(num, classes="abc", probes=(probe,), seed=0, trials=1, epochs=num_epochs).trial(0)
    with tempfile.TemporaryDirectory() as folder:
        record = TrialRecord({"train": thin}, train_loss=[1.0] * num_epochs)
        write_trial(Path(folder), record, {"train": np.arange(num)}, **stored_as(spec), keep_weights=False)
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
