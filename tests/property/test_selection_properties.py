import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from easiness.analysis import Side, Ties, num_selected, select, selection as selection_module, tie_mass

fractions = st.floats(0.05, 1.0)
sides = st.sampled_from(["easy", "hard"])
policies = st.sampled_from(["expected", "strict", "refine"])


@st.composite
def tied_values(draw: st.DrawFn) -> np.ndarray:
    """Ten to sixty values on few levels, as counts over trials are."""
    num_levels = draw(st.integers(1, 6))
    values = draw(st.lists(st.integers(0, num_levels), min_size=10, max_size=60))
    return np.array(values, np.float64)


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
@given(tied_values(), fractions, policies, st.integers(0, 100))
def test_hard_is_easy_of_the_negative(values: np.ndarray, fraction: float, ties: Ties, seed: int) -> None:
    finer = np.random.default_rng(seed).random(len(values))
    easy = select(values, fraction, side="easy", ties=ties, refine_by=finer)
    hard = select(-values, fraction, side="hard", ties=ties, refine_by=-finer)
    assert np.array_equal(easy, hard)
    assert tie_mass(values, fraction, "easy") == tie_mass(-values, fraction, "hard")


@settings(deadline=None)
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


@settings(deadline=None)
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
@given(tied_values(), fractions, sides, st.integers(0, 100))
def test_expected_is_the_mean_over_random_tie_breaks(
    values: np.ndarray, fraction: float, side: Side, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    num = 2000
    total = np.zeros(len(values))
    for _ in range(num):
        total += select(values, fraction, side=side, ties="refine", refine_by=rng.random(len(values)))
    expected = select(values, fraction, side=side)
    five_errors = 5 * np.sqrt(expected * (1 - expected) / num) + 1e-9
    assert (np.abs(total / num - expected) <= five_errors).all()


@settings(deadline=None, max_examples=10, derandomize=True)  # a five-sigma event must not be a flake
@given(tied_values(), fractions)
def test_hashing_chooses_all_the_tied_alike_over_seeds(values: np.ndarray, fraction: float) -> None:
    num = 1000
    total = sum(select(values, fraction, ties="refine", seed=seed) for seed in range(num))
    expected = select(values, fraction)
    five_errors = 5 * np.sqrt(expected * (1 - expected) / num) + 1e-9
    assert (np.abs(total / num - expected) <= five_errors).all()
