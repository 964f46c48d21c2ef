"""How many labels are wrong where networks find some mistakes plausible and waver over hard examples.

Networks are sure of most examples. Of hard ones, whose labels are sound, they now say the class and now one
other. Of the wrong labels some are plain, and some are plausible: networks are less sure of the true class.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from easiness.analysis import LabelCourse, LabelEvidence, Stage, estimate_noise
from easiness.analysis.labels.estimate import HIDDEN

NUM, CLASSES, TRIALS = 2000, 5, 5
CELLS = Path(__file__).parents[4] / "docs/results/people/cells.csv"


def world(seed: int, *, hard: float, lead_of_hard: float, plausible: float, plain: float):
    """What is told of labels, and the share of them that is wrong."""
    rng = np.random.default_rng(seed)
    rows, true = np.arange(NUM), rng.integers(CLASSES, size=NUM)
    other = (true + rng.integers(1, CLASSES, NUM)) % CLASSES
    kind = rng.choice(4, NUM, p=[1 - hard - plausible - plain, hard, plausible, plain])
    labels = np.where(kind >= 2, other, true)
    spread = np.choose(kind, [1.0, 1.5, 1.2, 1.0])
    draws = 0.6 * rng.normal(size=(TRIALS, NUM)) + 0.8 * rng.normal(size=NUM)
    lead = np.choose(kind, [5, lead_of_hard, 1, 5]) + spread * draws  # nats, of the class over the other
    logits = np.zeros((TRIALS, NUM, CLASSES))
    logits[:, rows, true] = 3 + lead / 2
    logits[:, rows, other] = np.where((kind == 0) | (kind == 3), 0, 3 - lead / 2)
    log_p = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    of_label, of_others = log_p[:, rows, labels], log_p.copy()
    of_others[:, rows, labels] = -np.inf
    top, said = np.exp(log_p).max(axis=2), log_p.argmax(axis=2)
    named = np.stack([(said == one) & (labels != one) for one in range(CLASSES)], axis=-1).sum(axis=0)
    evidence = LabelEvidence(
        labels,
        (of_label - of_others.max(axis=2)).mean(axis=0),
        (np.log(top) - np.log((1 - top) / (CLASSES - 1))).mean(axis=0),
        np.where(named.any(axis=1), named.argmax(axis=1), -1),
        float(top.mean()),
        CLASSES,
    )
    others = (said != labels).mean(axis=0)
    last = Stage(evidence, np.exp(log_p).mean(axis=0), float(others.mean()))
    course = LabelCourse(last, [last], [], None, of_heads=False, left_out=False, others=others)
    return course, float((kind >= 2).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_plausible_mistakes_hide(seed):
    """What stands out is less than half of them: 0.062 of 0.14."""
    course, wrong = world(seed, hard=0.4, lead_of_hard=0.5, plausible=0.1, plain=0.05)
    found = estimate_noise(course)
    assert found.by == "transition"
    assert wrong / 2 < found.share < wrong
    assert found.low <= wrong <= found.high
    assert found.p_wrong.mean() == pytest.approx(found.share)


@pytest.mark.parametrize("seed", [0, 1])
def test_hard_examples_are_counted_less_than_by_the_transition_alone(seed):
    """It counts 0.19 and 0.21 where 0.14 and 0.15 are wrong."""
    course, wrong = world(seed, hard=0.5, lead_of_hard=0, plausible=0.1, plain=0.05)
    found = estimate_noise(course)
    assert wrong < found.share < 1.25 * wrong
    assert found.low <= wrong <= found.high


def test_sound_labels_may_all_be_sound():
    course, _ = world(0, hard=0.4, lead_of_hard=0.5, plausible=0, plain=0)
    found = estimate_noise(course)
    assert found.share < 0.01
    assert found.low == 0


def test_the_factor_is_the_median_of_the_cells_that_chose_it():
    def share(cell: dict[str, str], name: str) -> float:
        return float(cell[name].rstrip("%")) / 100

    with CELLS.open(encoding="utf-8") as file:
        cells = [one for one in csv.DictReader(file) if one["cell"] == "chose"]
    ways = []
    for cell in cells:
        wrong, stand_out, counted = (share(cell, name) for name in ("wrong", "stand out", "counted"))
        if wrong and counted > stand_out:
            ways.append(np.log(wrong / stand_out) / np.log(counted / stand_out))
    assert len(ways) >= 20
    assert np.median(ways) == pytest.approx(HIDDEN, abs=0.05)
