"""Boosted trees beside a logistic regression: which one counts, what they say of classes not seen."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from easiness.errors import BadInput
from easiness.heads.boosting import BoostedHead, _weighed, fit_boosted
from easiness.heads.values import Rows
from easiness.inputs import Packed
from easiness.runs import measure


def fitted(x: np.ndarray, labels: np.ndarray, num_classes: int = 2) -> BoostedHead:
    rows = Rows.of(Packed.of_array(x.astype(np.float32)), torch.device("cpu"))
    (head,), _ = fit_boosted([rows], np.arange(len(x)), torch.from_numpy(labels), num_classes)
    return head


def accuracy(head: BoostedHead, x: np.ndarray, labels: np.ndarray, like: np.ndarray) -> float:
    rows = Rows.of(Packed.of_array(like.astype(np.float32)), torch.device("cpu"))
    asked = Rows.of(Packed.of_array(x.astype(np.float32)), torch.device("cpu"), rows)
    return float((head(asked.take(slice(None))).argmax(dim=1).numpy() == labels).mean())


def test_trees_see_columns_that_act_together_and_the_regression_a_plane() -> None:
    x = np.random.default_rng(0).standard_normal((900, 6)) * [1, 1, 1, 1, 50, 0.01]
    together, plane = (x[:, 0] * x[:, 1] > 0).astype(int), (x[:, 0] + x[:, 2] > x[:, 3]).astype(int)
    seen, rest = slice(600), slice(600, None)
    trees, linear = fitted(x[seen], together[seen]), fitted(x[seen], plane[seen])
    assert accuracy(trees, x[rest], together[rest], x[seen]) > 0.9  # 0.5 by a regression alone
    assert accuracy(linear, x[rest], plane[rest], x[seen]) > 0.96  # 0.92 by trees alone
    assert trees.weights[1] > trees.weights[0]
    assert linear.weights[0] > linear.weights[1]


@pytest.mark.parametrize("labels", [np.arange(2), np.zeros(12, int), np.arange(12) % 2, np.arange(120) % 2])
def test_a_class_that_nobody_has_seen_stays_possible(labels: np.ndarray) -> None:
    head = fitted(np.random.default_rng(1).standard_normal((len(labels), 3)), labels, 3)
    said = head(torch.zeros(1, 3)).numpy()
    assert np.isfinite(said).all()
    assert log_softmax(said, axis=1)[0, 2] > np.log(1e-6)


def test_a_member_that_knows_nothing_has_no_weight() -> None:
    labels = np.arange(400) % 2
    told = np.log(np.where(labels[:, None] == np.arange(2), 0.9, 0.1))
    told[::10] = told[::10, ::-1]  # right as often as it says
    weights, loss = _weighed(np.stack([told, np.full((400, 2), np.log(0.5))]), labels)
    assert weights[0] == pytest.approx(1, abs=0.1)
    assert loss == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1), abs=0.02)


def test_a_table_has_them_by_default_and_its_trees_are_not_kept(tmp_path) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 60)
    rows = [f"{2000 + one * 3 + rng.integers(4)},{'ab'[rng.integers(2)]},{'xy'[one]}" for one in labels]
    (tmp_path / "t.csv").write_text("\n".join(["year,kind,class", *rows]))
    few = partial(measure, str(tmp_path / "t.csv"), label="class", trials=5, progress=False)
    run = few(features="auto", out=tmp_path / "run")
    assert run.model == "boosting"
    ridge = few(model="ridge", out=tmp_path / "ridge")
    assert ridge.model == "ridge"
    from easiness.heads import stored_heads

    assert run.spec.measured is not None
    with pytest.raises(BadInput, match="model boosting: keeps no trees"):
        stored_heads(run.spec.measured, {}, 0.8, [3], 2, torch.device("cpu"))
