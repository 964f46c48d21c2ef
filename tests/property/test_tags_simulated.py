"""Tags of simulated people and heads: how many are wrong, and how probably each, held to the truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from easiness.analysis import tag_noise
from label_worlds import calibration_error

EXACT = ("one rate", "rates differ", "three tags", "80 tags", "two groups", "heads know little")
OTHERS = {  # least and largest number told over the true one, where no label tells how people forget
    "20 in 10,000": (0.9, 1.6),
    "by visibility": (0.5, 0.9),
    "heavy tails": (1.0, 1.6),
}


@pytest.fixture
def cells(monkeypatch, pytestconfig):
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath / "benchmarks"))
    from science import tags_cells

    return tags_cells


def judged(cells, name, seed):
    """The number told over the true one, whether the range holds it, calibration, and orders' precision."""
    shape = cells.SHAPES[name]
    log_odds, labels, truth = (one.ravel() for one in cells.simulated(shape, seed))
    tags = np.tile(np.arange(shape.tags), shape.num)
    wrong = labels != truth
    noise = tag_noise(log_odds, labels, tags, shape.tags)
    holds = noise.low <= wrong.mean() <= noise.high
    if not wrong.any():
        return noise.share, holds, calibration_error(noise.p_wrong, wrong), 0.0
    plain = np.where(labels == 1, -log_odds, log_odds)
    gain = average_precision_score(wrong, noise.suspicion) - average_precision_score(wrong, plain)
    return noise.share / wrong.mean(), holds, calibration_error(noise.p_wrong, wrong), gain


@pytest.mark.parametrize("name", ["three tags", "rates differ", "20 in 10,000", "clean"])
def test_simulated_tags_are_counted_and_calibrated(cells, name):
    number, holds, error, gain = judged(cells, name, 0)
    assert holds
    assert error <= 0.02
    assert gain >= -0.01
    assert number < 0.003 if name == "clean" else 2 / 3 <= number <= 1.6


@pytest.mark.long
@pytest.mark.parametrize("name", [*EXACT, *OTHERS])
def test_numbers_of_wrong_tags_are_unbiased_and_ranges_hold(cells, name):
    numbers, holds, errors, gains = np.array([judged(cells, name, seed) for seed in range(1, 11)]).T
    assert errors.mean() <= 0.05
    assert gains.mean() >= -0.01
    assert holds.mean() >= 0.9
    if name in EXACT:
        assert abs(numbers.mean() - 1) <= 0.15
        assert ((numbers > 2 / 3) & (numbers < 4 / 3)).mean() >= 0.9
    else:
        assert OTHERS[name][0] <= numbers.mean() <= OTHERS[name][1]


def test_people_forget_what_is_small_and_rare(cells):
    draw = np.random.default_rng(0)
    truth = (draw.random((20_000, 2)) < [0.5, 0.1]).astype(int)
    cell = cells.Cell(np.zeros((20_000, 0)), truth, truth * draw.integers(6, 13, truth.shape))
    assert (cell.labels("clean", 0) == truth).all()
    rates = {"random": (cells.MISSING, cells.ADDED), "people": (cells.FORGOTTEN, cells.MADE_UP)}
    for kind, (missing, added) in rates.items():
        labels = cell.labels(kind, 0)
        assert (labels[truth == 1] == 0).mean() == pytest.approx(missing, abs=0.01)
        assert (labels[truth == 0] == 1).mean() == pytest.approx(added, abs=0.002)
    small = (labels == 0)[(truth == 1) & (cell.size < 9)].mean()
    large = (labels == 0)[(truth == 1) & (cell.size > 9)].mean()
    frequent, rare = ((labels[:, tag] == 0)[truth[:, tag] == 1].mean() for tag in (0, 1))
    assert small > 2 * large
    assert rare > 2 * frequent
