from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import Strata, draw_fixed, draw_in_sequence, stratify
from easiness.analysis.audit import allocated, weights


def falling(num: int, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).beta(0.1, 1, num))[::-1]


@pytest.mark.parametrize("looks", [1, 5, 50, 300])
@pytest.mark.parametrize("p_wrong", [falling(400), np.zeros(400), np.ones(400), np.full(400, 0.3)])
def test_every_label_has_a_chance_nearly_as_large_as_at_random(p_wrong, looks: int):
    strata = stratify(p_wrong, looks)
    assert strata.sizes.sum() == 400
    assert strata.shares.sum() == pytest.approx(1)
    assert (400 * weights(strata) >= 0.95 - 1e-9).all()
    num = allocated(strata, looks)
    assert num.sum() == looks
    assert (num <= strata.sizes).all()
    assert num.min() >= (1 if looks >= len(num) else 0)


def test_more_looks_go_where_p_wrong_leaves_it_open():
    strata = stratify(np.repeat([1.0, 0.5, 0.0], [50, 50, 900]), 120)
    open_one = strata.of(np.array([75]))[0]
    assert weights(strata)[open_one] == weights(strata).max()
    assert strata.of(np.array([0, 999])).tolist() == [0, len(strata.sizes) - 1]


def test_draws_are_random_within_strata_and_their_beginnings_too():
    strata = stratify(falling(400), 60)
    ranks = draw_fixed(strata, 60, np.random.default_rng(0))
    assert len(set(ranks.tolist())) == 60
    assert np.bincount(strata.of(ranks)).tolist() == allocated(strata, 60).tolist()
    half = np.bincount(strata.of(ranks[:30]), minlength=len(strata.sizes))
    assert (abs(half - allocated(strata, 60) / 2) <= 1).all()
    times = np.zeros(400)
    for seed in range(300):
        times[draw_fixed(strata, 60, np.random.default_rng(seed))] += 1
    wanted = (300 * allocated(strata, 60) / strata.sizes)[strata.of(np.arange(400))]
    assert (abs(times - wanted) <= 5 * np.sqrt(wanted)).all()


def test_draws_in_sequence_begin_in_proportion_to_weights_and_end_with_all():
    strata = Strata(np.array([5, 15]), np.array([0.5, 0.5]), np.array([0.5, 0.1]))
    first = [draw_in_sequence(strata, 1, np.random.default_rng(seed))[0] for seed in range(1000)]
    assert np.mean(np.array(first) < 5) == pytest.approx(0.5, abs=0.05)
    assert sorted(draw_in_sequence(strata, 20, np.random.default_rng(0)).tolist()) == list(range(20))
