from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from easiness.analysis import draw_in_sequence, most_wrong_in_sequence, stratify, wealth_of_looks

TIMES = 120


@pytest.mark.parametrize("num_wrong", [3, 100])
@pytest.mark.parametrize("kind", ["calibrated", "useless", "inverted"])
def test_the_number_is_rarely_refuted_at_any_look(kind: str, num_wrong: int):
    worlds = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "science" / "audit_worlds.py"))
    rng = np.random.default_rng(1)
    p_wrong, wrong = worlds["world"](kind, num_wrong, 1000, rng)
    strata = stratify(p_wrong, 100)
    ranks = np.stack([draw_in_sequence(strata, 200, rng) for _ in range(TIMES)])
    drawn = strata.of(ranks)
    tried = np.full((TIMES, 1), float(num_wrong))
    above = wealth_of_looks(strata, drawn, wrong[ranks], tried).log.max(axis=0)
    below = wealth_of_looks(strata.turned(), drawn, ~wrong[ranks], 1000 - tried).log.max(axis=0)
    # 5 % at most, and three standard errors
    assert (above >= np.log(20)).mean() <= 0.11
    assert (below >= np.log(20)).mean() <= 0.11


def test_bounds_fall_and_end_with_what_is_known():
    strata = stratify(np.linspace(0.5, 0, 60), 30)
    rng = np.random.default_rng(0)
    drawn = strata.of(draw_in_sequence(strata, 60, rng))
    wrong = np.arange(60) % 20 == 3
    most = most_wrong_in_sequence(strata, drawn, wrong, (0.95, 0.975))
    assert (np.diff(most, axis=0) <= 0).all()
    assert (most[:, 0] <= most[:, 1]).all()
    assert (most >= wrong.sum()).all()
    assert most[-1].tolist() == [3, 3]


def test_without_wrong_labels_a_share_is_refuted_after_three_times_its_inverse():
    strata = stratify(np.full(10_000, 1e-4), 100)
    drawn = strata.of(draw_in_sequence(strata, 400, np.random.default_rng(0)))
    log = wealth_of_looks(strata, drawn, np.zeros(400, np.bool_), np.array([100.0])).log[:, 0]
    assert 290 <= (log < np.log(20)).sum() <= 345
    before = wealth_of_looks(strata, drawn[:0], np.zeros(0, np.bool_), np.array([100.0]))
    assert np.log(20) / before.growth[0] == pytest.approx(320, rel=0.1)
