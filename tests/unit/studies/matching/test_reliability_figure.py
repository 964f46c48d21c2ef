from __future__ import annotations

import numpy as np

from easiness.analysis import SplitHalf, TailReliability
from easiness.studies.matching.outlook import Outlook
from easiness.studies.matching.reliability import (
    Reliability,
    curves_by_epoch,
    curves_by_trials,
    draw_reliability,
)


def _half(epoch: int, size: int, easy: float, hard: float) -> SplitHalf:
    return SplitHalf(
        epoch=epoch,
        group_size=size,
        num_splits=1,
        rank_correlation=0.5,
        spearman_brown=0.67,
        easy=TailReliability(expected=easy / 2, refine=easy, tie_mass=0.3),
        hard=TailReliability(expected=hard / 2, refine=hard, tie_mass=0.2),
        chance=0.1,
    )


OUTLOOK = Outlook(num_trials=6, epoch=2, fraction=0.1, forecasts=(), drifts=(), seconds=None)
RELIABILITY = Reliability(
    by_epoch=[_half(1, 3, 0.4, 0.8), _half(2, 3, 0.6, 0.7)],
    by_trials=[_half(2, 1, 0.2, 0.3), _half(2, 3, 0.6, 0.7)],
    drift={"easy": {1: 0.5, 2: 1.0}, "hard": {2: 1.0}},
    outlook=OUTLOOK,
)


def test_curves_are_the_rates_of_the_halves() -> None:
    by_epoch, by_trials = curves_by_epoch(RELIABILITY), curves_by_trials(RELIABILITY)
    assert by_epoch is not None
    assert by_trials is not None
    assert by_epoch.x == [1, 2]
    assert by_epoch.refine == {"easy": [0.4, 0.6], "hard": [0.8, 0.7]}
    assert by_epoch.expected == {"easy": [0.2, 0.3], "hard": [0.4, 0.35]}
    assert by_epoch.best == {"easy": 2, "hard": 1}
    assert by_epoch.decided_from is None
    assert by_trials.x == [1, 3]
    assert by_trials.refine["easy"] == [0.2, 0.6]
    assert by_epoch.drift["easy"] == [0.5, 1.0]
    np.testing.assert_array_equal(by_epoch.drift["hard"], [np.nan, 1.0])
    assert by_trials.best == {}
    assert by_trials.drift == {}
    assert by_trials.decided_from == 5


def test_one_trial_has_no_curves() -> None:
    assert curves_by_epoch(Reliability([], [], {}, OUTLOOK)) is None
    assert curves_by_trials(Reliability([], [], {}, OUTLOOK)) is None


def test_the_best_epoch_is_marked() -> None:
    curves = curves_by_epoch(RELIABILITY)
    assert curves is not None
    (axes,) = draw_reliability(curves).axes
    rings = [line for line in axes.lines if line.get_fillstyle() == "none"]
    marked = [(int(np.ravel(r.get_xdata())[0]), float(np.ravel(r.get_ydata())[0])) for r in rings]
    assert marked == [(2, 0.6), (1, 0.8)]


def test_groups_too_small_to_decide_are_shaded() -> None:
    curves = curves_by_trials(RELIABILITY)
    assert curves is not None
    (axes,) = draw_reliability(curves).axes
    assert "under 5: undecided" in [text.get_text() for text in axes.texts]
    low, high = axes.get_xlim()
    assert low < 1 < 3 < high < 4  # the shade does not widen the axes
