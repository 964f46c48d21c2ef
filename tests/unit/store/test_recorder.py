from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.errors import BadInput, TrialFailed
from easiness.store import RunWriter, recorder as trial_module, trial as trials_module

IDS = [7, 3, 11, 5]
LABELS = [0, 1, 1, 0]
RIGHT = np.array([[2.0, 0], [0, 2], [0, 2], [2, 0]])


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def recorder(tmp_path):
    return ez.Recorder(tmp_path / "mine", ids=IDS, labels=LABELS, classes=["no", "yes"])


def record(recorder, seed=0, epochs=1, logits=RIGHT, ids=IDS, **options):
    with recorder.trial(seed=seed, **options) as trial:
        for _ in range(epochs):
            trial.update(ids, logits)
            trial.end_epoch()


def test_a_recorded_run_is_a_run(recorder):
    record(recorder, seed=4, epochs=2)
    run = recorder.run
    assert (run.model, run.classes, run.epochs, len(run.trials)) == ("recorded", ("no", "yes"), 2, 1)
    table = run.scores()
    assert table["id"].tolist() == IDS
    assert table["class"].tolist() == ["no", "yes", "yes", "no"]
    assert table["easiness"].tolist() == [1.0] * 4
    assert table["predicted"].tolist() == run.labels.tolist()
    assert table["predicted_share"].tolist() == [1.0] * 4
    # softmax([2, 0]) gives the label 1 / (1 + exp(-2))
    np.testing.assert_allclose(table["cumulative_confidence"], 1 / (1 + np.exp(-2)), rtol=1e-6)
    np.testing.assert_allclose(table["aum"], 2.0)


@pytest.mark.parametrize("at_once", [1, 3, 6, 100])
def test_small_batches_are_those_of_one_large_batch(recorder, monkeypatch, at_once):
    monkeypatch.setattr(trial_module, "_LOGITS_AT_ONCE", at_once)
    logits = np.random.default_rng(0).normal(size=(2, 4, 2)).astype(np.float32)
    record(recorder, logits=logits[0])
    with recorder.trial(seed=1) as trial:
        for epoch in logits:
            for row in (2, 0, 3, 1):
                trial.update(IDS[row : row + 1], epoch[row : row + 1])
            trial.end_epoch()
    whole, parts = (trial.observations(2) for trial in recorder.run.trials)
    for name in ("prediction", "loss", "margin", "error_norm", "entropy", "rival"):
        np.testing.assert_array_equal(getattr(parts, name)[0], getattr(whole, name)[0])
    assert (parts.margin[1] != parts.margin[0]).all()


def test_the_callers_arrays_are_free_after_an_update(recorder):
    ids, logits = np.array(IDS[:2]), RIGHT[:2].copy()
    with recorder.trial(seed=0) as trial:
        trial.update(ids, logits)
        ids[:], logits[:] = IDS[2:], RIGHT[2:][:, ::-1]
        trial.update(ids, logits)
        trial.end_epoch()
    assert recorder.run.scores()["easiness"].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_batches_of_different_types(recorder):
    with recorder.trial(seed=0) as trial:
        trial.update(np.array([7], np.uint64), RIGHT[:1].astype(np.float16))
        trial.update([3], RIGHT[1:2].astype(np.float32))
        trial.update(np.array([11, 5], object), RIGHT[2:])
        trial.end_epoch()
    assert recorder.run.scores()["easiness"].tolist() == [1.0] * 4


def assert_nothing_stored(recorder):
    assert recorder.run.trials == []
    assert names(recorder.path / "trials") == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([7, 3, 11, 5, 3], "epoch 2: id 3 was given more than once; every id belongs in each epoch exactly"),
        ([7, 3, 5], r"epoch 2: 1 of 4 ids are missing \(id 11\)"),
        ([7, 3, 11, 5, 99, 98], "epoch 2: unknown id 99, 98; only ids given to Recorder"),
        ([99], "epoch 2: unknown id 99; only ids given to Recorder"),
        (["7", "3", "11", "5"], "epoch 2: unknown id '7', '3', '11' and 1 more;"),
    ],
)
def test_wrong_ids_show_at_the_end_of_the_epoch(recorder, ids, message):
    def two_epochs():
        with recorder.trial(seed=0) as trial:
            trial.update(IDS, RIGHT)
            trial.end_epoch()
            trial.update(ids, np.zeros((len(ids), 2)))
            trial.end_epoch()

    with pytest.raises(BadInput, match=message):
        two_epochs()
    assert_nothing_stored(recorder)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_exception_in_the_block_stores_nothing(recorder, error):
    def stopped():
        with recorder.trial(seed=0) as trial:
            trial.update(IDS, RIGHT)
            trial.end_epoch()
            raise error

    with pytest.raises(error):
        stopped()
    assert_nothing_stored(recorder)
    assert 0 not in recorder
    record(recorder)
    assert 0 in recorder


@pytest.mark.parametrize("known", [True, False])
def test_an_epoch_that_was_not_closed_and_none_at_all(recorder, known):
    def not_closed():
        with recorder.trial(seed=2) as trial:
            trial.update(IDS, RIGHT)
            trial.end_epoch()
            trial.update([7 if known else 99], RIGHT[:1])

    with pytest.raises(BadInput, match=r"seed 2: epoch 2 .*end_epoch\(\)"):
        not_closed()
    with pytest.raises(BadInput, match="seed 2: no epoch"), recorder.trial(seed=2):
        pass
    assert_nothing_stored(recorder)


NEEDED = r"logits: need floats of shape \(4, 2\).*; got "


@pytest.mark.parametrize(
    ("ids", "logits", "message"),
    [
        (IDS, RIGHT[:3], rf"{NEEDED}float64 of shape \(3, 2\)"),
        (IDS, np.zeros((4, 3)), rf"{NEEDED}float64 of shape \(4, 3\)"),
        (IDS, RIGHT.astype(int), rf"{NEEDED}int64 of shape \(4, 2\)"),
        (IDS, [[1, 2], [1], [2, 3], [1, 2]], "rows of several lengths"),
        ([7, [3], 11, 5], RIGHT, "rows of several lengths"),
        (7, RIGHT, r"ids: .*flat list"),
    ],
)
def test_what_does_not_fit(recorder, ids, logits, message):
    with pytest.raises(BadInput, match=message), recorder.trial(seed=0) as trial:
        trial.update(ids, logits)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, 1e308])
def test_logits_that_are_not_finite_or_whose_differences_are_not(recorder, bad):
    logits = RIGHT.astype(np.float64)
    logits[2, 1] = bad
    with pytest.raises(TrialFailed, match="epoch 1: logits of id 11"):
        record(recorder, logits=logits)
    assert_nothing_stored(recorder)


def test_trained_on(recorder):
    record(recorder, trained_on=[11, 7])
    trial = recorder.run.trials[0]
    assert trial.columns(1, ["trained_on"])["trained_on"].tolist() == [True, False, True, False]
    logits = trial.observations(2).logits
    assert logits.positions.tolist() == [1, 3]
    np.testing.assert_array_equal(logits.values[0], RIGHT[[1, 3]])
    assert trial.document.accuracy == {"train": [1.0], "left_out": [1.0]}
    with pytest.raises(BadInput, match="trained_on: unknown id 8, 9"):
        recorder.trial(seed=1, trained_on=[7, 8, 9])
    with pytest.raises(BadInput, match="trained_on: unknown id '7'"):
        recorder.trial(seed=1, trained_on=["7"])
    with pytest.raises(BadInput, match="trained_on: unknown id True"):
        recorder.trial(seed=1, trained_on=np.array([True, False, True, False]))


def test_held_out_accuracy(recorder):
    def measured(seed, accuracies):
        with recorder.trial(seed=seed) as trial:
            for accuracy in accuracies:
                trial.update(IDS, RIGHT)
                trial.end_epoch(held_out_accuracy=accuracy)

    measured(0, [0.5, 0.75])
    assert recorder.run.trials[0].document.accuracy["held_out"] == [0.5, 0.75]
    with pytest.raises(BadInput, match=r"held_out_accuracy: .*every epoch"):
        measured(1, [0.5, None])


@pytest.mark.parametrize(
    ("accuracy", "message"),
    [
        (93, "held_out_accuracy 93: must be a share, from 0 to 1"),
        (np.nan, "held_out_accuracy nan: must be"),
        (10**400, "held_out_accuracy inf: must be a share"),
        (np.array([0.5, 0.7]), "held_out_accuracy: need a number, got ndarray"),
    ],
)
def test_an_accuracy_that_is_no_share_closes_no_epoch(recorder, accuracy, message):
    with recorder.trial(seed=0) as trial:
        trial.update(IDS, RIGHT)
        with pytest.raises(BadInput, match=message):
            trial.end_epoch(held_out_accuracy=accuracy)
        assert trial.num_epochs == 0
        trial.end_epoch(held_out_accuracy=1)
    assert recorder.run.trials[0].document.accuracy["held_out"] == [1.0]


def test_an_existing_run_is_continued(recorder, tmp_path):
    record(recorder, seed=8)
    again = ez.Recorder(str(tmp_path / "mine"), ids=np.array(IDS), labels=LABELS, classes=("no", "yes"))
    assert 8 in again
    assert 9 not in again
    record(again, seed=9)
    assert [(t.index, t.document.seed) for t in recorder.run.trials] == [(0, 8), (1, 9)]
    with pytest.raises(BadInput, match=r"trial with seed 8; .*`if 8 in recorder`"):
        again.trial(seed=8)


def test_a_seed_recorded_by_another_process_meanwhile(recorder, tmp_path):
    other = ez.Recorder(tmp_path / "mine", ids=IDS, labels=LABELS, classes=["no", "yes"])

    def overtaken():
        with recorder.trial(seed=3) as trial:
            trial.update(IDS, RIGHT)
            trial.end_epoch()
            record(other, seed=3)

    with pytest.raises(BadInput, match=r"another process .*seed 3"):
        overtaken()
    assert len(recorder.run.trials) == 1


def test_a_run_in_the_hands_of_another_process(recorder, monkeypatch):
    monkeypatch.setattr(trial_module, "WAIT_SECONDS", 0.05)
    with RunWriter(recorder.path), pytest.raises(BadInput, match="another process"):
        record(recorder)
    record(recorder)
    assert 0 in recorder


@pytest.mark.parametrize(
    "other",
    [
        {"ids": [7, 3, 11, 6]},
        {"ids": [3, 7, 11, 5]},
        {"labels": [0, 1, 1, 1]},
        {"classes": ["no", "maybe"]},
        {"keep_logits": True},
        {"fingerprint": "abc"},
        {"augmented": True},
        {"model": "another"},
    ],
)
def test_other_examples_or_settings_are_refused(recorder, tmp_path, snapshot, other):
    record(recorder)
    before = snapshot(recorder.path)
    settings = {"ids": IDS, "labels": LABELS, "classes": ["no", "yes"], **other}
    with pytest.raises(BadInput, match=r"mine: .*other examples"):
        ez.Recorder(tmp_path / "mine", **settings)
    assert snapshot(recorder.path) == before


@pytest.mark.parametrize("ids", [["b/2", "a/1", "ä", "c"], np.array(["b/2", "a/1", "ä", "c"])])
def test_string_ids(tmp_path, ids):
    recorder = ez.Recorder(tmp_path / "mine", ids=ids, labels=LABELS)
    with recorder.trial(seed=0, trained_on=["c", "ä"]) as trial:
        trial.update(["ä", "c"], RIGHT[2:])
        trial.update(("a/1", "b/2"), RIGHT[1::-1])
        trial.end_epoch()
    table = recorder.run.scores()
    assert table["id"].tolist() == ["b/2", "a/1", "ä", "c"]
    assert table["easiness"].tolist() == [1.0] * 4
    assert recorder.run.trials[0].columns(1, ["trained_on"])["trained_on"].tolist() == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ids": [7, 3, 11, 7]}, "id 7 occurs more than once"),
        ({"ids": [7, 3, 11]}, "3 examples but 4 labels"),
        ({"ids": []}, "Recorder: ids: no examples; give at least one per class"),
        ({"ids": [1.5, 2, 3, 4]}, "ids: need a flat list of integers or strings, got float64"),
        ({"ids": [[1, 2], [3, 4]]}, "ids: need a flat list"),
        ({"ids": np.array([1, "a", 2, "b"], dtype=object)}, "ids: mixed kinds"),
        ({"labels": [0, 1, -1, 1]}, "Recorder: id 11: label -1 is out of range"),
        ({"classes": ["yes", "yes"]}, "class name 'yes' occurs twice"),
        ({"classes": range(2)}, r"Recorder: classes: need text \(a name for each\), got int"),
        ({"model": Path}, r"Recorder: model: need text \(what to call the network\), got type"),
        *(
            ({name: given}, r"'\\ud800': is not valid Unicode")
            for name, given in {
                "ids": ["a", "b", "c", "\ud800"],
                "classes": ["no", "\ud800"],
                "model": "\ud800",
                "fingerprint": "\ud800",
            }.items()
        ),
        ({"fingerprint": 3}, r"Recorder: fingerprint: need text \(as that of `load_dataset`\), got int"),
    ],
)
def test_examples_that_cannot_be_used_make_no_run(tmp_path, settings, message):
    with pytest.raises(BadInput, match=message):
        ez.Recorder(tmp_path / "mine", **{"ids": IDS, "labels": LABELS, "classes": ["no", "yes"], **settings})
    assert names(tmp_path) == []


def test_probabilities_for_logits_are_noticed_and_taken_where_they_are_announced(tmp_path):
    logits = np.random.default_rng(0).normal(size=(len(IDS), 2)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    made = ez.Recorder(tmp_path / "p", ids=IDS, labels=LABELS, classes=["no", "yes"], outputs="probabilities")
    record(made, logits=p)
    right = ez.Recorder(tmp_path / "z", ids=IDS, labels=LABELS, classes=["no", "yes"])
    record(right, logits=logits)
    one, other = (run.run.trials[0].observations(2) for run in (made, right))
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-5)
    np.testing.assert_allclose(one.margin, other.margin, rtol=1e-4, atol=1e-6)
    with pytest.raises(BadInput, match="these are probabilities"):
        record(right, seed=1, logits=p)
    with pytest.raises(BadInput, match="not sum to 1"):
        record(made, seed=1, logits=logits)
    with pytest.raises(BadInput, match="outputs 'p' is unknown"):
        ez.Recorder(tmp_path / "x", ids=IDS, labels=LABELS, outputs="p")  # type: ignore[arg-type]


def test_a_trial_goes_on_from_the_state_of_another_process(tmp_path):
    rng = np.random.default_rng(0)
    epochs = rng.normal(size=(3, len(IDS), 2)).astype(np.float32)
    options: dict[str, Any] = {"ids": IDS, "labels": LABELS, "classes": ["no", "yes"], "keep_logits": True}
    whole, parts = ez.Recorder(tmp_path / "a", **options), ez.Recorder(tmp_path / "b", **options)
    with whole.trial(seed=0) as trial:
        for logits in epochs:
            trial.update(IDS, logits)
            trial.end_epoch(held_out_accuracy=0.5)
    first = parts.trial(seed=0)
    for logits in epochs[:2]:
        first.update(IDS, logits)
        first.end_epoch(held_out_accuracy=0.5)
    with parts.trial(seed=0) as trial:
        trial.restore(first.state())
        assert trial.num_epochs == 2
        trial.update(IDS, epochs[2])
        trial.end_epoch(held_out_accuracy=0.5)
    one, other = (run.run.trials[0] for run in (whole, parts))
    np.testing.assert_array_equal(one.observations(2).logits.values, other.observations(2).logits.values)  # type: ignore[union-attr]
    assert [one.accuracy(e) for e in (1, 2, 3)] == [other.accuracy(e) for e in (1, 2, 3)]
    with pytest.raises(BadInput, match="recording of other"):
        ez.Recorder(tmp_path / "c", ids=IDS[:2], labels=LABELS[:2], classes=["no", "yes"]).trial(
            seed=0
        ).restore(first.state())


@pytest.mark.parametrize(
    ("seed", "said"),
    [(-1, "-1"), (2**128, "of 129 bits"), (-(1 << 20000), "of 20001 bits"), (0.5, r"0\.5")],
    ids=["below 0", "large", "far below 0", "half"],
)
def test_a_seed_is_a_whole_number_of_128_bits(recorder, seed, said):
    with pytest.raises(BadInput, match=f"^seed {said}: "):
        recorder.trial(seed=seed)
    record(recorder, seed=np.int64(3))
    assert 3 in recorder
    record(recorder, seed=2**128 - 1)
    assert 2**128 - 1 in ez.Recorder(recorder.path, ids=IDS, labels=LABELS, classes=["no", "yes"])


def test_an_id_beyond_64_bits_with_a_sign_is_refused(tmp_path):
    ids = np.array([2**63, 1], np.uint64)
    with pytest.raises(BadInput, match=r"^ids: 9223372036854775808 is above .*; give .* texts"):
        ez.Recorder(tmp_path / "mine", ids=ids, labels=[0, 1])
    assert ez.Recorder(tmp_path / "mine", ids=ids - 1, labels=[0, 1]).run.ids.tolist() == [2**63 - 1, 0]


def test_a_trial_looks_at_no_earlier_one_however_many_there_are(recorder, monkeypatch):
    looked, per_trial, read = [], [], trials_module.read_trial_document

    def noted(file):
        looked.append(file)
        return read(file)

    monkeypatch.setattr(trials_module, "read_trial_document", noted)
    for seed in range(12):
        looked.clear()
        assert seed not in recorder
        record(recorder, seed)
        per_trial.append(len(looked))
    assert set(per_trial) == {0}


def test_trials_that_come_and_go_by_other_hands_are_seen(recorder):
    record(recorder, seed=0)
    record(ez.Recorder(recorder.path, ids=IDS, labels=LABELS, classes=["no", "yes"]), seed=9)
    assert 9 in recorder
    record(recorder, seed=1)
    trials = recorder.run.trials
    assert [(one.index, one.document.seed) for one in trials] == [(0, 0), (1, 9), (2, 1)]
    shutil.rmtree(trials[1].path)
    assert 9 not in recorder
