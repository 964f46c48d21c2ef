import math

import numpy as np
import pytest

from easiness.analysis import Votes, match_votes, select
from easiness.errors import BadInput
from matching_by_weights import match_weights, overlap_rate


def weights(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def votes(
    correct: list[list[int]], p_label: list[list[float]] | None = None, ids: list[str] | None = None
) -> Votes:
    c = np.array(correct, bool)
    return Votes(
        correct=c,
        p_label=np.array(p_label if p_label else np.full(c.shape, 0.5), np.float32),
        labels=np.array([0, 0, 1, 1][: c.shape[1]]),
        ids=np.array(ids if ids else range(c.shape[1])),
        epoch=3,
    )


def test_sets_match_by_eq_2_over_the_larger() -> None:
    m = match_weights(weights(1, 1, 1, 0, 0, 0), weights(0, 0, 1, 1, 0, 0))
    assert m.rate == pytest.approx(1 / 3)
    assert m.sizes == (3, 2)
    assert m.chance == pytest.approx(2 / 6)
    assert m.class_chance is None


def test_expected_overlap_is_the_mean_over_independent_tie_breaks() -> None:
    # A is {0} and one of {1, 2}; B is one of {0, 1, 2, 3}, twice: P(0) = 1/2, P(1) = P(2) = 1/4 both
    m = match_weights(weights(1, 0.5, 0.5, 0), weights(0.5, 0.5, 0.5, 0.5))
    assert m.rate == pytest.approx((0.5 + 0.25 + 0.25) / 2)
    assert m.chance == 0.5


def test_sizes_and_chance_are_exact_whatever_the_shares() -> None:
    w = select(np.r_[np.zeros(9000), np.ones(997)], 0.1001)  # 3 or so shared by 9000
    m = match_weights(w, w)
    assert m.sizes == (1001, 1001)
    assert m.chance == 1001 / 9997


@pytest.mark.parametrize("other", [weights(0, 0, 0), weights(1, 0, 0)])
def test_an_empty_set_has_no_rate_and_shows_its_size(other: np.ndarray) -> None:
    m = match_weights(weights(0, 0, 0), other, labels=np.array([0, 0, 1]))
    assert math.isnan(m.rate)
    assert m.class_chance is not None
    assert math.isnan(m.class_chance)
    assert m.chance == 0
    assert m.sizes == (0, other.sum())


def test_class_chance_is_that_of_independence_within_classes() -> None:
    # class 0 has 2 examples, A has both and B one: 2 * 1 / 2 = 1; class 2 has 4, A none; class 1 is absent
    labels = np.array([0, 0, 2, 2, 2, 2])
    m = match_weights(weights(1, 1, 0, 0, 0, 0), weights(1, 0, 1, 0, 0, 0), labels)
    assert m.class_chance == pytest.approx(1 / 2)
    assert m.chance == pytest.approx(2 / 6)


def test_with_one_class_the_class_chance_is_chance() -> None:
    w = weights(1, 0.5, 0.5, 0, 0, 0, 0, 0)
    m = match_weights(w, w[::-1], np.zeros(8, int))
    assert m.class_chance == pytest.approx(m.chance) == 2 / 8


def test_lengths_must_agree() -> None:
    with pytest.raises(BadInput, match=r"lengths \(2,\) and \(3,\) differ"):
        match_weights(weights(1, 0), weights(1, 0, 0))
    with pytest.raises(BadInput, match=r"lengths \(2,\) and \(1,\) differ"):
        match_weights(weights(1, 0), weights(1, 0), np.array([0]))


def test_runs_match_by_all_their_trials() -> None:
    a = votes([[1, 1, 0, 0], [1, 0, 1, 0]])  # counts 2 1 1 0: weights 1, 1/2, 1/2, 0
    b = votes([[0, 0, 1, 1], [1, 1, 0, 0]])  # counts 1 1 1 1: weights 1/2 each
    m = match_votes(a, b, fraction=0.5)
    assert m.rate == pytest.approx(0.5)
    assert m.tie_mass == (0.5, 1.0)
    assert m.chance == 0.5
    assert m.class_chance == pytest.approx((1.5 * 1 / 2 + 0.5 * 1 / 2) / 2)
    strict = match_votes(a, b, fraction=0.5, ties="strict")
    assert strict.sizes == (1, 0)
    assert math.isnan(strict.rate)


def test_runs_refine_by_the_probability_of_the_label() -> None:
    a = votes([[1, 1, 1, 1], [1, 1, 0, 0]], [[0.9, 0.6, 0.5, 0.5], [0.9, 0.6, 0.4, 0.1]])
    b = votes([[1, 1, 1, 1]], [[0.8, 0.7, 0.6, 0.5]])
    assert match_votes(a, b, fraction=0.25, ties="refine").rate == 1  # both 0
    assert match_votes(a, b, fraction=0.25, ties="refine", side="hard").rate == 1  # both 3
    assert match_votes(a, b, fraction=0.25, ties="expected").rate == pytest.approx(0.25)


def test_runs_over_other_examples_are_refused() -> None:
    with pytest.raises(BadInput, match=r"position 1 ids b and x"):
        match_votes(votes([[1, 1]], ids=["a", "b"]), votes([[1, 1]], ids=["a", "x"]))
    with pytest.raises(BadInput, match="2 and 3 examples"):
        match_votes(votes([[1, 1]]), votes([[1, 1, 1]]))


def test_overlap_rate_of_a_split_set_with_itself_is_below_one() -> None:
    assert overlap_rate(weights(0.5, 0.5), weights(0.5, 0.5)) == 0.5
