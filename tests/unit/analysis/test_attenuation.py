"""The correction for noise, on rates whose correlations are known.

Correlations and overlaps of a bivariate normal, against an independent integration.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import multivariate_normal, norm

from easiness.analysis import GroupMatch, Measured, Rule, Votes, agreement, match_groups, without_noise
from easiness.analysis.attenuation import correlation_of, overlap, rate_of

K, F = 1000, 0.1
RULE = Rule("hard", F, "refine")


def votes(p_right: npt.ArrayLike, num_trials: int = 10, seed: int = 0) -> Votes:
    """Trials in which an example is right with its probability [K]."""
    p = np.broadcast_to(np.asarray(p_right, np.float64), (num_trials, K))
    right = np.random.default_rng(seed).random(p.shape) < p
    return Votes(right, np.where(right, 0.9, 0.1), np.zeros(K, np.int64), np.arange(K), 1)


VOTES = votes(np.linspace(0, 1, K))


def match(rate: float, replicates: npt.ArrayLike = (), **changes: object) -> GroupMatch:
    """A match of groups of five trials, and a ceiling if it exceeds chance: its interval is 0.02 wide."""
    plain = GroupMatch(
        rate=rate,
        group_size=5,
        num_splits=10,
        num_empty=0,
        interval=(rate - 0.01, rate + 0.01),
        bias=0.0,
        chance=F,
        class_chance=F,
        tie_mass=(0.0, 0.0),
        sizes=(K * F, K * F),
        decided=True,
        replicates=np.asarray(replicates, np.float64),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def of(correlation: float, **changes: object) -> GroupMatch:
    return match(float(rate_of(correlation, F)), **changes)  # type: ignore[arg-type]


def measured(ceiling: GroupMatch, name: str = "a", said: Votes = VOTES) -> Measured:
    return Measured(name, said, ceiling)


def test_attenuation_is_taken_out_exactly() -> None:
    """0.5 seen through ceilings of 0.64 and 0.81 is 0.5 * 0.8 * 0.9 = 0.36."""
    found = agreement(measured(of(0.64)), measured(of(0.81), "b"), of(0.36), RULE)
    assert found.reason is None
    assert found.rate == pytest.approx(float(rate_of(0.5, F)), abs=1e-8)


def test_halves_have_a_closed_form() -> None:
    """Upper halves match in 1/2 + arcsin(r) / pi: 2/3 where r is 1/2, as r* is for ceilings so and 1/4."""
    quarter = 0.5 + math.asin(0.25) / math.pi
    assert without_noise(quarter, 2 / 3, 2 / 3, 0.5) == pytest.approx(2 / 3, abs=1e-9)
    assert without_noise([0.5, 2 / 3, 1 / 3], 2 / 3, 2 / 3, 0.5) == pytest.approx([0.5, 1, 0], abs=1e-5)


@given(st.floats(-0.99, 0.99), st.floats(0.2, 1), st.floats(0.2, 1), st.sampled_from([0.05, 0.1, 0.3]))
@settings(deadline=None)
def test_any_attenuation_is_taken_out(r: float, r_aa: float, r_bb: float, fraction: float) -> None:
    seen = rate_of([r * math.sqrt(r_aa * r_bb), r_aa, r_bb], fraction)
    assert without_noise(*seen, fraction) == pytest.approx(float(rate_of(r, fraction)), abs=1e-4)  # type: ignore[call-arg]


def test_a_match_above_both_ceilings_is_full_agreement() -> None:
    found = agreement(measured(of(0.4)), measured(of(0.5), "b"), of(0.7), RULE)
    assert found.rate == pytest.approx(1, abs=1e-6)


def test_a_match_below_chance_agrees_less_than_chance() -> None:
    found = agreement(measured(of(0.5)), measured(of(0.5), "b"), match(0.05), RULE)
    assert 0 <= found.rate < 0.05


def test_a_ceiling_at_chance_in_a_replicate_or_epoch_has_no_value() -> None:
    found = without_noise([0.3, 0.3, 0.3, math.nan], [0.5, F, 0.05, 0.5], 0.5, F)
    assert np.isnan(found).tolist() == [False, True, True, True]


def test_sets_that_are_smaller_count_with_their_own_size() -> None:
    """The largest rate that sets of 90 and 100 can have is 0.9: this is what full correlation gives."""
    small = (0.09 * K, 0.09 * K)
    ceilings = [match(float(rate_of(0.6, 0.09)), sizes=small), of(0.6)]
    pair = match(0.9, sizes=(0.09 * K, 0.1 * K))
    found = agreement(measured(ceilings[0]), measured(ceilings[1], "b"), pair, RULE)
    assert found.rate == pytest.approx(1, abs=1e-6)


def test_replicates_that_are_alike_leave_no_room() -> None:
    rates = [float(rate_of(r, F)) for r in (0.64, 0.81, 0.36)]
    a, b, pair = (match(rate, np.full(50, rate)) for rate in rates)
    found = agreement(measured(a), measured(b, "b"), pair, RULE)
    assert (found.low, found.high) == pytest.approx((found.rate, found.rate), abs=1e-9)


def test_the_interval_is_that_of_the_replicates_with_their_shift_taken_off() -> None:
    """Replicates of r* from 0.30 to 0.40 about 0.35 beside 0.36, under ceilings of 1: 0.3125 to 0.4075."""
    a = b = match(1.0, np.ones(101))
    pair = of(0.36, replicates=rate_of(np.linspace(0.30, 0.40, 101), F))
    found = agreement(measured(a), measured(b, "b"), pair, RULE)
    assert found.rate == pytest.approx(float(rate_of(0.36, F)), abs=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(rate_of([0.3125, 0.4075], F)), abs=1e-6)


def test_replicates_beyond_full_agreement_do_not_drag_its_interval_down() -> None:
    """r* is 0.95, and 0.8 to 1.1 in the replicates: the interval reaches full agreement."""
    ceiling = match(float(rate_of(0.5, F)), np.full(101, float(rate_of(0.5, F))))
    pair = of(0.475, replicates=rate_of(np.linspace(0.4, 0.55, 101), F))
    found = agreement(measured(ceiling), measured(ceiling, "b"), pair, RULE)
    assert found.rate == pytest.approx(float(rate_of(0.95, F)), abs=1e-6)
    assert found.low == pytest.approx(float(rate_of(0.8075, F)), abs=1e-6)
    assert found.high == pytest.approx(1, abs=1e-6)


@given(
    st.lists(st.floats(0.11, 1), min_size=1, max_size=30),
    st.floats(0, 1),
    st.floats(0.12, 1),
    st.floats(0.12, 1),
)
@settings(deadline=None)
def test_the_interval_holds_the_value_within_0_and_1(
    drawn: list[float], rate: float, m_aa: float, m_bb: float
) -> None:
    a, b = match(m_aa, np.full(len(drawn), m_aa)), match(m_bb, np.full(len(drawn), m_bb))
    found = agreement(measured(a), measured(b, "b"), match(rate, drawn), RULE)
    assert found.reason is None
    assert 0 <= found.low <= found.rate <= found.high <= 1


def test_without_replicates_there_is_no_interval() -> None:
    found = agreement(measured(of(0.64)), measured(of(0.81), "b"), of(0.36), RULE)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize(("num_undefined", "defined"), [(0, True), (10, True), (11, False), (100, False)])
def test_an_interval_needs_nine_replicates_of_ten(num_undefined: int, defined: bool) -> None:
    """A replicate whose ceiling is at chance has no value."""
    drawn = np.full(100, 0.5)
    drawn[:num_undefined] = F
    a, b = match(0.5, drawn), match(0.5, np.full(100, 0.5))
    found = agreement(measured(a), measured(b, "b"), match(0.3, np.full(100, 0.3)), RULE)
    assert [math.isnan(one) for one in (found.rate, found.low, found.high)] == [not defined] * 3
    assert found.reason == (None if defined else "a ceiling is at chance in too many of the replicates")


CEILING = of(0.5)


@pytest.mark.parametrize(
    ("a", "b", "pair", "reason"),
    [
        (CEILING, CEILING, match(0.3, num_empty=1), "some sets are empty"),
        (match(0.5, num_empty=2), CEILING, match(0.3), "some sets are empty"),
        (CEILING, CEILING, match(math.nan), "some sets are empty"),
        (CEILING, CEILING, match(0.3, sizes=(79.0, 100.0)), "sets are of 79 examples instead of 100"),
        (CEILING, match(0.5, sizes=(60.4, 60.4)), match(0.3), "sets are of 60 examples instead of 100"),
        (
            match(0.5, interval=(0.1, 0.9)),
            CEILING,
            match(0.3),
            "the ceiling of wide net is not shown to exceed chance",
        ),
        (
            CEILING,
            match(0.5, interval=(0.05, 0.9)),
            match(0.3),
            "the ceiling of deep net is not shown to exceed chance",
        ),
        (
            CEILING,
            match(0.5, interval=(math.nan, math.nan)),
            match(0.3),
            "the ceiling of deep net is not shown to exceed chance",
        ),
    ],
)
def test_why_there_is_none(a: GroupMatch, b: GroupMatch, pair: GroupMatch, reason: str) -> None:
    found = agreement(measured(a, "wide net"), measured(b, "deep net"), pair, RULE)
    assert found.reason == reason
    assert [math.isnan(value) for value in (found.rate, found.low, found.high)] == [True] * 3


def test_sets_of_four_fifths_are_large_enough() -> None:
    found = agreement(measured(CEILING), measured(CEILING, "b"), match(0.3, sizes=(80.0, 80.0)), RULE)
    assert found.reason is None


SATURATED = votes(np.concatenate([np.ones(400), np.linspace(0, 1, 600)]))


@pytest.mark.parametrize("ties", ["expected", "strict"])
def test_counts_that_tell_nothing_apart_are_left_out(ties: str) -> None:
    """Four in ten are right in every trial, so that nobody knows which of them are the easiest tenth."""
    rule = Rule("easy", F, ties)  # type: ignore[arg-type]
    for ours, theirs, name in ((SATURATED, VOTES, "wide"), (VOTES, SATURATED, "deep")):
        found = agreement(
            measured(CEILING, "wide", ours), measured(CEILING, "deep", theirs), match(0.3), rule
        )
        assert found.reason == f"counts of 5 trials hardly tell the easy examples of {name} apart"
    hard = agreement(
        measured(CEILING, "a", SATURATED), measured(CEILING, "b"), match(0.3), replace(rule, side="hard")
    )
    assert hard.reason is None
    finer = agreement(
        measured(CEILING, "a", SATURATED), measured(CEILING, "b"), match(0.3), replace(rule, ties="refine")
    )
    assert finer.reason is None


@given(st.floats(0, 1), st.floats(0.12, 1), st.floats(0.12, 1), st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_which_run_comes_first_does_not_matter(rate: float, m_aa: float, m_bb: float, seed: int) -> None:
    drawn = np.random.default_rng(seed).uniform(0.2, 0.6, (3, 40))
    a, b = measured(match(m_aa, drawn[0])), measured(match(m_bb, drawn[1]), "b")
    one, other = (agreement(*runs, match(rate, drawn[2]), RULE) for runs in ((a, b), (b, a)))
    assert (one.rate, one.low, one.high) == pytest.approx((other.rate, other.low, other.high), abs=1e-9)


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_the_same_network_agrees_with_itself(side: str, ties: str) -> None:
    p = 1 / (1 + np.exp(-np.linspace(-3, 3, K)))
    rule = Rule(side, 0.3, ties)  # type: ignore[arg-type]
    runs = [votes(p, 20, seed) for seed in (1, 2)]

    def matched(a: Votes, b: Votes) -> GroupMatch:
        found = match_groups(
            a,
            b,
            Rule(side=rule.side, fraction=rule.fraction, ties=rule.ties),
            max_splits=20,
            num_replicates=60,
        )
        assert found is not None
        return found

    a, b = (Measured(str(number), one, matched(one, one)) for number, one in enumerate(runs))
    found = agreement(a, b, matched(*runs), rule)
    assert found.rate > 0.95
    assert found.high > 0.98


CORRELATIONS = (-0.99, -0.7, -0.2, 0.0, 0.1, 0.5, 0.9, 0.995)
FRACTIONS = (
    (0.1, 0.1),
    (0.05, 0.05),
    (0.01, 0.01),
    (0.3, 0.3),
    (0.5, 0.5),
    (0.1, 0.2),
    (0.02, 0.4),
    (0.9, 0.3),
)

fractions = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("f_a", "f_b"), FRACTIONS)
def test_overlap_is_the_bivariate_normal_probability(f_a: float, f_b: float) -> None:
    for r in CORRELATIONS:
        both = multivariate_normal(cov=[[1, r], [r, 1]]).cdf([norm.ppf(f_a), norm.ppf(f_b)])
        assert overlap(r, f_a, f_b) == pytest.approx(both, abs=1e-7)


def test_the_orthant_has_a_closed_form() -> None:
    """P(X > 0, Y > 0) = 1/4 + arcsin(r) / (2 pi) (Sheppard 1899)."""
    r = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(overlap(r, 0.5, 0.5), 0.25 + np.arcsin(r) / (2 * np.pi), atol=1e-12)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.3, 0.5])
def test_independent_sets_overlap_by_chance_and_equal_ones_wholly(fraction: float) -> None:
    assert rate_of([0, 1, -1], fraction)[1:].tolist() == [1, 0]
    assert rate_of(0, fraction) == pytest.approx(fraction)
    np.testing.assert_allclose(correlation_of([fraction, 1], fraction, fraction), [0, 1], atol=1e-6)


def test_opposite_sets_of_more_than_half_still_overlap() -> None:
    assert rate_of(-1, 0.8) == pytest.approx(0.6 / 0.8, abs=1e-6)
    assert correlation_of(0.5, 0.8, 0.8) == pytest.approx(-1)  # less than there can be


@pytest.mark.parametrize(("f_a", "f_b"), FRACTIONS)
def test_the_correlation_that_was_put_in_is_found_again(f_a: float, f_b: float) -> None:
    r = np.array(CORRELATIONS[1:])
    rate = overlap(r, f_a, f_b) / max(f_a, f_b)
    # where the rate is all but flat in the correlation, no more of it can be found than the rate holds
    told = np.abs(np.gradient(rate, r)) > 1e-4
    np.testing.assert_allclose(correlation_of(rate, f_a, f_b)[told], r[told], atol=1e-6)
    assert told.sum() >= 4


def test_a_set_inside_a_larger_one_correlates_as_far_as_can_be() -> None:
    """The rate is of the larger set: 0.1 inside 0.2 gives one half at most."""
    assert overlap(1, 0.1, 0.2) == pytest.approx(0.1)
    assert correlation_of(0.5, 0.1, 0.2) == pytest.approx(1, abs=0.05)
    assert correlation_of(0.6, 0.1, 0.2) == pytest.approx(1)


def test_what_has_no_correlation_is_nan_and_the_rest_of_the_array_is_not() -> None:
    found = correlation_of([math.nan, 0.5, 0.5, 0.5, 0.1], [0.1, 0.0, 1.0, math.nan, 0.1], 0.1)
    assert np.isnan(found).tolist() == [True, True, True, True, False]
    assert found[4] == pytest.approx(0, abs=1e-9)


def test_arguments_broadcast() -> None:
    r, f = np.array([[0.2], [0.8]]), np.array([0.1, 0.2, 0.3])
    both = overlap(r, f, f)
    assert both.shape == (2, 3)
    for i, j in itertools.product(range(2), range(3)):
        assert both[i, j] == overlap(r[i, 0], f[j], f[j])
    assert correlation_of(both / f, f, f).shape == (2, 3)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20, unique=True), fractions, fractions)
def test_the_overlap_grows_with_the_correlation_within_its_bounds(
    correlations: list[float], f_a: float, f_b: float
) -> None:
    both = overlap(np.sort(correlations), f_a, f_b)
    assert (np.diff(both) >= -2e-5).all()
    assert both.min() >= max(f_a + f_b - 1, 0) - 2e-5  # so far 48 nodes see a narrow peak
    assert both.max() <= min(f_a, f_b)


@settings(deadline=None)
@given(st.floats(-1, 1), fractions, fractions)
def test_which_of_the_two_comes_first_does_not_matter(r: float, f_a: float, f_b: float) -> None:
    assert overlap(r, f_a, f_b) == pytest.approx(overlap(r, f_b, f_a), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=10, unique=True), fractions)
def test_the_correlation_grows_with_the_rate(rates: list[float], fraction: float) -> None:
    found = correlation_of(np.sort(rates), fraction, fraction)
    assert (np.diff(found) >= 0).all()
    assert np.abs(found).max() <= 1
