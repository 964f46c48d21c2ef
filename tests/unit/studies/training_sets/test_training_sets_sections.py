"""What is told of trainings on a part of the examples: tables, sections, the figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.store import Row
from easiness.studies.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy

FIVE = np.array([-2, -1, 0, 1, 2]) / 100  # mean 0, standard deviation 0.0158
BETAS = {"easy": (3, 1), "random": (1, 1), "beta:1,2": (1, 2)}
MEANS = {"easy": (0.9, 0.7), "random": (0.9, 0.8), "beta:1,2": (0.9, 0.85)}


def study(
    repetitions: int = 5, policies: tuple[str, ...] = ("easy", "random"), **changes: Any
) -> TrainingSetStudy:
    def point(policy: str, rate: float, mean: float) -> TrainingSetPoint:
        drawn = int(100 * rate)
        accuracy = np.stack([0 * FIVE, mean + FIVE], axis=1)[:repetitions]
        return TrainingSetPoint(policy, BETAS[policy], rate, drawn, 100 - drawn, 8, accuracy)

    points = [point(one, *pair) for one in policies for pair in zip((0.0, 0.5), MEANS[one], strict=True)]
    numbers = {"num_examples": 100, "num_held_out": 50, "num_classes": 10, "largest_share": 0.1, "epochs": 2}
    settings: dict[str, Any] = {"effect": "drop", "model": "mlp_2", "score": "easiness", "score_row": Row(4)}
    settings |= numbers | dict.fromkeys(("same_steps", "balanced", "other_label"), False)
    return TrainingSetStudy(**{**settings, "repetitions": repetitions, "points": tuple(points), **changes})


def test_accuracy_differences_and_steps():
    accuracy, against, steps = study().sections()
    assert accuracy.rows == [
        ["rate", "trained on", "relabelled", "steps", "easy", "random", "chance"],
        ["0", "100", "0", "8", "0.900 ± 0.016", "0.900 ± 0.016", "0.100"],
        ["0.5", "50", "0", "8", "0.700 ± 0.016", "0.800 ± 0.016", "0.100"],
    ]
    # the repetitions of both have the same in common, so that it drops out of the difference
    assert against.rows == [
        ["rate", "easy - random", "95 % interval"],
        ["0.5", "-0.100", "-0.100 to -0.100"],
    ]
    assert steps.rows[1] == ["0 to 0.5", "-0.200", "-0.200 to -0.200", "-0.100", "-0.100 to -0.100"]
    assert "50 held-out examples after epoch 2" in accuracy.title
    assert "is dropped: mainly easy ones" in accuracy.note
    assert "?" not in accuracy.note


def test_few_repetitions_are_marked():
    accuracy, against, _ = study(2).sections()
    assert accuracy.rows[1][4].endswith("?")
    assert against.rows[1][1].endswith("?")
    assert "fewer than 5 repetitions, which decide nothing" in against.note
    one, against, _ = study(1).sections()
    assert one.rows[1][4] == "0.880?"
    assert against.rows[1][2] == ""


def test_relabelled_ones():
    for other, words in ((False, "which may be their own"), (True, "never their own")):
        accuracy = study(effect="relabel", other_label=other).sections()[0]
        assert [row[2] for row in accuracy.rows] == ["relabelled", "0", "50"]
        assert f"given a label drawn at random, {words}" in accuracy.note
    assert "the same share of each class" in study(balanced=True).sections()[0].note


def test_what_is_drawn_and_from_where():
    assert "is dropped: mainly easy ones, or any, after epoch 4 by easiness. Mean" in first_note()
    assert "by forgetting_events. Those that no trial learned rank as the hardest." in first_note(
        score="forgetting_events"
    )
    drawn, random = study().points[:2], study().points[2:]
    points = (*(replace(point, policy="bottom") for point in drawn), *random)
    note = first_note(effect="relabel", score="entropy", keep="top", points=points)
    assert (
        "mainly those at the bottom, or any, after epoch 4 by entropy, from the top (to keep) to the" in note
    )
    assert "easy" not in note
    assert "hard" not in note
    points = tuple(replace(point, policy="beta:1,9") for point in drawn)
    assert "is dropped: those that beta:1,9 draws, after epoch" in first_note(points=points)


def first_note(**changes: Any) -> str:
    return study(**changes).sections()[0].note


def test_nothing_to_compare():
    points = study().points
    assert len(study(points=points[:2]).sections()) == 2  # no random draws
    assert len(study(points=(points[0],)).sections()) == 1


def test_the_table():
    row = study(3).table().to_dict("records")[1]
    assert row == {
        **{"effect": "drop", "policy": "easy", "beta_a": 3, "beta_b": 1, "rate": 0.5, "num_drawn": 50},
        **{"num_trained_on": 50, "num_steps": 8, "epochs": 2, "epoch": 2, "accuracy": pytest.approx(0.69)},
        **{"accuracy_sd": pytest.approx(0.01), "accuracy_se": pytest.approx(0.01 / np.sqrt(3))},
        **{"repetitions": 3, "decided": False, "chance": 0.1, "num_held_out": 50},
    }
    last = replace(study(), epochs=3, tested=(1, 3))
    assert last.table(every_epoch=True)["epoch"].tolist() == [1, 3] * 4
    assert last.table()[["epoch", "accuracy"]].values.tolist()[0] == [3, pytest.approx(0.9)]
    every = study().table(every_epoch=True)[:2]
    assert every["epoch"].tolist() == [1, 2]
    assert every["accuracy"].tolist() == pytest.approx([0, 0.9])
    one = study(1).table()
    assert one["accuracy"][0] == 0.88
    assert one[["accuracy_sd", "accuracy_se"]].isna().all(axis=None)


def test_a_line_for_each_policy_with_a_deviation_each_way():
    shown = study(policies=("easy", "random", "beta:1,2"))
    (axes,) = shown.figure().axes
    assert axes.get_xlabel() == "share of training examples dropped"
    names = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert names == ["mainly easy", "random", "beta:1,2"]
    for drawn, policy in zip(axes.containers, shown.policies, strict=True):
        line, _, (bars,) = drawn
        np.testing.assert_allclose(np.array(line.get_ydata(), float), MEANS[policy])
        np.testing.assert_allclose(np.array(line.get_xdata(), float), [0, 0.5], atol=0.01)
        heights = [end[1] - start[1] for start, end in bars.get_segments()]
        np.testing.assert_allclose(heights, 2 * FIVE.std(ddof=1))
    assert len({drawn[0].get_color() for drawn in axes.containers}) == 3
    assert list(axes.lines[-1].get_ydata()) == [0.1, 0.1]  # type: ignore[arg-type]  # chance


def test_one_repetition_has_no_bars():
    (axes,) = study(1, effect="relabel").figure().axes
    assert axes.get_xlabel() == "share of training examples with random labels"
    _, _, (bars,) = axes.containers[0]
    assert all(start[1] == end[1] for start, end in bars.get_segments())


def test_what_was_not_tried():
    with pytest.raises(BadInput, match=r"rate 0\.3: .* 0, 0\.5"):
        study().curve("easy").at(0.3)
    with pytest.raises(BadInput, match=r"policy 'hard': .* has easy, random"):
        study().curve("hard")
