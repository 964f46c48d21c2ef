"""Rates fitted to unequal numbers of trials, and what follows from them, are held to the truth."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import ndtr
from simulation import Draw, Floats, with_lumps

from easiness.analysis import SIDES, Rates, allot, fit_rates, membership, select, shares_ahead
from easiness.store.outcomes import Outcomes
from lengths import long_but

Random = np.random.Generator
Trials = tuple[npt.NDArray[Any], npt.NDArray[Any]]

BAND = 0.2, 0.8
TIMES = (1, 2, 4, 8)


SHAPES: dict[str, Draw] = {
    "normal": lambda num, rng: ndtr(0.5 + 0.9 * rng.standard_normal(num)),
    "narrow": lambda num, rng: ndtr(0.3 + 0.3 * rng.standard_normal(num)),
    "two groups": lambda num, rng: np.where(
        rng.random(num) < 0.3, rng.beta(2, 12, num), rng.beta(14, 3, num)
    ),
    "heavy tails": lambda num, rng: ndtr(0.8 * rng.standard_t(2, num)),
    "mostly wrong": lambda num, rng: rng.beta(0.5, 3, num),
    "mostly right": lambda num, rng: 1 - np.minimum(rng.exponential(0.15, num), 1),
    "lumps": with_lumps(0.15, 0.25, lambda num, rng: rng.beta(1.2, 1.2, num)),
    "large lump": with_lumps(0.3, 0.1, lambda num, rng: rng.beta(1.2, 1.2, num)),
}


def unequal(rates: Floats, rng: Random) -> Trials:
    trials = rng.integers(1, 65, len(rates))
    return trials.astype(float), rng.binomial(trials, rates).astype(float)


def until(goes_on: Callable[[Floats, Floats], npt.NDArray[np.bool_]]) -> Callable[[Floats, Random], Trials]:
    """Four rollouts at a time, up to 64, as long as ``goes_on`` by rate and error."""

    def draw(rates: Floats, rng: Random) -> Trials:
        trials, right = np.zeros(len(rates)), np.zeros(len(rates))
        still = np.arange(len(rates))
        while len(still):
            trials[still] += 4
            right[still] += rng.binomial(4, rates[still])
            rate = (right + 0.5) / (trials + 1)
            error = np.sqrt(rate * (1 - rate) / (trials + 1))
            still = np.flatnonzero(goes_on(rate, error) & (trials < 64))
            still = still[trials[still] == trials.max()]
        return trials, right

    return draw


def is_near_an_end(rate: Floats, error: Floats) -> npt.NDArray[np.bool_]:
    return np.minimum(abs(rate - BAND[0]), abs(rate - BAND[1])) < 1.5 * error


DESIGNS: dict[str, Callable[[Floats, Random], Any]] = {
    "equal": lambda rates, rng: (np.full(len(rates), 8.0), rng.binomial(8, rates) * 1.0),
    "unequal": unequal,
    "until the rate is known": until(lambda _, error: error > 0.1),
    "until the band is decided": until(is_near_an_end),
}


def errors_of_bins(
    shape: Draw, design: Callable[[Floats, Random], Trials], num: int, size: int, seeds: range
) -> Floats:
    """How far predictions are off in bins of so many items by prediction, less 2.5 of their standard errors.

    A bin's error is its mean over the seeds. Its standard error is that over the seeds, since all items of
    one have the error of their fit in common, and at least that of as many independent items.
    """
    means: dict[str, list[Floats]] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rates = shape(num, rng)
        fit = fit_rates(*design(rates, rng))
        predictions: dict[str, tuple[Floats, Floats]]
        predictions = {side: (fit.belongs(0.1, side), select(rates, 0.1, side)) for side in SIDES}
        inside = ((rates >= BAND[0]) & (rates <= BAND[1])).astype(float)
        for name, pair in {**predictions, "band": (fit.between(*BAND), inside)}.items():
            order = np.argsort(pair[0], kind="stable")
            bins = [[one[part].mean() for one in pair] for part in np.split(order, num // size)]
            means.setdefault(name, []).append(np.array(bins))
    p, truth = np.moveaxis(np.concatenate([np.array(one) for one in means.values()], axis=1), -1, 0)
    error, over_seeds = (p - truth).mean(axis=0), (p - truth).std(axis=0, ddof=1) / np.sqrt(len(seeds))
    p = p.mean(axis=0)
    noise = np.maximum(np.sqrt(p * (1 - p) / (size * len(seeds))), over_seeds)
    return np.asarray(np.maximum(abs(error) - 2.5 * noise, 0))


MANY, FEW = (10_000, 200, range(200, 224)), (300, 50, range(300, 380))
SOME = (10_000, 200, range(100, 108))


@pytest.mark.parametrize(
    ("shape", "design", "sizes"),
    [
        *(("two groups", "unequal", SOME), ("lumps", "until the rate is known", SOME)),
        *long_but(product(SHAPES, DESIGNS, (MANY, FEW)), ()),
    ],
)
def test_probabilities_are_calibrated_in_every_bin(shape: str, design: str, sizes: Any) -> None:
    assert errors_of_bins(SHAPES[shape], DESIGNS[design], *sizes).max() < 0.03


@pytest.mark.parametrize("shape", ["narrow", "heavy tails", "large lump"])
def test_expected_rates_have_no_bias_and_less_error(shape: str) -> None:
    rng = np.random.default_rng(7)
    rates = SHAPES[shape](10_000, rng)
    for design in DESIGNS.values():
        trials, right = design(rates, rng)
        expected = fit_rates(trials, right).expected
        assert abs((expected - rates).mean()) < 0.005
        assert ((expected - rates) ** 2).mean() < ((right / trials - rates) ** 2).mean()


@pytest.mark.parametrize("shape", ["normal", "narrow", "two groups", "mostly wrong"])
def test_equal_numbers_give_what_membership_gives(shape: str) -> None:
    rng = np.random.default_rng(3)
    for num_trials in (4, 16):
        counts = rng.binomial(num_trials, SHAPES[shape](10_000, rng))
        fit = fit_rates(np.full(len(counts), float(num_trials)), counts.astype(float))
        belongs = membership(counts, num_trials, 0.1)
        assert abs(fit.belongs(0.1, "hard") - belongs.p_hard).max() < 0.02
        assert abs(fit.belongs(0.1, "easy") - belongs.p_easy).max() < 0.02


def outcomes_of(item: Any, count: Any, correct: Any) -> Outcomes:
    rows = pd.DataFrame({"item": item, "trial": None, "count": count, "correct": correct, "answer": None})
    return Outcomes(pd.DataFrame({"id": np.unique(item)}), rows)


@pytest.mark.parametrize("shape", ["normal", "two groups", "mostly wrong", "lumps"])
def test_jeffreys_intervals_hold_the_rate_and_errors_are_those_seen(shape: str) -> None:
    rng = np.random.default_rng(11)
    rates = SHAPES[shape](20_000, rng)
    trials = rng.integers(8, 65, len(rates))
    table = outcomes_of(np.arange(len(rates)), trials, rng.binomial(trials, rates) * 1.0).scores(0.1)
    covered = ((table["rate_low"] <= rates) & (rates <= table["rate_high"])).mean()
    assert 0.94 < covered < 0.98  # over all items; a lump at the end is always inside
    assert (table["rate_se"] ** 2).mean() == pytest.approx(((table["rate"] - rates) ** 2).mean(), rel=0.1)


@pytest.mark.long
def test_graded_scores_count_as_much_as_they_vary() -> None:
    """Scores are Beta around the rate with variance p (1 - p) / 5, so that eight tell as much as forty."""
    errors, covers = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rates = SHAPES["normal"](5_000, rng)
        item = np.repeat(np.arange(len(rates)), 8)
        outcomes = outcomes_of(item, 1, rng.beta(4 * rates[item], 4 * (1 - rates[item])))
        assert outcomes.dispersion == pytest.approx(0.2, rel=0.03)
        table = outcomes.scores(0.1, BAND)
        covers.append(((table["rate_low"] <= rates) & (rates <= table["rate_high"])).mean())
        deciles = pd.DataFrame({"p": table["p_hard"], "truth": select(rates, 0.1, "hard")})
        deciles = deciles.groupby(np.digitize(deciles["p"], [0.1, 0.3, 0.5, 0.7, 0.9])).mean()
        errors.append(deciles["p"] - deciles["truth"])
    assert abs(np.mean(errors, axis=0)).max() < 0.03
    assert np.mean(covers) == pytest.approx(0.955, abs=0.015)


@pytest.mark.long
@pytest.mark.parametrize("shape", ["normal", "heavy tails", "mostly right"])
def test_the_forecast_is_what_more_trials_then_hold(shape: str) -> None:
    errors = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rates = SHAPES[shape](4_000, rng)
        trials, right = unequal(rates, rng)
        shares = shares_ahead(fit_rates(trials, right), trials, TIMES)
        truth = select(rates, 0.1, "hard")
        for times, foretold in zip(TIMES, shares, strict=True):
            more = right + rng.binomial((trials * (times - 1)).astype(int), rates)
            p = fit_rates(trials * times, more).belongs(0.1, "hard")
            errors.append(foretold - (select(-p, 0.1, "hard") * truth).sum() / truth.sum())
    assert abs(np.reshape(errors, (6, -1)).mean(axis=0)).max() < 0.03


def right_decisions(fit: Rates, rates: Floats, aim: str) -> float:
    p = fit.between(*BAND) if aim == "band" else fit.belongs(0.1, "hard")
    truth = (rates >= BAND[0]) & (rates <= BAND[1]) if aim == "band" else select(rates, 0.1, "hard") > 0.5
    return float(((p >= 0.5) == truth).mean())


@pytest.mark.parametrize(
    ("aim", "shape"),
    long_but(
        zip(["band", "hard"] * 2, ["mostly right", "heavy tails", "two groups", "normal"], strict=True),
        [("band", "mostly right")],
    ),
)
def test_allotted_trials_decide_more_than_as_many_uniform_ones(shape: str, aim: str) -> None:
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rates = SHAPES[shape](800, rng)
        trials = np.full(800, 4.0)
        right = rng.binomial(4, rates).astype(float)
        uniform = fit_rates(trials + 4, right + rng.binomial(4, rates))
        for _ in range(4):  # rounds
            fit = fit_rates(trials, right)
            member = fit.band(*BAND) if aim == "band" else fit.tail(0.1, "hard")
            more = allot(fit, 800, member).more
            trials, right = trials + more, right + rng.binomial(more, rates)
        assert trials.sum() == 8 * 800
        gains.append(
            right_decisions(fit_rates(trials, right), rates, aim) - right_decisions(uniform, rates, aim)
        )
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))
