from __future__ import annotations

import numpy as np
import pytest

from easiness import BadInput, combined_scores, load_dataset, measure
from recording import recorded

NUM = 6


def run_of(path, p_label):
    """A run of two trials in which the label has these probabilities [NUM] in both."""
    labels = np.arange(NUM) % 2
    logits = np.stack([np.log(p_label), np.log1p(-np.array(p_label))], axis=1)
    logits[labels == 1] = logits[labels == 1, ::-1]
    return recorded(path, [logits] * 2, labels, classes=("a", "b"))


def test_difficulty_is_the_mean_of_the_ranks(tmp_path):
    one = run_of(tmp_path / "one", [0.9, 0.8, 0.7, 0.6, 0.4, 0.2])  # ranks 0, .2, .4, .6, .8, 1
    other = run_of(tmp_path / "other", [0.9, 0.6, 0.7, 0.8, 0.1, 0.3])  # ranks 0, .6, .4, .2, 1, .8
    table = combined_scores([one, other]).table()
    assert table["difficulty"].tolist() == pytest.approx([0, 0.4, 0.4, 0.4, 0.9, 0.9])
    assert table["difficulty_se"].tolist() == pytest.approx([0, 0.2, 0, 0.2, 0.1, 0.1])
    assert (table["difficulty_low"] >= 0).all()
    assert (table["difficulty_low"] < table["difficulty"])[1:].all()
    assert (table["difficulty_high"] <= 1).all()
    assert table["rank_2"].tolist() == pytest.approx([0, 0.6, 0.4, 0.2, 1, 0.8])
    assert table["easiness_1"].tolist() == [1, 1, 1, 1, 0, 0]


def test_equal_examples_have_equal_ranks(tmp_path):
    one = run_of(tmp_path / "one", [0.9, 0.9, 0.7, 0.7, 0.4, 0.2])
    assert combined_scores([one, one]).table()["rank_1"].tolist() == pytest.approx(
        [0.1, 0.1, 0.5, 0.5, 0.8, 1]
    )


def test_a_run_that_was_not_observed_after_each_epoch_is_read_where_it_was(tmp_path):
    data = load_dataset("digits", limit=40)
    whole, last = (
        measure(data, model="linear", trials=2, epochs=2, observe=when, out=tmp_path / name)
        for name, when in (("whole", "all"), ("last", "last"))
    )
    told = combined_scores([whole, last]).table()
    assert told["rank_2"].corr(last.scores()["loss"], method="spearman") > 0.9
    assert told["difficulty"].notna().all()


def test_one_run_and_other_data_are_refused(tmp_path):
    one = run_of(tmp_path / "one", [0.9, 0.8, 0.7, 0.6, 0.4, 0.2])
    with pytest.raises(BadInput, match="two or more"):
        combined_scores([one])
    fewer = recorded(tmp_path / "fewer", np.ones((1, 3, 2)), np.array([0, 1, 0]), classes=("a", "b"))
    with pytest.raises(BadInput, match="different data"):
        combined_scores([one, fewer])
