"""What training examples of ridge heads do, against heads that are fitted again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

from easiness.errors import BadInput
from easiness.heads import Head, Moments, StoredHeads, by_examples, fit_ridge, influence_of
from easiness.heads.ridge import STRENGTHS, Rows
from easiness.heads.trial import RowOfHeads
from easiness.inputs import Pack
from easiness.lazy import Array, Floats

CPU, MANY = torch.device("cpu"), 300
DRAW = np.random.default_rng(0)
DIGITS, LABELS = load_digits(return_X_y=True)
ORDER = DRAW.permutation(len(LABELS))[: MANY + 6]
X, Y, OTHERS = DIGITS[ORDER].astype(np.float32), LABELS[ORDER], np.arange(MANY, MANY + 6)
LOUD = 1e4 * np.eye(2)[(Y == 3) * 1] + DRAW.normal(size=(len(Y), 2)) * 1e4
LOUD = np.concatenate([X[:, X[:100].std(axis=0) > 1], LOUD], axis=1).astype(np.float32)
KINDS = {"one": [X], "two": [X, X[:, 20:32] ** 2], "loud": [LOUD]}


def fitted(kinds: list[Array], num: int) -> tuple[StoredHeads, Callable[..., Floats]]:
    """Heads on the first ``num`` examples as in a trial, of two temperatures, and how to fit them again.

    Their strengths and scales of columns are those whose weights are theirs, to single precision.
    """
    rows, heads, parts = [Rows.of(Pack.of_array(one), CPU) for one in kinds], [], []
    for temper, own in enumerate(rows, 3):
        some, labels = own.take(slice(num)), torch.from_numpy(Y[:num])
        moments = Moments.of([(some, labels)], 10, with_gram=not by_examples(*some.shape))
        head = fit_ridge(moments, some, labels).head
        heads.append(Head(head.weight * temper, head.bias * temper))
        x, deviation, tried = own.take(slice(None)).double().numpy(), some.double().numpy().std(axis=0), []
        for columns in np.ones_like(deviation), 1 / np.maximum(deviation, 1e-9):
            trace = np.square(deviation * columns).sum() * num / min(some.shape)
            for one in STRENGTHS:
                ridge = Ridge(alpha=one * trace, solver="svd").fit(x[:num] * columns, np.eye(10)[Y[:num]])
                off = np.abs(ridge.coef_ * columns - head.weight.numpy().T).max()
                tried.append((off, x * columns, ridge, temper))
        best = min(tried, key=lambda one: one[0])
        assert best[0] < 1e-4 * float(head.weight.abs().max())
        parts.append(best[1:])

    def again(some: Array, labels: Array = Y, at: Array = OTHERS) -> Floats:
        y = np.eye(10)[labels[some]]
        return sum(temper * ridge.fit(x[some], y).predict(x[at]) for x, ridge, temper in parts)

    scaling = [one.center for one in rows], [one.scale for one in rows]
    return StoredHeads(RowOfHeads(heads, [1.0] * len(heads)), *scaling), again


@pytest.mark.parametrize(
    ("kinds", "num"), [("one", 50), ("one", MANY), ("two", 40), ("two", 200), ("loud", 150)]
)
def test_effects_are_those_of_fitting_again(kinds: str, num: int) -> None:
    heads, again = fitted(KINDS[kinds], num)
    everything, toward, rows = np.arange(num), (Y[OTHERS] + 1) % 10, np.arange(len(OTHERS))
    found = influence_of(heads, KINDS[kinds], Y, everything, OTHERS, toward)
    before = again(everything)
    np.testing.assert_allclose(found.outputs, before, atol=1e-6)
    for one in range(0, num, 7):
        ahead = [
            made[rows, toward] - made[rows, Y[OTHERS]] for made in (before, again(np.delete(everything, one)))
        ]
        np.testing.assert_allclose(found.pulls[:, one], ahead[0] - ahead[1], atol=1e-6)
        other = np.where(np.arange(len(Y)) == one, (Y + 3) % 10, Y)
        change = found.weights[:, [one]] * (np.eye(10)[other[one]] - np.eye(10)[Y[one]])
        np.testing.assert_allclose(again(everything, other) - before, change, atol=1e-6)


def test_the_label_that_alone_decides_is_found_by_trying_each() -> None:
    everything, mends = np.arange(45), {}
    heads, again = fitted([X], len(everything))
    found, before = influence_of(heads, [X], Y, everything, OTHERS, Y[OTHERS]), again(everything)
    for one in everything.tolist():
        left_out = again(np.delete(everything, one), at=everything[[one]])[0]
        np.testing.assert_allclose(found.left_out[one], left_out, atol=1e-6)
        other = np.where(np.arange(len(Y)) == one, left_out.argmax(), Y)
        if other[one] != Y[one]:
            mends[one, int(other[one])] = again(everything, other)
    decided = 0
    for at, wanted in np.ndindex(before.shape):
        ahead = {key: one[at, wanted] - np.delete(one[at], wanted).max() for key, one in mends.items()}
        best = max(ahead, key=lambda key: ahead[key])
        decides = before[at].argmax() != wanted and ahead[best] > 0
        assert found.mend(at, wanted) == (best if decides else (-1, -1))
        decided += decides
    assert decided > 0
    with pytest.raises(BadInput, match="of no ridge heads on these features"):
        influence_of(heads, [X[:, ::-1].copy()], Y, everything, OTHERS, Y[OTHERS])


@pytest.mark.parametrize("num", [40, 200])
def test_effects_on_tags_are_those_of_fitting_again(num: int) -> None:
    given = np.stack([Y >= 5, Y % 2 == 0, Y == 3], axis=1).astype(np.float32)
    given[5:num:9, 1] = np.nan
    with_means = np.where(np.isnan(given), np.nanmean(given, axis=0), given).astype(np.float64)
    rows, factor = Rows.of(Pack.of_array(X), CPU), np.array([4.0, 7, 2])
    x, everything, which = rows.take(slice(None)).double().numpy(), np.arange(num), np.arange(len(OTHERS))
    strength = STRENGTHS[7] * np.square(x[:num] - x[:num].mean(axis=0)).sum() / min(num, x.shape[1])

    def again(some: Array, targets: Array) -> Ridge:
        return Ridge(alpha=strength, solver="svd").fit(x[some], factor * (targets[some] - 0.2))

    fit, tags, toward, decided = again(everything, with_means), which % 3, which // 3, 0
    head = Head(*(torch.from_numpy(one).float() for one in (fit.coef_.T, fit.intercept_)))
    heads = StoredHeads(RowOfHeads([head], [1.0]), [rows.center], [rows.scale])
    found, before = influence_of(heads, [X], given, everything, OTHERS, toward, tags), fit.predict(x[OTHERS])
    np.testing.assert_allclose(found.outputs, before, atol=1e-6)
    for one in range(0, num, 3):
        left_out = again(np.delete(everything, one), with_means)
        less = (before - left_out.predict(x[OTHERS]))[which, tags] * np.where(toward, 1, -1)
        np.testing.assert_allclose(found.pulls[:, one], less, atol=1e-6)
        np.testing.assert_allclose(found.left_out[one], left_out.predict(x[[one]])[0], atol=1e-6)
    for at, tag in enumerate(tags.tolist()):
        own, goal = found.of_tag(at, tag), int(before[at, tag] <= 0)
        assert own.members.tolist() == np.flatnonzero(np.isfinite(given[:num, tag])).tolist()
        (one, to), other = own.mend(0, goal), with_means.copy()
        other[one, tag] = to  # of the last one, that no head sees, where it is -1
        assert ((again(everything, other).predict(x[OTHERS])[at, tag] > 0) == goal) == (one >= 0)
        decided += one >= 0
    assert decided or num > 40
