from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.store import Row
from easiness.studies.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy


def study(repetitions: int = 5, effect: Literal["drop", "relabel"] = "drop") -> TrainingSetStudy:
    random = np.random.default_rng(0)
    points = [
        TrainingSetPoint(policy, beta, rate, 0, 0, 0, 0.5 + 0.1 * random.random((repetitions, 4)))
        for policy, beta in (("easy", (3, 1)), ("hard", (1, 3)), ("beta:1,2", (1, 2)))
        for rate in (0.0, 0.3, 0.6)
    ]
    return TrainingSetStudy(
        effect,
        "mlp_2",
        "easiness",
        Row(4),
        100,
        50,
        10,
        0.1,
        4,
        repetitions,
        False,
        False,
        False,
        tuple(points),
    )


def test_a_line_for_each_policy_with_a_deviation_each_way():
    shown = study()
    (axes,) = shown.figure().axes
    assert axes.get_xlabel() == "share of training examples dropped"
    names = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert names == ["mainly easy", "mainly hard", "beta:1,2"]
    for drawn, policy in zip(axes.containers, shown.policies, strict=True):
        points = shown.of(policy)
        line, _, (bars,) = drawn
        np.testing.assert_allclose(np.array(line.get_ydata(), float), [point.mean[-1] for point in points])
        np.testing.assert_allclose(np.array(line.get_xdata(), float), [0, 0.3, 0.6], atol=0.01)
        heights = [end[1] - start[1] for start, end in bars.get_segments()]
        np.testing.assert_allclose(heights, [2 * point.deviation[-1] for point in points])
    assert len({drawn[0].get_color() for drawn in axes.containers}) == 3
    assert list(axes.lines[-1].get_ydata()) == [0.1, 0.1]  # type: ignore[arg-type]  # chance


def test_one_repetition_has_no_bars():
    (axes,) = study(1, "relabel").figure().axes
    assert axes.get_xlabel() == "share of training examples with random labels"
    _, _, (bars,) = axes.containers[0]
    assert all(start[1] == end[1] for start, end in bars.get_segments())


def test_a_rate_that_was_not_tried():
    with pytest.raises(BadInput, match=r"rate 0\.5: .*rates tried; give one of 0, 0\.3, 0\.6"):
        study().curve("easy").at(0.5)
