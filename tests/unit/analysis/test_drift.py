"""Sets that change as training goes on, and sets that do not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from easiness.analysis import Drift, Side, Votes, before_last_quarter, drift
from easiness.analysis.agreement import Agreement
from easiness.errors import BadInput

K = 500
RISING = np.linspace(-3, 3, K)


def votes(ease: npt.ArrayLike, num_trials: int = 20, *, epoch: int = 1, seed: int = 0) -> Votes:
    p = 1 / (1 + np.exp(-(ease + np.random.default_rng(seed).normal(size=(num_trials, K)))))  # type: ignore[operator]
    return Votes(p > 0.5, p, np.zeros(K, np.int64), np.arange(K), epoch)


@pytest.mark.parametrize("side", ["easy", "hard"])
def test_sets_that_stay_do_not_go_on_changing(side: Side) -> None:
    found = drift(votes(RISING, epoch=3), votes(RISING, epoch=4, seed=1), side=side)
    assert found is not None
    assert (found.side, found.epoch, found.last, found.decided) == (side, 3, 4, True)
    assert found.agreement.rate > 0.8
    assert found.agreement.high == 1
    assert not found.goes_on


@pytest.mark.parametrize("side", ["easy", "hard"])
def test_an_order_that_turns_round_changes_everything(side: Side) -> None:
    found = drift(votes(RISING, epoch=3), votes(-RISING, epoch=4, seed=1), side=side)
    assert found is not None
    assert found.agreement.reason is None
    assert found.agreement.rate < 0.05
    assert found.agreement.high < 0.3
    assert found.goes_on


def test_each_side_has_its_own() -> None:
    """The hardest fifth is shuffled, the rest stays."""
    shuffled = RISING.copy()
    shuffled[:100] = np.random.default_rng(0).permutation(shuffled[:100])
    shuffled[:100] *= 2
    early = RISING.copy()
    early[:100] *= 2
    easy, hard = (
        drift(votes(early), votes(shuffled, epoch=2, seed=1), side=side) for side in ("easy", "hard")
    )
    assert easy is not None
    assert hard is not None
    assert not easy.goes_on
    assert hard.goes_on


def test_groups_of_fewer_than_five_trials_decide_nothing() -> None:
    found = drift(votes(RISING, 8), votes(-RISING, 8, epoch=2, seed=1), side="hard")
    assert found is not None
    assert not found.decided
    assert not found.goes_on


def test_one_trial_says_nothing() -> None:
    assert drift(votes(RISING, 1), votes(RISING, 1, epoch=2), side="hard") is None
    assert drift(votes(RISING, 1), votes(RISING, 8, epoch=2), side="hard") is None


def test_what_is_undefined_is_refused() -> None:
    with pytest.raises(BadInput, match="epoch 1: no example is classified correctly"):
        drift(votes(np.full(K, -50.0)), votes(RISING, epoch=2), side="hard")


@pytest.mark.parametrize(
    ("agreement", "decided", "goes_on"),
    [
        (Agreement(0.5, 0.4, 0.6), True, True),
        (Agreement(0.89, 0.8, 0.94), True, True),
        (Agreement(0.89, 0.8, 0.95), True, False),  # not shown to change by more than a twentieth
        (Agreement(0.9, 0.88, 0.92), True, False),
        (Agreement(0.5, 0.4, 0.6), False, False),
        (Agreement(reason="some sets are empty"), True, False),
        (Agreement(0.5), True, False),  # without an interval nothing is shown
    ],
)
def test_when_sets_are_said_to_change(agreement: Agreement, decided: bool, goes_on: bool) -> None:
    assert Drift("hard", 3, 4, agreement, decided).goes_on is goes_on


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ((1, 2, 3, 4), 3),
        (range(1, 11), 7),
        ((1, 10), 1),
        ((5, 10), 5),
        ((9, 10), 9),  # none lies before the last quarter: the first there is
        ((8, 9, 10), 8),
        ((10,), None),
        ((1,), None),
    ],
)
def test_the_epoch_before_the_last_quarter(epochs: tuple[int, ...], expected: int | None) -> None:
    assert before_last_quarter(tuple(epochs)) == expected
