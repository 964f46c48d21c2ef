from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from easiness.errors import BadInput
from easiness.studies.cleaning import cleaned

CLASSES = ("cat", "dog", "owl")


def ranked(**columns):
    """Six examples, two of each class; where nothing else is said, nothing is suspect."""
    table = pd.DataFrame({"id": range(6), "label": [0, 0, 1, 1, 2, 2], "suggested": [1, 1, 2, 2, 0, 0]})
    return table.assign(**{"p_wrong": 0.0, "suggested_share": 1.0, **columns})


def test_relabel_where_the_suggestion_is_right_drop_where_the_label_is_wrong_keep_the_rest():
    found = cleaned(
        ranked(p_wrong=[0.95, 0.1, 0.95, 0.5, 0.49, 0.9], suggested_share=[0.96, 1, 0.9, 1, 1, 1]), CLASSES
    )
    table = found.table()
    assert list(table) == ["id", "label", "class", "was", "action"]
    # 0.95 * 0.9 does not reach 0.9, 0.9 * 1 does
    assert table["action"].tolist() == ["relabel", "keep", "drop", "drop", "keep", "relabel"]
    assert table["label"].tolist() == [1, 0, 1, 1, 2, 0]
    assert table["class"].tolist() == ["dog", "cat", "dog", "dog", "owl", "cat"]
    assert table["was"].tolist() == [0, 0, 1, 1, 2, 2]
    assert found.text == "relabels 2 and drops 2 of 6"
    assert found.by_class().to_dict("list") == {
        "class": list(CLASSES),
        "examples": [2, 2, 2],
        "to_others": [1, 0, 1],
        "from_others": [1, 1, 0],
        "dropped": [0, 2, 0],
        "left": [2, 1, 1],
    }


def test_thresholds_are_the_least():
    suspect = ranked(p_wrong=[0.6, 0, 0.3, 0, 0, 0])
    assert cleaned(suspect, CLASSES, 0.6, 0.3).table()["action"].tolist()[:3] == ["relabel", "keep", "drop"]
    assert cleaned(suspect, CLASSES, 0.61, 0.31).table()["action"].tolist()[:3] == ["drop", "keep", "keep"]
    assert cleaned(suspect, CLASSES, 1, 1).text == "relabels 0 and drops 0 of 6"


def test_without_a_suggestion_or_a_number():
    suspect = ranked(p_wrong=[0.95, 0, np.nan, 0.95, 0.95, 0], suggested=[np.nan, 0, 2, 2, 2, 0])
    suspect["suggested_share"] = [1, 1, 1, np.nan, 1, 1]
    assert cleaned(suspect, CLASSES).table()["action"].tolist() == [
        *("drop", "keep", "keep", "drop", "drop", "keep")
    ]


def test_a_class_that_would_be_left_empty():
    with pytest.raises(BadInput, match="class 'cat' would be left: of 2, 1 would be relabelled and"):
        cleaned(ranked(p_wrong=[1, 0.6, 0, 0, 0, 0]), CLASSES)
    # another's suggestion can keep it filled, and a class that had none is not missed
    filled = cleaned(ranked(p_wrong=[1, 0.6, 0, 0, 0.95, 0]), (*CLASSES, "yak"))
    assert filled.text == "relabels 2 and drops 1 of 6"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_thresholds_out_of_range(value):
    for option in ("relabel_above", "drop_above"):
        with pytest.raises(BadInput, match=f"--{option.replace('_', '-')} {value:g}: give a probability"):
            cleaned(ranked(), CLASSES, **{option: value})


def test_the_share_keeps_pictures_with_several_readings_from_being_relabelled():
    """The simulation that the rule's docstring quotes: of the suggestions taken, how many are right."""
    num, num_classes, trials, rng = 50_000, 10, 10, np.random.default_rng(0)
    rows, true = np.arange(num), rng.integers(num_classes, size=num)
    p = np.full((num, num_classes), 0.05 / 9)
    p[rows, true] = 0.95
    # three in ten pictures are read as one of three classes, which one is drawn from the same shares
    several = rng.random(num) < 0.3
    readings = np.full((num, num_classes), 0.005)
    others = (true[:, None] + rng.integers(1, num_classes, (num, 2))) % num_classes
    for share, label in zip(rng.dirichlet(np.ones(3), num).T, [true, *others.T], strict=True):
        readings[rows, label] += share
    readings /= readings.sum(axis=1, keepdims=True)
    p[several] = readings[several]
    drawn = (readings.cumsum(axis=1) > rng.random((num, 1))).argmax(axis=1)
    true = np.where(several, drawn, true)
    wrong = rng.random(num) < 0.2
    labels = np.where(wrong, (true + rng.integers(1, num_classes, num)) % num_classes, true)
    votes = rng.multinomial(trials, p)
    own = votes[rows, labels]
    votes[rows, labels] = -1
    p_wrong = (np.bincount(own, wrong) / np.bincount(own))[own]  # calibrated
    table = pd.DataFrame({"id": rows, "label": labels, "suggested": votes.argmax(axis=1), "p_wrong": p_wrong})

    def share_right(suggested_share):
        found = cleaned(table.assign(suggested_share=suggested_share), tuple("abcdefghij"))
        return (found.labels == true)[found.relabelled].mean()

    assert share_right(1.0) == pytest.approx(0.81, abs=0.015)
    assert share_right(votes.max(axis=1) / trials) == pytest.approx(0.98, abs=0.015)
