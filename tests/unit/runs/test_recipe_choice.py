"""A new run takes the default recipe, and a run that exists keeps its own."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.runs.plan import make_plan, with_recipe
from easiness.spec import RECIPES, Recipe, Training
from recording import recorded

DIGITS: dict[str, Any] = {"model": "mlp_3", "limit": 100, "precision": "float32"}
SHORT_ON_DIGITS = Recipe.model_validate({**RECIPES["short"], "flip": 0.0})


def grown(path, *, trials=2, epochs=2, **options):
    return ez.measure("digits", **DIGITS, trials=trials, epochs=epochs, out=path, progress=False, **options)


def test_a_new_run_is_short(tmp_path):
    run = grown(tmp_path / "run")
    assert run.spec.recipe == SHORT_ON_DIGITS
    assert grown(tmp_path / "named", recipe="short").spec.recipe == run.spec.recipe
    assert grown(tmp_path / "paper", recipe="paper").spec.recipe == Recipe(flip=0.0)


def test_the_data_decide_before_the_named_recipe():
    assert make_plan("digits", Training(recipe="short", model="mlp_3", epochs=1), 1).recipe.flip == 0


def test_a_base_is_the_named_recipe_of_the_network(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((20, 64, 64, 3), np.uint8), y=np.arange(20) % 2)
    for recipe in ("short", {"base": "short"}):
        plan = make_plan(tmp_path / "data.npz", Training(recipe=recipe, model="alexnet", epochs=1), 1)
        assert (plan.recipe.period, plan.recipe.alpha) == ("epochs", 0.001)


def test_a_run_keeps_the_recipe_it_was_begun_with(tmp_path, contents):
    for name in ("paper", {"alpha": 0.002, "base": "short"}):
        path, lone = (tmp_path / f"{part}-{name if name == 'paper' else 'mine'}" for part in ("run", "lone"))
        begun = grown(path, trials=1, recipe=name).spec.recipe
        assert grown(path, trials=2).spec.recipe == begun
        grown(lone, trials=2, recipe=name)
        assert contents(path) == contents(lone)


def test_a_run_of_before_goes_on_as_what_it_is(tmp_path, contents, describe_anew):
    """Its run.json knows neither named recipes nor label smoothing."""
    grown(tmp_path / "run", trials=1, recipe="paper")
    describe_anew(tmp_path / "run", lambda document: document["spec"]["recipe"].pop("label_smoothing"))
    run = grown(tmp_path / "run", trials=2)
    assert run.spec.recipe == Recipe(flip=0.0)
    grown(tmp_path / "lone", trials=2, recipe="paper")
    assert contents(tmp_path / "run") == contents(tmp_path / "lone")


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        ("paper", "recipe setting alpha is 0.003 in the run, 0.001 here"),
        ({"base": "short", "flip": 0.5}, "recipe setting flip is 0.0 in the run, 0.5 here"),
        ({"base": "short", "period": 2}, "recipe setting period is epochs in the run, 2.0 here"),
    ],
)
def test_another_recipe_is_refused(tmp_path, asked, difference):
    grown(tmp_path / "run", trials=1)
    with pytest.raises(BadInput, match=difference):
        grown(tmp_path / "run", trials=2, recipe=asked)


def test_a_recorded_run_has_none(tmp_path):
    recorded(tmp_path / "mine", [np.eye(2)], [0, 1])
    assert with_recipe(Training(), tmp_path / "mine").recipe == "short"
    with pytest.raises(BadInput, match="loop of your own"):
        grown(tmp_path / "mine")
    with pytest.raises(BadInput, match="mine: was recorded, and has none; give paper, short or a TOML file"):
        grown(tmp_path / "other", recipe=tmp_path / "mine")


def test_the_folder_of_a_run_stands_for_its_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = grown(tmp_path / "run", trials=1, epochs=1, recipe={"base": "short", "alpha": 0.002})
    again = grown(tmp_path / "again", trials=1, epochs=1, recipe="run")
    assert again.spec.recipe == made.spec.recipe
    (tmp_path / "run").rename("paper")  # a name goes before a folder
    assert with_recipe(Training(recipe="paper"), tmp_path / "new").recipe == "paper"


def test_more_epochs_anneal_to_the_new_end(tmp_path, contents):
    grown(tmp_path / "run", trials=1, epochs=1)
    run = grown(tmp_path / "run", trials=1, epochs=2)
    assert run.spec.recipe.period == "epochs"
    grown(tmp_path / "lone", trials=1, epochs=2)
    assert contents(tmp_path / "run") == contents(tmp_path / "lone")


def test_scores_of_trials_of_two_lengths_are_marked_where_they_are_annealed(tmp_path):
    for recipe, marked in (("short", True), ("paper", False)):
        shorter, longer = tmp_path / recipe / "1", tmp_path / recipe / "2"
        grown(shorter, trials=2, epochs=1, recipe=recipe)
        grown(longer, trials=1, epochs=2, recipe=recipe)
        for trial in (longer / "trials").iterdir():  # as a run that was stopped while it was made longer
            shutil.copytree(trial, shorter / "trials" / trial.name)
        run = ez.open_run(shorter)
        assert [trial.epochs for trial in run.trials] == [2, 1]
        text = run.unfinished(1) or ""
        assert text.startswith("epoch 1 of 2 is of an unfinished training in some trials") is marked
        assert ("unfinished" in run.scores().attrs) is marked


def test_scores_of_before_the_end_are_marked(tmp_path):
    run = grown(tmp_path / "run", epochs=3)
    assert run.unfinished(3) is None
    assert "unfinished" not in run.scores().attrs
    assert run.scores(2).attrs["unfinished"] == run.unfinished(2)
    assert run.unfinished(2).startswith("epoch 2 of 3 is of an unfinished training")
    paper = grown(tmp_path / "paper", epochs=3, recipe="paper")
    assert paper.unfinished(2) is None


def test_a_comparison_says_which_runs_are_unfinished(tmp_path):
    run, paper = grown(tmp_path / "run"), grown(tmp_path / "paper", recipe="paper")
    note = ez.compare([run, paper], epoch=1).note
    assert note is not None
    assert note.startswith(f"{run.path}: epoch 1 of 2 is of an unfinished training")
    assert str(paper.path) not in note
    assert ez.compare([run, paper]).note is None
