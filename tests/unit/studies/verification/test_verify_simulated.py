"""The gain of decided labels by cross-fitting, held to gains that a large clean test set knows.

Twenty classes, of two groups with centers of their own or with heavy tails, and labels that are confused with
classes alike, as people confuse them. The most suspicious quarter is looked at; heads are ridge regressions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from easiness.analysis import Gain, paired_gain
from easiness.heads import Deal

Values = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CLASSES, WIDTH, TRIALS, NUM_TEST = 20, 30, 10, 4000
SHAPES = ("groups", "heavy")
WRONG, LOOKED_AT = 0.3, 0.25


@dataclass(frozen=True)
class Tried:
    """Gains as verified, on the undecided and by the labels after, and the ``truth``: on clean examples.

    ``of_undecided`` is that on other examples that nobody would have decided, by labels as wrong as given.
    """

    undecided: Gain
    by_after: Gain
    truth: float
    of_undecided: float


def fitted(x: Values, labels: Labels) -> Values:
    gram = x.T @ x + 10 * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T @ np.eye(CLASSES)[labels]), np.float64)


def suspicion(said: Values, labels: Labels) -> Values:
    value: Values = said.max(axis=1) - said[np.arange(len(said)), labels]
    return value


def tried(shape: str, decided: str, number: int, num: int = 800) -> Tried:
    """Decide ``rightly``, ``carelessly`` (half anything), as ``suggested``, ``nothing`` (drop half)."""
    streams = np.random.SeedSequence([SHAPES.index(shape), number])
    rng = np.random.default_rng(streams)
    centers = rng.normal(size=(2, CLASSES, WIDTH))
    alike = rng.random((CLASSES, CLASSES)) ** 6 * (1 - np.eye(CLASSES))
    alike /= alike.sum(axis=1, keepdims=True)

    def examples(num: int) -> tuple[Values, Labels, Labels]:
        true = rng.integers(CLASSES, size=num)
        noise = rng.normal(size=(num, WIDTH))
        if shape == "heavy":
            x = centers[0, true] + 0.6 * noise / np.sqrt(rng.chisquare(3, size=(num, 1)) / 3)
        else:
            x = centers[(rng.random(num) < 0.3).astype(int), true] + 0.9 * noise
        other = (alike[true].cumsum(axis=1) > rng.random((num, 1))).argmax(axis=1)
        given = np.where(rng.random(num) < WRONG, other, true)
        return np.c_[x, np.ones(num)], true, given

    (x, true, given), (test, test_true, test_given) = examples(num), examples(NUM_TEST)
    said, of_test = np.zeros((num, CLASSES)), np.zeros((NUM_TEST, CLASSES))
    first = Deal(given).partition((0.9,), number + 1, 0)
    for turn in range(10):
        seen = first.trained_on(turn)[0]
        weights = fitted(x[seen], given[seen])
        said[~seen], of_test = x[~seen] @ weights, of_test + test @ weights / 10
    cut = np.quantile(suspicion(said, given), 1 - LOOKED_AT)
    looked_at, others = suspicion(said, given) >= cut, suspicion(of_test, test_given) < cut
    if decided == "nothing":
        looked_at, others = rng.random(num) < LOOKED_AT, np.ones(NUM_TEST, np.bool_)
    careless = rng.integers(CLASSES, size=num)
    after = {
        "rightly": true,
        "carelessly": np.where(rng.random(num) < 0.5, careless, true),
        "suggested": said.argmax(axis=1),
        "nothing": given,
    }[decided]
    after = np.where(looked_at, after, given)
    dropped = looked_at & (decided == "nothing") & (rng.random(num) < 0.5)
    answers, left_out = np.zeros((2, TRIALS, num), np.int64), np.zeros((TRIALS, num), np.bool_)
    clean, alike_undecided = [], []
    for trial in range(TRIALS):
        repeat, turn = divmod(trial, 5)
        for side, (labels, never) in enumerate(((given, None), (after, dropped))):
            seen = Deal(given, never=never).partition((0.8,), number, repeat).trained_on(turn)[0]
            weights = fitted(x[seen], labels[seen])
            answers[side, trial] = (x @ weights).argmax(axis=1)
            right = (test @ weights).argmax(axis=1)
            clean.append((-1) ** (1 - side) * (right == test_true).mean())
            alike_undecided.append((-1) ** (1 - side) * (right == test_given)[others].mean())
            left_out[trial] |= False if side else ~seen

    def gain(labels: Labels, rows: npt.NDArray[np.bool_]) -> Gain:
        before, after = (
            np.ma.array(one[:, rows] == labels[rows], mask=~left_out[:, rows]) for one in answers
        )
        return paired_gain(before, after)

    truth, of_undecided = (sum(one) / TRIALS for one in (clean, alike_undecided))
    return Tried(gain(given, ~looked_at), gain(after, ~dropped), float(truth), float(of_undecided))


def held(found: list[Tried], truth: str = "truth", way: str = "undecided") -> float:
    """How many intervals hold the truth."""
    intervals = [(getattr(one, way).interval, getattr(one, truth)) for one in found]
    return float(np.mean([low <= value <= high for (low, high), value in intervals]))


def bias(found: list[Tried], way: str = "undecided") -> float:
    """The mean gain less the mean truth, in points."""
    return 100 * float(np.mean([getattr(one, way).value - one.truth for one in found]))


def size(found: list[Tried]) -> float:
    """The mean truth, in points; below 0 where labels are worse after."""
    return 100 * float(np.mean([one.truth for one in found]))


@pytest.mark.parametrize("decided", ["rightly", "carelessly", "nothing"])
def test_the_interval_holds_what_decisions_are_worth(decided):
    found = [tried("heavy", decided, number, 400) for number in range(40)]
    assert held(found, "of_undecided") >= 0.87
    # wrong labels left among those tested make it look smaller
    assert -0.6 < bias(found) / size(found) < 0.25


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decided", ["rightly", "carelessly", "nothing"])
def test_the_interval_holds_the_truth_in_many_worlds(shape, decided):
    found = [tried(shape, decided, number) for number in range(300)]
    assert 0.92 <= held(found, "of_undecided") <= 0.995
    assert held(found) >= 0.85
    assert -0.5 < bias(found) / size(found) < 0.15


@pytest.mark.long
def test_of_suggestions_taken_right_or_wrong_the_gain_is_too_high():
    """They follow heads that saw what is tested: nothing that is tested on the same examples could tell."""
    found = [tried("groups", "suggested", number) for number in range(100)]
    assert bias(found) > 1
    assert held(found) < 0.9


if __name__ == "__main__":
    for world in SHAPES:
        for how in ("rightly", "carelessly", "suggested", "nothing"):
            of_all = [tried(world, how, number) for number in range(300)]
            truth = 100 * np.mean([one.truth for one in of_all])
            print(
                f"{world} {how}: truth {truth:+.2f}, bias {bias(of_all):+.2f}, by labels after "
                f"{bias(of_all, 'by_after'):+.2f}; 95 % hold {held(of_all):.3f} of truths, "
                f"{held(of_all, 'of_undecided'):.3f} of those of undecided; by labels after "
                f"{held(of_all, way='by_after'):.3f}",
                flush=True,
            )
