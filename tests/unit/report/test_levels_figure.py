from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.patches import Rectangle

from easiness import BadInput
from easiness.analysis import Votes
from easiness.report.levels_figure import draw_levels, easiness_levels


def _votes(correct: object, labels: object) -> Votes:
    right = np.array(correct, np.bool_)
    return Votes(right, np.where(right, 0.9, 0.1), np.array(labels), np.arange(right.shape[1]), epoch=1)


def test_levels_by_hand() -> None:
    # counts 2 2 2 1 0 1 0 2 1 1; a fifth are two examples
    correct = [[1, 1, 1, 1, 0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1]]
    levels = easiness_levels(_votes(correct, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]), num_classes=3, fraction=0.2)
    assert levels.num_trials == 2
    assert levels.num_examples.tolist() == [2, 4, 4]
    assert levels.by_class.tolist() == [[1, 2, 3], [1, 2, 1], [0, 0, 0]]
    assert levels.shares.tolist() == [0.2, 0.4, 0.4]
    # two of the four at the top are easy; the two at the bottom are just the hard ones
    assert levels.members["easy"].tolist() == [0, 0, 2]
    assert levels.members["hard"].tolist() == [2, 0, 0]
    assert levels.cut == {"easy": 2, "hard": 0}
    assert levels.tie_mass == {"easy": 0.4, "hard": 0}
    assert np.allclose(levels.class_easiness[:2], [(0 + 1 + 1 + 2 + 2 + 2) / 6 / 2, (0 + 1 + 1 + 2) / 4 / 2])
    assert np.isnan(levels.class_easiness[2])


def test_class_easiness_is_scaled_by_the_largest_count() -> None:
    levels = easiness_levels(_votes([[1, 0], [0, 0]], [0, 1]), num_classes=2, fraction=0.5)
    assert levels.class_easiness.tolist() == [1, 0]


def test_the_bars_are_the_shares_and_their_colored_parts_the_members() -> None:
    correct = [[1, 1, 1, 1, 0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1]]
    levels = easiness_levels(_votes(correct, [0] * 10), num_classes=1, fraction=0.2)
    (axes,) = draw_levels(levels).axes
    bars, hard, easy = (
        [bar.get_height() for bar in container if isinstance(bar, Rectangle)] for container in axes.containers
    )
    assert bars == [20, 40, 40]
    assert hard == [20, 0, 0]
    assert easy == [0, 0, 20]


def test_nothing_learned_is_refused() -> None:
    with pytest.raises(BadInput, match="easiness is undefined"):
        easiness_levels(_votes([[0] * 10], [0] * 10), num_classes=1)


@given(
    correct=st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=10, max_size=30)
    )
)
@settings(deadline=None, max_examples=50)
def test_sets_have_their_size_and_levels_all_examples(correct: list[list[bool]]) -> None:
    correct[0][0] = True
    votes = _votes(np.array(correct).T, [0] * len(correct))
    levels = easiness_levels(votes, num_classes=1, fraction=0.2)
    assert levels.num_examples.sum() == len(correct)
    for members in levels.members.values():
        assert np.isclose(members.sum(), int(0.2 * len(correct) + 0.5))
        assert (members <= levels.num_examples + 1e-9).all()
