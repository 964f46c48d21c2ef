from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import LabelCourse, LabelEvidence, Stage
from easiness.store import Row
from easiness.studies.suspects.evidence import Evidence
from easiness.studies.suspects.kinds import naming, reasons, reasons_mean

CLASSES = ("dog", "cat")


def evidence(num_heard: int, *, rival: int = 1, left_out: bool = False) -> Evidence:
    """Of one example with the label dog, after epochs 1, 2, 4 and 8."""
    one = np.zeros(1)
    labels, rivals = np.zeros(1, np.int64), np.array([rival])
    of_labels = LabelEvidence(labels, one, one, rivals, 0.9, 2)
    course = LabelCourse(Stage(of_labels, None, 0.5), (), (), None, False, left_out, one)
    return Evidence(
        ids=labels,
        labels=labels,
        epochs=(1, 2, 4, 8),
        num_epochs=3,
        heard=np.ones((num_heard, 1), np.bool_),
        left_out=np.array([left_out]),
        p_label=one,
        p_rival=one,
        rival=rivals,
        rival_share=one,
        other_share=np.array([float(rival >= 0)]),
        right=np.zeros((4, 1)),
        course=course,
    )


@pytest.mark.parametrize(
    ("num", "options", "named", "said"),
    [
        (10, {}, [2, 5, 6, 9], "9 of 10 say cat, from epoch 4 on"),
        (10, {}, [6, 5, 9, 10], "all 10 say cat, from epoch 4 on"),
        (10, {}, [10, 10, 10, 10], "all 10 say cat, from epoch 1 on"),
        (10, {}, [9, 9, 9, 5], "5 of 10 say cat"),
        (10, {}, [9, 9, 9, 1], "1 of 10 says cat"),
        (10, {}, [9, 9, 9, 0], "none of 10 say cat in the end"),
        (
            4,
            {"left_out": True},
            [0, 4, 4, 3],
            "3 of 4 say cat, from epoch 2 on",
        ),
        (1, {"left_out": True}, [0, 0, 0, 1], "the one asked says cat, from epoch 8 on"),
        (1, {"left_out": True}, [0, 0, 1, 0], "the one asked no longer says cat in the end"),
        (10, {"rival": -1}, [0, 0, 0, 0], "all 10 have it right"),
        (1, {"rival": -1, "left_out": True}, [0] * 4, "the one asked has it right"),
    ],
)  # fmt: skip
def test_what_the_networks_say(num, options, named, said):
    told = evidence(num, **options)
    assert reasons(told, np.zeros(1, int), np.array(named)[:, None], CLASSES, [""]) == [said]


def test_what_all_reasons_have_in_common_is_said_once():
    heads = reasons_mean(Row(3, 0.8), True)
    assert heads.startswith("The reason says how many heads name another class, and how little of the data")
    assert heads.endswith(
        "A head is a small classifier of the features; none was fitted on the labels that it judges."
    )
    assert reasons_mean(Row(3), False).endswith("how many networks name another class, and from when on.")


def test_the_kind_is_added():
    told, named = evidence(2), np.full((4, 1), 2)
    (said,) = reasons(told, np.zeros(1, int), named, CLASSES, ["between dog (0.40) and cat (0.50)"])
    assert said == "all 2 say cat, from epoch 1 on; between dog (0.40) and cat (0.50)"


def test_who_names_the_rival_is_counted(record):
    """Three trials of two epochs; the last example is taken for 1 by one, then by two of them."""
    labels = [0, 1, 0]
    said = np.array([[[0, 1, 0], [0, 1, 1]], [[0, 1, 1], [0, 1, 1]], [[0, 1, 0], [0, 1, 0]]])
    run = record(np.eye(2)[said], labels)
    told = Evidence(
        **{**vars(evidence(3)), "epochs": (1, 2), "heard": np.ones((3, 3), np.bool_)}
        | {"rival": np.array([-1, -1, 1])}
    )
    assert naming(run, "train", told, np.array([2, 0])).tolist() == [[1, 0], [2, 0]]
    deaf = Evidence(**{**vars(told), "heard": np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.bool_)})
    assert naming(run, "train", deaf, np.array([2])).tolist() == [[1], [1]]
