"""What the trials of two versions can show, against the test that they are put to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from easiness.analysis import NoiseOfChange, PValues, p_of_change
from easiness.studies.versions.notes import (
    fewest_shown,
    least_logits,
    logit,
    resolution_note,
    smallest_shown,
    trials_needed,
)


def heard(error, freedom=np.inf, trials=(10, 10), num_deals=100):
    """What is said of examples without a change, whose deals were without one."""
    error = np.asarray(error, float)
    none = np.zeros(len(error), bool)
    return PValues(trials, np.ones(len(error)), none, NoiseOfChange(error, freedom), np.empty(0), num_deals)


def test_by_hand_without_a_least_change():
    """A change d around a half is one of 4 artanh(d) in logits."""
    size = 0.5 * stats.norm.isf(0.05 / 3 / 2)
    assert smallest_shown(heard([0.2, 0.5, 0.9]), 0.05, 0.0) == pytest.approx(np.tanh(size / 4))


@pytest.mark.parametrize(("trials", "at_least", "together"), [(3, 0.0, 3), (4, 0.05, 1), (5, 0.1, 1)])
def test_examples_that_change_alone_are_named_from_there_on(trials, at_least, together):
    num, rng = 301, np.random.default_rng(0)
    values = rng.normal(0, 0.2, (2 * trials, num))
    old, new = values[:trials], values[trials:]
    new += old.mean(axis=0) - new.mean(axis=0)  # nothing changed
    least = least_logits(np.full(num, 0.5), at_least)
    still = p_of_change(old, new, least)
    assert fewest_shown(still.num_deals, 0.05) == together
    smallest = smallest_shown(still, 0.05, at_least)
    assert smallest is not None
    typical = np.argsort(still.noise.error)[num // 2 :][:together]  # of median noise, as the sentence says
    for change, named in ((smallest - 0.05, False), (smallest + 0.05, True)):
        moved = new.copy()
        moved[:, typical] += 2 * logit(np.array((1 + change) / 2))
        q = p_of_change(old, moved, least).q
        assert np.flatnonzero(q <= 0.05).tolist() == (sorted(typical) if named else [])


def test_two_and_two_trials_name_eleven_at_once_or_none():
    noise = heard(np.full(1000, 0.1), trials=(2, 2), num_deals=2)
    said = resolution_note(noise, (2, 2), 0.05, 0.1)
    assert said.startswith("Between 2 and 2 trials a change of 11 examples alone is shown from 0.")
    assert smallest_shown(heard(np.full(10, 0.1), trials=(2, 2), num_deals=2), 0.05, 0.1) is None


def test_trials_that_can_show_nothing_ask_for_more():
    noise = heard(np.full(1000, 5.0), 2, (2, 2), 2)  # 27.6 logits at the most, 5.5 errors, p above 0.01
    assert smallest_shown(noise, 0.05, 0.1) is None
    more = trials_needed(noise, (2, 2), 0.05, 0.1)
    assert more is not None
    # three and three would still divide by 4.1, with 4 degrees of freedom; 0.00005 takes 7.5 errors there
    of = [2 * stats.t.sf(26.8 / 5 * np.sqrt(n / 2), 2 * n - 2) for n in (more[0] - 1, more[0])]
    assert of[0] > 0.00005 > of[1]
    assert trials_needed(noise, (4, 4), 0.05, 0.1) == (2 * more[0], 2 * more[1])  # as of heads on features


def test_what_looks_sure_by_chance_asks_for_more_by_quarters():
    """The lowest adjusted p-value is 0.4, and 0.4 / 4 / 4 is 0.025."""
    by_t = np.r_[np.full(5, 1e-9), np.ones(95)]
    noise = NoiseOfChange(np.full(100, 0.3), 10.0)
    dealt = np.full(17, 1e-10)  # in nine deals, two a deal
    found = PValues((3, 3), by_t, by_t < 1, noise, dealt, 9)
    assert found.q.min() == pytest.approx((17 + 1) / 9 / 5)
    assert trials_needed(found, (3, 3), 0.05, 0.1) == (5, 5)


def test_trials_that_are_enough_ask_for_none():
    assert trials_needed(heard(np.full(50, 0.3)), (10, 10), 0.05, 0.1) is None


def test_trials_without_noise_show_what_counts():
    assert smallest_shown(heard(np.zeros(4), 2), 0.05, 0.1) == pytest.approx(0.1)
