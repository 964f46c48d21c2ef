from __future__ import annotations

import shutil
import tracemalloc

import numpy as np
import pytest

from easiness import store
from easiness.analysis import membership
from easiness.errors import BadInput
from recording import recorded


@pytest.fixture
def run_path(tmp_path, add):
    path = tmp_path / "run"
    add(path, 0)
    add(path, 1)
    return path


def test_a_run(run_path):
    run = store.open_run(str(run_path))
    assert store.is_run(run_path)
    assert (run.model, run.classes, run.epochs) == ("mlp_3", ("no", "yes"), 2)
    assert run.ids.tolist() == [30, 10, 20, 40]
    assert run.ids.dtype == np.int64
    assert run.labels.tolist() == [0, 1, 1, 0]
    assert [trial.index for trial in run.trials] == [0, 1]
    assert repr(run) == f"Run({str(run_path)!r}, model='mlp_3', trials=2, epochs=2)"


def test_votes_may_lie_where_others_lay(run_path):
    run = store.open_run(run_path)
    first, expected = run.votes(1), run.votes(2)
    second = run.votes(2, spare=first)
    assert second.p_label is first.p_label
    assert np.array_equal(second.correct, expected.correct)
    assert np.array_equal(second.p_label, expected.p_label)
    other_size = run.votes(2, at_most=3, spare=second)
    assert np.array_equal(other_size.p_label, expected.at_most(3).p_label)
    assert np.array_equal(second.p_label, expected.p_label)


def test_runs_of_the_same_ids_hold_them_once(run_path):
    ours, theirs = store.open_run(run_path), store.open_run(run_path)
    assert ours.ids is not theirs.ids
    assert theirs.shares_ids(ours)
    assert theirs.ids is ours.ids
    assert theirs.votes(1).keys is ours.votes(2).keys
    assert theirs.labels.tolist() == [0, 1, 1, 0]


def test_the_same_list_of_examples_is_checked_but_not_read_again(run_path, monkeypatch):
    ours, theirs, damaged = (store.open_run(run_path) for _ in range(3))
    ours.votes(1)
    monkeypatch.setattr(store.run, "read_examples", None)  # would be called to read another
    assert theirs.shares_ids(ours)
    assert theirs.ids is ours.ids
    (run_path / "examples.parquet").write_bytes(b"")
    with pytest.raises(BadInput, match="list of examples"):
        damaged.shares_ids(ours)


@pytest.mark.parametrize("at_once", [1, 5, 1 << 22])
def test_predicted_is_what_most_trials_give_read_in_parts(tmp_path, monkeypatch, at_once):
    run = random_run(tmp_path / "run", 7, num_trials=3, epochs=2)
    monkeypatch.setattr(store.over_trials, "_AT_ONCE", at_once)
    table = run.scores(1)
    ones = sum(trial.columns(1, ["prediction"])["prediction"] for trial in run.trials)  # of the classes 0, 1
    assert table["predicted"].tolist() == (ones >= 2).astype(int).tolist()
    assert table["predicted_share"].tolist() == (np.maximum(ones, 3 - ones) / 3).tolist()
    assert (table["predicted"].dtype, table["predicted_share"].dtype) == (np.int64, np.float64)
    assert list(table)[-7:-3] == ["never_learned", "never_learned_share", "predicted", "predicted_share"]


@pytest.mark.long
def test_scoring_holds_a_block_of_a_trial_however_long_it_is(tmp_path, monkeypatch):
    K, M = 20_000, 20
    run = random_run(tmp_path / "run", K, num_trials=2, epochs=M)
    monkeypatch.setattr(store.parquet, "_BLOCK", 500)
    few, many = (peak_bytes(lambda m=m: run.scores(m)) for m in (10, M))
    assert many - few < 20 * K  # what a single epoch of one trial has: ten more are read for `many`
    assert many < 1000 * K  # sums and table in turn; side by side they are 1,300


def random_run(path, num, *, num_trials, epochs):
    logits = np.random.default_rng(0).normal(size=(num_trials, epochs, num, 2)).astype(np.float32)
    return recorded(path, logits, np.arange(num) % 2)


def peak_bytes(function):
    """Most that NumPy and Python held during a second call, the first having filled caches."""
    function()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_epochs(run_path, add):
    run = store.open_run(run_path)
    assert run.resolve_at(None) == 2
    assert run.resolve_at(1) == 1
    for epoch in (0, 3, -1):
        with pytest.raises(BadInput, match=rf"epoch {epoch} .*recorded; choose 1 to 2"):
            run.scores(epoch)
    add(run_path, 0, epochs=4)
    assert store.open_run(run_path).epochs == 2
    add(run_path, 1, epochs=3)
    assert store.open_run(run_path).epochs == 3


def test_of_two_lengths_the_longer_one_counts(run_path, add, tmp_path):
    (old,) = (run_path / "trials").glob("0000-*")
    shutil.copytree(old, tmp_path / old.name)
    add(run_path, 0, epochs=3)
    assert not old.exists()
    shutil.copytree(tmp_path / old.name, old)
    run = store.open_run(run_path)
    assert [(trial.index, trial.epochs) for trial in run.trials] == [(0, 3), (1, 2)]
    assert old.exists()
    with store.RunWriter(run_path) as writer:
        writer.read()
    assert not old.exists()


def test_no_such_run(tmp_path):
    with pytest.raises(BadInput, match="cannot be read \\(File name too long\\); give the folder of a run"):
        store.open_run(tmp_path / ("x" * 300))
    with pytest.raises(BadInput, match=r"not a run .*run\.json"):
        store.open_run(tmp_path)
    assert not store.is_run(tmp_path)


def test_failures_are_noted_until_the_trial_is_there(run_path, add):
    with store.RunWriter(run_path) as writer:
        writer.note_failure(3, "the loss")
        writer.note_failure(2, "the disk")
    assert store.open_run(run_path).failures() == {2: "the disk", 3: "the loss"}
    add(run_path, 2)
    assert store.open_run(run_path).failures() == {3: "the loss"}


def test_a_trial_replaced_while_the_folders_are_read(run_path, add, monkeypatch):
    def replaced_first(folder, data):
        monkeypatch.setattr(store.run_folder, "StoredTrial", store.StoredTrial)
        add(run_path, 0, epochs=3)
        return store.StoredTrial(folder, data)

    monkeypatch.setattr(store.run_folder, "StoredTrial", replaced_first)
    assert [trial.epochs for trial in store.open_run(run_path).trials] == [3, 2]


def test_a_run_of_before_that_stopped_by_halves_still_opens(run_path, describe_anew):
    """Its rule was a matching rate of halves, and a check did not name the next number of trials."""
    tail = {"rate": 0.85, "low": 0.8, "high": 0.9}
    check = {"trials": 10, "epoch": 2, "group_size": 5, "easy": tail, "hard": tail, "chance": 0.1}
    stopped_then = {
        "rule": {"reliability": 0.8, "max_trials": 100, "fraction": 0.1},
        "checks": [check | {"decided": True}],
        "reason": "reliable",
        "sentence": "as far as halves go",
    }
    describe_anew(run_path, lambda document: document.update(stopped=stopped_then))
    stopped = store.open_run(run_path).document.stopped
    assert stopped is not None
    assert stopped.rule.of == "halves"
    assert stopped.checks[0].next is None
    assert stopped.sentence == "as far as halves go"


P = np.array(
    [  # two trials of two epochs of three examples
        [[[0.5, 0.5], [0.25, 0.75], [0.2, 0.8]], [[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]]],
        [[[0.1, 0.9], [0.75, 0.25], [0.4, 0.6]], [[0.7, 0.3], [0.1, 0.9], [1e-30, 1.0]]],
    ]
)


def test_the_mean_over_trials_of_each_epoch(record):
    run = record(np.log(P), [0, 1, 1], keep_logits=True)
    np.testing.assert_allclose(run.probabilities(), P[:, 1].mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(run.probabilities(1), P[:, 0].mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(run.probabilities().sum(axis=1), 1, rtol=1e-12)
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded"):
        run.probabilities(3)
    with pytest.raises(BadInput, match="no held-out split"):
        run.probabilities(split="held_out")


def _left_out(path, keep_logits: bool):
    """The trials train on examples 0, 1 and on 0, 2."""
    return recorded(
        path, np.log(P), [0, 1, 1], ids=[7, 8, 9], trained_on=[[7, 8], [7, 9]], keep_logits=keep_logits
    )


@pytest.mark.parametrize("keep_logits", [False, True])
def test_of_the_trials_that_left_the_example_out(tmp_path, keep_logits):
    run = _left_out(tmp_path / "run", keep_logits)
    found = run.probabilities(left_out=True)
    assert np.isnan(found[0]).all()  # every trial trained on it
    np.testing.assert_allclose(found[1:], [P[1, 1, 1], P[0, 1, 2]], atol=1e-7)


def test_logits_that_were_not_kept_are_asked_for_in_a_line(record, tmp_path):
    run = record(np.log(P), [0, 1, 1])
    with pytest.raises(BadInput, match=r"recorded: not all logits.*keep_logits=True"):
        run.probabilities()
    with pytest.raises(BadInput, match=r"left an example out .*train_share"):
        run.probabilities(left_out=True)
    with pytest.raises(BadInput, match="left_out=True takes those"):
        _left_out(tmp_path / "part", keep_logits=False).probabilities()


def test_scores_of_the_held_out_split(held_out_run):
    run = store.open_run(held_out_run)
    table = run.scores(split="held_out")
    assert table["id"].tolist() == ["test/b", "test/a", "test/c"]
    assert table["label"].tolist() == [1, 0, 1]
    assert table["class"].tolist() == ["yes", "no", "yes"]
    # right: 2, 1 (a tie of the classes goes to the first) and 0 of two trials
    assert table["easiness"].tolist() == [1, 0.5, 0]
    assert table["predicted"].tolist() == [1, 0, 0]
    assert table["predicted_share"].tolist() == [1, 0.5, 1]
    # no trial trained on them, so that all trials count as left out and none as trained
    assert table["consistency"].tolist() == [1, 0.5, 0]
    np.testing.assert_allclose(table["self_confidence"], [0.75, 0.45, 0.15], rtol=1e-6)
    for name in ("memorization", "normalized_margin", "confident_learning_flag", "dyn_unc"):
        assert table[name].isna().all(), name
    belongs = membership(np.array([2, 1, 0]), 2, 0.4)
    of_forty = run.scores(split="held_out", fraction=0.4)
    np.testing.assert_array_equal(of_forty["p_easy"], belongs.p_easy)
    np.testing.assert_array_equal(of_forty["p_hard"], belongs.p_hard)


def test_votes_of_the_held_out_split(held_out_run):
    run = store.open_run(held_out_run)
    votes = run.votes(split="held_out")
    assert votes.ids.tolist() == ["test/b", "test/a", "test/c"]
    assert votes.correct.tolist() == [[True, True, False], [True, False, False]]
    assert run.votes(at_most=2, split="held_out").correct.shape == (2, 2)


def test_a_split_that_is_not_there(held_out_run, tmp_path, add):
    with pytest.raises(BadInput, match="split 'test': unknown"):
        store.open_run(held_out_run).scores(split="test")  # type: ignore[arg-type]
    add(tmp_path / "run", 0)
    with pytest.raises(BadInput, match=r"held-out split to show .*\(--holdout 0\.2\)"):
        store.open_run(tmp_path / "run").scores(split="held_out")
    mine = recorded(tmp_path / "mine", [np.eye(2)], [0, 1])
    with pytest.raises(BadInput, match=r"no held-out split .*record"):
        mine.scores(split="held_out")
