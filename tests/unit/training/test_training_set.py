from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from easiness.analysis.draw import draw_by_rank
from easiness.errors import BadInput
from easiness.spec import Draw, trial_seeds
from easiness.training import TrainingSet, training_set

NUM, CLASSES = 200, 4
LABELS = np.arange(NUM) % CLASSES
EASE = np.random.default_rng(0).random(NUM)


def draw(**changes: object) -> Draw:
    settings = {"effect": "drop", "rate": 0.3, "beta": (3, 1), "ranking": "0" * 64}
    return Draw.model_validate({**settings, **changes})


def made(
    one: Draw | None, index: int = 0, labels: npt.NDArray[np.int64] = LABELS, share: float = 1.0
) -> TrainingSet:
    ranking = None if one is None else EASE[: len(labels)]
    return training_set(labels, CLASSES, share, one, ranking, trial_seeds(0, index))


@pytest.mark.parametrize(
    ("num", "rate", "dropped"), [(200, 0.3, 60), (10, 0.25, 3), (10, 0.24, 2), (7, 0.5, 4), (7, 0.0, 0)]
)
def test_as_many_are_dropped_as_the_rate_says(num, rate, dropped):
    labels = LABELS[:num]
    chosen = made(draw(rate=rate), labels=labels)
    assert chosen.trained_on.sum() == num - dropped
    np.testing.assert_array_equal(chosen.labels, labels)


def test_without_a_draw_a_share_is_trained_on():
    assert made(None).trained_on.all()
    assert made(None, share=0.25).trained_on.sum() == 50
    np.testing.assert_array_equal(made(None, share=0.25).labels, LABELS)


@pytest.mark.parametrize(("beta", "easier"), [((3, 1), True), ((1, 3), False)])
def test_mainly_easy_or_hard_examples_are_dropped(beta, easier):
    kept = made(draw(beta=beta)).trained_on
    assert (EASE[~kept].mean() > EASE[kept].mean()) == easier


def test_all_are_trained_on_where_labels_change():
    before = LABELS.copy()
    changed = made(draw(effect="relabel", rate=0.9))
    assert changed.trained_on.all()
    assert changed.labels.min() >= 0
    assert changed.labels.max() < CLASSES
    np.testing.assert_array_equal(before, LABELS)  # those given are left alone


def test_a_drawn_label_may_be_the_own_one():
    drawn = draw_by_rank(EASE, 0.9, (3, 1), trial_seeds(0, 0).draw)
    changed = made(draw(effect="relabel", rate=0.9)).labels
    own = changed[drawn] == LABELS[drawn]
    # 180 draws of one class in four: 45 expected, standard deviation 5.8
    assert 25 < own.sum() < 65
    left = np.setdiff1d(np.arange(NUM), drawn)
    np.testing.assert_array_equal(changed[left], LABELS[left])


def test_or_never():
    drawn = draw_by_rank(EASE, 0.9, (3, 1), trial_seeds(0, 0).draw)
    changed = made(draw(effect="relabel", rate=0.9, other_label=True)).labels
    np.testing.assert_array_equal(np.flatnonzero(changed != LABELS), drawn)
    # every other class is as likely: 60 of 180 expected for each, standard deviation 6.3
    shifts = np.bincount((changed[drawn] - LABELS[drawn]) % CLASSES, minlength=CLASSES)
    assert shifts[0] == 0
    assert (abs(shifts[1:] - 60) < 25).all()


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("rate", [0.1, 0.6])
def test_the_same_examples_are_drawn_whatever_becomes_of_them(rate, balanced):
    dropped = ~made(draw(rate=rate, balanced=balanced)).trained_on
    options = {"effect": "relabel", "rate": rate, "balanced": balanced, "other_label": True}
    np.testing.assert_array_equal(made(draw(**options)).labels != LABELS, dropped)


@pytest.mark.parametrize("effect", ["drop", "relabel"])
def test_each_trial_draws_its_own_and_always_the_same(effect):
    first, again, other = (made(draw(effect=effect), index) for index in (3, 3, 4))
    np.testing.assert_array_equal(first.trained_on, again.trained_on)
    np.testing.assert_array_equal(first.labels, again.labels)
    same = np.array_equal(first.trained_on, other.trained_on) and np.array_equal(first.labels, other.labels)
    assert not same


def test_a_balanced_draw_takes_the_same_of_each_class():
    uneven = np.repeat([0, 1, 2, 3], [100, 50, 30, 20])
    kept = made(draw(balanced=True), labels=uneven).trained_on
    assert np.bincount(uneven[~kept]).tolist() == [30, 15, 9, 6]


def test_a_class_cannot_be_emptied():
    labels = np.zeros(NUM, np.int64)
    labels[:2] = 3  # nine in ten of two examples are both of them
    with pytest.raises(BadInput, match="all 2 examples of class 3"):
        made(draw(rate=0.9, balanced=True), labels=labels)
