from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, load_dataset, open_run, validate
from easiness.spec import Training
from easiness.studies.validation.study import read_validation
from easiness.studies.validation.validating import Trainings, plan_validation
from easiness.studies.validation.validation import Validation

MODELS = ("mlp_2_w16", "mlp_3_w16")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Validation]:
    out = tmp_path_factory.mktemp("validated")
    found = validate(
        load_dataset("digits", limit=200),
        models=MODELS,
        trials=3,
        epochs=3,
        final_trials=2,
        final_epochs=5,
        holdout=0.3,
        batch_size=16,
        precision="float32",
        out=out,
    )
    return out, found


@pytest.mark.long
def test_runs_are_on_merged_and_on_training_examples(made: tuple[Path, Validation]) -> None:
    out, found = made
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == sorted(
        f"{kind}-{model}" for kind in ("final", "merged") for model in MODELS
    )
    merged, final = open_run(out / "merged-mlp_2_w16"), open_run(out / "final-mlp_2_w16")
    assert (len(merged.ids), len(final.ids)) == (200, found.num_train)
    assert found.num_train + found.num_validation == 200
    assert merged.spec.kind == "measured"
    assert (merged.spec.recipe.period, final.spec.recipe.period) == (300, 5)  # type: ignore[union-attr]
    assert merged.spec.seed != final.spec.seed  # type: ignore[union-attr]
    assert [probe.name for probe in final.spec.probes] == ["held_out"]  # type: ignore[union-attr]
    assert merged.trials[0].document.accuracy.keys() == {"train"}
    assert [view.name for view in found.views] == [*MODELS, "all"]
    assert [view.num_trials for view in found.views] == [3, 3, 6]
    assert found.num_final == 4


def test_the_numbers_are_those_of_the_records(made: tuple[Path, Validation]) -> None:
    out, found = made
    held_out = load_dataset("digits", limit=200).labels
    wrong = np.zeros(found.num_validation, np.int64)
    for model in MODELS:
        run = open_run(out / f"final-{model}")
        for trial in run.trials:
            seen = trial.columns(5, ["prediction", "label"], "held_out")
            wrong += seen["prediction"] != seen["label"]
            assert set(seen["label"].tolist()) <= set(held_out.tolist())
    merged = open_run(out / "merged-mlp_2_w16")
    votes = merged.votes(3)
    counts = votes.correct.sum(axis=0)
    assert found.num_wrong == wrong.sum()
    for point in found.views[0].curve:
        inside = counts[-found.num_validation :] == point.count
        assert point.num_examples == inside.sum()
        assert np.isclose(point.right, 1 - wrong[inside].mean() / 4)
        assert point.easiness == point.count / counts.max()
    assert [models.name for models in found.final] == list(MODELS)
    accuracy = np.concatenate([models.accuracy for models in found.final])
    assert np.isclose(accuracy.mean(), 1 - wrong.mean() / 4)


def test_reading_again_gives_the_same(made: tuple[Path, Validation]) -> None:
    out, found = made
    runs = {kind: [open_run(out / f"{kind}-{model}") for model in MODELS] for kind in ("merged", "final")}
    assert read_validation(runs["merged"], runs["final"]).table().equals(found.table())
    with pytest.raises(BadInput, match="observed no held-out"):
        read_validation(runs["merged"], runs["merged"])
    with pytest.raises(BadInput, match="over the same examples"):
        read_validation(runs["final"], runs["final"])
    with pytest.raises(BadInput, match=r"epoch 4 .*recorded"):
        read_validation(runs["merged"], runs["final"], epoch=4)


def test_the_command_goes_on_where_it_was(
    command: Callable[..., Any], tmp_path: Path, snapshot: Callable[..., Any]
) -> None:
    arguments = ["validate", "digits", "--limit", 100, "--model", "mlp_2_w16", "--trials", 2, "--epochs", 2]
    arguments += ["--final-model", "mlp_3_w16", "--final-trials", 1, "--final-epochs", 2, "--holdout", 0.2]
    arguments += ["--precision", "float32", "--batch-size", 16, "--out", tmp_path / "out"]
    first = command(*arguments, "-o", tmp_path / "found.json")
    assert first.code == 0, first.err
    assert "Where the misclassified validation examples lie" in first.out
    assert "2 runs with 3 trials, 0 of them finished" in first.err
    assert f"wrote {tmp_path / 'found.json'}" in first.err.splitlines()
    rows = json.loads((tmp_path / "found.json").read_text())
    assert {row["part"] for row in rows} == {"curve", "misclassified in the hardest"}
    before = snapshot(tmp_path / "out")
    again = command(*arguments, "-o", tmp_path / "found.md")
    assert (again.code, again.out) == (0, first.out)
    assert snapshot(tmp_path / "out") == before
    assert (tmp_path / "found.md").read_text().startswith("### Final models")


def test_bad_input_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    start = ["validate", "digits", "--out", tmp_path / "out", "--model", "mlp_2_w16"]
    assert "no held-out split to merge" in refused(*start)
    assert "holdout 0.0: must be above" in refused(*start, "--holdout", 0)
    twice = refused(*start, "--model", "mlp_2_w16", "--holdout", 0.2)
    assert "mlp_2_w16, mlp_2_w16: one is named twice" in twice
    assert "--epochs 301: longer than" in refused(*start, "--holdout", 0.2, "--epochs", 301)
    assert "'mlp_x' is not known" in refused(*start, "--holdout", 0.2, "--final-model", "mlp_x")
    assert "tell the format" in refused(*start, "--holdout", 0.2, "-o", tmp_path / "found.txt")
    assert not (tmp_path / "out").exists()


def test_the_final_models_are_trained_to_the_end_whatever_the_recipe(tmp_path: Path) -> None:
    from easiness import Recipe

    data = load_dataset("digits", limit=60, holdout=0.2)
    file = tmp_path / "recipe.toml"
    file.write_text("alpha = 0.01\nperiod = 50\n")
    recipes: list[Any] = [file, {"alpha": 0.01, "period": 50.0}, Recipe(alpha=0.01, period=50)]
    for recipe in recipes:
        plans = plan_validation(
            data, Training(recipe=recipe), Trainings(("mlp_2_w16",), 1, 1), Trainings(("mlp_2_w16",), 1, 400)
        )
        (merged,), (final,) = plans.merged.values(), plans.final.values()
        assert (merged.recipe.period, final.recipe.period) == (50, 400)
        assert merged.recipe.alpha == final.recipe.alpha == 0.01
    with pytest.raises(BadInput, match="model: none"):
        plan_validation(data, Training(), Trainings((), 1, 1), Trainings((), 1, 1))


def test_a_handful_of_validation_examples_is_needed() -> None:
    data = load_dataset((np.zeros((8, 4, 4), np.uint8), np.arange(8) % 2), holdout=0.3)
    with pytest.raises(BadInput, match=r"2 validation examples .*at least 5"):
        plan_validation(data, Training(), Trainings(("mlp_2",), 1, 1), Trainings(("mlp_2",), 1, 1))


def test_a_run_is_no_place_for_runs(run_copy: Path) -> None:
    names = sorted(path.name for path in run_copy.iterdir())
    with pytest.raises(BadInput, match="is a run"):
        validate("digits", models=MODELS, holdout=0.3, out=run_copy, limit=60)
    assert sorted(path.name for path in run_copy.iterdir()) == names
