from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easiness import BadInput, Recipe, load_dataset, open_run, paper
from easiness.paper.validation import (
    HARDEST,
    Trainings,
    Validation,
    easiness_view,
    plan_validation,
)
from easiness.scoring import easiness_interval
from easiness.spec import RunSpec, Training
from plans import votes_of

MODELS = ("mlp_2_w16", "mlp_3_w16")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Validation]:
    out = tmp_path_factory.mktemp("validated")
    found = paper.validate(
        load_dataset("digits", limit=200, holdout=0.3),
        models=MODELS,
        trials=3,
        epochs=3,
        final_trials=2,
        final_epochs=5,
        recipe={"batch_size": 16},
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
    assert (len(merged.ids), len(final.ids)) == (400, found.num_train)
    assert found.num_train + found.num_validation == 400
    assert isinstance(merged.spec, RunSpec)
    assert isinstance(final.spec, RunSpec)
    assert (merged.spec.recipe.period, final.spec.recipe.period) == (300, 5)
    assert merged.spec.seed != final.spec.seed
    assert [probe.name for probe in final.spec.probes] == ["held_out"]
    assert merged.trials[0].document.accuracy.keys() == {"train"}
    views = found.table().drop_duplicates("easiness_of")[["easiness_of", "trials"]].values.tolist()
    assert views == [[MODELS[0], 3], [MODELS[1], 3], ["all", 6]]
    assert found.num_final == 4
    assert not found.is_decided
    assert found.hardest(0.25)["easiness_of"] == MODELS[0]


def test_the_numbers_are_those_of_the_records(made: tuple[Path, Validation]) -> None:
    out, found = made
    wrong = np.zeros(found.num_validation, np.int64)
    for model in MODELS:
        for trial in open_run(out / f"final-{model}").trials:
            seen = trial.columns(5, ["prediction", "label"], "held_out")
            wrong += seen["prediction"] != seen["label"]
    counts = open_run(out / "merged-mlp_2_w16").votes(3).correct.sum(axis=0)
    assert found.num_wrong == wrong.sum()
    for point in part(found.table(), MODELS[0], "curve").itertuples():
        inside = counts[-found.num_validation :] == point.trials_right
        assert point.examples == inside.sum()
        assert np.isclose(point.value, 1 - wrong[inside].mean() / 4)
        assert point.easiness == point.trials_right / counts.max()
    assert list(found.final) == list(MODELS)
    assert np.isclose(np.concatenate([*found.final.values()]).mean(), 1 - wrong.mean() / 4)


def test_bad_input_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    start = ["paper", "validate", "digits", "--out", tmp_path / "out", "--model", "mlp_2_w16"]
    assert "no held-out split to merge" in refused(*start)
    assert "one is named twice" in refused(*start, "--model", "mlp_2_w16", "--holdout", 0.2)
    assert "--epochs 301" in refused(*start, "--holdout", 0.2, "--epochs", 301)
    assert "'mlp_x' is not known" in refused(*start, "--holdout", 0.2, "--final-model", "mlp_x")
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match="model: none"):
        Trainings((), 1, 1)
    few = load_dataset((np.zeros((8, 4, 4), np.uint8), np.arange(8) % 2), holdout=0.3)
    with pytest.raises(BadInput, match="2 validation examples"):
        plan_validation(few, Training(), Trainings(("mlp_2",), 1, 1), Trainings(("mlp_2",), 1, 1))


def test_the_final_models_are_trained_to_the_end_whatever_the_recipe() -> None:
    data = load_dataset("digits", limit=60, holdout=0.2)
    recipes: list[Any] = [{"alpha": 0.01, "period": 50.0}, Recipe(alpha=0.01, period=50)]
    for recipe in recipes:
        plans = plan_validation(
            data, Training(recipe=recipe), Trainings(("mlp_2_w16",), 1, 1), Trainings(("mlp_2_w16",), 1, 400)
        )
        (merged,), (final,) = plans.joint.values(), plans.final.values()
        assert (merged.recipe.period, final.recipe.period) == (50, 400)
        assert merged.recipe.alpha == final.recipe.alpha == 0.01


# two training examples, then eight validation examples; at most 4 of 5 trials are right about any
COUNTS = [4, 0, 0, 0, 1, 1, 2, 3, 4, 4]
WRONG = [2, 1, 1, 0, 1, 0, 0, 0]  # of two final models, for each validation example


def part(table: pd.DataFrame, view: str, name: str) -> Any:
    return table[(table["easiness_of"] == view) & (table["part"] == name)]


def view_of(
    counts: list[int] = COUNTS,
    wrong: list[int] = WRONG,
    p_label: list[float] | None = None,
    trials: int = 5,
    num_final: int = 2,
) -> tuple[Any, Any]:
    """The curve by the trials that are right, and the hardest by their share."""
    p = np.zeros(len(counts)) if p_label is None else np.array(p_label)
    votes = votes_of(np.arange(trials)[:, None] < np.array(counts), p_label=np.tile(p, (trials, 1)))
    table = easiness_view("net", votes, np.array(wrong), num_final, 0.25)
    hardest = part(table, "net", "misclassified in the hardest").set_index("fraction")
    return part(table, "net", "curve").set_index("trials_right"), hardest


def test_the_curve_has_a_point_for_each_level_of_the_validation_examples() -> None:
    curve, _ = view_of()
    assert curve.index.tolist() == [0, 1, 2, 3, 4]
    assert curve["examples"].tolist() == [2, 2, 1, 1, 2]
    # two examples at no trial: wrong by 2 and by 1 of 2 models
    assert curve["value"].tolist() == [0.25, 0.75, 0.5, 1, 1]
    # on the scale of Eq. 1 the largest count of all merged examples is 1
    assert curve["easiness"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert tuple(curve.loc[0, ["low", "high"]]) == easiness_interval(0.5, 2, 2)
    assert (curve["low"] <= curve["value"]).all()
    assert (curve["value"] <= curve["high"]).all()


def test_the_misclassified_are_looked_for_among_the_hardest() -> None:
    _, shares = view_of()
    assert tuple(shares.index) == HARDEST
    # of five wrong pairs: the two examples at no trial have three; those at one trial have one pair more
    found = shares.loc[[0.25, 0.5], ["examples", "value", "expected", "most", "tie_mass"]]
    assert found.loc[0.25].tolist() == [2, 0.6, 0.6, 0.6, 0]
    assert found.loc[0.5, ["value", "most"]].tolist() == [0.8, 1]
    low, high = shares.loc[0.5, ["low", "high"]]
    assert 0 <= low < 0.8 < high <= 1
    curve, shares = view_of(wrong=[0] * 8)  # nothing wrong has no share
    assert shares[["value", "expected", "low", "high"]].isna().all(axis=None)
    assert (curve["value"] == 1).all()


def test_ties_are_refined_by_probability_or_shared() -> None:
    # all of the validation examples tie; the first is the surest, so the easiest
    asked: Any = {"counts": [4] + [2] * 8, "p_label": [at / 10 for at in range(9, 0, -1)], "num_final": 3}
    _, shares = view_of(wrong=[0] * 7 + [3], **asked)
    assert shares.loc[0.25, ["value", "expected", "tie_mass"]].tolist() == [1, 0.25, 1]
    _, shares = view_of(wrong=[3] + [0] * 7, **asked)
    assert shares.loc[0.5, ["value", "expected"]].tolist() == [0, 0.5]


def test_the_interval_narrows_with_the_number_of_examples() -> None:
    widths = []
    for times in (5, 50):
        _, shares = view_of([4, 4, *(COUNTS[2:] * times)], WRONG * times)
        low, value, high = shares.loc[0.25, ["low", "value", "high"]]
        assert low < value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
