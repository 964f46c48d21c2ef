from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from easiness.store import Row
from easiness.studies.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy

FIVE = np.array([-2, -1, 0, 1, 2]) / 100  # mean 0, standard deviation 0.0158


def study(repetitions: int = 5, **changes: Any) -> TrainingSetStudy:
    means = {"easy": (0.9, 0.7), "random": (0.9, 0.8)}
    points = [
        TrainingSetPoint(
            policy,
            beta,
            rate,
            int(100 * rate),
            100 - int(100 * rate),
            8,
            (mean + FIVE[:repetitions])[:, None],
        )
        for policy, beta in (("easy", (3, 1)), ("random", (1, 1)))
        for rate, mean in zip((0.0, 0.5), means[policy], strict=True)
    ]
    settings: dict[str, Any] = {
        "effect": "drop",
        "model": "mlp_2",
        "score": "easiness",
        "score_row": Row(4),
        "num_examples": 100,
        "num_held_out": 50,
        "num_classes": 10,
        "largest_share": 0.1,
        "epochs": 1,
        "repetitions": repetitions,
        "same_steps": False,
        "balanced": False,
        "other_label": False,
        "points": tuple(points),
    }
    return TrainingSetStudy(**{**settings, **changes})


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
    assert "50 held-out examples after epoch 1" in accuracy.title
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
