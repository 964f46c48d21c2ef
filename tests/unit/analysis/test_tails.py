import numpy as np
import pytest

from easiness.analysis import SIDES, Side, bits, select, tails, tie_mass
from easiness.analysis.tails import Tails, cut_by_count

GROUPS = [(0, 1, 2), (3, 4, 5), (0, 0, 5), (2,), (1, 2, 3, 4, 5)]


def seen(num: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    """Votes and finer scores of 6 trials, whose sums are exact: of many values, or so few that they tie."""
    rng = np.random.default_rng(num)
    scores = np.round(rng.random((6, num)) * 2**decimals) / 2**decimals
    return rng.random((6, num)) < 0.7, scores


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("k", [1, 20, 150, 200])
def test_a_cut_by_count_is_that_of_the_sorted_counts(k: int, side: Side) -> None:
    correct, _ = seen(200, 8)
    counts = correct.sum(axis=0)
    everyone = bits.pack(np.ones(200, np.bool_))
    cut = cut_by_count(bits.sums(list(bits.pack(correct))), everyone, k, side)
    level = np.sort(counts)[k - 1 if side == "hard" else -k]
    outer = counts > level if side == "easy" else counts < level
    assert np.array_equal(bits.unpack(cut.beyond, 200), outer)
    assert np.array_equal(bits.unpack(cut.tied, 200), counts == level)
    assert cut.missing == k - outer.sum()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("decimals", [40, 4])
@pytest.mark.parametrize("num", [3000, 3003])
def test_many_that_tie_are_told_apart_as_few_are(
    num: int, decimals: int, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct, scores = seen(num, decimals)
    monkeypatch.setattr(tails, "COLUMNS", 256)
    monkeypatch.setattr(tails, "_SOME", 800)
    monkeypatch.setattr(tails, "_BATCH", 2)
    for many in (1 << 20, 10):  # looked up at once, and after narrowing
        monkeypatch.setattr(tails, "_MANY", many)
        looked_at = Tails(correct, scores)
        looked_at.refine(GROUPS, 300)
        for group in GROUPS:
            found = looked_at.refined(group, 300, side)
            counts, sums = correct[list(group)].sum(axis=0), scores[list(group)].sum(axis=0)
            expected = select(counts, 0.1, side, "refine", refine_by=sums, ids=np.arange(num))
            left = np.zeros(num, bool) if found.tied is None else bits.unpack(found.tied, num)
            assert np.array_equal(bits.unpack(found.members, num) | left, (expected > 0) | left)
            assert (expected > 0)[left].sum() == found.missing
            assert found.by_count == tie_mass(counts, 0.1, side)
            assert decimals < 40 or not left.any()


def test_a_wrong_guess_of_the_cut_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that the sample does not speak for: those in it are all surer than the others."""
    correct, scores = np.ones((2, 8000), bool), np.random.default_rng(0).random((2, 8000)) / 2
    scores = np.round(scores * 2**40) / 2**40
    sampled = np.arange(8000) // 8 % 10 == 0
    scores[:, sampled] += 0.5
    monkeypatch.setattr(tails, "_MANY", 10)
    monkeypatch.setattr(tails, "_SOME", 800)
    looked_at = Tails(correct, scores)
    assert looked_at._step == 10
    looked_at.refine([(0, 1)], 4000)
    for side in SIDES:
        expected = select(scores.sum(axis=0), 0.5, side)
        found = looked_at.refined((0, 1), 4000, side)
        assert np.array_equal(bits.unpack(found.members, 8000), expected == 1)


def test_no_group_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    correct, scores = seen(500, 40)
    looked_at = Tails(correct, scores)
    looked_at.refine(GROUPS, 50)
    first = looked_at.refined(GROUPS[0], 50, "hard")
    monkeypatch.setattr(looked_at, "_told_apart", None)  # would be called for any other
    looked_at.refine(reversed(GROUPS), 50)
    assert looked_at.refined(GROUPS[0], 50, "hard") is first
