from __future__ import annotations

import numpy as np
import pytest

from easiness import BadInput
from easiness.studies.patterns import neighbourhood


def at(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_frequency_counts_its_class_within_the_usual_distance():
    # the distances to the nearest of any class are 1, 1, 2, 2, 20: the median is that of 2 degrees
    features, labels = at(0, 1, 10, 12, 32) * 3, np.array([0, 0, 0, 1, 1])
    found = neighbourhood(features, labels, nearest=1)
    assert found.frequency.tolist() == [1, 1, 0, 0, 0]
    assert found.contradiction.tolist() == [0, 0, 1, 1, 0]
    # by the mean of both scales (of squares: the product), 20 degrees are near to no one
    assert found.others["local 1"].tolist() == [1, 1, 0, 0, 0]
    assert (found.num_copies, found.num_among, found.nearest) == (0, 5, 1)


def test_copies_of_its_label_are_no_neighbours_and_count_once():
    features = at(0, 0, 0, 1, 40, 41)
    labels = np.array([0, 0, 1, 0, 1, 1])
    found = neighbourhood(features, labels, nearest=2)
    assert found.num_copies == 2
    assert found.num_among == 5  # of the three at 0 degrees one a class
    # the copies at 0 see the one of the other label and that at 1 degree, which sees each class once
    assert found.contradiction[[0, 1, 2, 3]].tolist() == [0.5, 0.5, 1, 0.5]
    assert found.frequency[:4].tolist() == [1, 1, 0, 1]
    assert len(set(found.picture[:3].tolist())) == 1
    assert len(set(found.regions[:3].tolist())) == 1


def test_where_it_is_told_which_are_the_same_others_that_are_near_are_no_copies():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 8))
    features[1] = features[0] + 1e-3  # a copy by its features
    labels, apart = np.zeros(60, np.int64), np.arange(60)
    assert neighbourhood(features, labels).num_copies == 1
    assert neighbourhood(features, labels, same=apart).num_copies == 0
    apart[2] = 1
    found = neighbourhood(features, labels, same=apart)
    assert found.num_copies == 1
    assert found.picture[1] == found.picture[2] != found.picture[0]


def test_held_out_examples_have_training_examples_as_neighbours():
    features, labels = at(0, 1, 2, 60, 61), np.array([0, 0, 0, 1, 1])
    asked = at(0.5, 61, 0), np.array([1, 1, 0])
    found = neighbourhood(features, labels, asked, nearest=1)
    # the last one is a copy of the first, the second of the fifth
    assert found.frequency.tolist() == [0, 1, 1]
    assert found.contradiction.tolist() == [1, 0, 0]
    assert found.num_copies == 0


def test_planted_frequency_is_found_again():
    rng = np.random.default_rng(0)
    sizes = np.repeat([4, 16, 64], [16, 8, 4])
    pattern = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=(len(sizes), 24))
    features = centres[pattern] + 0.5 * rng.normal(size=(len(pattern), 24))
    found = neighbourhood(features, pattern % 4, nearest=30)
    means = [found.frequency[sizes[pattern] == one].mean() for one in (4, 16, 64)]
    assert means[0] < means[1] < means[2]
    assert means[2] > 8 * means[0]


def test_too_few_examples_are_refused():
    with pytest.raises(BadInput, match="nearest 4: not between 1 and 3, the neighbours that 4 different"):
        neighbourhood(at(0, 1, 2, 3), np.array([0, 1, 0, 1]), nearest=4)


def test_the_usual_number_of_neighbours_is_half_of_a_class_at_most():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 5)).astype(np.float32)
    for num_classes, nearest in ((2, 50), (10, 15), (300, 1)):
        assert neighbourhood(vectors, np.arange(300) % num_classes).nearest == nearest
