"""Curves, panels and pseudo patterns: by hand from votes, and of a run on digits."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from easiness import BadInput, Recipe, load_dataset, paper
from easiness.analysis import Rule, match_groups
from easiness.data import Dataset
from easiness.paper.perturbation import draw_patterns
from easiness.paper.perturbation.looking import check_changes_something
from easiness.paper.perturbation.panel import one_per_class, panel_blocks
from easiness.paper.perturbation.study import PseudoPatterns, count_levels
from easiness.perturb import Radial, Shuffle
from easiness.show.result import sections_text
from easiness.store import Row
from pixels import images_of
from plans import curve_of, votes_of
from recording import small_run

NUM, TRIALS = 40, 4


def random_votes(seed, noise):
    """Low positions are easy, the less so the more noise."""
    rng = np.random.default_rng(seed)
    p = np.clip(np.linspace(1, 0, NUM) + noise * rng.normal(size=(TRIALS, NUM)), 0, 1)
    return votes_of(p > 0.5, p_label=p)


@pytest.fixture(scope="module")
def curve():
    return curve_of([random_votes(0, 0.1), random_votes(1, 0.3), random_votes(2, 3)], [1.0, 0.5, 0.0])


def row_of(curve, level, side="easy", ties="refine"):
    return curve.line(side, ties).set_index("level").loc[level]


def text_of(result):
    return " ".join(sections_text(result.sections()).split())


def test_sets_of_the_same_models_by_hand():
    # eight examples, the two easiest: 0 and 1 when regular, 1 and 2 when perturbed
    votes = [votes_of([[1, 1, 0, 0, 0, 0, 0, 0]] * 2), votes_of([[0, 1, 1, 0, 0, 0, 0, 0]] * 2)]
    table = curve_of(votes, [1, 0], ["easy"], ties=["strict", "refine"]).table()
    assert table[["level", "ties"]].values.tolist() == [
        *([1, "strict"], [0, "strict"], [1, "refine"], [0, "refine"]),
    ]
    assert table["same_models_rate"].tolist() == table["rate"].tolist() == [1, 0.5, 1, 0.5]
    assert (table["same_models_chance"] == 0.25).all()
    assert (table["group_size"] == 1).all()
    assert not table["decided"].any()


def test_points_are_what_the_analysis_says(curve):
    regular, perturbed = random_votes(0, 0.1), random_votes(1, 0.3)
    for side in ("easy", "hard"):
        for ties in ("expected", "refine"):
            row, rule = row_of(curve, 0.5, side, ties), Rule(side, 0.25, ties, 0)
            same, groups = (
                rule.match_all(regular, perturbed),
                match_groups(regular, perturbed, rule, num_replicates=60),
            )
            assert groups is not None
            assert (row.same_models_rate, row.same_models_chance) == (same.rate, same.chance)
            assert (row.same_models_tie_mass_regular, row.same_models_tie_mass_perturbed) == same.tie_mass
            assert (row.rate, row.low, row.high) == (groups.rate, *groups.interval)
            assert (row.tie_mass_regular, row.tie_mass_perturbed) == groups.tie_mass
            assert (row["size"], row.size_perturbed, row.bias) == (*groups.sizes, groups.bias)
            assert row.lost == curve.loss(0.5, side, ties).value
            assert f"{groups.rate:.2f} ({groups.interval[0]:.2f} to " in text_of(curve)
        assert row_of(curve, 1, side).same_models_rate == 1
    # a ceiling is of two groups, not of one with itself
    assert row_of(curve, 1).rate < 1
    assert row.train_accuracy == perturbed.correct.mean()
    assert row.train_accuracy_se == pytest.approx(perturbed.correct.mean(axis=1).std(ddof=1) / 2)


def test_losses_are_differences_from_the_ceiling(curve):
    none, much = curve.loss(1.0), curve.loss(0)
    assert none.value == 0
    assert none.interval == pytest.approx((0, 0), abs=1e-12)
    assert much.value == row_of(curve, 1).rate - row_of(curve, 0).rate > curve.loss(0.5).value
    assert much.interval[0] < much.value < much.interval[1]
    assert not much.decided  # groups of two


def test_replicates_of_two_levels_are_of_the_same_trials(curve):
    assert curve.lost_more(0, curve, 0).value == 0
    # two levels with the same votes lose the same in every replicate
    votes = [random_votes(0, 0.1), random_votes(1, 0.3), random_votes(1, 0.3)]
    twice = curve_of(votes, [1.0, 0.5, 0.25])
    assert twice.lost_more(0.5, twice, 0.25).interval == pytest.approx((0, 0), abs=1e-12)
    more = curve.lost_more(0, curve, 0.5)
    assert more.value == pytest.approx(curve.loss(0).value - curve.loss(0.5).value)
    _, half, none = curve.replicates["easy", "refine"]
    expected = np.percentile(half - none, (2.5, 97.5)) - (half - none).mean() + more.value
    assert more.interval == pytest.approx(tuple(expected))
    with pytest.raises(BadInput, match=r"no level 0.3 .* 1, 0.5, 0"):
        curve.loss(0.3)


def drawn(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")  # text outside of the figure or a wrong glyph would warn
    return {one.get_label() for one in figure.axes[0].containers}


def test_a_level_at_which_easiness_is_undefined_is_said_to_be():
    votes = [random_votes(0, 0.1), random_votes(1, 0.3), random_votes(1, 0.3)]
    votes[1].correct[2] = False
    curve = curve_of(votes, [1.0, 0.5, 0.0])
    table = curve.table()
    undefined = table["level"] == 0.5
    assert (table["num_silent"] == undefined).all()
    assert (table["rate"].isna() == undefined).all()
    assert (table["same_models_rate"].isna() == undefined).all()
    loss = curve.loss(0.5)
    assert math.isnan(loss.value)
    assert math.isnan(loss.interval[0])
    assert not loss.decided
    assert "Undefined at 0.5: some trial gets no example right" in text_of(curve)
    assert "easy, other models?" in drawn(curve.figure())
    assert "undefined" in [text.get_text() for text in curve.figure().axes[0].texts]
    alone = curve_of([votes_of(one.correct[:1], p_label=one.p_label[:1]) for one in votes], [1.0, 0.5, 0.0])
    assert alone.table()["rate"].isna().all()
    assert not any("other models" in name for name in drawn(alone.figure()))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturbed") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=15, recipe={"batch_size": 16})


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", limit=200, holdout=0.25)


def perturb(run, kind="radial", **options):
    return paper.perturb(run, kind=kind, num_replicates=20, progress=False, **options)


def test_a_run_on_digits_from_end_to_end(run, data):
    found = perturb(run, levels=[1, 3, 2], pattern_level=3)
    curve, patterns = found.curve, found.patterns
    assert curve.levels == [6, 3, 2, 1]  # the neutral level comes of itself
    accuracy = curve.line("easy", "refine")
    for split in ("train", "held_out"):
        recorded = [trial.document.accuracy[split][-1] for trial in run.trials]
        assert accuracy[f"{split}_accuracy"][0] == pytest.approx(np.mean(recorded))
        assert accuracy[f"{split}_accuracy"][3] < accuracy[f"{split}_accuracy"][0]
    for side in ("easy", "hard"):
        regular = match_groups(run.votes(), run.votes(), Rule(side=side, ties="refine"), group_size=2)
        assert regular is not None
        assert row_of(curve, 6, side).rate == pytest.approx(regular.rate, abs=0.05)
        assert row_of(curve, 6, side).same_models_rate == 1
    assert not curve.changes_nothing
    again = perturb(run, levels=[2, 1, 3], side="easy", ties=["refine"]).curve
    assert again.line("easy", "refine").equals(curve.line("easy", "refine"))

    assert patterns.table()["level"].tolist() == [6, 3, 2, 1]
    assert patterns.probe == "held_out"
    assert patterns.level == patterns.at_level["level"] == 3
    assert len(patterns.positions) == patterns.at_level["count"] > 0
    assert (np.diff(patterns.p_label) <= 0).all()
    seen = [trial.columns(15, ["prediction", "label"], "held_out") for trial in run.trials]
    right = np.all([one["prediction"] == one["label"] for one in seen], axis=0)
    assert patterns.levels[0]["count"] == right.sum()
    nothing = np.zeros(0, np.int64)
    figure = draw_patterns(replace(patterns, positions=nothing, labels=nothing), data, run.spec.recipe)
    assert "there is none to show" in [text.get_text() for text in figure.axes[0].texts]


def test_the_level_of_patterns_is_chosen_beforehand(run):
    assert perturb(run).patterns.level == 2  # of 6, 4, 2, 1
    assert perturb(run, levels=[1]).patterns.level == 1
    assert perturb(run, probe="train").patterns.levels[0]["num_examples"] == 200


def test_what_cannot_be_looked_at_is_refused(run, tmp_path):
    with pytest.raises(BadInput, match="not the data"):
        perturb(run, "color", data=load_dataset("digits", limit=200, holdout=0.5))
    with pytest.raises(BadInput, match="no held-out split"):
        perturb(small_run(tmp_path / "plain"), probe="held_out")


def test_grey_images_stored_as_color_lose_nothing(run):
    found = curve_of([random_votes(0, 0.1)] * 2, [1.0, 0.0], changes_nothing=True)
    assert "change nothing in these pictures" in text_of(found)
    with pytest.raises(BadInput, match="--kind color: changes none of the 400"):
        perturb(run, "color")


def test_the_panel_holds_the_transformed_pixels_cut_for_display():
    data, positions = load_dataset("digits"), np.array([5, 2])
    pixels = images_of(data)[positions] / 255
    radial, shuffle = panel_blocks(data, Recipe(), positions, kinds=["radial", "shuffle"], seed=3)
    for at, level in enumerate(radial.levels):
        expected = Radial(level)(pixels).clamp(0, 1).permute(0, 2, 3, 1)
        assert np.array_equal([seen[at] for seen in radial.examples], expected)
    for at, level in enumerate(shuffle.levels):
        expected = Shuffle(level, 3)(pixels, ids=data.ids[positions]).permute(0, 2, 3, 1)
        assert np.array_equal([seen[at] for seen in shuffle.examples], expected)
    every = panel_blocks(data, Recipe(), positions)
    assert [block.heading.partition(":")[0] for block in every] == ["color", "shuffle", "radial"]


def test_examples_are_of_as_many_classes_as_there_are():
    labels = np.arange(40) % 10
    assert len(set(labels[one_per_class(labels, 5, 3)])) == 5
    assert len(one_per_class(labels, 12, 0)) == 12


PICTURES = 140


def pictures(red: int | None) -> Dataset:
    """Grey pictures stored as color, of which the one at ``red`` is."""
    x = np.full((PICTURES, 8, 8, 3), 128, np.uint8)
    if red is not None:
        x[red, 0, 0] = (255, 0, 0)
    return load_dataset((x, np.arange(PICTURES) % 2))


def test_one_picture_with_color_is_enough_and_none_is_refused() -> None:
    for red in (0, PICTURES - 1):
        check_changes_something(pictures(red), Recipe(), "color", None, 0)
    with pytest.raises(BadInput, match=r"none of the 140 .* 0\.5, 0; give another kind"):
        check_changes_something(pictures(None), Recipe(), "color", [1, 0.5, 0], 0)
    check_changes_something(pictures(None), Recipe(), "color", [1], 0)  # who asks for the neutral level


def test_counts_and_chances_by_hand():
    # accuracies 4/8 and 6/8; right in both: 0, 1, 2
    correct = [[1, 1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0, 1, 1]]
    (level,) = count_levels([votes_of(correct, [0, 0, 0, 0, 1, 1, 1, 1])], [0.5])
    assert (level["count"], level["num_examples"]) == (3, 8)
    assert [level[f"accuracy{end}"] for end in ("", "_least", "_most")] == [0.625, 0.5, 0.75]
    assert level["chance"] == 8 * 0.625**2
    assert level["chance_product"] == 8 * 0.5 * 0.75
    # mean accuracy 7/8 in the first class, 3/8 in the second
    assert level["class_chance"] == pytest.approx(4 * (7 / 8) ** 2 + 4 * (3 / 8) ** 2)
    assert [level["low"], level["high"]] == pytest.approx(8 * beta.ppf([0.025, 0.975], 3.5, 5.5))
    votes = [votes_of(np.ones((3, 50)), [0] * 50), votes_of(np.eye(50)[:3], [0] * 50)]
    everything, nothing = count_levels(votes, [1, 2])
    assert (everything["high"], nothing["low"], nothing["count"]) == (50, 0, 0)
    # networks that see one class in everything are right by chance within classes
    (level,) = count_levels([votes_of([[True] * 10 + [False] * 10] * 4, [0] * 10 + [1] * 10)], [1])
    assert level["count"] == level["class_chance"] == 10
    assert level["chance"] == 20 / 16


def test_shown_are_the_best_of_each_class_in_turn():
    labels = np.array([0, 0, 0, 2, 0, 1])
    plain: dict[str, Any] = {"run": "run", "model": "m", "row": Row(1), "kind": "radial", "axis": "radius"}
    plain |= {"probe": "train", "seed": 0, "num_trials": 2, "classes": ("a", "b", "c"), "level": 1.0}
    found = PseudoPatterns(**plain, levels=[], positions=np.arange(6), labels=labels, p_label=np.zeros(6))
    assert found.best(3).tolist() == [0, 5, 3]
    assert found.best(4).tolist() == [0, 1, 5, 3]
    assert found.best(100).tolist() == [0, 1, 2, 4, 5, 3]
