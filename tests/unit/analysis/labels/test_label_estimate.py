"""The choice between models of wrong labels, and the epoch to read, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from easiness.analysis.labels import estimate
from easiness.analysis.labels.estimate import (
    EstimatedNoise,
    LabelCourse,
    Stage,
    epoch_to_read,
    estimate_noise,
    share_between,
)
from easiness.analysis.labels.left_out import HeadNoise
from easiness.analysis.labels.mixture import LabelEvidence


@pytest.mark.parametrize(
    ("transition", "share"),
    [
        (0.05, 0.1),  # it counts no more than stands out
        (0.1, 0.1),
        (0.1 * 1.5**3, 0.225),  # two thirds of the way
        (0.9, 0.3),  # three times what stands out
    ],
)
def test_the_share_between_two_models(transition, share):
    assert share_between(0.1, transition) == pytest.approx(share)


def test_where_nothing_stands_out_nothing_is_wrong():
    assert share_between(0.0, 0.0) == 0
    assert share_between(0.0, 0.4) == 0


@pytest.mark.parametrize("margins", [0.001, 0.05, 0.2, 0.4])
def test_the_share_rises_with_what_transition_counts_and_nowhere_jumps(margins):
    transition = np.linspace(0, 1, 5001)
    shares = np.array([share_between(margins, one) for one in transition])
    steps = np.diff(shares)
    assert (steps >= 0).all()
    assert steps.max() < 0.003
    assert shares[0] == pytest.approx(margins)
    assert (shares <= np.maximum(transition, margins) + 1e-9).all()


def test_the_share_nowhere_jumps_as_more_stands_out():
    shares = [share_between(one, 0.3) for one in np.linspace(0, 0.4, 4001)]
    assert np.abs(np.diff(shares)).max() < 0.001


@pytest.mark.parametrize(
    ("shares", "wrong", "to_read"),
    [
        # by heart: of what is wrong, .67 and then .86 are wrong labels, and half of these are learned
        ([0.05, 0.2, 0.19, 0.1], [0.6, 0.3, 0.22, 0.12], 2),
        # the first that is nearly the largest part
        ([0.05, 0.2, 0.19, 0.1], [0.6, 0.24, 0.22, 0.12], 1),
        # not learned: nothing falls
        ([0.05, 0.2, 0.2, 0.2], [0.6, 0.3, 0.22, 0.21], None),
        # clean: what falls is hardly a part of what is wrong
        ([0.01, 0.002, 0.001, 0.0], [0.5, 0.1, 0.05, 0.02], None),
        # hard: fewer stand out, but networks do not get them right
        ([0.3, 0.25, 0.18], [0.6, 0.5, 0.45], None),
        # hard: what stood out at first stood out of networks that had hardly begun
        ([0.16, 0.38, 0.30, 0.17, 0.06], [0.85, 0.73, 0.64, 0.5, 0.46], None),
        # nothing was ever wrong
        ([0.0, 0.0], [0.0, 0.0], None),
        ([0.2], [0.25], None),
    ],
)
def test_the_epoch_to_read(shares, wrong, to_read):
    assert epoch_to_read(shares, wrong) == to_read


def course(num: int = 60, wrong: int = 6) -> LabelCourse:
    draw = np.random.default_rng(0)
    labels = np.arange(num) % 3
    margin = np.where(np.arange(num) < wrong, -3.0, 3.0) + draw.normal(size=num)
    evidence = LabelEvidence(labels, margin, np.abs(margin), (labels + 1) % 3, 0.9, 3)
    last = Stage(evidence, None, wrong / num)
    return LabelCourse(last, [last], [], None, False, False, (margin < 0).astype(float))


def test_what_is_asked_again_is_not_fitted_again(monkeypatch):
    def fit(course: LabelCourse) -> EstimatedNoise:
        fitted.append(len(course.others))
        p_wrong = (course.last.of_labels.margin < 0).astype(float)
        return EstimatedNoise(p_wrong, p_wrong.copy(), "margins", 0.0, 1.0, (0.1,), None)

    fitted: list[int] = []
    monkeypatch.setattr(estimate, "_kept", {})
    monkeypatch.setattr(estimate, "_estimate", fit)
    first = estimate_noise(course())
    assert estimate_noise(course()) is first
    with pytest.raises(ValueError, match="read-only"):
        first.p_wrong[0] = 1  # others have it too
    assert estimate_noise(course(wrong=12)).share > first.share
    for num in range(61, 61 + 8):
        estimate_noise(course(num))
    assert len(estimate._kept) == 8
    assert estimate_noise(course()) is not first  # the oldest went
    assert fitted == [60, 60, *range(61, 69), 60]


@pytest.mark.parametrize(
    ("apart", "high"),
    [
        (None, 0.1 * 1.35 + 0.02),  # small classes, by what is expected alone
        (estimate.APART, 0.1 * 1.35 + 0.02),
        (estimate.APART - 0.01, 0.3 * 1.35 + 0.02),  # all that heads do not say may be wrong
        (0.0, 0.3 * 1.35 + 0.02),
    ],
)
def test_where_classes_lie_apart_heads_leave_less_open(monkeypatch, apart, high):
    said = HeadNoise(np.full(60, 0.1), np.zeros(60), {"expected": 0.1}, 0.1, apart)
    monkeypatch.setattr(estimate, "_kept", {})
    monkeypatch.setattr(estimate, "label_noise_of_heads", lambda *_: said)
    of_heads = replace(course(), log_p=np.zeros((60, 2)), of_heads=True, others=np.full(60, 0.3))
    assert estimate_noise(of_heads).high == pytest.approx(high)
