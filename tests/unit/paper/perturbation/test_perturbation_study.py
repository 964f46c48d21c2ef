from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Recipe, load_dataset, paper
from easiness.analysis import Rule, match_groups
from easiness.data import Dataset
from easiness.paper.options import Perturbing
from easiness.paper.perturbation import draw_panel, perturbation_curve
from easiness.paper.perturbation.curve import PerturbationCurve, level_name
from easiness.paper.perturbation.looking import check_changes_something
from easiness.paper.perturbation.panel import one_per_class, panel_blocks
from easiness.perturb import Radial, Shuffle
from easiness.runs import data_of
from easiness.show.result import sections_text
from pixels import images_of
from plans import curve_of, match_levels, votes_of
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
            assert point.same_models == Rule(**options).match_all(regular, perturbed)
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
    assert curve.lost_more(0, curve, 0).value == 0
    # two levels with the same votes lose the same in every replicate
    votes = [random_votes(0, 0.1), random_votes(1, 0.3), random_votes(1, 0.3)]
    twice = curve_of(votes, [1.0, 0.5, 0.25])
    assert twice.lost_more(0.5, twice, 0.25).interval == pytest.approx((0, 0), abs=1e-12)
    more = curve.lost_more(0, curve, 0.5)
    assert more.value == pytest.approx(curve.lost(0).value - curve.lost(0.5).value)
    by_hand = curve.at(0.5, "easy", "refine").replicates - curve.at(0, "easy", "refine").replicates
    expected = np.percentile(by_hand, (2.5, 97.5)) - by_hand.mean() + more.value
    assert more.interval == pytest.approx(tuple(expected))
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
    assert np.isnan(table.loc[(0.5, "easy", "refine"), "rate"])  # type: ignore[arg-type]
    assert "Undefined at 0.5: some trial gets no example right" in " ".join(
        sections_text(curve.sections()).split()
    )


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
        assert f"{match.groups.rate:.2f} ({match.groups.interval[0]:.2f} to " in text


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturbed") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=5, recipe={"batch_size": 16})


def test_a_run_on_digits_from_end_to_end(run):
    curve = paper.perturb(run, kind="radial", levels=[1, 2], num_replicates=20).curve
    assert curve.levels == (6, 2, 1)  # the neutral level comes of itself
    assert curve.neutral == 6
    for split in ("train", "held_out"):
        recorded = [trial.document.accuracy[split][-1] for trial in run.trials]
        assert curve.accuracy[split][:, 0].tolist() == recorded
        assert curve.mean_accuracy(split)[2] < curve.mean_accuracy(split)[0]
    for side in ("easy", "hard"):
        regular = match_groups(run.votes(), run.votes(), Rule(side=side, ties="refine"), group_size=2)
        assert curve.ceiling(side, "refine") == pytest.approx(regular.rate, abs=0.05)  # type: ignore[union-attr]
        same = curve.at(6, side, "refine").same_models
        assert same is not None
        assert same.rate == 1
    assert not curve.changes_nothing
    again = paper.perturb(
        run, kind="radial", levels=[2, 1], num_replicates=20, side="easy", ties=["refine"]
    ).curve
    assert again.line("easy", "refine") == curve.line("easy", "refine")


def test_color_changes_nothing_on_grey_images(run):
    asked = Perturbing(run, "color", num_replicates=5, ties=["refine"])
    curve = perturbation_curve(asked, data_of(run))
    assert curve.changes_nothing
    assert "change nothing in these pictures" in " ".join(sections_text(curve.sections()).split())
    assert curve.lost(0).value == 0


def test_other_data_are_refused(run):
    with pytest.raises(BadInput, match="not the data"):
        paper.perturb(run, kind="color", data=load_dataset("digits", limit=200, holdout=0.5))


LEVELS = (4.0, 2.0, 1.0)


def of_noise(num_trials=4, silent=False, levels=LEVELS):
    rng = np.random.default_rng(0)
    votes = []
    for at in range(3):
        p = np.clip(np.linspace(1, 0, 40) + 0.3 * (at + 1) * rng.normal(size=(num_trials, 40)), 0, 1)
        correct = (p > 0.5) & (not (silent and at == 2))
        votes.append(votes_of(correct, p_label=p))
    return curve_of(votes, levels, kind="radial", axis="radius (frequencies)", neutral=4.0)


def lines_of(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")  # text outside of the figure or a wrong glyph would warn
    return {one.get_label(): one[0] for one in figure.axes[0].containers}


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.3])
def test_names_of_ceilings_lie_over_nothing(apart, monkeypatch):
    monkeypatch.setattr(PerturbationCurve, "ceiling", lambda _, side, __: 0.5 + apart * (side == "easy"))
    figure = of_noise().figure()
    figure.draw_without_rendering()
    named = [text for text in figure.axes[0].texts if text.get_text() == "ceiling"]
    low, high = sorted((text.get_window_extent() for text in named), key=lambda box: box.y0)
    assert low.y1 <= high.y0 + 1e-6


def test_undefined_levels_are_marked_and_one_trial_has_no_groups():
    figure = of_noise(silent=True).figure()
    lines_of(figure)
    assert "undefined" in [text.get_text() for text in figure.axes[0].texts]
    alone = of_noise(num_trials=1)
    assert all(match.groups is None for match in alone.matches)
    assert not any("other models" in name for name in lines_of(alone.figure()))


def test_levels_have_short_names():
    assert [level_name(level) for level in (23, 0.25, 1 / 32, 0, 0.07, 2 / 3)] == [
        "23", "0.25", "1/32", "0", "0.07", "0.667",
    ]  # fmt: skip


def test_the_panel_holds_the_transformed_pixels_cut_for_display():
    data, positions = load_dataset("digits"), np.array([5, 2])
    pixels = images_of(data)[positions] / 255
    radial, shuffle = panel_blocks(data, Recipe(), positions, kinds=["radial", "shuffle"], seed=3)
    for at, level in enumerate(radial.levels):
        expected = Radial(level)(pixels).clamp(0, 1).permute(0, 2, 3, 1)
        assert np.array_equal([seen[at] for seen in radial.seen], expected)
    for at, level in enumerate(shuffle.levels):
        expected = Shuffle(level, 3)(pixels, ids=data.ids[positions]).permute(0, 2, 3, 1)
        assert np.array_equal([seen[at] for seen in shuffle.seen], expected)
    figure = draw_panel(data, Recipe(), kinds=["radial", "shuffle"], num=2)
    assert len(figure.axes[0].images) == 2 * (len(radial.levels) + len(shuffle.levels))
    lines_of(figure)
    every = panel_blocks(data, Recipe(), positions)
    assert [block.heading.partition(":")[0] for block in every] == ["color", "shuffle", "radial"]
    with pytest.raises(BadInput, match="color alpha 2"):
        panel_blocks(data, Recipe(), positions, kinds=["color"], levels={"color": [2]})


def test_examples_are_of_as_many_classes_as_there_are():
    labels = np.arange(40) % 10
    assert len(set(labels[one_per_class(labels, 5, 3)])) == 5
    assert len(one_per_class(labels, 12, 0)) == 12


PICTURES = 40


def pictures(red: int | None) -> Dataset:
    """Grey pictures stored as color, of which the one at ``red`` is."""
    x = np.full((PICTURES, 8, 8, 3), 128, np.uint8)
    if red is not None:
        x[red, 0, 0] = (255, 0, 0)
    return load_dataset((x, np.arange(PICTURES) % 2))


@pytest.mark.parametrize("red", [0, 1, PICTURES - 1])
def test_one_picture_with_color_is_enough(red: int) -> None:
    check_changes_something(pictures(red), Recipe(), "color", None, 0)


def test_grey_ones_are_refused_and_say_at_which_levels() -> None:
    with pytest.raises(BadInput, match=r"none of the 40 .* 0\.5, 0; give another kind"):
        check_changes_something(pictures(None), Recipe(), "color", [1, 0.5, 0], 0)


def test_who_asks_for_the_neutral_level_alone_gets_it() -> None:
    check_changes_something(pictures(None), Recipe(), "color", [1], 0)
