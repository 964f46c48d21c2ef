from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from easiness import draw_by_rank
from easiness.analysis import (
    Side,
    Ties,
    draw_by_beta,
    draw_for_coverage,
    num_selected,
    select,
    selection as selection_module,
    tie_mass,
)
from easiness.analysis.draw import spread, strata_of
from easiness.data.dataset import balanced_subset

fractions = st.floats(0.05, 1.0)
sides = st.sampled_from(["easy", "hard"])
policies = st.sampled_from(["expected", "strict", "refine"])


@st.composite
def tied_values(draw: st.DrawFn) -> np.ndarray:
    """Ten to sixty values on few levels, as counts over trials are."""
    num_levels = draw(st.integers(1, 6))
    values = draw(st.lists(st.integers(0, num_levels), min_size=10, max_size=60))
    return np.array(values, np.float64)


@given(tied_values(), fractions, sides, policies, st.integers(0, 5))
def test_weights_are_memberships_and_monotone(
    values: np.ndarray, fraction: float, side: Side, ties: Ties, seed: int
) -> None:
    w = select(values, fraction, side=side, ties=ties, seed=seed)
    k = num_selected(len(values), fraction)
    assert w.min() >= 0
    assert w.max() <= 1
    if ties == "strict":
        assert w.sum() <= k
    else:
        assert w.sum() == pytest.approx(k, abs=1e-9)
    if ties != "expected":
        assert set(w.tolist()) <= {0.0, 1.0}
    sign = 1 if side == "easy" else -1
    better = sign * (values[:, None] - values[None, :]) > 0
    assert (w[:, None] >= w[None, :])[better].all()


@given(tied_values(), fractions, sides, st.integers(0, 100), st.booleans(), st.booleans())
def test_refine_with_ids_moves_with_the_examples(
    values: np.ndarray, fraction: float, side: Side, seed: int, text: bool, finer: bool
) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(values))
    ids = np.arange(len(values)) * 7
    ids = ids.astype(str) if text else ids
    refine_by = rng.integers(0, 3, len(values)) if finer else None
    whole = select(values, fraction, side=side, ties="refine", refine_by=refine_by, ids=ids, seed=seed)
    moved = select(
        values[order],
        fraction,
        side=side,
        ties="refine",
        refine_by=None if refine_by is None else refine_by[order],
        ids=ids[order],
        seed=seed,
    )
    assert np.array_equal(moved, whole[order])


@given(tied_values(), fractions, policies, st.integers(0, 100))
def test_hard_is_easy_of_the_negative(values: np.ndarray, fraction: float, ties: Ties, seed: int) -> None:
    finer = np.random.default_rng(seed).random(len(values))
    easy = select(values, fraction, side="easy", ties=ties, refine_by=finer)
    hard = select(-values, fraction, side="hard", ties=ties, refine_by=-finer)
    assert np.array_equal(easy, hard)
    assert tie_mass(values, fraction, "easy") == tie_mass(-values, fraction, "hard")


@given(tied_values(), fractions, sides, policies)
def test_single_precision_selects_as_double_does(
    values: np.ndarray, fraction: float, side: Side, ties: Ties
) -> None:
    narrow = values.astype(np.float32)
    wide = narrow.astype(np.float64)
    one, other = (select(v, fraction, side=side, ties=ties) for v in (narrow, wide))
    assert one.dtype == other.dtype == np.float64
    assert np.array_equal(one, other)
    assert tie_mass(narrow, fraction, side) == tie_mass(wide, fraction, side)


@given(tied_values(), st.integers(1, 5), st.data())
def test_the_nth_largest_is_found_from_a_few_values_or_without(
    values: np.ndarray, few: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection_module, "_SOME", few)
        assert selection_module.nth_largest(values, n) == np.sort(values)[-n]


@given(tied_values(), fractions, sides)
def test_tie_mass_is_the_share_of_partial_members(values: np.ndarray, fraction: float, side: Side) -> None:
    w = select(values, fraction, side=side)
    assert tie_mass(values, fraction, side) == np.mean((w > 0) & (w < 1))


@settings(deadline=None, max_examples=10, derandomize=True)  # a five-sigma event must not be a flake
@given(tied_values(), fractions, sides)
@pytest.mark.parametrize("hashed", [True, False])
def test_expected_is_the_mean_over_tie_breaks(
    hashed: bool, values: np.ndarray, fraction: float, side: Side
) -> None:
    rng, num = np.random.default_rng(0), 1500
    total = np.zeros(len(values))
    for seed in range(num):
        finer = None if hashed else rng.random(len(values))
        total += select(values, fraction, side=side, ties="refine", refine_by=finer, seed=seed)
    expected = select(values, fraction, side=side)
    five_errors = 5 * np.sqrt(expected * (1 - expected) / num) + 1e-9
    assert (np.abs(total / num - expected) <= five_errors).all()


levels = st.lists(st.integers(0, 5), min_size=2, max_size=60)
rates = st.floats(0, 0.99)
parameters = st.floats(1e-3, 1e4)
betas = st.tuples(parameters, parameters)
seeds = st.integers(0, 2**70)


def num_drawn(values: list[int], rate: float) -> int:
    num = int(rate * len(values) + 0.5)
    assume(num < len(values))
    return num


@given(levels, rates, rates, betas, seeds)
def test_draws_with_one_seed_are_nested(values, rate, other, beta, seed):
    low, high = sorted([rate, other])
    num_drawn(values, high)
    few, many = (set(draw_by_rank(values, r, beta, seed).tolist()) for r in (low, high))
    assert few <= many


@given(levels, rates, betas, seeds)
def test_only_the_order_of_values_matters(values, rate, beta, seed):
    num_drawn(values, rate)
    stretched = [3 * value**3 - 7 for value in values]
    assert np.array_equal(draw_by_rank(values, rate, beta, seed), draw_by_rank(stretched, rate, beta, seed))


examples = st.lists(
    st.tuples(
        st.one_of(st.integers(-5, 5).map(float), st.floats(allow_nan=False)),
        st.floats(0, 1),
        st.integers(0, 2),
    ),
    min_size=2,
    max_size=60,
)


def by_strata(values, p, rate, ids, **options):
    return draw_for_coverage(-values, rate, refine_by=-p, ids=ids, cut=rate / 2, **options)


def by_density(values, p, rate, ids, **options):
    return draw_by_beta(values, p, rate, ids=ids, **options)


def by_rank(values, p, rate, ids, **options):  # noqa: ARG001
    return draw_by_rank(values, rate, (0.1 + 9 * p[0], 0.1 + 9 * p[-1]), **options)


samplers = pytest.mark.parametrize("sampler", [by_strata, by_density])
with_ranks = pytest.mark.parametrize("sampler", [by_strata, by_density, by_rank])


def taken(rows, rate):
    values, p, labels = (np.array(column) for column in zip(*rows, strict=True))
    num = int(rate * len(values) + 0.5)
    assume(num < len(values))
    return values, p, labels, num


@with_ranks
@given(examples, rates, seeds)
def test_so_many_distinct_ascending_positions(sampler, rows, rate, seed):
    values, p, _, num = taken(rows, rate)
    dropped = sampler(values, p, rate, np.arange(len(values)), seed=seed)
    assert len(dropped) == num
    assert (np.diff(dropped) > 0).all()
    assert set(dropped.tolist()) <= set(range(len(values)))


@samplers
@given(examples, rates, seeds, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_the_examples_does_not_matter(sampler, rows, rate, seed, random, text):
    values, p, _, _ = taken(rows, rate)
    ids = np.arange(len(values)) * 7 + 3
    ids = np.array([f"id {one}" for one in ids], dtype=object) if text else ids
    order = np.array(random.sample(range(len(values)), len(values)))
    draw = partial(sampler, rate=rate, seed=seed)
    there = draw(values, p, ids=ids)
    again = draw(values[order], p[order], ids=ids[order])
    assert set(ids[there].tolist()) == set(ids[order][again].tolist())


@with_ranks
@given(examples, rates, seeds)
def test_classes_lose_their_share_to_the_nearest_whole_number(sampler, rows, rate, seed):
    values, p, labels, num = taken(rows, rate)
    exact = rate * np.bincount(labels, minlength=3)
    sizes = np.bincount(labels, minlength=3)
    assume(sampler is not by_rank or (np.ceil(exact) < sizes)[sizes > 0].all())  # no class can be emptied
    dropped = sampler(values, p, rate, np.arange(len(values)), seed=seed, labels=labels)
    assert len(dropped) == num
    assert (np.abs(np.bincount(labels[dropped], minlength=3) - exact) < 1 + 1e-9).all()


@given(examples, rates, seeds, st.integers(1, 9))
def test_of_each_stratum_as_many_are_kept_as_its_share(rows, rate, seed, strata):
    values, p, _, num = taken(rows, rate)
    dropped = draw_for_coverage(
        values, rate, refine_by=p, ids=np.arange(len(values)), cut=0, strata=strata, seed=seed
    )
    at = strata_of(values, strata)
    kept = np.bincount(np.delete(at, dropped), minlength=strata)
    sizes = np.bincount(at, minlength=strata)
    np.testing.assert_array_equal(kept, spread(len(values) - num, sizes))
    # none that has more to give is behind another by more than one
    assert all(kept[s] == sizes[s] or kept[s] >= kept.max() - 1 for s in range(strata))


labels_lists = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)
any_seeds = st.integers(0, 2**32)


@given(labels_lists, any_seeds, st.data())
def test_a_smaller_subset_is_part_of_a_larger(labels, seed, data):
    large = data.draw(st.integers(0, len(labels)))
    small = data.draw(st.integers(0, large))
    few, many = balanced_subset(labels, small, seed), balanced_subset(labels, large, seed)
    assert len(few) == small
    assert len(many) == large
    assert set(few) <= set(many)
    assert (np.diff(many) > 0).all()


@given(labels_lists, any_seeds, st.data())
def test_classes_are_as_equal_as_the_data_allow(labels, seed, data):
    k = data.draw(st.integers(0, len(labels)))
    have = np.bincount(labels, minlength=5)
    taken = np.bincount(labels[balanced_subset(labels, k, seed)], minlength=5)
    # Water filling: a class below the largest share by more than one has nothing left to give.
    assert ((taken >= taken.max() - 1) | (taken == have)).all()


@given(any_seeds)
@settings(deadline=None, max_examples=20)
def test_every_example_can_be_drawn(seed):
    labels = np.arange(6) % 2
    drawn = {int(p) for s in range(60) for p in balanced_subset(labels, 2, seed + s)}
    assert drawn == set(range(6))
