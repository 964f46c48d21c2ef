from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, load_dataset, perturbation_curve
from easiness.analysis import Rule, Votes, match_groups, match_votes
from easiness.show.result import sections_text
from easiness.studies.perturbation.curve import PerturbationCurve
from easiness.studies.perturbation.match import difference_of_losses
from plans import match_levels
from recording import small_run

NUM, TRIALS = 40, 4
OPTIONS = {"fraction": 0.25, "seed": 0, "num_replicates": 60}


def votes_of(correct, p_label=None):
    right = np.asarray(correct, np.bool_)
    p = np.where(right, 0.9, 0.1) if p_label is None else np.asarray(p_label)
    num = right.shape[1]
    return Votes(right, p, np.arange(num) % 2, np.arange(num), 1, np.arange(len(right)))


def random_votes(seed, noise):
    """Low positions are easy, the less so the more noise."""
    rng = np.random.default_rng(seed)
    p = np.clip(np.linspace(1, 0, NUM) + noise * rng.normal(size=(TRIALS, NUM)), 0, 1)
    return votes_of(p > 0.5, p)


def curve_of(votes, levels, kind="color", **changes):
    silent = {level: int((~one.correct.any(axis=1)).sum()) for level, one in zip(levels, votes, strict=True)}
    matches = match_levels(votes, levels, 0, sides=("easy", "hard"), ties=("expected", "refine"), **OPTIONS)
    curve = PerturbationCurve(
        run="run", model="mlp", epoch=1, trials=tuple(range(TRIALS)), num_examples=NUM, num_classes=2,
        kind=kind, axis="alpha", levels=tuple(levels), neutral=levels[0], fraction=0.25, seed=0,
        matches=matches, accuracy={"train": np.stack([one.correct.mean(axis=1) for one in votes], axis=1)},
        num_silent=silent, changes_nothing=False,
    )  # fmt: skip
    return replace(curve, **changes)


@pytest.fixture(scope="module")
def curve():
    return curve_of([random_votes(0, 0.1), random_votes(1, 0.3), random_votes(2, 3)], [1.0, 0.5, 0.0])


def test_sets_of_the_same_models_by_hand():
    # eight examples, the two easiest: 0 and 1 when regular, 1 and 2 when perturbed
    regular = votes_of([[1, 1, 0, 0, 0, 0, 0, 0]] * 2)
    perturbed = votes_of([[0, 1, 1, 0, 0, 0, 0, 0]] * 2)
    matches = match_levels(
        [regular, perturbed], [1, 0], 0, sides=["easy"], ties=["strict", "refine"], fraction=0.25, seed=0,
        num_replicates=5,
    )  # fmt: skip
    assert [(m.level, m.ties) for m in matches] == [
        (1, "strict"),
        (0, "strict"),
        (1, "refine"),
        (0, "refine"),
    ]
    assert [m.same_models.rate for m in matches] == [1, 0.5, 1, 0.5]
    assert [m.same_models.chance for m in matches] == [0.25] * 4
    assert [m.groups.rate for m in matches] == [1, 0.5, 1, 0.5]
    assert all(m.groups.group_size == 1 and not m.groups.decided for m in matches)


def test_points_are_what_the_analysis_says(curve):
    regular, perturbed = random_votes(0, 0.1), random_votes(1, 0.3)
    for side in ("easy", "hard"):
        for ties in ("expected", "refine"):
            point = curve.at(0.5, side, ties)
            options: dict[str, Any] = {"side": side, "ties": ties, "fraction": 0.25, "seed": 0}
            assert point.same_models == match_votes(regular, perturbed, **options)
            assert point.groups == match_groups(regular, perturbed, Rule(**options), num_replicates=60)
            assert curve.at(1, side, "refine").same_models.rate == 1
    # a ceiling is of two groups, not of one with itself
    assert curve.ceiling("easy", "refine") < 1


def test_losses_are_differences_from_the_ceiling(curve):
    none = curve.lost(1.0)
    assert none.value == 0
    assert none.interval == pytest.approx((0, 0), abs=1e-12)
    much = curve.lost(0)
    assert much.value == curve.ceiling("easy", "refine") - curve.at(0, "easy", "refine").groups.rate
    assert much.value > curve.lost(0.5).value
    assert much.interval[0] < much.value < much.interval[1]
    assert not much.decided  # groups of two


def test_replicates_of_two_levels_are_of_the_same_trials(curve):
    same = difference_of_losses(curve, 0, curve, 0)
    assert same.value == 0
    assert same.interval == pytest.approx((0, 0), abs=1e-12)
    # two levels with the same votes lose the same in every replicate
    votes = [random_votes(0, 0.1), random_votes(1, 0.3), random_votes(1, 0.3)]
    twice = curve_of(votes, [1.0, 0.5, 0.25])
    assert difference_of_losses(twice, 0.5, twice, 0.25).interval == pytest.approx((0, 0), abs=1e-12)
    more = difference_of_losses(curve, 0, curve, 0.5, side="hard", ties="expected")
    assert more.value == pytest.approx(
        curve.lost(0, "hard", "expected").value - curve.lost(0.5, "hard", "expected").value
    )
    by_hand = curve.at(0.5, "hard", "expected").replicates - curve.at(0, "hard", "expected").replicates
    expected = np.percentile(by_hand, (2.5, 97.5)) - by_hand.mean() + more.value
    assert more.interval == pytest.approx(tuple(expected))


def test_losses_of_different_runs_or_missing_levels_are_refused(curve):
    with pytest.raises(BadInput, match="differ in seed"):
        difference_of_losses(curve, 0, replace(curve, seed=1), 0)
    with pytest.raises(BadInput, match=r"no level 0.3 .* 1, 0.5, 0"):
        curve.lost(0.3)


def test_a_level_at_which_easiness_is_undefined_is_said_to_be():
    silent = random_votes(1, 0.3)
    correct = silent.correct.copy()
    correct[2] = False
    votes = [random_votes(0, 0.1), votes_of(correct), random_votes(1, 0.3)]
    curve = curve_of(votes, [1.0, 0.5, 0.0])
    assert curve.num_silent == {1: 0, 0.5: 1, 0: 0}
    for match in curve.matches:
        assert (match.groups is None) == (match.same_models is None) == (match.level == 0.5)
    loss = curve.lost(0.5)
    assert math.isnan(loss.value)
    assert math.isnan(loss.interval[0])
    assert not loss.decided
    table = curve.table().set_index(["level", "side", "ties"])
    assert np.isnan(table.loc[(0.5, "easy", "refine"), "rate"])
    assert "undefined: some trial gets no example right" in " ".join(sections_text(curve.sections()).split())


def test_one_trial_has_no_groups_and_no_loss():
    votes = [votes_of(random_votes(seed, 0.2).correct[:1]) for seed in (0, 1)]
    matches = match_levels(votes, [1, 0], 0, sides=["easy"], ties=["expected"], **OPTIONS)
    assert all(match.groups is None for match in matches)
    assert matches[1].same_models.chance == pytest.approx(0.25)


def test_the_table_has_a_row_for_each_point(curve):
    table = curve.table()
    assert len(table) == 2 * 2 * 3
    row = table[(table.level == 0.5) & (table.side == "hard") & (table.ties == "expected")].iloc[0]
    point = curve.at(0.5, "hard", "expected")
    assert row.rate == point.groups.rate
    assert row.same_models_rate == point.same_models.rate
    assert (row.low, row.high) == point.groups.interval
    assert row.train_accuracy == curve.accuracy["train"][:, 1].mean()
    assert row.train_accuracy_se == pytest.approx(curve.accuracy["train"][:, 1].std(ddof=1) / 2)
    assert row.lost == curve.lost(0.5, "hard", "expected").value
    text = sections_text(curve.sections())
    for match in curve.matches:
        assert f"{match.groups.rate:.2f}?" in text


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturbed") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=5, recipe={"batch_size": 16})


def test_a_run_on_digits_from_end_to_end(run):
    curve = perturbation_curve(run, "radial", [1, 2], num_replicates=20)
    assert curve.levels == (6, 2, 1)  # the neutral level comes of itself
    assert curve.neutral == 6
    for split in ("train", "held_out"):
        recorded = [trial.document.accuracy[split][-1] for trial in run.trials]
        assert curve.accuracy[split][:, 0].tolist() == recorded
        assert curve.mean_accuracy(split)[2] < curve.mean_accuracy(split)[0]
    for side in ("easy", "hard"):
        regular = match_groups(run.votes(), run.votes(), Rule(side=side, ties="refine"), group_size=2)
        assert curve.ceiling(side, "refine") == pytest.approx(regular.rate, abs=0.05)  # type: ignore[union-attr]
        assert curve.at(6, side, "refine").same_models.rate == 1  # type: ignore[union-attr]
    assert not curve.changes_nothing
    again = perturbation_curve(run, "radial", [2, 1], num_replicates=20, sides=["easy"], ties=["refine"])
    assert again.line("easy", "refine") == curve.line("easy", "refine")


def test_color_changes_nothing_on_grey_images(run):
    curve = perturbation_curve(run, "color", num_replicates=5, ties=["refine"])
    assert curve.changes_nothing
    assert "change nothing in these pictures" in " ".join(sections_text(curve.sections()).split())
    assert curve.lost(0).value == 0


def test_other_data_are_refused(run):
    with pytest.raises(BadInput, match="not the data"):
        perturbation_curve(run, "color", source=load_dataset("digits", limit=200, holdout=0.5))
