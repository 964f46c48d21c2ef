from __future__ import annotations

import numpy as np

from easiness.analysis.pairs import draws, mean_distance, resampled_means

# three points on a line at 0, 1 and 3: pairs are 1, 2 and 3 apart
LINE = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, 0.0]])


def test_mean_is_over_pairs_of_different_examples() -> None:
    assert mean_distance(LINE) == 2.0
    assert mean_distance(LINE[:2, :2]) == 1.0


def test_an_example_drawn_twice_is_not_paired_with_itself() -> None:
    drawn = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 0.0, 2.0]])
    # twice the first and once the second: both pairs of different examples are 1 apart
    assert np.allclose(resampled_means(LINE, drawn), [2.0, 1.0, 2.0, 3.0])


def test_draws_are_of_the_same_size_and_never_of_one_example_alone() -> None:
    drawn = draws(2, 500, np.random.default_rng(0))
    assert drawn.shape == (500, 2)
    assert (drawn == 1).all()
    drawn = draws(6, 500, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 6).all()
    assert ((drawn > 0).sum(axis=1) >= 2).all()
    assert len(np.unique(drawn, axis=0)) > 100


def test_resampled_means_scatter_about_the_mean() -> None:
    points = np.random.default_rng(1).normal(size=60)
    distances = np.abs(points[:, None] - points)
    means = resampled_means(distances, draws(60, 2000, np.random.default_rng(2)))
    assert abs(means.mean() - mean_distance(distances)) < 0.01
    # the distance of two standard normal numbers is 2 / sqrt(pi) on average
    low, high = np.quantile(means, [0.025, 0.975])
    assert low < 2 / np.sqrt(np.pi) < high
