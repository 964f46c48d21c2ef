"""Wrong labels by probabilities of models in folds, where the truth is known, and by bare votes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from recording import recorded


def world(num_classes, apart, wrong, kind, seed, num=1500):
    """What discriminants in folds say of overlapping normals, their labels, and which are wrong."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import cross_val_predict

    draw = np.random.default_rng(seed)
    truth = np.arange(num) % num_classes
    x = (apart * draw.normal(size=(num_classes, 6)))[truth] + draw.normal(size=(num, 6))
    step = 1 if kind == "next" else draw.integers(1, num_classes, num)
    labels = np.where(draw.random(num) < wrong, (truth + step) % num_classes, truth)
    p = cross_val_predict(LinearDiscriminantAnalysis(), x, labels, cv=5, method="predict_proba")
    return p, labels, labels != truth


def suspects(p, labels):
    return ez.suspects(ez.record(probabilities=p, labels=labels), pictures=False, progress=False)


def check(p, labels, wrong):
    from sklearn.metrics import average_precision_score

    found, share = suspects(p, labels), wrong.mean()
    assert found.share == pytest.approx(share, abs=max(share / 3, 0.02))
    assert found.low <= share <= found.high
    if share:
        ours = average_precision_score(wrong[found.ranked["id"]], -np.arange(len(p)))
        assert ours >= average_precision_score(wrong, -p[np.arange(len(p)), labels]) - 0.01


@pytest.mark.parametrize("kind", ["uniform", "next"])
@pytest.mark.parametrize("wrong", [0.0, 0.05, 0.2])
@pytest.mark.parametrize(("num_classes", "apart"), [(2, 1.5), (4, 1.2), (4, 1.5), (10, 1.6)])
def test_the_number_where_three_quarters_are_known_or_more(num_classes, apart, wrong, kind):
    check(*world(num_classes, apart, wrong, kind, seed=11))


@pytest.mark.parametrize(("num_classes", "apart"), [(4, 0.7), (10, 1.0)])
def test_hard_examples_are_not_wrong(num_classes, apart):
    """Two thirds are known. By margins and by the confident joint a tenth to a fifth stood out."""
    assert suspects(*world(num_classes, apart, 0.0, "uniform", seed=11)[:2]).share < 0.02


def test_a_probability_of_zero_is_no_certainty():
    """Of 30 neighbours, none has what one in 60 would have; taken for never, a third stood out as wrong."""
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    draw = np.random.default_rng(4)
    truth = np.arange(1500) % 6
    x = (1.4 * draw.normal(size=(6, 6)))[truth] + draw.normal(size=(1500, 6))
    labels = np.where(draw.random(1500) < 0.1, (truth + draw.integers(1, 6, 1500)) % 6, truth)
    p = cross_val_predict(KNeighborsClassifier(30), x, labels, cv=5, method="predict_proba")
    assert (p == 0).mean() > 0.3
    check(p, labels, labels != truth)


@pytest.mark.long
@pytest.mark.parametrize("forest", [False, True])
@pytest.mark.parametrize("wrong", [0.0, 0.05, 0.2])
def test_digits_in_folds(wrong, forest):
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    x, truth = load_digits(return_X_y=True)
    draw = np.random.default_rng(3)
    moved = draw.random(len(truth)) < wrong
    labels = np.where(moved, (truth + draw.integers(1, 10, len(truth))) % 10, truth)
    model = RandomForestClassifier(100, random_state=0) if forest else LogisticRegression(max_iter=300)
    p = cross_val_predict(model, x / 16, labels, cv=5, method="predict_proba")
    check(p, labels, labels != truth)


def test_two_matrices_are_two_trials_of_one_estimate():
    p, labels, wrong = world(4, 1.5, 0.1, "uniform", seed=2)
    sharp = p**1.2 / (p**1.2).sum(axis=1, keepdims=True)
    found = suspects([p, sharp, p], labels)
    assert found.num_trials == 2
    assert found.share == pytest.approx(wrong.mean(), abs=0.02)


VOTES = np.eye(2)[[0, 0, 1, 1, 0, 1, 0, 1]]
SAID = [0, 1, 1, 1, 0, 1, 1, 1]


def votes(out, outputs="logits"):
    if outputs == "matrices":
        return ez.record(probabilities=[VOTES, VOTES[::-1]], labels=SAID, out=out)
    return recorded(out, [VOTES, VOTES], SAID, outputs=outputs)


@pytest.mark.parametrize("outputs", ["matrices", "logits", "probabilities"])
def test_votes_have_an_order_and_no_probability(outputs, tmp_path):
    run = votes(tmp_path / "run", outputs)
    found = ez.suspects(run, pictures=False, progress=False)
    assert found.ranked["p_wrong"].isna().all()
    assert [math.isnan(one) for one in (found.share, found.low, found.high)] == [True] * 3
    assert {1, 6} <= {*found.ranked["id"].head(4)}
    assert found.ranked["suggested_share"].is_monotonic_decreasing
    assert "votes" in found.headline
    assert "predict_proba" in found.headline
    assert (found.document()["share"], found.about, found.between) == (None, *["cannot be told"] * 2)
    assert found.document()["suspects"][0]["p_wrong"] is None
    found.in_words()
    with pytest.raises(BadInput, match="votes of 0 and 1"):
        ez.labels(run)
    drawn = ez.audit(run, looks=4).table()
    assert (len(drawn), drawn["p_wrong"].isna().all()) == (4, True)


def test_votes_are_refused_where_probabilities_are_needed(tmp_path):
    run = votes(tmp_path / "votes")
    other = recorded(tmp_path / "other", [VOTES * [[2, 3]]] * 2, SAID)
    with pytest.raises(BadInput, match="votes: has votes of 0 and 1"):
        ez.suspects([other, run], pictures=False)
    pd.DataFrame({"id": [1], "label": [0], "was": [1], "action": ["relabel"]}).to_csv(tmp_path / "d.csv")
    with pytest.raises(BadInput, match="votes"):
        ez.suspects(run, decided=tmp_path / "d.csv", pictures=False)


def test_a_network_that_is_not_of_votes_keeps_its_probability(tmp_path):
    run = recorded(tmp_path / "run", [3 * VOTES, 3 * VOTES], SAID)
    assert ez.suspects(run, pictures=False).ranked["p_wrong"].notna().all()
