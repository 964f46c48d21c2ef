import numpy as np

from easiness.analysis import Votes
from easiness.analysis.ceiling import Splits, disjoint_splits, group_rows


def votes(num_trials: int, trials: list[int] | None = None) -> Votes:
    shape = (num_trials, 2)
    index = None if trials is None else np.array(trials)
    return Votes(np.ones(shape, bool), np.ones(shape), np.zeros(2, np.int64), np.arange(2), 1, index)


def pairs(
    a: Votes, b: Votes, size: int, max_splits: int = 1000
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    splits = disjoint_splits(a, b, size, max_splits=max_splits, seed=0)
    return [(tuple(x), tuple(y)) for x, y in zip(splits.a.tolist(), splits.b.tolist(), strict=True)]


def test_one_run_is_halved_in_every_way_once() -> None:
    run = votes(4)
    assert pairs(run, run, 2) == [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    assert len(pairs(run, run, 1)) == 6
    six = votes(6)
    assert len(pairs(six, six, 3)) == 10


def test_two_runs_share_no_trial_index() -> None:
    assert pairs(votes(2), votes(2), 1) == [((0,), (1,)), ((1,), (0,))]
    assert len(pairs(votes(6), votes(6), 3)) == 20
    # indices 0, 2 against 2, 3: positions (0, 0), (0, 1) and (1, 1), not the two trials of index 2
    assert pairs(votes(2, [0, 2]), votes(2, [2, 3]), 1) == [((0,), (0,)), ((0,), (1,)), ((1,), (1,))]


def test_too_many_choices_are_drawn_distinct_and_disjoint() -> None:
    for a, b in [(votes(10), votes(10)), (votes(10), votes(12, list(range(5, 17))))]:
        found = pairs(a, b, 5, max_splits=100)
        assert len(found) == len(set(found)) == 100
        for first, second in found:
            assert not set(a.trial_indices[list(first)]) & set(b.trial_indices[list(second)])
    run = votes(10)
    found = pairs(run, run, 5, max_splits=100)  # 126 there are
    assert len({frozenset(pair) for pair in found}) == 100
    assert found == pairs(run, run, 5, max_splits=100)


def test_replicates_stay_within_their_groups() -> None:
    splits = Splits(np.array([[0, 1], [2, 3]]), np.array([[4, 5], [6, 7]]))
    drawn = splits.resampled(200, np.random.default_rng(0))
    seen = {(frozenset(x), frozenset(y)) for x, y in zip(drawn.a.tolist(), drawn.b.tolist(), strict=True)}
    assert all((x <= {0, 1} and y <= {4, 5}) or (x <= {2, 3} and y <= {6, 7}) for x, y in seen)
    assert len(seen) == 18  # 3 sets from each group of two, in both pairs


def test_rows_become_how_often_each_trial_counts() -> None:
    assert group_rows(np.array([[0, 2, 2], [1, 0, 2]]), 4).tolist() == [[1, 0, 2, 0], [1, 1, 1, 0]]
