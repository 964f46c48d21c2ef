"""What more examples would give, foretold from votes whose true learning curve is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtri

from easiness.analysis import TIMES, fit_curve, share_votes

Floats = npt.NDArray[np.float64]
Curve = Callable[[Floats], Floats]

FEW, MANY = (0.05, 0.2, 0.8), (0.05, 0.1, 0.2, 0.4, 0.8)
SIZES = (200, 1000, 5000, 20_000)
TOO_LITTLE = {("steep and late", 200), ("flat soon", 20_000)}  # near to chance, and flat at every share
FOLDS, CHANCE, ALIKE = 5, 0.1, 1.5  # how far examples differ, in noise of a head


def _law(top: float, rise: float, power: float) -> Curve:
    return lambda n: np.maximum(top - rise * n**-power, CHANCE)


def _s(middle: float, power: float) -> Curve:
    return lambda n: CHANCE + (0.95 - CHANCE) / (1 + (middle / n) ** power)


CURVES = {
    "easy": _law(0.99, 1.0, 0.5),
    "usual": _law(0.95, 1.5, 0.4),
    "slow": _law(1.0, 1.2, 0.15),
    "label noise": _law(0.7, 4.0, 0.8),
    "flat soon": _law(0.85, 8.0, 1.1),
    "steep": _s(600, 1.0),
    "steep and late": _s(1500, 1.3),
    "two laws": lambda n: 0.9 - 0.8 * n**-0.5 - 0.5 * n**-0.2,
    "logarithm": lambda n: 0.05 + 0.06 * np.log(n),
}


def _held(curve: Curve, num: int, shares: tuple[float, ...], trials: int, seed: int) -> list[bool] | None:
    """Do the intervals hold what came? An example is right below a bar of its own that heads miss at random.

    Heads differ as well, the less the more they have seen.
    """
    rng = np.random.default_rng((seed, num, trials))
    ease = ALIKE * rng.standard_normal(num)
    shape = (trials, len(shares))
    right, left_out = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    of_right, of_heard = np.zeros((len(shares), num), np.int64), np.zeros((len(shares), num), np.int64)
    for trial in range(trials):
        if trial % FOLDS == 0:
            place = rng.permutation(num)
        for row, share in enumerate(shares):
            seen = round(share * num)
            heard = (place - num * trial // FOLDS) % num >= seen
            spread = 0.5 / np.sqrt(seen)
            bar = ndtri(float(curve(np.array(float(seen))))) * np.sqrt(1 + ALIKE**2 + spread**2)
            correct = heard & (ease + rng.standard_normal(num) < bar + spread * rng.standard_normal())
            right[trial, row], left_out[trial, row] = correct.sum(), heard.sum()
            of_right[row] += correct
            of_heard[row] += heard
    found = fit_curve(share_votes(shares, CHANCE, right, left_out, (of_right, of_heard)), num)
    came = curve(num * np.array(TIMES, float))
    if found.silent:
        return None
    return [
        one.accuracy.low <= true <= one.accuracy.high for one, true in zip(found.foretold, came, strict=True)
    ]


def _coverage(curves, nums, all_shares, trials, seeds):
    outcomes = [
        _held(curve, num, shares, num_trials, seed)
        for curve in curves
        for num in nums
        for shares in all_shares
        for num_trials in trials
        for seed in range(seeds)
    ]
    told = [one for one in outcomes if one is not None]
    assert len(told) > 0.8 * len(outcomes)
    return np.mean(told, axis=0)


def test_intervals_hold_what_came():
    """On the whole of all kinds here; of each kind, the long test."""
    assert (_coverage(CURVES.values(), (400, 2000), (FEW,), (10,), 5) >= 0.9).all()


@pytest.mark.long
@pytest.mark.parametrize("name", CURVES)
def test_intervals_hold_what_came_of_every_kind(name):
    """At 0.9 at least of each kind over all sizes, and at no size far below."""
    held = [
        _coverage([CURVES[name]], (num,), (FEW, MANY), (10, 20), 20)
        for num in SIZES
        if (name, num) not in TOO_LITTLE
    ]
    assert np.mean(held) >= 0.9
    assert np.min(held) >= 0.8
