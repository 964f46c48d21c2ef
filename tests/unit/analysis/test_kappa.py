from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from easiness.analysis import kappa


def _answers(table: list[list[int]]) -> np.ndarray:
    """Two people's answers with these counts."""
    counts = np.array(table)
    return np.stack([np.repeat(one.ravel(), counts.ravel()) for one in np.indices(counts.shape)])


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[88, 14, 18], [10, 40, 10], [2, 6, 12]]])
def test_of_two_it_is_cohens(table):
    answers = _answers(table)
    found = kappa(answers)
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(cohen_kappa_score(*answers))
    assert found.num == answers.shape[1]
    assert found.agreed.value == pytest.approx(np.trace(table) / np.sum(table))


def test_of_more_it_is_fleiss():
    """14 people and 10 subjects, a published example: 0.210 (statsmodels 0.15.0: 0.20993)."""
    counts = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    found = kappa(np.stack([np.repeat(np.arange(5), row) for row in counts], axis=1))
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.20993, abs=1e-5)
    assert found.agreed.value == pytest.approx(0.37802, abs=1e-5)


def test_it_is_undefined_where_all_answers_are_the_same_and_the_agreement_is_not():
    found = kappa(np.ones((2, 30), np.int64))
    assert found is not None
    assert found.kappa is None
    assert found.agreed.value == found.agreed.high == 1
    assert 0.85 < found.agreed.low < 0.95  # of 30 without one that differs, 0.90 (rule of three)
    assert kappa(np.ones((2, 0), np.int64)) is None


def test_few_who_all_agree_do_not_show_much():
    found = kappa(np.array([[0, 1, 1], [0, 1, 1]]))
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == found.kappa.high == 1
    assert found.kappa.low < 0.3


def _confused(accuracy: float, num: int) -> np.ndarray:
    wrong = (1 - accuracy) / (num - 1)
    return np.full((num, num), wrong) + (accuracy - wrong) * np.eye(num)


@pytest.mark.parametrize(
    ("people", "usual", "accuracy"),
    [(2, (0.7, 0.3), 0.8), (2, (0.95, 0.05), 0.95), (3, (0.25,) * 4, 0.9), (4, (0.9, 0.1), 0.97)],
)
def test_the_intervals_cover(people, usual, accuracy):
    """People of a known confusion; what their kappa is follows from it."""
    prior, confusion = np.array(usual), _confused(accuracy, len(usual))
    joint = np.einsum("t,ta,tb->ab", prior, confusion, confusion)
    chance = np.sum((prior @ confusion) ** 2)
    truth = (np.trace(joint) - chance) / (1 - chance)
    rng, held, num = np.random.default_rng(0), [], 150
    for _ in range(num):
        classes = rng.choice(len(usual), 60, p=prior)
        drawn = rng.random((people, 60, 1)) > confusion.cumsum(axis=1)[classes]
        found = kappa(drawn.sum(axis=2))
        if found is not None and found.kappa is not None:
            pairs = (found.kappa, truth), (found.agreed, np.trace(joint))
            held.append([one.low <= true <= one.high for one, true in pairs])
    assert len(held) > 0.9 * num
    assert (np.mean(held, axis=0) > 0.9).all()  # of 150 at 95 %, fewer would be chance once in a hundred
