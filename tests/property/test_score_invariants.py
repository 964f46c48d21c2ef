"""Invariants of every score on any record."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from easiness.records import STATISTICS, KeptLogits, Observations
from easiness.scoring import SCORES, Scoring, score_columns
from recording import trial_of_logits

PRECISE = {"rtol": 1e-9, "atol": 1e-7}  # a spread that is 0 comes back as the root of a rounding error


class Trials(NamedTuple):
    logits: np.ndarray  # [N, M, K, C]
    labels: np.ndarray  # [K]
    trained_on: np.ndarray  # [N, K]
    keep: str

    def observe(self) -> list[Observations]:
        on = self.trained_on
        keep: Any = {"none": [None] * len(on), "all": np.ones_like(on), "left_out": ~on}[self.keep]
        return [
            trial_of_logits(logits, self.labels, trained_on=one, keep=kept)
            for logits, one, kept in zip(self.logits, on, keep, strict=True)
        ]


@st.composite
def records(draw) -> Trials:
    N, M = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    K, C = draw(st.integers(2, 6)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, C, K)
    logits = rng.normal(0, draw(st.sampled_from([0.1, 2.0, 30.0])), (N, M, K, C))
    # Where no example is right easiness is an error; here one always is.
    logits[0, :, 0, labels[0]] = logits[0, :, 0].max(axis=1) + 1
    trained_on = rng.random((N, K)) < draw(st.sampled_from([0.5, 1.0]))
    return Trials(logits, labels, trained_on, draw(st.sampled_from(["none", "left_out", "all"])))


@given(records())
@settings(deadline=None, max_examples=40)
def test_ranges_hold(trials) -> None:
    columns = score_columns(trials.observe(), trials.logits.shape[1])
    for score in SCORES:
        values, se = columns[score.name], columns[f"{score.name}_se"]
        defined = values[~np.isnan(values)]
        assert (defined >= score.range[0] - 1e-6).all(), score.name
        assert (defined <= score.range[1] + 1e-6).all(), score.name
        assert (se[~np.isnan(se)] >= 0).all(), score.name
        low, high = columns[f"{score.name}_low"], columns[f"{score.name}_high"]
        assert_array_equal(np.isnan([low, high]), np.isnan([se, se]), score.name)
        sure = ~np.isnan(se)
        assert (low[sure] >= score.range[0]).all(), score.name
        assert (high[sure] <= score.range[1]).all(), score.name
        assert ((low[sure] - 1e-6 <= values[sure]) & (values[sure] <= high[sure] + 1e-6)).all(), score.name
        assert not (~np.isnan(se) & np.isnan(values)).any(), score.name
    share = columns["never_learned_share"]
    assert ((share >= 0) & (share <= 1)).all()
    assert_array_equal(columns["never_learned"], share == 1)


@given(records())
@settings(deadline=None, max_examples=40)
def test_a_ranking_is_total_with_the_never_learned_strictly_last(trials) -> None:
    M = trials.logits.shape[1]
    columns = score_columns(trials.observe(), M)
    ranking = [score for score in SCORES if score.never_learned is not None]
    assert [score.name for score in ranking] == [
        "forgetting_events",
        "first_learned_epoch",
        "iteration_learned",
    ]
    for score in ranking:
        assert score.high_means == "hard"
        ranked, learned = score.for_ranking(columns, M), ~np.isnan(columns[score.name])
        assert_array_equal(ranked[learned], columns[score.name][learned])  # and example 0 is one of them
        assert (ranked[~learned] > ranked[learned].max()).all(), score.name
        assert not np.isnan(ranked[columns["never_learned"]]).any()


@given(records(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_permuting_examples_permutes_scores(trials, random) -> None:
    K = len(trials.labels)
    order = np.array(random.sample(range(K), K))
    M = trials.logits.shape[1]
    moved = Trials(trials.logits[:, :, order], trials.labels[order], trials.trained_on[:, order], trials.keep)
    before, after = score_columns(trials.observe(), M), score_columns(moved.observe(), M)
    for name, values in before.items():
        assert_allclose(after[name], values[order], err_msg=name, **PRECISE)  # type: ignore[call-overload]


@given(records(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_the_order_of_trials_does_not_matter(trials, random) -> None:
    M, seen = trials.logits.shape[1], trials.observe()
    before, after = score_columns(seen, M), score_columns(random.sample(seen, len(seen)), M)
    for name, values in before.items():
        assert_allclose(after[name], values, err_msg=name, **PRECISE)  # type: ignore[call-overload]


@given(records(), st.data())
@settings(deadline=None, max_examples=40)
def test_pieces_of_trials_give_what_whole_trials_give(trials, data) -> None:
    M, K = trials.logits.shape[1:3]
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, K - 1)))), K]
    scoring = Scoring(trials.labels, M)
    for obs in trials.observe():
        for first, end in pairwise(cuts):
            scoring.add(_piece(obs, first, end), first)
    pieces, whole = scoring.columns(), score_columns(trials.observe(), M)
    assert list(pieces) == list(whole)
    for name, values in whole.items():
        assert_allclose(pieces[name], values, err_msg=name, **PRECISE)  # type: ignore[call-overload]


def _piece(obs, first, end) -> Observations:
    kept = obs.logits
    return replace(
        obs,
        labels=obs.labels[first:end],
        trained_on=obs.trained_on[first:end],
        logits=None if kept is None else kept.between(first, end),
        **{name: getattr(obs, name)[:, first:end] for name in STATISTICS},
    )


@given(records(), st.data())
@settings(deadline=None, max_examples=30)
def test_what_comes_after_m_changes_nothing(trials, data) -> None:
    m = data.draw(st.integers(1, trials.logits.shape[1]))
    whole = trials.observe()
    cut = [_truncate(obs, m) for obs in whole]
    before, after = score_columns(whole, m), score_columns(cut, m)
    for name, values in before.items():
        assert_array_equal(after[name], values, err_msg=name)


def _truncate(obs: Observations, m: int) -> Observations:
    rows = {name: getattr(obs, name)[:m] for name in STATISTICS}
    kept = obs.logits and KeptLogits(obs.logits.positions, obs.logits.values[:m])
    return replace(obs, logits=kept, epochs=obs.epochs[:m], **rows)


@given(records())
@settings(deadline=None, max_examples=30)
def test_names_of_one_formula_agree_and_scores_equal_their_definition_on_logits(trials) -> None:
    M = trials.logits.shape[1]
    columns = score_columns(trials.observe(), M)
    for one, other in (("correctness", "cumulative_accuracy"), ("confidence", "cumulative_confidence")):
        assert_array_equal(columns[one], columns[other])
        assert_array_equal(columns[f"{one}_se"], columns[f"{other}_se"])
    z = trials.logits - trials.logits.max(axis=3, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=3, keepdims=True)
    of_label = p[:, :, np.arange(len(trials.labels)), trials.labels]
    right = trials.logits.argmax(axis=3) == trials.labels
    expected = {
        "max_confidence": p[:, -1].max(axis=2).mean(axis=0),
        "loss": -np.log(of_label[:, -1]).mean(axis=0),
        "entropy": -(p[:, -1] * np.log(p[:, -1].clip(1e-300))).sum(axis=2).mean(axis=0),
        "confidence": of_label.mean(axis=(0, 1)),
        "variability": of_label.std(axis=1).mean(axis=0),
        "aleatoric": (of_label * (1 - of_label)).mean(axis=(0, 1)),
        "correctness": right.mean(axis=(0, 1)),
        "el2n": np.linalg.norm(p[:, -1] - np.eye(p.shape[3])[trials.labels], axis=2).mean(axis=0),
    }
    for name, values in expected.items():
        assert_allclose(columns[name], values, rtol=1e-5, atol=2e-5, err_msg=name)


@given(records())
@settings(deadline=None, max_examples=30)
def test_held_out_scores_split_the_accuracy(trials) -> None:
    M = trials.logits.shape[1]
    columns = score_columns(trials.observe(), M)
    right = trials.logits[:, -1].argmax(axis=2) == trials.labels
    num_with = trials.trained_on.sum(axis=0)
    num_without = len(trials.trained_on) - num_with
    assert_array_equal(np.isnan(columns["consistency"]), num_without == 0)
    assert_array_equal(np.isnan(columns["self_confidence"]), num_without == 0)
    both = (num_with > 0) & (num_without > 0)
    assert_array_equal(np.isnan(columns["memorization"]), ~both)
    consistency = columns["consistency"][both]
    accuracy_with = columns["memorization"][both] + consistency
    total = num_with[both] * accuracy_with + num_without[both] * consistency
    assert_allclose(total, right.sum(axis=0)[both], atol=1e-9)


@given(records())
@settings(deadline=None, max_examples=30)
def test_out_of_sample_scores_fit_together(trials) -> None:
    columns = score_columns(trials.observe(), trials.logits.shape[1])
    defined = ~np.isnan(columns["normalized_margin"])
    left_out = ~trials.trained_on.all(axis=0)
    assert_array_equal(defined, left_out if trials.keep != "none" else np.zeros_like(left_out))
    assert_array_equal(np.isnan(columns["confident_learning_flag"]), ~defined)
    q_label = columns["self_confidence"][defined]
    margin = columns["normalized_margin"][defined]
    # The rival has at most what the label leaves, at least an equal part of it.
    num_others = trials.logits.shape[3] - 1
    assert (margin >= q_label - (1 - q_label) - 1e-5).all()
    assert (margin <= q_label - (1 - q_label) / num_others + 1e-5).all()
    assert set(columns["confident_learning_flag"][defined]) <= {0.0, 1.0}
