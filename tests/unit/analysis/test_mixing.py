"""The distribution of the probability to be right, fitted to counts.

How sure it is that an example belongs to the easiest or hardest, where that can be computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import multivariate_normal, norm

from easiness.analysis import Votes, forecast, membership, select
from easiness.analysis.mixing import MassFit, fit_each
from easiness.analysis.tail_model import Forecast, TailModel, counted_tails, refine
from easiness.errors import BadInput
from matching_by_weights import overlap_rate

Floats = npt.NDArray[np.float64]


def test_one_trial() -> None:
    """Half are right, and the prior stays: two normals of places t of variance 1/2, around -1.35 and 1.35.

    A trial is right where t - z is above 0, for a standard normal z. So E[p | right] is twice the probability
    that t - z and t - z' are both above 0, and of those right twice that of t and t - z lie above 1/2.
    """
    found = membership(np.repeat([0, 1], 100), 1, 0.5)
    middles = (2 * np.asarray(norm.ppf([0.25, 0.75]))).tolist()

    def both(variances: tuple[float, float]) -> float:
        covariance = [[variances[0], 0.5], [0.5, variances[1]]]
        return float(np.sum([multivariate_normal([-m, -m], covariance).cdf([0, 0]) for m in middles]))

    mean, above = both((1.5, 1.5)), both((0.5, 1.5))
    assert found.expected[[0, -1]] == pytest.approx([1 - mean, mean], abs=0.003)
    assert found.p_easy[[0, -1]] == pytest.approx([1 - above, above], abs=0.003)
    assert found.p_hard[[0, -1]] == pytest.approx([above, 1 - above], abs=0.003)


def test_examples_that_all_trials_agree_on_share_the_places() -> None:
    """Half are right in each of 40 trials, half in none: nobody knows which fifth of either is the outer."""
    found = membership(np.repeat([0, 40], 500), 40, 0.1)
    np.testing.assert_allclose(found.p_hard, np.repeat([0.2, 0], 500), atol=1e-6)
    np.testing.assert_allclose(found.p_easy, np.repeat([0, 0.2], 500), atol=1e-6)
    np.testing.assert_allclose(found.expected, np.repeat([0, 1], 500), atol=0.005)


def test_a_saturated_tail_is_shared_by_about_a_third() -> None:
    """Three in ten are right in every one of 40 trials, the others in half of them."""
    counts = np.repeat([40, 20], [300, 700])
    found = membership(counts, 40, 0.1)
    np.testing.assert_allclose(found.p_easy, np.repeat([1 / 3, 0], [300, 700]), atol=1e-3)


def test_select_gives_the_same() -> None:
    counts = np.random.default_rng(0).binomial(10, np.linspace(0.1, 0.9, 200))
    for fraction in (0.1, 0.25):
        found = membership(counts, 10, fraction)
        for side, expected in (("easy", found.p_easy), ("hard", found.p_hard)):
            weights = select(counts, fraction, side, ties="posterior", num_trials=10)  # type: ignore[arg-type]
            assert np.array_equal(weights, expected)
            assert weights.sum() == pytest.approx(fraction * 200)


@pytest.mark.parametrize(
    ("counts", "num_trials", "fraction", "text"),
    [
        ([1, 2], 0, 0.1, "num_trials 0: must be at least 1"),
        ([1, 2], 2, 0.0, "fraction 0: not in"),
        ([1, 3], 2, 0.1, "counts: 3 at position 1 is no whole number in 0..2; give in how many of the 2"),
        ([0.5, 1], 2, 0.1, "counts: 0.5 at position 0 is no whole number"),
        ([1, math.nan], 2, 0.1, "counts: nan at position 1 is no whole number"),
        ([[1, 2]], 2, 0.1, "counts: give one number per example"),
        (["1", "2"], 2, 0.1, "counts: give one number per example"),
    ],
)
def test_what_is_refused(counts: list[float], num_trials: int, fraction: float, text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        membership(counts, num_trials, fraction)


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        ([1, 2], {"ties": "posterior"}, "ties posterior: give num_trials"),
        (
            [1, 2],
            {"ties": "expected", "num_trials": 2},
            "ties expected: .* for posterior alone",
        ),
        ([0.5, 1], {"ties": "posterior", "num_trials": 2}, "counts: 0.5 at position 0 is no whole number"),
        ([1, math.nan], {"ties": "posterior", "num_trials": 2}, "values: NaN for 1 of 2 examples"),
    ],
)
def test_what_select_refuses(values: list[float], options: dict[str, object], text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        select(values, 0.5, **options)  # type: ignore[arg-type]


def test_counts_of_very_many_trials_are_taken_together_where_they_tell_the_same() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(2, 1, 200)
    few, many = (rng.binomial(num, np.stack([rates, rates])) for num in (100, 2000))
    tallies = [
        np.bincount(one[0] * (num + 1) + one[1], minlength=(num + 1) ** 2).reshape(num + 1, -1).astype(float)
        for one, num in ((few, 100), (many, 2000))
    ]
    fits = [MassFit.of(tally[None], 61) for tally in tallies]
    assert [fit.observed.shape for fit in fits] == [(1, 101, 101), (1, 128, 128)]
    assert np.allclose([fit.observed.sum() for fit in fits], 1)
    assert np.allclose(fits[1].likelihoods[0].sum(axis=0), 1)
    masses = [fit_each(tally[None])[0] for tally in tallies]
    places = np.linspace(-4.5, 4.5, 61)
    means = [float(places @ mass.sum(axis=1)) for mass in masses]
    assert means[0] == pytest.approx(means[1], abs=0.05)


K = 400


def votes(p_right: npt.ArrayLike, num_trials: int, seed: int = 0) -> Votes:
    """Trials in which an example is right with its probability [K], and as sure as it is right."""
    p = np.broadcast_to(np.asarray(p_right, np.float64), (num_trials, len(np.asarray(p_right))))
    rng = np.random.default_rng(seed)
    num = p.shape[1]
    sure = np.clip(p + 0.1 * rng.normal(size=p.shape), 0, 1)
    return Votes(rng.random(p.shape) < p, sure, np.zeros(num, np.int64), np.arange(num), 4)


GRADED = np.linspace(0.02, 0.98, K)
SATURATED = np.clip(np.linspace(0.1, 1.4, K), 0, 1)  # a third is always right


@pytest.fixture(scope="module")
def graded() -> Votes:
    return votes(GRADED, 20)


EXAMPLES = 2000


def examples(model: TailModel) -> npt.NDArray[np.int64]:
    """The steps of the model that so many examples, alike in weight, fall into."""
    return np.searchsorted(np.cumsum(model.weight), (np.arange(EXAMPLES) + 0.5) / EXAMPLES)


def drawn(model: TailModel, num_trials: int, repetitions: int) -> list[npt.NDArray[np.float64]]:
    """Sets of `EXAMPLES` examples of the model, each from ``num_trials`` trials."""
    rng = np.random.default_rng(1)
    at = examples(model)
    sets = []
    for _ in range(repetitions):
        counts = rng.binomial(num_trials, model.probability[at])
        if np.isinf(model.spread):
            sets.append(select(counts, model.fraction))
        else:
            finer = model.place[at] + model.spread / np.sqrt(num_trials) * rng.normal(size=counts.shape)
            sets.append(select(counts, model.fraction, ties="refine", refine_by=finer))
    return sets


@pytest.mark.parametrize("spread", [np.inf, 0.5, 5.0, 100.0])
@pytest.mark.parametrize("num_trials", [1, 5, 20, 60])
@pytest.mark.parametrize("saturated", [False, True])
def test_the_closed_form_is_what_sets_of_the_model_do(
    spread: float, num_trials: int, saturated: bool
) -> None:
    model = counted_tails([votes(SATURATED if saturated else GRADED, 20)], "easy", 0.1)[0]
    if np.isfinite(spread):
        model = replace(refine(model, 0.5, 10), spread=spread)
    sets = drawn(model, num_trials, 60)
    members, at = model.members(num_trials), examples(model)
    assert model.mean(members) == pytest.approx(model.fraction, abs=1e-6)
    np.testing.assert_allclose(np.mean(sets, axis=0)[::100], members[at][::100], atol=0.2)
    pairs = zip(sets[::2], sets[1::2], strict=True)
    assert model.match(num_trials) == pytest.approx(
        np.mean([overlap_rate(*pair) for pair in pairs]), abs=0.02
    )
    held = [float(one @ model.truth[at]) / model.truth[at].sum() for one in sets]
    assert model.share(num_trials) == pytest.approx(np.mean(held), abs=0.02)


def test_a_model_by_hand() -> None:
    """One trial; half of the examples are right for sure, half never. The tenth shares ties by lot."""
    probability = np.repeat([0.0, 1.0], 500)
    truth = np.repeat([0.0, 0.2], 500)
    weight = np.full(1000, 0.001)
    model = TailModel(weight, probability, np.zeros(1000), truth, 0.1, np.inf)
    np.testing.assert_allclose(model.members(3), truth)
    assert model.match(3) == pytest.approx(0.2)
    assert model.share(3) == pytest.approx(0.2)
    # a finer score that never errs settles it, and finds a set again wholly
    place = np.linspace(-3, 3, 1000)
    sure = TailModel(weight, probability, place, (place > place[899]).astype(float), 0.1, 1e-6)
    assert sure.share(3) == pytest.approx(1, abs=1e-6)
    assert sure.match(3) == pytest.approx(1, abs=1e-6)


def test_the_finer_score_is_fitted_to_the_rate_of_halves() -> None:
    model = counted_tails([votes(SATURATED, 20)], "easy", 0.1)[0]
    assert model.match(10) < 0.4
    for rate in (0.45, 0.6, 0.9):
        fitted = refine(model, rate, 10)
        assert fitted.match(10) == pytest.approx(rate, abs=1e-4)


@pytest.mark.parametrize("fraction", [0.0001, 0.01, 0.1, 0.3, 0.5, 0.95])
def test_every_set_has_steps_enough(fraction: float) -> None:
    model = counted_tails([votes(GRADED, 20)], "hard", fraction)[0]
    assert model.weight.sum() == pytest.approx(1)
    assert model.mean(model.truth) == pytest.approx(fraction, rel=0.02)
    assert np.count_nonzero(np.cumsum(model.weight) > 1 - fraction) >= 120


def test_a_saturated_side_is_searched_from_few_trials_on() -> None:
    """Many examples are always right: a share falls again where the cut comes to lie among them."""
    found = forecast(votes(SATURATED, 20), side="easy", ties="refine")
    assert found is not None
    target = max(found.share(num).value for num in range(20, 200))
    needed = found.trials_for(target - 0.001)
    assert needed is not None
    assert needed <= found.farthest == 200
    assert found.share(needed).value >= target - 0.001


@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_fewer_than_ten_trials_foretell_nothing(ties: str) -> None:
    assert forecast(votes(GRADED, 9), ties=ties) is None  # type: ignore[arg-type]
    found = forecast(votes(GRADED, 10), ties=ties)  # type: ignore[arg-type]
    assert found is not None
    assert (found.num_trials, found.epoch, found.side, found.ties) == (10, 4, "hard", ties)


def test_what_has_no_forecast_is_refused(graded: Votes) -> None:
    with pytest.raises(BadInput, match=r"^ties strict: its sets"):
        forecast(graded, ties="strict")
    with pytest.raises(BadInput, match="classified correctly"):
        forecast(votes(np.zeros(K), 10))  # none is right


def made(graded: Votes, **options: object) -> Forecast:
    found = forecast(graded, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_more_trials_hold_more_and_intervals_hold_their_value(graded: Votes, side: str, ties: str) -> None:
    found = made(graded, side=side, ties=ties)
    shares, matches = (
        [of(n) for n in (1, 2, 5, 10, 20, 40, 80, 160, 200)] for of in (found.share, found.match)
    )
    assert all(0 < one.low < one.value < one.high < 1 for one in (*shares, *matches))
    if ties == "expected":
        for values in (shares, matches):
            assert (np.diff([one.value for one in values]) > 0).all()
    # the other set errs as well
    assert all(match.value < share.value for match, share in zip(matches, shares, strict=True))


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("share", [0.5, 0.65, 0.8])
def test_trials_for_a_share_are_the_fewest_that_reach_it(graded: Votes, side: str, share: float) -> None:
    found = made(graded, side=side, ties="expected")
    num = found.trials_for(share)
    if num is None:
        assert max(found.share(n).value for n in (20, 50, 100, found.farthest)) < share
        return
    assert found.share(num).value >= share > found.share(num - 1).value
    shown = found.trials_to_show(share)
    assert shown is None or shown > num


def test_a_share_that_no_number_reaches() -> None:
    """Examples that are all alike: a set by lot holds a tenth of any other, and so it stays."""
    found = made(votes(np.full(K, 0.5), 20), ties="expected")
    assert found.share().value < 0.6
    assert found.trials_for(0.999) is None
    assert found.trials_to_show(0.999) is None
