from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial

from easiness.analysis.label_pairs import Pairs

STRENGTHS = np.geomspace(1, 3000, 17)


def test_weights_add_up_by_pair():
    pairs = Pairs(np.array([2, 0, 0, 0]), np.array([0, 1, 2, 1]), 3)
    assert list(zip(pairs.label, pairs.rival, strict=True)) == [(0, 1), (0, 2), (2, 0)]
    assert pairs.pair_of.tolist() == [2, 0, 1, 0]
    assert pairs.add_up(np.array([1.0, 0.5, 0.25, 2.0])).tolist() == [2.5, 0.25, 1.0]


def test_rates_are_shrunk_towards_all_other_classes_alike():
    """The pair (0, 1) has 6 of 8, so with a strength of 4: (6 + 4 / 2) / (8 + 4)."""
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 0]), 3)
    mass = np.array([6.0, 2.0, 4.0])
    rates = pairs.rates(mass, pairs.label)
    s = rates.strength
    np.testing.assert_allclose(
        rates.of_pair, [(6 + s / 2) / (8 + s), (2 + s / 2) / (8 + s), (4 + s / 2) / (4 + s)]
    )


@pytest.mark.parametrize(
    ("mass", "strongest"),
    [([40, 0, 40, 0, 40, 0], False), ([20, 20, 20, 20, 20, 20], True), ([9, 5, 4, 8, 9, 3], None)],
)
def test_the_strength_is_the_likeliest(mass, strongest):
    """Against the library's Dirichlet-multinomial, a class at a time."""
    pairs = Pairs(np.array([0, 0, 1, 1, 2, 2]), np.array([1, 2, 0, 2, 0, 1]), 3)
    counts = np.array(mass).reshape(3, 2)
    likelihood = [
        sum(dirichlet_multinomial.logpmf(row, [s / 2, s / 2], row.sum()) for row in counts) for s in STRENGTHS
    ]
    found = pairs.rates(np.array(mass, float), pairs.label).strength
    assert found == pytest.approx(STRENGTHS[int(np.argmax(likelihood))])
    if strongest is not None:
        assert found == pytest.approx(3000 if strongest else 1)


def test_rates_by_rival():
    """Of class 1 as the rival 3 of 4 have label 0."""
    pairs = Pairs(np.array([0, 2]), np.array([1, 1]), 3)
    rates = pairs.rates(np.array([3.0, 1.0]), pairs.rival)
    s = rates.strength
    np.testing.assert_allclose(rates.of_pair, [(3 + s / 2) / (4 + s), (1 + s / 2) / (4 + s)])
    assert rates.of_pair.sum() == pytest.approx(1)


def test_two_classes_have_one_other():
    pairs = Pairs(np.array([0, 1]), np.array([1, 0]), 2)
    np.testing.assert_allclose(pairs.rates(np.array([3.0, 0.0]), pairs.label).of_pair, 1)
