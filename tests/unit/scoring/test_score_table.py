from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import t
from sklearn.datasets import load_digits

import easiness as ez
from easiness.errors import BadInput
from easiness.scoring import SCORES, ScoreMoments, score_columns
from recording import trial_of_logits, trial_of_right


def test_columns_come_in_order_with_errors_and_masks() -> None:
    columns = score_columns([trial_of_right([[1, 0], [1, 1]])], 2)
    names = [score.name for score in SCORES]
    expected = [f"{score}{end}" for score in names for end in ("", "_se", "_low", "_high")]
    assert list(columns) == [*expected, "never_learned", "never_learned_share"]
    for name, values in columns.items():
        assert values.shape == (2,), name
        assert values.dtype == (np.bool_ if name == "never_learned" else np.float64), name


def test_declared_directions_hold() -> None:
    # The first example is right from the start and surely, the second rarely and barely; it is wrong
    # at the end where it was left out, in half of the trials.
    rng = np.random.default_rng(0)
    epochs = np.arange(12)[:, None]
    strength = np.concatenate([4 + 0 * epochs, np.where(epochs % 5 == 3, 2.0, -2.0)], axis=1)
    strength[11, 1] = 0.1
    trials = []
    for i in range(4):
        margin = strength + 0.05 * rng.random(strength.shape)
        margin[:, 1] -= 0.5 * (i % 2)
        logits = np.stack([margin, np.zeros_like(margin)], axis=2)
        out = np.full(2, i % 2 == 1)
        trials.append(trial_of_logits(logits, [0, 0], trained_on=~out, keep=[True, True]))
    columns = score_columns(trials, 12)
    for score in SCORES:
        easy, hard = columns[score.name]
        if score.high_means in ("easy", "sound label"):
            assert easy > hard, score.name
        elif score.name != "confident_learning_flag":  # two examples of one class cannot contest a label
            assert easy < hard, score.name


def test_trials_are_streamed() -> None:
    alive: list[weakref.ref[Any]] = []

    def stream():
        for _ in range(3):
            assert all(ref() is None for ref in alive), "an earlier trial is still in memory"
            trial = trial_of_right([[1, 0], [1, 1]])
            alive.append(weakref.ref(trial))
            yield trial
            del trial

    score_columns(stream(), 2)
    assert len(alive) == 3


def test_no_trial_is_an_error() -> None:
    with pytest.raises(BadInput, match="none is finished"):
        score_columns([], 1)


K = 2000
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


def _of_normal(function, at, spread):
    """Values of ``function`` of a normal variable, and their mean [K]."""
    mean = (function(at + spread * NODES[:, None]) * (WEIGHTS / WEIGHTS.sum())[:, None]).sum(axis=0)
    return lambda rng, n: function(at + spread * rng.normal(size=(n, K))), mean


def _shapes(rng):
    """By name what draws n trials, [n, K], and the mean of endless ones, [K]."""
    mean, spread = rng.normal(size=K), np.exp(rng.normal(0, 0.5, K))
    p = np.where(rng.random(K) < 0.8, rng.beta(0.3, 12, K), rng.beta(3, 3, K))
    sure = np.exp(rng.normal(2, 1, K))
    a, b = p * sure + 1e-3, (1 - p) * sure + 1e-3
    logit = np.where(rng.random(K) < 0.7, rng.normal(-5, 1.5, K), rng.normal(0, 2, K))
    rate = np.exp(rng.normal(-1, 1.2, K))
    often = np.where(rng.random(K) < 0.7, rng.beta(0.3, 8, K), 0.5)
    usual, rare = 0.01 * rng.random(K), rng.uniform(0.3, 0.8, K)
    right = np.where(rng.random(K) < 0.7, rng.beta(20, 0.5, K), rng.beta(2, 2, K))
    way, wide = rng.random(K), 3 * rng.normal(size=K)
    return {
        "normal": (lambda rng, n: mean + spread * rng.normal(size=(n, K)), mean),
        "two groups": (lambda rng, n: rng.beta(a, b, (n, K)), a / (a + b)),
        "near 0": _of_normal(lambda z: 1 / (1 + np.exp(-z)), logit, spread),
        "counts": (lambda rng, n: rng.poisson(rate, (n, K)).astype(float), rate),
        "log loss": _of_normal(lambda z: np.logaddexp(0, z), logit, spread),
        "rare": (
            lambda rng, n: np.where(rng.random((n, K)) < often, rare, usual),
            often * rare + (1 - often) * usual,
        ),
        "right or wrong": (lambda rng, n: (rng.random((n, K)) < right).astype(float), right),
        "heavy tails": (lambda rng, n: wide + rng.standard_t(3, (n, K)), wide),
        "two ways": (
            lambda rng, n: np.where(rng.random((n, K)) < way, 0.7, 0.1) + 0.05 * rng.normal(size=(n, K)),
            0.1 + 0.6 * way,
        ),
    }


def _estimate(trials):
    moments = ScoreMoments(trials.shape[1])
    for values in trials:
        moments.add(values)
    return moments.estimate()


@pytest.mark.parametrize("num", [4, 8, 16])
@pytest.mark.parametrize("shape", _shapes(np.random.default_rng(0)))
def test_intervals_hold_endless_trials(shape, num) -> None:
    held, of_fifths = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        draw, truth = _shapes(rng)[shape]
        found = _estimate(draw(rng, num))
        inside = (found.low <= truth) & (truth <= found.high)
        held.append(inside.mean())
        of_fifths.append([part.mean() for part in np.array_split(inside[np.argsort(truth)], 5)])
    assert 0.93 <= np.mean(held) <= 0.995
    assert np.min(np.mean(of_fifths, axis=0)) >= 0.8


def test_of_one_example_it_is_students() -> None:
    values = np.array([0.1, 0.4, 0.2, 0.7, 0.3])
    found = _estimate(values[:, None])
    low, high = t.interval(0.95, 4, values.mean(), values.std(ddof=1) / np.sqrt(5))
    assert_allclose([found.low[0], found.high[0]], [low, high], rtol=1e-6)


def test_values_that_agree_take_the_spread_of_the_like() -> None:
    found = _estimate(np.zeros((3, 50)))
    assert_array_equal(found.low, np.zeros(50))
    assert_array_equal(found.high, np.zeros(50))
    one_differs = np.zeros((2, 100))
    one_differs[0, 0] = 1  # at the mean of its other value, 0, it is one of 199 values: 1 / 2 * 2 / 199
    assert_allclose(
        _estimate(one_differs).high[1:],
        t.ppf(0.975, 2 - 1 / 100) * np.sqrt(0.5 / 199 / 2 / 2),
        rtol=1e-6,
    )


@pytest.mark.long
def test_four_heads_of_each_example_hold_what_many_more_say(tmp_path) -> None:
    x = load_digits().data.astype(np.float32)
    run = ez.measure("digits", features=x, trials=200, jobs=1, executor="serial", out=tmp_path / "run")
    seen = [trial.observations(len(run.classes)) for trial in run.trials]
    few, many = (score_columns(part, 3) for part in (seen[:20], seen[20:]))  # of each 4 and 36
    for name in ("difficulty", "cumulative_accuracy", "el2n", "loss", "variability"):
        held = (few[f"{name}_low"] <= many[name]) & (many[name] <= few[f"{name}_high"])
        assert held.mean() >= 0.93, name
    near = np.abs(many["difficulty"] - few["difficulty"]) <= 1.96 * few["difficulty_se"]
    assert near.mean() < 0.87
