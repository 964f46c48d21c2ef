from __future__ import annotations

import numpy as np
import pytest

from easiness.data.checks import check_examples, check_held_out, check_ids
from easiness.errors import BadInput


def check(labels, num=None, classes=None):
    labels = np.asarray(labels)
    return check_examples(labels, num or len(labels), classes, "data", "data: row {}".format)


def test_good_labels():
    labels, classes = check(np.array([2, 0, 1], np.uint8))
    assert labels.dtype == np.int64
    assert labels.tolist() == [2, 0, 1]
    assert classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, -1], r"data: row 2: label -1 is out of range; labels are 0, 1, 2"),
        ([0, 1, 3], "label 2 never occurs though labels go up to 3"),
        ([1, 2, 3], "label 0 never occurs though labels go up to 3"),
        ([0, 10**15], "label 1 never occurs though labels go up to 1000000000000000"),
        (
            np.array([0, 2**64 - 1], np.uint64),
            "label 1 never occurs though labels go up to 18446744073709551615",
        ),
        ([0.0, 1.0], "labels have dtype float64; convert them to integers"),
        ([0.0, np.nan], "data: row 1: the label is NaN"),
        ([True, False], "labels have dtype bool"),
        ([[0], [1]], r"labels have shape \(2, 1\)"),
        ([0, 0], r"only one class \('0'\)"),
        (np.array([], np.int64), "no examples"),
    ],
)
def test_wrong_labels(labels, message):
    with pytest.raises(BadInput, match=message) as caught:
        check(labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "row 0: label 0 has no class, since no class is named; name them"),
        (["a"], "row 1: label 1 is out of range; labels are 0 to 0"),
        (["a", "b", "c"], r"class 'c' \(label 2\) has no example"),
        (["a", "a"], "class name 'a' occurs twice"),
        (["a", "\udcff"], r"data: '\\udcff': is not valid Unicode"),
    ],
)
def test_wrong_classes(classes, message):
    with pytest.raises(BadInput, match=message):
        check([0, 1, 1], classes=classes)


def test_lengths_that_differ():
    with pytest.raises(BadInput, match="5 examples but 2 labels"):
        check([0, 1], num=5)


def test_duplicate_ids_are_named():
    with pytest.raises(BadInput, match="id a, b occurs"):
        check_ids(np.array(["a", "b", "b", "a", "c"], object), 5, "data")


def test_held_out_labels_need_only_be_in_range():
    def check_two(labels):
        return check_held_out(np.array(labels), 2, 3, "test", "test: row {}".format)

    assert check_two([2, 2]).tolist() == [2, 2]
    with pytest.raises(BadInput, match="test: row 1: label 3"):
        check_two([0, 3])
    with pytest.raises(BadInput, match=r"test: row 0: .*NaN"):
        check_two([np.nan, 1])
