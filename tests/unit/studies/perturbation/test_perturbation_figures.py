from __future__ import annotations

import io

import numpy as np
import pytest

from easiness import BadInput, Recipe, load_dataset
from easiness.analysis import Votes
from easiness.data import Dataset
from easiness.perturb import Radial, Shuffle
from easiness.studies.perturbation import check_changes_something
from easiness.studies.perturbation.curve import PerturbationCurve
from easiness.studies.perturbation.figure import draw_perturbation, level_name, level_positions
from easiness.studies.perturbation.panel import draw_panel, perturbed_panel
from pixels import images_of
from plans import match_levels

LEVELS = (4.0, 2.0, 1.0)


def made_up(num_trials=4, silent=False, levels=LEVELS):
    rng = np.random.default_rng(0)
    votes = []
    for at in range(3):
        p = np.clip(np.linspace(1, 0, 40) + 0.3 * (at + 1) * rng.normal(size=(num_trials, 40)), 0, 1)
        correct = (p > 0.5) & (not (silent and at == 2))
        votes.append(Votes(correct, p, np.arange(40) % 2, np.arange(40), 1))
    return PerturbationCurve(
        run="run", model="mlp", epoch=1, trials=tuple(range(num_trials)), num_examples=40, num_classes=2,
        kind="radial", axis="radius (frequencies)", levels=levels, neutral=4.0, fraction=0.25, seed=0,
        matches=match_levels(votes, levels, levels.index(4.0), sides=("easy", "hard"), fraction=0.25,
                             ties=("expected", "refine"), seed=0, num_replicates=20),
        accuracy={"train": np.stack([one.correct.mean(axis=1) for one in votes], axis=1)},
        num_silent={level: num_trials * (silent and level == 1.0) for level in levels},
        changes_nothing=False,
    )  # fmt: skip


def drawn(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")  # text outside of the figure or a wrong glyph would warn
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def test_the_neutral_level_is_at_the_right_whatever_the_order():
    assert level_positions(made_up()).tolist() == [2, 1, 0]
    ascending = made_up(levels=(1.0, 2.0, 4.0))
    assert level_positions(ascending).tolist() == [0, 1, 2]
    left, right = draw_perturbation(made_up()).axes
    for axes in (left, right):
        assert [text.get_text() for text in axes.get_xticklabels()] == ["4\nregular", "2\n ", "1\n "]


@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_lines_are_the_rates_and_the_ceiling_their_end(ties):
    curve = made_up()
    lines = drawn(draw_perturbation(curve, ties))
    for side in ("easy", "hard"):
        points = curve.line(side, ties)
        assert list(lines[f"{side}, other models?"].get_ydata()) == [m.groups.rate for m in points]
        assert list(lines[f"{side}, same models"].get_ydata()) == [m.same_models.rate for m in points]
        assert any(curve.ceiling(side, ties) == line.get_ydata()[0] for line in lines.values())


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.3])
def test_names_of_ceilings_lie_over_nothing(apart, monkeypatch):
    monkeypatch.setattr(PerturbationCurve, "ceiling", lambda _, side, __: 0.5 + apart * (side == "easy"))
    figure = draw_perturbation(made_up())
    figure.draw_without_rendering()
    named = [text for text in figure.axes[0].texts if text.get_text() == "ceiling"]
    low, high = sorted((text.get_window_extent() for text in named), key=lambda box: box.y0)
    assert low.y1 <= high.y0 + 1e-6


def test_undefined_levels_are_marked_and_one_trial_has_no_groups():
    figure = draw_perturbation(made_up(silent=True))
    drawn(figure)
    assert "undefined" in [text.get_text() for text in figure.axes[0].texts]
    assert not any("other models" in name for name in drawn(draw_perturbation(made_up(num_trials=1))))


def test_levels_have_short_names():
    assert [level_name(level) for level in (23, 0.25, 1 / 32, 0, 0.07, 2 / 3)] == [
        "23", "0.25", "1/32", "0", "0.07", "0.667",
    ]  # fmt: skip


def test_the_panel_holds_the_transformed_pixels_cut_for_display():
    data = load_dataset("digits")
    panel = perturbed_panel(data, Recipe(), num=5, levels={"radial": [6, 1]}, seed=3)
    assert len(set(panel.classes)) == 5
    assert [block.kind for block in panel.blocks] == ["color", "shuffle", "radial"]
    positions = np.array([5, 2])
    chosen = perturbed_panel(data, Recipe(), kinds=["radial", "shuffle"], positions=positions, seed=3)
    pixels = images_of(data)[positions] / 255
    radial, shuffle = chosen.blocks
    for at, level in enumerate(radial.levels):
        expected = Radial(level)(pixels).clamp(0, 1).permute(0, 2, 3, 1)
        assert np.array_equal(radial.pictures[:, at], expected)
    for at, level in enumerate(shuffle.levels):
        expected = Shuffle(level, 3)(pixels, ids=data.ids[positions]).permute(0, 2, 3, 1)
        assert np.array_equal(shuffle.pictures[:, at], expected)
    figure = draw_panel(chosen)
    assert len(figure.axes[0].images) == 2 * (len(radial.levels) + len(shuffle.levels))
    drawn(figure)


def test_more_examples_than_classes_and_a_level_that_does_not_exist():
    data = load_dataset("digits", limit=40)
    assert len(perturbed_panel(data, Recipe(), kinds=["color"], num=12).classes) == 12
    with pytest.raises(BadInput, match="color alpha 2"):
        perturbed_panel(data, Recipe(), kinds=["color"], levels={"color": [2]})


NUM = 40


def pictures(red: int | None) -> Dataset:
    """Grey pictures stored as color, of which the one at ``red`` is."""
    x = np.full((NUM, 8, 8, 3), 128, np.uint8)
    if red is not None:
        x[red, 0, 0] = (255, 0, 0)
    return load_dataset((x, np.arange(NUM) % 2))


@pytest.mark.parametrize("red", [0, 1, NUM - 1])
def test_one_picture_with_color_is_enough(red: int) -> None:
    check_changes_something(pictures(red), Recipe(), "color", None, 0)


def test_grey_ones_are_refused_and_say_at_which_levels() -> None:
    with pytest.raises(BadInput, match=r"none of the 40 .* 0\.5, 0; give another kind"):
        check_changes_something(pictures(None), Recipe(), "color", [1, 0.5, 0], 0)


def test_who_asks_for_the_neutral_level_alone_gets_it() -> None:
    check_changes_something(pictures(None), Recipe(), "color", [1], 0)
