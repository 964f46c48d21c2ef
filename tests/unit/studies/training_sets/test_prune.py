from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.analysis import draw_by_beta, draw_for_coverage
from easiness.errors import BadInput


@pytest.fixture(scope="module")
def run(measured: Path) -> ez.Run:
    """100 digits, ten of each class."""
    return ez.open_run(measured)


def dropped(pruned) -> list[int]:
    return np.flatnonzero(~pruned.kept).tolist()


@pytest.mark.parametrize(
    ("policy", "beta"), [("easy", (3, 1)), ("hard", (1, 3)), ("random", (1, 1)), ("beta:2,5", (2, 5))]
)
def test_the_draw_is_that_of_the_studies(run, policy, beta):
    pruned = ez.prune(run, drop=0.3, policy=policy, seed=2, score="easiness")
    values = run.scores()["easiness"].to_numpy()
    drawn = ez.draw_by_rank(values, 0.3, beta, 2)
    np.testing.assert_array_equal(np.flatnonzero(~pruned.kept), drawn)
    table = pruned.table()
    assert list(table.columns) == ["id", "label", "class"]
    np.testing.assert_array_equal(table["id"], np.delete(run.ids, drawn))
    np.testing.assert_array_equal(table["label"], np.delete(run.labels, drawn))
    assert (table["class"] == table["label"].astype(str)).all()
    assert table["id"].dtype == np.int64


def test_by_difficulty_unless_another_score_is_named(run):
    pruned = ez.prune(run, drop=0.3, policy="hard", seed=2)
    values = run.scores()["difficulty"].to_numpy()
    np.testing.assert_array_equal(pruned.values, values)
    assert dropped(pruned) == ez.draw_by_rank(-values, 0.3, (1, 3), 2).tolist()


def test_balanced_over_classes(run):
    pruned = ez.prune(run, drop=0.3, policy="hard", balanced=True)
    assert (pruned.by_class()["dropped"] == 3).all()
    assert (pruned.by_class()["kept"] == 7).all()


def test_the_score_of_both_parts(run):
    pruned = ez.prune(run, drop=0.3, policy="easy", score="el2n", epoch=1)
    el2n = run.scores(1)["el2n"].to_numpy()
    np.testing.assert_array_equal(pruned.values, el2n)
    assert dropped(pruned) == ez.draw_by_rank(-el2n, 0.3, (3, 1), 0).tolist()
    by_class = pruned.by_class()
    assert list(by_class.columns) == ["class", "kept", "dropped", "el2n_kept", "el2n_dropped"]
    own = run.labels == 3
    assert by_class["el2n_kept"][3] == pytest.approx(el2n[own & pruned.kept].mean())
    assert by_class["el2n_dropped"][3] == pytest.approx(el2n[own & ~pruned.kept].mean())
    # a high error norm is hard, and mainly easy examples are dropped
    assert el2n[pruned.kept].mean() > el2n[~pruned.kept].mean()


@pytest.mark.parametrize(("keep", "drawn_end", "sign"), [("top", "bottom", -1), ("bottom", "top", 1)])
@pytest.mark.parametrize("score", ["variability", "entropy", "aleatoric"])
def test_the_end_to_keep_is_mainly_kept(run, score, keep, drawn_end, sign):
    pruned = ez.prune(run, drop=0.3, score=score, keep=keep)
    values = run.scores()[score].to_numpy()
    np.testing.assert_array_equal(pruned.values, values)
    assert dropped(pruned) == ez.draw_by_rank(sign * values, 0.3, (3, 1), 0).tolist()
    assert (pruned.policy, pruned.keep) == (drawn_end, keep)
    told = f"those at the {drawn_end}, by {score}, from the {keep} (to keep) to the {drawn_end}."
    assert told in pruned.sections()[0].note
    assert (values[pruned.kept].mean() > values[~pruned.kept].mean()) == (keep == "top")
    named = ez.prune(run, drop=0.3, score=score, keep=keep, policy="beta:3,1")
    assert named.policy == drawn_end
    np.testing.assert_array_equal(named.kept, pruned.kept)


def test_policies_beside_an_end_to_keep(run):
    values = run.scores()["variability"].to_numpy()
    for policy, beta in (("random", (1, 1)), ("beta:1,9", (1, 9))):
        pruned = ez.prune(run, drop=0.3, score="variability", keep="top", policy=policy)
        assert pruned.policy == policy
        assert dropped(pruned) == ez.draw_by_rank(-values, 0.3, beta, 0).tolist()


@pytest.fixture
def half_learned(record) -> ez.Run:
    """Sixty examples of two classes: thirty of them, every second, are learned in no epoch."""
    labels = np.arange(60) // 2 % 2
    logits = np.eye(2)[np.where(np.arange(60) % 2, 1 - labels, labels)]
    return record([[logits, logits]], labels, classes=["a", "b"])


def test_what_was_never_learned_is_the_hardest(half_learned):
    pruned = ez.prune(half_learned, drop=0.5, policy="beta:1,1000000", score="forgetting_events")
    np.testing.assert_array_equal(~pruned.kept, np.arange(60) % 2)  # the thirty, and no other
    np.testing.assert_array_equal(pruned.values, np.where(np.arange(60) % 2, np.nan, 0))
    assert pruned.num_never_learned == 30
    told = "by forgetting_events. 30 examples that no trial learned have none and rank as the hardest."
    assert told in pruned.sections()[0].note
    assert "no trial learned" not in ez.prune(half_learned, policy="hard").sections()[0].note
    means = pruned.by_class()
    assert (means["forgetting_events_kept"] == 0).all()
    assert means["forgetting_events_dropped"].isna().all()
    easy = ez.prune(half_learned, drop=0.5, policy="beta:1000000,1", score="first_learned_epoch")
    np.testing.assert_array_equal(easy.kept, np.arange(60) % 2)


def test_nothing_dropped(run):
    pruned = ez.prune(run, drop=0)
    assert pruned.kept.all()
    assert pruned.by_class()["difficulty_dropped"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": 1}, "drop 1: not in"),
        ({"drop": 0.97}, "the draw: takes all 10 examples of class '"),
        ({"policy": "beta:1,-3"}, "give two positive numbers"),
        ({"policy": "beta:x"}, "policy 'beta:x': unknown"),
        ({"policy": "wrost"}, r"policy 'wrost': unknown \(did you mean worst, best\?\); give easy"),
        ({"policy": "daul"}, r"policy 'daul': unknown \(did you mean dual"),
        (
            {"score": "variability", "policy": "easy"},
            r"which end of it to keep \(--keep top or --keep bottom\)",
        ),
        ({"score": "variability", "keep": "top", "policy": "hard"}, "policy 'hard': high variability means"),
        ({"keep": "top", "policy": "easy"}, "keep top: high difficulty means hard, .*; leave --keep out"),
        ({"keep": "up"}, "keep 'up'"),
        ({"score": "normalized_margin", "keep": "top"}, "normalized_margin is undefined for 100 of 100"),
        ({"epoch": 9}, "epoch 9 is not recorded"),
        ({"seed": -1}, "seed -1"),
        ({"policy": "ccs:x"}, "policy 'ccs:x': give a share"),
        ({"policy": "ccs:-1"}, "policy 'ccs:-1': give a share"),
        ({"policy": "ccs:nan"}, "policy 'ccs:nan': give a share"),
        ({"policy": "ccs:0.4"}, r"policy 'ccs:0\.4': cuts more away than is to be dropped \(0\.3\)"),
        ({"policy": "dual:0"}, "policy 'dual:0': give a positive exponent"),
        ({"policy": "dual:inf"}, "policy 'dual:inf': give a positive exponent"),
        ({"policy": "dual", "score": "dual"}, "which end of it to keep"),
        ({"policy": "ccs", "keep": "top"}, "keep top: high difficulty means hard"),
        ({"policy": "cs"}, "policy 'cs': unknown.*; or worst or best, .*; or ccs or dual"),
    ],
)
def test_what_cannot_be_drawn(run, options, message):
    with pytest.raises(BadInput, match=message):
        ez.prune(run, **options)


@pytest.mark.parametrize(
    ("score", "keep", "policy"),
    [("easiness", "top", "hard"), ("easiness", "bottom", "easy"), ("loss", "top", "easy")],
)
def test_an_end_to_keep_is_the_policy_that_drops_the_other(run, score, keep, policy):
    by_end = ez.prune(run, score=score, keep=keep)
    by_policy = ez.prune(run, score=score, policy=policy)
    assert by_end.policy == policy
    assert (by_end.kept == by_policy.kept).all()


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("aum", None, 1), ("el2n", None, -1), ("variability", "top", -1), ("variability", "bottom", 1)],
)
@pytest.mark.parametrize(("policy", "cut"), [("ccs", 0.0), ("ccs:0.1", 0.1)])
def test_coverage_by_any_score(run, score, keep, sign, policy, cut):
    pruned = ez.prune(run, drop=0.4, policy=policy, score=score, keep=keep, seed=3)
    values, loss = (run.scores()[name].to_numpy() for name in (score, "loss"))
    expected = draw_for_coverage(sign * values, 0.4, refine_by=loss, ids=run.ids, cut=cut, seed=3)
    assert dropped(pruned) == expected.tolist()
    assert pruned.policy == f"ccs:{cut:g}"
    note = pruned.sections()[0].note
    first = "10% as the hardest, then " if cut else ""
    assert f"those that CCS leaves out ({first}all but the same number of each stratum), by " in note
    assert f"by {score}" in note


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("aum", None, -1), ("el2n", None, 1), ("variability", "top", 1), ("variability", "bottom", -1)],
)
@pytest.mark.parametrize(("policy", "exponent"), [("dual", 4), ("dual:5.5", 5.5)])
def test_beta_sampling_by_any_score(run, score, keep, sign, policy, exponent):
    pruned = ez.prune(run, drop=0.3, policy=policy, score=score, keep=keep, seed=3)
    values, confidence = (run.scores()[name].to_numpy() for name in (score, "confidence"))
    expected = draw_by_beta(sign * values, confidence, 0.3, ids=run.ids, exponent=exponent, seed=3)
    assert dropped(pruned) == expected.tolist()
    assert pruned.policy == f"dual:{exponent:g}"
    assert f"Beta sampling as in DUAL leaves out (c_D = {exponent:g})" in pruned.sections()[0].note


@pytest.mark.parametrize("policy", ["ccs", "dual"])
def test_samplers_balanced_over_classes(run, policy):
    pruned = ez.prune(run, drop=0.7, policy=policy, balanced=True)
    assert (pruned.by_class()["kept"] == 3).all()
    assert not np.array_equal(pruned.kept, ez.prune(run, drop=0.7, policy=policy, balanced=True, seed=1).kept)


def test_how_much_is_cut_by_the_share_to_drop(run):
    assert ez.prune(run, drop=0.7, policy="ccs", balanced=True).policy == "ccs:0.1"


def test_beta_sampling_needs_every_epoch(tmp_path):
    size = dict[str, Any](model="mlp_3", trials=1, epochs=2, observe="last", limit=30, jobs=1)
    last = ez.measure("digits", **size, out=tmp_path / "run")
    with pytest.raises(BadInput, match="'dual' needs the confidence"):
        ez.prune(last, policy="dual", score="el2n")
