"""Memberships of a real run: 40 short trials on digits."""

from __future__ import annotations

import numpy as np
import pytest

from easiness import Run
from easiness.analysis import SIDES, Side, membership, select
from recording import small_run

NUM, TRIALS, SPLITS = 1000, 40, 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("calibration") / "run"
    return small_run(
        path, model="mlp_2_w64", limit=NUM, trials=TRIALS, epochs=2, executor="serial", keep_weights=False
    )


@pytest.mark.long
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("side", SIDES)
def test_twenty_trials_foretell_the_sets_of_twenty_others(run: Run, epoch: int, side: Side) -> None:
    """In each tenth of the probabilities with a hundred examples a split, within 0.03 of what is found."""
    votes, fraction = run.votes(epoch), 0.1
    num, said, came = np.zeros(10), np.zeros(10), np.zeros(10)
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(TRIALS)
        ours, others = (votes.correct[part].sum(axis=0) for part in (order[:20], order[20:]))
        predicted = getattr(membership(ours, 20, fraction, further=20), f"p_{side}")
        assert predicted.sum() == pytest.approx(fraction * NUM, rel=0.01)
        found = select(others, fraction, side)
        bins = np.minimum((10 * predicted).astype(int), 9)
        for total, values in ((num, None), (said, predicted), (came, found)):
            total += np.bincount(bins, values, minlength=10)
    enough = num >= 100 * SPLITS
    assert enough.any()
    np.testing.assert_allclose(said[enough] / num[enough], came[enough] / num[enough], atol=0.03)
    assert said.sum() / num.sum() == pytest.approx(came.sum() / num.sum(), abs=0.01)
