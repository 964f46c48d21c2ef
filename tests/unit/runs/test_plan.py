from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.runs.plan import Plan, make_plan, with_recipe
from easiness.spec import (
    RECIPES,
    Draw,
    Recipe,
    Recording,
    Resolved,
    RunSpec,
    Training,
)
from plans import planned
from recording import recorded

OUT = Path("runs/mine")
FLOAT32 = Resolved(precision="float32", channels_last=False, threads=1)


def continues(plan: Plan, run: RunSpec) -> bool:
    """Does the plan ask for more of the run?"""
    try:
        plan.check_continues(run, OUT)
    except BadInput:
        return False
    return True


def pixels(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (num, 4, 4), dtype=np.uint8)


@pytest.fixture
def data():
    """Ten 4 x 4 pictures of two classes."""
    return load_dataset((pixels(10), np.arange(10) % 2))


@pytest.fixture
def plan(data):
    return make_plan(data, Training(model="mlp_3", epochs=2, seed=7), 3)


def test_recipes(data, tmp_path):
    def recipe(given=None, **options):
        return planned(data, model="mlp_3", trials=1, epochs=1, recipe=given, **options).recipe

    assert recipe() == Recipe()
    assert recipe(batch_size=32) == Recipe(batch_size=32)
    assert recipe({"alpha": 0.01}) == Recipe(alpha=0.01)
    (tmp_path / "mine.toml").write_text("alpha = 0.01\nbatch_size = 16\n")
    assert recipe(tmp_path / "mine.toml") == Recipe(alpha=0.01, batch_size=16)
    assert recipe(str(tmp_path / "mine.toml"), batch_size=32) == Recipe(alpha=0.01, batch_size=32)
    assert recipe(Recipe(flip=0), batch_size=8) == Recipe(flip=0, batch_size=8)
    assert recipe(image_size=16).crop == 16
    assert recipe(Recipe(crop=24), image_size=16) == Recipe(crop=16)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"trials": 0}, "--trials 0: must be at least 1"),
        ({"trials": 1.5}, r"--trials 1\.5: must be a whole number"),
        ({"epochs": 0}, "--epochs 0: must be at least 1"),
        ({"epochs": 10**7}, "--epochs 10000000: must be at most 1,000,000"),
        ({"epochs": 301}, "--epochs 301: longer than the cosine period of 300 epochs; set `period`"),
        ({"epochs": 3, "recipe": {"period": 2.0}}, "--epochs 3: longer than the cosine period of 2 epochs"),
        ({"seed": -1}, "--seed -1: must be at least 0"),
        ({"train_share": 0.0}, r"--train-share 0: not in \(0, 1\]"),
        ({"train_share": 1.01}, r"--train-share 1\.01: not in \(0, 1\]"),
        ({"train_share": float("nan")}, "--train-share nan: not in"),
        ({"train_share": 0.1}, r"train share 0\.1: leaves 1 of 10 examples to train on, fewer than the 2"),
        ({"precision": "float16"}, "precision 'float16': unknown; choose auto, float32, bfloat16"),
        ({"limit": 11}, "limit 11: exceeds the 10 examples"),
        ({"limit": 1}, "limit 1: below the 2 classes"),
        ({"batch_size": 0}, "recipe: batch_size"),
        ({"recipe": {"aplha": 1}}, r"recipe: unknown recipe setting 'aplha' \(did you mean alpha"),
        ({"recipe": "none.toml"}, r"none\.toml: the recipe cannot be read \(No such file"),
        ({"model": "mlp"}, r"'mlp'.*mlp_3"),
    ],
)
def test_choices_that_cannot_be_used(data, choice, message):
    with pytest.raises(BadInput, match=message):
        planned(data, **{"model": "mlp_3", "trials": 1, "epochs": 1, **choice})


def test_where_the_data_lie_does_not_matter(plan):
    ref = plan.request.data.model_copy(update={"source": "/elsewhere", "limit": 10})
    moved = replace(plan, request=plan.request.model_copy(update={"data": ref}))
    assert continues(moved, plan.spec(FLOAT32, 3, 2))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"model": "mlp_4"}, "model is mlp_3 in the run, mlp_4 here"),
        ({"seed": 8}, "seed is 7 in the run, 8 here"),
        ({"train_share": 0.5}, "train share is 1.0 in the run, 0.5 here"),
        ({"recipe": {"alpha": 0.01}}, "recipe setting alpha is 0.001 in the run, 0.01 here"),
        ({"batch_size": 64}, "recipe setting batch_size is 128 in the run, 64 here"),
        ({"keep_logits": True}, "logits kept is none in the run, all here"),
        ({"observe": "every:05"}, "observations are all in the run, every:5 here"),
        ({"observe": "train"}, "observations are all in the run, train here"),
        ({"keep_weights": False}, "weights kept is True in the run, False here"),
        ({"precision": "bfloat16"}, "precision is float32 in the run, bfloat16 here"),
        ({"limit": 8}, "the run has 10 examples, the data here 8"),
    ],
)
def test_another_run_does_not(data, plan, change, difference):
    other = planned(data, **{"model": "mlp_3", "trials": 3, "epochs": 2, "seed": 7, **change})
    with pytest.raises(BadInput, match=f"settings: {difference}; choose another --out"):
        other.check_continues(plan.spec(FLOAT32, 3, 2), OUT)


def test_a_run_without_what_cannot_be_read_says_how_it_was_made(data, plan):
    left_out = plan.request.data.model_copy(update={"skip_unreadable": True, "num_unreadable": 2})
    run = plan.spec(FLOAT32, 3, 2).model_copy(update={"data": left_out})
    assert continues(plan, run)
    all_of_them = planned(data, model="mlp_3", trials=3, epochs=2, seed=7, limit=8)
    with pytest.raises(BadInput, match=r"data here 8; give --skip-unreadable, as the run was made$"):
        all_of_them.check_continues(run, OUT)


def test_a_newer_recipe_version(plan):
    old = plan.spec(FLOAT32, 3, 2).model_copy(update={"recipe_version": 0})
    with pytest.raises(BadInput, match=r"version is 0 .* 1 here"):
        plan.check_continues(old, OUT)


def test_other_data(plan, tmp_path):
    labels = np.arange(10) % 2

    def difference(**arrays):
        np.savez(tmp_path / "a.npz", **{"x": pixels(10), "y": labels, **arrays})
        other = make_plan(tmp_path / "a.npz", Training(model="mlp_3", epochs=2, seed=7), 3)
        with pytest.raises(BadInput) as refusal:
            other.check_continues(plan.spec(FLOAT32, 3, 2), OUT)
        return str(refusal.value)

    assert "the data are others (the fingerprints of the training examples differ)" in difference(
        x=pixels(10, 1)
    )
    assert "the fingerprints of the training examples differ" in difference(y=1 - labels)
    assert "the fingerprints of the training examples differ" in difference(ids=np.arange(10, 20))
    assert "the classes of the data are others" in difference(classes=np.array(["cat", "dog"]))
    assert "the held-out split of the data is another" in difference(x_test=pixels(4), y_test=labels[:4])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"train_share": 0.7}, "--train-share 0.7 leaves some out"),
        ({"draw": Draw(effect="drop", rate=0.3, beta=(1.0, 1.0), ranking="aa")}, "rate 0.3 drops some"),
        ({"same_steps": True}, "an epoch of as many steps as usual is no single pass"),
    ],
)
def test_training_passes_that_are_observed_see_every_example_once(data, change, reason):
    with pytest.raises(BadInput, match=f"--observe train: every example .* and {reason}; "):
        planned(data, model="mlp_3", trials=1, epochs=1, observe="train", **change)


def test_a_held_out_split_is_observed_clean_beside_training_passes():
    data = load_dataset("digits", limit=40, holdout=0.25)
    plan = make_plan(data, Training(model="mlp_3", epochs=4), 1, recording=Recording(observe="train"))
    assert [(probe.name, probe.observe) for probe in plan.request.probes] == [
        ("train", "train"),
        ("held_out", "all"),
    ]
    spec = plan.spec(FLOAT32, 1, 4)
    assert (spec.observe, spec.augmented, spec.trial(0).observed) == ("train", True, (1, 2, 3, 4))


def test_logits_of_too_many_classes_are_not_kept(data, monkeypatch):
    for most, expected in ((20, "left_out"), (19, "none")):
        monkeypatch.setattr("easiness.runs.plan._MOST_LOGITS", most)
        plan = make_plan(data, Training(model="mlp_3", epochs=1, train_share=0.5), 1)
        assert plan.request.probes[0].keep_logits == expected
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 3 * 8 * 20 - 1)
    with pytest.raises(BadInput, match="--keep-logits"):
        make_plan(data, Training(model="mlp_3", epochs=1), 1, recording=Recording(keep_logits=True))


DIGITS: dict[str, Any] = {"model": "mlp_3", "data": load_dataset("digits", limit=100), "precision": "float32"}
SHORT_ON_DIGITS = Recipe.model_validate({**RECIPES["short"], "flip": 0.0})


def grown(path, *, trials=2, epochs=2, **options):
    return ez.measure(**DIGITS, trials=trials, epochs=epochs, out=path, progress=False, **options)


def test_a_new_run_is_short(tmp_path):
    run = grown(tmp_path / "run")
    assert run.spec.recipe == SHORT_ON_DIGITS
    assert grown(tmp_path / "named", recipe="short").spec.recipe == run.spec.recipe
    assert grown(tmp_path / "paper", recipe="paper").spec.recipe == Recipe(flip=0.0)


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


def test_scores_of_before_the_end_are_marked(tmp_path):
    run = grown(tmp_path / "run", epochs=3)
    assert run.unfinished(3) is None
    assert "unfinished" not in run.scores().attrs
    assert run.scores(2).attrs["unfinished"] == run.unfinished(2)
    assert run.unfinished(2).startswith("epoch 2 of 3 is of an unfinished training")
    paper = grown(tmp_path / "paper", epochs=3, recipe="paper")
    assert paper.unfinished(2) is None
