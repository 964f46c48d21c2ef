"""Ridge regression on the classes: against other ways to compute it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import Ridge
from torch import Tensor

from easiness import load_dataset, measure
from easiness.errors import BadInput
from easiness.heads import Moments, eigen_of, fit_ridge, temperature_of
from easiness.heads.boosting import BoostedHead, _weigh, fit_boosted
from easiness.heads.ridge import _UNLIKE, STRENGTHS, Fit, Rows
from easiness.inputs import Pack
from lengths import long_but


def examples(num: int, width: int, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(seed)
    labels = torch.arange(num) % classes
    x = torch.randn(num, width, generator=made, dtype=torch.float64)
    x[:, : min(classes, width)] += torch.eye(classes, dtype=torch.float64)[labels][:, :width]
    return x, labels


def fitted(x: Tensor, labels: Tensor, classes: int = 3) -> Fit:
    return fit_ridge(Moments.of([(x, labels)], classes), x, labels)


def solved(x: Tensor, y: Tensor, strength: float) -> Ridge:
    return Ridge(alpha=strength, solver="svd").fit(x.numpy(), y.numpy())


def strengths(x: Tensor) -> list[float]:
    """As the head tries them: of the mean eigenvalue of the smaller of both products."""
    apart = x - x.mean(dim=0)
    return [float(apart.square().sum()) / min(x.shape) * one for one in STRENGTHS]


def without_each(x: Tensor, y: Tensor, strength: float) -> np.ndarray:
    """Outputs [n, C] of heads that are fitted without the example."""
    rest = [np.delete(np.arange(len(x)), at) for at in range(len(x))]
    return np.concatenate(
        [
            np.reshape(solved(x[some], y[some], strength).predict(x[at : at + 1].numpy()), (1, -1))
            for at, some in enumerate(rest)
        ]
    )


@pytest.mark.parametrize(
    ("num", "width"),
    long_but(
        [(40, 8), (23, 12), (22, 12), (21, 12), (13, 12), (12, 12), (11, 12), (12, 30)],
        [(40, 8), (12, 12), (11, 12), (12, 30)],
    ),
)
def test_left_out_outputs_and_strength_are_those_of_heads_without_the_example(num: int, width: int) -> None:
    x, labels = examples(num, width)
    y = torch.nn.functional.one_hot(labels).double()
    found = fitted(x, labels)
    outputs = [without_each(x, y, strength) for strength in strengths(x)]
    best = int(np.argmin([np.square(one - y.numpy()).sum() for one in outputs]))
    np.testing.assert_allclose(found.left_out, outputs[best], atol=1e-7)
    head = solved(x, y, strengths(x)[best])
    np.testing.assert_allclose(found.head.weight, head.coef_.T, atol=1e-8)
    np.testing.assert_allclose(found.head.bias, head.intercept_, atol=1e-8)


@pytest.mark.parametrize(("num", "width"), [(200, 30), (31, 30), (30, 30), (25, 60)])
def test_single_precision_is_enough(num: int, width: int) -> None:
    x, labels = examples(num, width)
    wide, single = fitted(x, labels), fitted(x.float(), labels)
    np.testing.assert_allclose(single.left_out, wide.left_out, atol=2e-3)
    np.testing.assert_allclose(single.head(x.float()), wide.head(x), atol=2e-3)


@pytest.mark.parametrize("num", [60, 15])
def test_collinear_and_constant_columns_do_no_harm(num: int) -> None:
    """Copies of columns change what is shrunk, but nothing blows up; constant ones change nothing."""
    x, labels = examples(num, 10)
    constant = torch.cat([x, torch.full((num, 3), 2.0, dtype=torch.float64)], dim=1)
    twice = torch.cat([x, x], dim=1)
    for given in (constant, twice):
        found = fitted(given.float(), labels)
        assert torch.isfinite(found.left_out).all()
        assert float(found.left_out.abs().max()) < 3
        right = (found.left_out.argmax(dim=1) == labels).double().mean()
        assert right >= (fitted(x, labels).left_out.argmax(dim=1) == labels).double().mean() - 0.1


@pytest.mark.parametrize("num", [40, 8])
def test_outputs_sum_to_one_and_nothing_is_said_for_a_class_that_is_absent(num: int) -> None:
    x, labels = examples(num, 10, 2)
    found = fitted(x, labels, 3)
    for outputs in (found.head(x), found.left_out):
        np.testing.assert_allclose(outputs[:, 2], 0, atol=1e-9)
        np.testing.assert_allclose(outputs.sum(dim=1), 1, atol=1e-9)
    assert temperature_of(found.left_out, labels) > 0


@pytest.mark.parametrize("num", [1, 2])
def test_one_or_two_examples(num: int) -> None:
    x, labels = examples(num, 5, 2)
    found = fitted(x.float(), labels, 2)
    for outputs in (found.left_out, found.head(x.float()), temperature_of(found.left_out, labels)):
        assert np.isfinite(np.asarray(outputs)).all()


def test_moments_add_up() -> None:
    x, labels = examples(50, 7)
    whole = Moments.of([(x, labels)], 3)
    y = torch.nn.functional.one_hot(labels).double()
    parts = Moments.of([(x[:20], labels[:20]), (x[20:33], labels[20:33])], 3)
    parts = parts + Moments.of([(x[33:], labels[33:])], 3)
    sums = (x.sum(dim=0), x.square().sum(dim=0), y.sum(dim=0), x.T @ y, x.T @ x)
    for moments in (whole, parts):
        made = (moments.features, moments.squares, moments.classes, moments.cross, moments.gram)
        assert moments.num == 50
        torch.testing.assert_close(made, sums)
    assert Moments.of([(x, labels)], 3, with_gram=False).gram is None


def test_columns_in_other_units_are_scaled_where_that_is_better() -> None:
    x, labels = examples(300, 6)
    loud = torch.randn(300, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mixed = torch.cat([x, loud * 10 * _UNLIKE], dim=1)
    scaled = torch.cat([x, loud], dim=1)
    scaled = scaled / scaled.std(dim=0, correction=0)
    np.testing.assert_allclose(fitted(mixed, labels).left_out, fitted(scaled, labels).left_out, atol=1e-6)


def test_fewer_examples_than_columns_need_no_products_of_columns() -> None:
    x, labels = examples(12, 30)
    moments = [Moments.of([(x, labels)], 3, with_gram=kept) for kept in (True, False)]
    with_them, without = (fit_ridge(one, x, labels) for one in moments)
    torch.testing.assert_close(with_them.left_out, without.left_out)


def test_the_temperature_by_hand() -> None:
    """Of two classes, right in three of four with the outputs (1, 0).

    A fifth of each target is spread over the classes: p = 3/4 * 4/5 + 1/10 = 7/10 = e^(1/T) / (1 + e^(1/T)).
    """
    outputs, labels = torch.tensor([[1.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1])
    assert temperature_of(outputs, labels) == pytest.approx(1 / np.log(7 / 3), rel=1e-3)


def test_the_temperature_makes_labels_most_probable() -> None:
    x, labels = examples(60, 5)
    outputs = fitted(x, labels).left_out.numpy()

    def loss(log_temperature: float) -> float:
        scaled = outputs / np.exp(log_temperature)
        log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -float(np.mean(60 / 61 * log_p[np.arange(60), labels] + log_p.mean(axis=1) / 61))

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded").x
    assert temperature_of(torch.from_numpy(outputs), labels) == pytest.approx(np.exp(best), rel=1e-3)


def boosted(x: np.ndarray, labels: np.ndarray, num_classes: int = 2) -> BoostedHead:
    rows = Rows.of(Pack.of_array(x.astype(np.float32)), torch.device("cpu"))
    (head,), _ = fit_boosted([rows], np.arange(len(x)), torch.from_numpy(labels), num_classes)
    return head


def accuracy(head: BoostedHead, x: np.ndarray, labels: np.ndarray, like: np.ndarray) -> float:
    rows = Rows.of(Pack.of_array(like.astype(np.float32)), torch.device("cpu"))
    asked = Rows.of(Pack.of_array(x.astype(np.float32)), torch.device("cpu"), rows)
    return float((head(asked.take(slice(None))).argmax(dim=1).numpy() == labels).mean())


def test_trees_see_columns_that_act_together_and_the_regression_a_plane() -> None:
    x = np.random.default_rng(0).standard_normal((900, 6)) * [1, 1, 1, 1, 50, 0.01]
    together, plane = (x[:, 0] * x[:, 1] > 0).astype(int), (x[:, 0] + x[:, 2] > x[:, 3]).astype(int)
    seen, rest = slice(600), slice(600, None)
    trees, linear = boosted(x[seen], together[seen]), boosted(x[seen], plane[seen])
    assert accuracy(trees, x[rest], together[rest], x[seen]) > 0.9  # 0.5 by a regression alone
    assert accuracy(linear, x[rest], plane[rest], x[seen]) > 0.96  # 0.92 by trees alone
    assert trees.weights[1] > trees.weights[0]
    assert linear.weights[0] > linear.weights[1]


@pytest.mark.parametrize("labels", [np.arange(2), np.zeros(12, int), np.arange(12) % 2, np.arange(120) % 2])
def test_a_class_that_nobody_has_seen_stays_possible(labels: np.ndarray) -> None:
    head = boosted(np.random.default_rng(1).standard_normal((len(labels), 3)), labels, 3)
    said = head(torch.zeros(1, 3)).numpy()
    assert np.isfinite(said).all()
    assert log_softmax(said, axis=1)[0, 2] > np.log(1e-6)


def test_a_member_that_knows_nothing_has_no_weight() -> None:
    labels = np.arange(400) % 2
    told = np.log(np.where(labels[:, None] == np.arange(2), 0.9, 0.1))
    told[::10] = told[::10, ::-1]  # right as often as it says
    weights, loss = _weigh(np.stack([told, np.full((400, 2), np.log(0.5))]), labels)
    assert weights[0] == pytest.approx(1, abs=0.1)
    assert loss == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1), abs=0.02)


def test_a_table_has_them_by_default_and_its_trees_are_not_kept(tmp_path) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 60)
    rows = [f"{2000 + one * 3 + rng.integers(4)},{'ab'[rng.integers(2)]},{'xy'[one]}" for one in labels]
    (tmp_path / "t.csv").write_text("\n".join(["year,kind,class", *rows]))
    few = partial(measure, load_dataset(tmp_path / "t.csv", label="class"), trials=5, progress=False)
    run = few(features="auto", out=tmp_path / "run")
    assert run.model == "boosting"
    ridge = few(model="ridge", out=tmp_path / "ridge")
    assert ridge.model == "ridge"
    from easiness.heads import stored_heads

    assert run.spec.measured is not None
    with pytest.raises(BadInput, match="model boosting: keeps no trees"):
        stored_heads(run.spec.measured, {}, 0.8, [3], 2, torch.device("cpu"))


def test_eigenvectors_are_numbers_where_single_precision_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As happens on one thread with features of few pictures, which random matrices do not show."""
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    solve = torch.linalg.eigh

    def fails(gram: Tensor) -> tuple[Tensor, Tensor]:
        values, vectors = solve(gram)
        return values, vectors if gram.dtype == torch.float64 else vectors * float("nan")

    monkeypatch.setattr(torch.linalg, "eigh", fails)
    values, vectors = eigen_of(x.T @ x)
    torch.testing.assert_close(vectors * values @ vectors.T, x.T @ x)
