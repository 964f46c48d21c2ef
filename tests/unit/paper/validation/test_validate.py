from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, load_dataset, open_run, paper
from easiness.paper.validation.validating import (
    HARDEST,
    Tally,
    Trainings,
    easiness_view,
    plan_validation,
    read_validation,
)
from easiness.paper.validation.validation import FinalModels, Validation
from easiness.scoring import easiness_interval
from easiness.spec import RunSpec, Training

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
    assert [view.name for view in found.views] == [*MODELS, "all"]
    assert [view.num_trials for view in found.views] == [3, 3, 6]
    assert found.num_final == 4


def test_the_numbers_are_those_of_the_records(made: tuple[Path, Validation]) -> None:
    out, found = made
    held_out = load_dataset("digits", limit=200, holdout=0.3).held_out
    assert held_out is not None
    wrong = np.zeros(found.num_validation, np.int64)
    for model in MODELS:
        run = open_run(out / f"final-{model}")
        for trial in run.trials:
            seen = trial.columns(5, ["prediction", "label"], "held_out")
            wrong += seen["prediction"] != seen["label"]
            assert set(seen["label"].tolist()) <= set(held_out.labels.tolist())
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
    arguments = [
        "paper",
        "validate",
        "digits",
        "--limit",
        100,
        "--model",
        "mlp_2_w16",
        "--trials",
        2,
        "--epochs",
        2,
    ]
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
    start = ["paper", "validate", "digits", "--out", tmp_path / "out", "--model", "mlp_2_w16"]
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


# two training examples, then eight validation examples; at most 4 of 5 trials are right about any
COUNTS = [4, 0, 0, 0, 1, 1, 2, 3, 4, 4]
WRONG = [2, 1, 1, 0, 1, 0, 0, 0]  # of two final models, for each validation example


def _tally(counts: list[int] = COUNTS, p_label: list[float] | None = None, trials: int = 5) -> Tally:
    num = len(counts)
    p = np.zeros(num) if p_label is None else np.array(p_label)
    return Tally(np.array(counts), p, np.arange(num, dtype=np.uint64), trials)


def test_the_curve_has_a_point_for_each_level_of_the_validation_examples() -> None:
    view = easiness_view("net", _tally(), np.array(WRONG), 2)
    assert [point.count for point in view.curve] == [0, 1, 2, 3, 4]
    assert [point.num_examples for point in view.curve] == [2, 2, 1, 1, 2]
    by_count = {point.count: point for point in view.curve}
    # two examples at no trial: wrong by 2 and by 1 of 2 models
    assert by_count[0].right == 0.25
    assert by_count[1].right == 0.75
    assert by_count[2].right == 0.5
    assert by_count[4].right == 1
    # on the scale of Eq. 1 the largest count of all merged examples is 1
    assert [point.easiness for point in view.curve] == [0, 0.25, 0.5, 0.75, 1]
    low, high = easiness_interval(0.5, 2, 2)
    assert by_count[0].interval == (low, high)  # type: ignore[comparison-overlap]
    for point in view.curve:
        assert point.interval[0] <= point.right <= point.interval[1]
        assert point.interval[0] < point.interval[1]


def test_the_misclassified_are_looked_for_among_the_hardest() -> None:
    view = easiness_view("net", _tally(), np.array(WRONG), 2)
    shares = {one.fraction: one for one in view.hardest}
    assert tuple(shares) == HARDEST
    # of five wrong pairs: the two examples at no trial have three
    assert shares[0.25].num_hardest == 2
    assert shares[0.25].value == shares[0.25].expected == 0.6
    assert shares[0.25].most == 0.6
    assert shares[0.25].tie_mass == 0
    # four examples: those at one trial have one pair more
    assert shares[0.5].value == 0.8
    assert shares[0.5].most == 1
    low, high = shares[0.5].interval
    assert 0 <= low < 0.8 < high <= 1


def test_ties_are_refined_by_probability_or_shared() -> None:
    # all of the validation examples tie; the first is the surest, so the easiest
    tally = _tally([4] + [2] * 8, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    view = easiness_view("net", tally, np.array([0, 0, 0, 0, 0, 0, 0, 3]), 3)
    shares = {one.fraction: one for one in view.hardest}
    assert shares[0.25].value == 1
    assert shares[0.25].expected == 0.25
    assert shares[0.25].tie_mass == 1
    view = easiness_view("net", tally, np.array([3, 0, 0, 0, 0, 0, 0, 0]), 3)
    shares = {one.fraction: one for one in view.hardest}
    assert shares[0.5].value == 0
    assert shares[0.5].expected == 0.5


def test_nothing_wrong_has_no_share() -> None:
    view = easiness_view("net", _tally(), np.zeros(8, np.int64), 2)
    for one in view.hardest:
        assert math.isnan(one.value)
        assert math.isnan(one.expected)
        assert all(map(math.isnan, one.interval))
    assert all(point.right == 1 for point in view.curve)


def test_the_interval_narrows_with_the_number_of_examples() -> None:
    widths = []
    for times in (5, 50):
        tally = _tally([4, 4, *(COUNTS[2:] * times)])
        view = easiness_view("net", tally, np.array(WRONG * times), 2)
        low, high = view.hardest[1].interval
        assert low < view.hardest[1].value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_rows_of_few_trials_are_marked() -> None:
    views = [
        easiness_view(name, _tally(trials=trials), np.array(WRONG), 2)
        for name, trials in (("few", 4), ("all", 9))
    ]
    found = Validation(views, [FinalModels("few", np.array([0.625, 0.75]))], 3, 7, 2, 8, 4, 5)
    assert (found.num_final, found.chance, found.decided) == (2, 0.25, False)
    assert found.shares_in_hardest[0.25].value == 0.6
    row = found.table().query("easiness_of == 'all' and fraction == 0.5").iloc[0]
    assert (row["value"], row["chance"], row["examples"]) == (0.8, 0.5, 4)
    hardest = found.sections()[1].rows
    assert [one[4][:4] + one[4][-1] for one in hardest[2::3]] == ["0.60?", "0.60)"]
