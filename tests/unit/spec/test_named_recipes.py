from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.spec import (
    DEFAULT_RECIPE,
    RECIPES,
    Recipe,
    describe_recipe,
    make_recipe,
    named_recipe,
    recipe_settings,
)


def named(name: str) -> Recipe:
    return Recipe.model_validate(RECIPES[name])


def test_the_paper_is_what_recipe_is_without_settings():
    assert named("paper") == Recipe()
    assert DEFAULT_RECIPE in RECIPES


def test_the_short_recipe_anneals_whatever_the_length():
    short = named("short")
    for epochs in (1, 10, 400):
        assert short.over(epochs).eta(0) == 1
        assert short.over(epochs).eta(epochs) == pytest.approx(0, abs=1e-12)
        assert short.anneals(epochs)
    assert not Recipe().anneals(10)
    assert Recipe().anneals(300)
    assert Recipe().over(10) == Recipe()


def test_a_training_is_unfinished_until_the_step_size_is_a_tenth():
    # (1 + cos(pi x)) / 2 = 0.1 at x = acos(-0.8) / pi = 0.795
    assert not Recipe(period=100).anneals(79)
    assert Recipe(period=100).anneals(80)


def test_a_period_of_the_trainings_length_is_one_identity_and_a_number_another():
    assert Recipe(period="epochs").identity()["period"] == "epochs"
    assert Recipe(period=10).identity() == Recipe(period="epochs").over(10).identity()
    assert Recipe.model_validate_json(Recipe(period="epochs").model_dump_json()) == Recipe(period="epochs")


def test_label_smoothing_is_part_of_the_identity_where_it_is_used():
    assert "label_smoothing" not in Recipe().identity()
    assert Recipe(label_smoothing=0.1).identity() == {**Recipe().identity(), "label_smoothing": 0.1}


@pytest.mark.parametrize("period", [0, -1.0, "ten", "", True, None])
def test_a_period_is_a_number_or_the_word(period):
    with pytest.raises(BadInput, match=r'^mine: period: .*"epochs"'):
        make_recipe({}, {"period": period}, origin="mine")


@pytest.mark.parametrize("name", RECIPES)
def test_a_name_is_settings_of_nothing_but_a_base(name):
    assert recipe_settings(name) == {"base": name}
    assert describe_recipe(named(name)) == name


def test_networks_without_batch_normalization_keep_the_papers_step():
    short = named("short")
    for model, alpha in (("vgg11", 0.001), ("vgg11_bn", 0.003), ("wrn_16_4", 0.003)):
        recipe = Recipe.model_validate(named_recipe("short", model))
        assert recipe == short.model_copy(update={"alpha": alpha})
        assert named_recipe("paper", model) == {}


def test_settings_change_the_papers_recipe_unless_they_say_another(tmp_path):
    assert recipe_settings(None) == {"base": "paper"}
    assert recipe_settings({"alpha": 0.1}) == {"base": "paper", "alpha": 0.1}
    assert recipe_settings({"alpha": 0.1, "base": "short"}) == {"base": "short", "alpha": 0.1}
    file = tmp_path / "mine.toml"
    file.write_text('base = "short"\nalpha = 0.1\n[vgg]\nalpha = 0.2\n')
    assert recipe_settings(file) == {"base": "short", "alpha": 0.1}
    assert recipe_settings(str(file), model="vgg11") == {"base": "short", "alpha": 0.2}


def test_a_file_may_have_the_name_of_a_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("alpha = 0.1\n")
    assert recipe_settings("./short") == {"base": "paper", "alpha": 0.1}
    assert recipe_settings("short") == {"base": "short"}


def test_an_unknown_name_or_base_is_one_line(tmp_path):
    with pytest.raises(BadInput, match=r"^recipe shrot: .*mean short.*paper or short"):
        recipe_settings("shrot")
    file = tmp_path / "mine.toml"
    for text, shown in (('base = "shrot"\n', "'shrot'"), ("base = 3\n", "3"), ("[base]\n", "{}")):
        file.write_text(text)
        with pytest.raises(BadInput, match=rf"mine.toml: base: .*not {shown}$"):
            recipe_settings(file)


@pytest.mark.parametrize(("recipe", "shown"), [(3, "3"), (["short"], r"\['short'\]"), ("", "''")])
def test_what_is_no_recipe_is_one_line(recipe, shown):
    with pytest.raises(BadInput, match=f"^recipe {shown}: .*give paper or short"):
        recipe_settings(recipe)


def test_a_recipe_is_described_by_what_differs_from_the_nearest_name():
    assert describe_recipe(named("short").model_copy(update={"flip": 0.0})) == "short, but flip = 0.0"
    assert describe_recipe(Recipe(batch_size=32, alpha=0.002)) == "paper, but batch_size = 32, alpha = 0.002"
    # how photos are cropped matters where they are
    uncropped = named("short").model_copy(update={"crop_scale": 0.08})
    assert describe_recipe(uncropped) == "short"
    assert (
        describe_recipe(uncropped.model_copy(update={"crop": 64}))
        == "short, but crop = 64, crop_scale = 0.08"
    )
