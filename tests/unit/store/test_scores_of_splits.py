from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import membership
from easiness.errors import BadInput
from easiness.scores import SCORES
from easiness.store import open_run
from recording import recorded


def test_scores_of_the_held_out_split(held_out_run):
    run = open_run(held_out_run)
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


def test_both_splits_have_the_same_columns(held_out_run):
    run = open_run(held_out_run)
    train, held_out = run.scores(), run.scores(split="held_out")
    assert train["id"].tolist() == run.ids.tolist()
    assert list(train) == list(held_out)
    assert (train.dtypes.drop("id") == held_out.dtypes.drop("id")).all()
    assert {score.name for score in SCORES} < set(train)


def test_votes_of_the_held_out_split(held_out_run):
    run = open_run(held_out_run)
    votes = run.votes(split="held_out")
    assert votes.ids.tolist() == ["test/b", "test/a", "test/c"]
    assert votes.correct.tolist() == [[True, True, False], [True, False, False]]
    assert run.votes(at_most=2, split="held_out").correct.shape == (2, 2)


def test_a_split_that_is_not_there(held_out_run, tmp_path, add):
    with pytest.raises(BadInput, match="split 'test': unknown"):
        open_run(held_out_run).scores(split="test")  # type: ignore[arg-type]
    add(tmp_path / "run", 0)
    with pytest.raises(BadInput, match=r"held-out split to show .*\(--holdout 0\.2\)"):
        open_run(tmp_path / "run").scores(split="held_out")
    mine = recorded(tmp_path / "mine", [np.eye(2)], [0, 1])
    with pytest.raises(BadInput, match=r"no held-out split .*record"):
        mine.scores(split="held_out")
