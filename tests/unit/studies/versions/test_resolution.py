"""What the trials of two versions can show, against the test that they are put to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from easiness.analysis import NoiseOfChange, OfTrials, noise_of_change, p_of_change
from easiness.studies.versions.notes import least_logits, logit, resolution_note, smallest_shown


def test_by_hand_without_a_least_change():
    """A change d around a half is one of 4 artanh(d) in logits."""
    noise = NoiseOfChange(np.array([0.2, 0.5, 0.9]), np.inf)
    size = 0.5 * stats.norm.isf(0.05 / 3 / 2)
    assert smallest_shown(noise, 0.05, 0.0) == pytest.approx(np.tanh(size / 4))


@pytest.mark.parametrize(("trials", "at_least"), [(2, 0.1), (3, 0.0), (5, 0.1)])
def test_an_example_that_changes_alone_is_named_from_there_on(trials, at_least):
    num, rng = 101, np.random.default_rng(0)
    variance = 0.1 * rng.chisquare(trials - 1, num) / (trials - 1)
    variance[0] = np.median(variance[1:])  # of median noise, as the sentence says
    still = OfTrials(np.zeros(num), variance, trials)
    smallest = smallest_shown(noise_of_change(still, still), 0.05, at_least)
    assert smallest is not None
    least = least_logits(np.full(num, 0.5), at_least)
    for change, named in ((smallest - 0.02, False), (smallest + 0.02, True)):
        half = logit(np.array((1 + change) / 2))
        before, after = (np.r_[side * half, np.zeros(num - 1)] for side in (-1, 1))
        p = p_of_change(OfTrials(before, variance, trials), OfTrials(after, variance, trials), least)
        assert (stats.false_discovery_control(p) <= 0.05).tolist() == [named] + [False] * (num - 1)


def test_trials_that_can_show_nothing_say_so():
    noise = NoiseOfChange(np.full(1000, 5.0), 2)  # 27.6 logits at the most, 5.5 errors, p above 0.01
    assert smallest_shown(noise, 0.05, 0.1) is None
    said = resolution_note(noise, (2, 2), 0.05, 0.1)
    assert said.startswith("Between 2 and 2 trials no change of a single example can be shown")


def test_trials_without_noise_show_what_counts():
    assert smallest_shown(NoiseOfChange(np.zeros(4), 2), 0.05, 0.1) == pytest.approx(0.1)
