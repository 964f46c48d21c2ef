from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from easiness.analysis import Slice, make_slices, slice_effects

CAMERAS = np.array(["old"] * 30 + ["new"] * 50 + [None] * 20, object)
NUMBERS = np.array([*range(80), *[np.nan] * 20], float)


def _columns(slices):
    return [(one.column, one.value, int(np.count_nonzero(one.weights))) for one in slices]


def _coefficient(y, *columns):
    """The last coefficient of least squares."""
    return np.linalg.lstsq(np.stack(columns, axis=1).astype(float), y)[0][-1]


def _one(weights, column="a", within=()):
    return Slice(column, "yes", np.asarray(weights, float), within)


def _same(one, other):
    for name in ("effect", "low", "high", "p_adjusted", "least"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name))


def test_slices_are_values_in_order_of_frequency_bins_and_slopes():
    slices = make_slices({"camera": CAMERAS, "length": NUMBERS}, pairs=False)
    of_bins = [("length", f"{low} to {low + 19}", 20) for low in (0, 20, 40, 60)]
    assert _columns(slices) == [
        ("camera", "new", 50),
        ("camera", "old", 30),
        *of_bins,
        ("length", "slope", 80),
    ]
    slope = slices[-1].weights
    np.testing.assert_allclose(slope[[0, 79]], [-0.5, 0.5])
    assert not slope[80:].any()  # missing


def test_of_two_values_the_rarer_says_all_and_few_examples_nothing():
    assert _columns(
        make_slices({"a": CAMERAS[:80], "b": CAMERAS, "c": NUMBERS // 79}, least=25, pairs=False)
    ) == [
        ("a", "old", 30),
        ("b", "new", 50),
        ("b", "old", 30),
    ]
    assert len(make_slices({"b": CAMERAS}, most_values=1)) == 1
    assert (
        make_slices({"constant": np.full(50, "x", object), "same": np.ones(50), "none": np.full(50, np.nan)})
        == []
    )


def test_equal_numbers_share_a_bin_and_a_rank():
    numbers = np.repeat([0.0, 1, 2, 3], [160, 20, 10, 10])
    slices = make_slices({"n": numbers}, pairs=False)
    assert _columns(slices) == [("n", "1 to 3", 40), ("n", "slope", 200)]  # the other bin is the rest
    assert np.ptp(slices[-1].weights) == pytest.approx(1)
    assert slices[-1].weights.mean() == pytest.approx(0)


def test_pairs_are_of_two_columns_with_enough_examples_in_all_four_cells():
    one, other = np.repeat(["a", "b", "c"], 100).astype(object), np.tile(["x", "y", "z"], 100).astype(object)
    pairs = [one for one in make_slices({"one": one, "other": other}, least=30) if one.within]
    assert [(pair.column, pair.weights.sum()) for pair in pairs] == [
        ("one x other", pytest.approx(33, abs=1))
    ] * 9
    assert {pair.value for pair in pairs} == {f"{a} x {b}" for a in "abc" for b in "xyz"}
    assert all(slices.within[0] < 3 <= slices.within[1] for slices in pairs)
    same = np.where(np.arange(300) < 5, "a", one).astype(object)
    assert not [pair for pair in make_slices({"one": one, "same": same}) if pair.within]  # none has one alone


def test_effect_without_classes_is_the_difference_of_means():
    values = np.array([[1, 1, 1, 0] * 5 + [1, 0, 0, 0] * 10, [1, 1, 0, 0] * 5 + [0, 0, 0, 0] * 10], float)
    slices = [_one([1] * 20 + [0] * 40), _one([0] * 20 + [1] * 40)]
    effects = slice_effects(values, slices, np.zeros(60, int))
    np.testing.assert_allclose(effects.effect, [5 / 8 - 1 / 8, 1 / 8 - 5 / 8])
    np.testing.assert_allclose(effects.low, -effects.high[::-1])  # the other way round
    assert effects.examples.tolist() == [20, 40]
    assert effects.is_named.all()
    assert (effects.p_adjusted <= 0.01).all()
    assert (effects.low[0], effects.high[1]) > (0, 0)


def test_effects_are_coefficients_beside_class_other_columns_and_mains():
    rng = np.random.default_rng(0)
    strata, adjust, a, b = (rng.integers(0, 2, 200) for _ in range(4))
    values = rng.random((3, 200))
    values[0, rng.random(200) < 0.3] = np.nan
    values[:, 0] = np.nan  # judged by no trial
    slope = rng.permutation(200) / 199 - 0.5
    slices = [_one(a), _one(b, "b"), _one(slope, "slope"), _one(a * b, "a x b", (0, 1))]
    effects = slice_effects(values, slices, strata, adjust=np.stack([adjust, adjust], 1).astype(float))
    y, rest = np.nanmean(values[:, 1:], axis=0), np.stack([strata == 0, strata == 1, adjust])[:, 1:]
    mains = a[1:], b[1:]
    expected = [_coefficient(y, *rest, one[1:]) for one in (a, b, slope)]
    np.testing.assert_allclose(
        effects.effect, [*expected, _coefficient(y, *rest, *mains, mains[0] * mains[1])]
    )


def test_a_slice_that_is_the_label_or_a_constant_explains_nothing():
    strata = np.repeat([0, 1], 50)
    values = np.where(strata, 0.9, 0.1)[None] + np.tile([0, 0.1], 50)
    other = np.tile([0, 0, 1, 1], 25)
    slices = [_one(strata), _one(np.ones(100)), _one(other), _one(strata * other, "x", (0, 2))]
    effects = slice_effects(values, slices, strata)
    assert np.isnan(effects.effect).tolist() == [True, True, False, False]
    assert np.isnan(effects.least).tolist() == [True, True, False, False]
    assert effects.p_adjusted[:2].tolist() == [1, 1]
    assert not effects.is_named.any()


def test_intervals_of_pairs_bend_where_both_values_put_them():
    rates, sizes = np.array([0.05, 0.33, 0.33, 0.02]), np.array([2000, 600, 600, 200])  # neither, a, b, both
    cell = np.repeat(np.arange(4), sizes)
    values = np.concatenate([np.arange(num) < rate * num for rate, num in zip(rates, sizes, strict=True)])
    slices = [_one(cell % 2), _one(cell > 1, "b"), _one(cell == 3, "a x b", (0, 1))]
    pair = slice_effects(values[None].astype(float), slices, np.zeros(len(cell), int), permutations=20)
    width = 2 * 1.96 * np.sqrt((rates * (1 - rates) / sizes).sum())
    assert pair.effect[2] == pytest.approx(rates @ [1, -1, -1, 1])
    assert pair.high[2] - pair.low[2] == pytest.approx(width, rel=0.2)


def test_luck_that_a_slice_has_in_each_trial_is_in_its_interval():
    slices, luck = [_one([1] * 20 + [0] * 20)], np.array([-0.2, 0, 0.2])
    effects = slice_effects(0.5 + luck[:, None] * slices[0].weights, slices, np.zeros(40, int))
    error = luck.std(ddof=1) / 3**0.5 * (1 - 1 / 20) ** 0.5  # as much would be chance of 20 alone
    np.testing.assert_allclose([effects.effect[0], effects.high[0]], [0, t.ppf(0.975, 2) * error], atol=1e-9)


def test_copies_in_groups_tell_no_more_than_one_of_each():
    rng = np.random.default_rng(1)
    values, slices = (rng.random((1, 300)) < 0.3).astype(float), [_one(rng.random(300) < 0.3)]
    once = slice_effects(values, slices, np.zeros(300, int))
    copies = [_one(np.repeat(slices[0].weights, 4))]
    grouped = slice_effects(np.repeat(values, 4, 1), copies, np.zeros(1200, int), groups=np.arange(1200) // 4)
    alone = slice_effects(np.repeat(values, 4, 1), copies, np.zeros(1200, int))
    width, of_groups, of_copies = (float(one.high[0] - one.low[0]) for one in (once, grouped, alone))
    assert of_groups == pytest.approx(width, rel=0.02)
    assert of_copies == pytest.approx(width / 2, rel=0.05)


def test_a_slice_of_few_groups_has_an_interval_and_is_not_named():
    groups = np.repeat(np.arange(40), 10)
    slices = [_one(groups < 2), _one(groups % 2)]
    values = np.where(groups < 2, 1.0, np.arange(400) % 3 == 0)[None]
    effects = slice_effects(values, slices, np.zeros(400, int), groups=groups)
    assert effects.effect[0] > effects.low[0] > 0
    assert (effects.p_adjusted[0], effects.is_named[0]) == (1, False)
    assert np.isnan(effects.least[0])


def test_the_same_seed_says_the_same_and_none_is_named_of_few_permutations():
    rng = np.random.default_rng(2)
    values, slices = rng.random((2, 300)), [_one(rng.random(300) < 0.3, str(at)) for at in range(5)]
    strata = rng.integers(0, 3, 300)
    _same(*(slice_effects(values, slices, strata, seed=7, permutations=300) for _ in range(2)))
    few = slice_effects(values, slices, strata, permutations=20)
    assert (few.p_adjusted.min(), few.least.min()) > (0.05, 1e9)
    assert slice_effects(values, [], strata).effect.shape == (0,)
