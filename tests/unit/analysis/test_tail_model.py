"""What sets from n trials are expected to hold, against sets drawn from the model itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from easiness.analysis import Votes, forecast, select
from easiness.analysis.tail_model import Forecast, TailModel, counted_tails, refined
from easiness.errors import BadInput
from matching_by_weights import overlap_rate

K = 400


def votes(p_right: npt.ArrayLike, num_trials: int, seed: int = 0) -> Votes:
    """Trials in which an example is right with its probability [K], and as sure as it is right."""
    p = np.broadcast_to(np.asarray(p_right, np.float64), (num_trials, len(np.asarray(p_right))))
    rng = np.random.default_rng(seed)
    num = p.shape[1]
    sure = np.clip(p + 0.1 * rng.normal(size=p.shape), 0, 1)
    return Votes(rng.random(p.shape) < p, sure, np.zeros(num, np.int64), np.arange(num), 4)


GRADED = np.linspace(0.02, 0.98, K)
SATURATED = np.clip(np.linspace(0.1, 1.4, K), 0, 1)  # a third is always right


@pytest.fixture(scope="module")
def graded() -> Votes:
    return votes(GRADED, 20)


EXAMPLES = 2000


def examples(model: TailModel) -> npt.NDArray[np.int64]:
    """The steps of the model that so many examples, alike in weight, fall into."""
    return np.searchsorted(np.cumsum(model.weight), (np.arange(EXAMPLES) + 0.5) / EXAMPLES)


def drawn(model: TailModel, num_trials: int, repetitions: int) -> list[npt.NDArray[np.float64]]:
    """Sets of `EXAMPLES` examples of the model, each from ``num_trials`` trials."""
    rng = np.random.default_rng(1)
    at = examples(model)
    sets = []
    for _ in range(repetitions):
        counts = rng.binomial(num_trials, model.probability[at])
        if np.isinf(model.spread):
            sets.append(select(counts, model.fraction))
        else:
            finer = model.place[at] + model.spread / np.sqrt(num_trials) * rng.normal(size=counts.shape)
            sets.append(select(counts, model.fraction, ties="refine", refine_by=finer))
    return sets


@pytest.mark.parametrize("spread", [np.inf, 0.5, 5.0, 100.0])
@pytest.mark.parametrize("num_trials", [1, 5, 20, 60])
@pytest.mark.parametrize("saturated", [False, True])
def test_the_closed_form_is_what_sets_of_the_model_do(
    spread: float, num_trials: int, saturated: bool
) -> None:
    model = counted_tails([votes(SATURATED if saturated else GRADED, 20)], "easy", 0.1)[0]
    if np.isfinite(spread):
        model = replace(refined(model, 0.5, 10), spread=spread)
    sets = drawn(model, num_trials, 60)
    members, at = model.members(num_trials), examples(model)
    assert model.mean(members) == pytest.approx(model.fraction, abs=1e-6)
    np.testing.assert_allclose(np.mean(sets, axis=0)[::100], members[at][::100], atol=0.2)
    pairs = zip(sets[::2], sets[1::2], strict=True)
    assert model.match(num_trials) == pytest.approx(
        np.mean([overlap_rate(*pair) for pair in pairs]), abs=0.02
    )
    held = [float(one @ model.truth[at]) / model.truth[at].sum() for one in sets]
    assert model.share(num_trials) == pytest.approx(np.mean(held), abs=0.02)


def test_a_model_by_hand() -> None:
    """One trial; half of the examples are right for sure, half never. The tenth shares ties by lot."""
    probability = np.repeat([0.0, 1.0], 500)
    truth = np.repeat([0.0, 0.2], 500)
    weight = np.full(1000, 0.001)
    model = TailModel(weight, probability, np.zeros(1000), truth, 0.1, np.inf)
    np.testing.assert_allclose(model.members(3), truth)
    assert model.match(3) == pytest.approx(0.2)
    assert model.share(3) == pytest.approx(0.2)
    # a finer score that never errs settles it, and finds a set again wholly
    place = np.linspace(-3, 3, 1000)
    sure = TailModel(weight, probability, place, (place > place[899]).astype(float), 0.1, 1e-6)
    assert sure.share(3) == pytest.approx(1, abs=1e-6)
    assert sure.match(3) == pytest.approx(1, abs=1e-6)


def test_the_finer_score_is_fitted_to_the_rate_of_halves() -> None:
    model = counted_tails([votes(SATURATED, 20)], "easy", 0.1)[0]
    assert model.match(10) < 0.4
    for rate in (0.45, 0.6, 0.9):
        fitted = refined(model, rate, 10)
        assert fitted.match(10) == pytest.approx(rate, abs=1e-4)


def test_the_true_set_has_no_ties_where_a_finer_score_decides() -> None:
    model = counted_tails([votes(SATURATED, 20)], "easy", 0.1)[0]
    shared = (model.truth > 0) & (model.truth < 1)
    assert shared.any()
    fitted = refined(model, 0.5, 10)
    inside = np.cumsum(fitted.weight) > 0.9 + 1e-9
    np.testing.assert_allclose(fitted.truth, inside, atol=1e-9)


@pytest.mark.parametrize("fraction", [0.0001, 0.01, 0.1, 0.3, 0.5, 0.95])
def test_every_set_has_steps_enough(fraction: float) -> None:
    model = counted_tails([votes(GRADED, 20)], "hard", fraction)[0]
    assert model.weight.sum() == pytest.approx(1)
    assert model.mean(model.truth) == pytest.approx(fraction, rel=0.02)
    assert np.count_nonzero(np.cumsum(model.weight) > 1 - fraction) >= 120


def test_a_saturated_side_is_searched_from_few_trials_on() -> None:
    """Many examples are always right: a share falls again where the cut comes to lie among them."""
    found = forecast(votes(SATURATED, 20), side="easy", ties="refine")
    assert found is not None
    target = max(found.share(num).value for num in range(20, 200))
    needed = found.trials_for(target - 0.001)
    assert needed is not None
    assert needed <= found.farthest == 200
    assert found.share(needed).value >= target - 0.001


@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_fewer_than_ten_trials_foretell_nothing(ties: str) -> None:
    assert forecast(votes(GRADED, 9), ties=ties) is None  # type: ignore[arg-type]
    found = forecast(votes(GRADED, 10), ties=ties)  # type: ignore[arg-type]
    assert found is not None
    assert (found.num_trials, found.epoch, found.side, found.ties) == (10, 4, "hard", ties)


def test_strict_sets_are_refused(graded: Votes) -> None:
    with pytest.raises(BadInput, match=r"^ties strict: its sets"):
        forecast(graded, ties="strict")


def test_what_is_undefined_is_refused() -> None:
    none_right = votes(np.zeros(K), 10)
    with pytest.raises(BadInput, match="classified correctly"):
        forecast(none_right)


def made(graded: Votes, **options: object) -> Forecast:
    found = forecast(graded, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("side", ["easy", "hard"])
def test_more_trials_hold_more_where_nothing_ties(graded: Votes, side: str) -> None:
    found = made(graded, side=side, ties="expected")
    numbers = [1, 2, 5, 10, 20, 40, 80, 160]
    for of in (found.share, found.match):
        values = [of(n).value for n in numbers]
        assert (np.diff(values) > 0).all()
    for n in numbers:
        assert found.match(n).value < found.share(n).value  # the other set errs as well


def test_the_share_by_default_is_that_of_the_trials_there_are(graded: Votes) -> None:
    found = made(graded)
    assert found.share() == found.share(20)


@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_intervals_hold_their_value_within_0_and_1(graded: Votes, ties: str) -> None:
    found = made(graded, ties=ties)
    for n in (1, 10, 200):
        for one in (found.share(n), found.match(n)):
            assert 0 < one.low < one.value < one.high < 1


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("share", [0.5, 0.65, 0.8])
def test_trials_for_a_share_are_the_fewest_that_reach_it(graded: Votes, side: str, share: float) -> None:
    found = made(graded, side=side, ties="expected")
    num = found.trials_for(share)
    if num is None:
        assert max(found.share(n).value for n in (20, 50, 100, found.farthest)) < share
        return
    assert found.share(num).value >= share > found.share(num - 1).value
    shown = found.trials_to_show(share)
    assert shown is None or shown > num


def test_a_share_that_no_number_reaches() -> None:
    """Examples that are all alike: a set by lot holds a tenth of any other, and so it stays."""
    found = made(votes(np.full(K, 0.5), 20), ties="expected")
    assert found.share().value < 0.6
    assert found.trials_for(0.999) is None
    assert found.trials_to_show(0.999) is None


def test_a_share_that_one_trial_reaches() -> None:
    """The tenth is right in every trial and nothing else is in any."""
    found = made(votes(np.repeat([0.0, 1.0], [360, 40]), 10), side="easy", ties="expected")
    assert found.share().value > 0.999
    assert found.trials_for(0.9) == 1


def test_the_hard_set_is_the_easy_one_of_how_often_trials_are_wrong(graded: Votes) -> None:
    mirrored = replace(graded, correct=~graded.correct, p_label=1 - graded.p_label)
    one, other = made(graded, side="hard", ties="expected"), made(mirrored, side="easy", ties="expected")
    for n in (5, 20, 80):
        assert one.share(n) == pytest.approx(other.share(n))
        assert one.match(n) == pytest.approx(other.match(n))


def test_the_same_trials_and_seed_foretell_the_same(graded: Votes) -> None:
    assert made(graded).share() == made(graded).share()
    shuffled = replace(graded, correct=graded.correct.copy())
    assert made(shuffled, seed=3).match(40) == made(graded, seed=3).match(40)
