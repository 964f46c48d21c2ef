from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.engine import make_value
from easiness.errors import BadInput
from easiness.paper.options import ABLATE, CORRUPT
from easiness.paper.training_sets import TrainingSetStudy
from easiness.runs.progress import Progress
from easiness.spec import RunSpec
from plans import training_sets

SMALL: dict[str, Any] = {"model": "mlp_2_w16", "rates": (0.3, 0), "policies": ("easy", "random")}
SMALL |= {"repetitions": 2, "epochs": 2, "holdout": 0.2, "precision": "float32", "recipe": {"batch_size": 20}}


@pytest.fixture(scope="module")
def scored(measured: Path) -> ez.Run:
    return ez.open_run(measured)


@pytest.fixture(scope="module")
def ablated(scored: ez.Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingSetStudy]:
    out = tmp_path_factory.mktemp("ablated")
    return out, ez.paper.ablate("digits", scores=scored, **SMALL, out=out)


class Stored(Progress):
    """Notes which trials were trained."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self._path = Path()

    def begin(self, _spec: Any, _missing: Any, path: Path, _cost: Any) -> None:
        self._path = path

    def stored(self, index: int) -> None:
        self.trained.append(f"{self._path.name} {index}")


NUMBERS = ["rate", "num_drawn", "num_trained_on", "num_steps"]


def test_a_run_for_each_policy_and_rate_and_one_for_none(ablated):
    out, study = ablated
    names = ["drop-easy-0.30", "drop-random-0.30", "full", "resolved.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    table = study.table()
    assert table["policy"].tolist() == ["easy", "easy", "random", "random"]
    assert table[["beta_a", "beta_b"]].values.tolist() == [[3, 1], [3, 1], [1, 1], [1, 1]]
    # 80 of 100 digits are left to train on; 4 and 3 steps of up to 20 an epoch
    assert table[NUMBERS].values.tolist() == [[0, 0, 80, 8], [0.3, 24, 56, 6]] * 2
    assert (study.num_examples, table["num_held_out"][0], study.chance) == (80, 20, 0.1)
    run = ez.open_run(out / "drop-easy-0.30")
    assert isinstance(run.spec, RunSpec)
    assert run.spec.draw is not None
    assert (run.spec.draw.effect, run.spec.draw.rate, run.spec.draw.beta) == ("drop", 0.3, (3, 1))
    assert [probe.name for probe in run.spec.probes] == ["held_out"]
    assert run.spec.recipe.period == 2  # trained to the end of the cosine
    assert not [*out.rglob("*.safetensors"), *out.rglob("train.parquet")]
    full = ez.open_run(out / "full").spec
    assert isinstance(full, RunSpec)
    assert full.draw is None
    for cell, name in {("easy", 0): "full", ("random", 0.3): "drop-random-0.30"}.items():
        recorded = [trial.document.accuracy["held_out"] for trial in ez.open_run(out / name).trials]
        np.testing.assert_array_equal(study.curves[cell[0]][cell[1]], np.array(recorded)[:, 1])
        rows = study.rows[(study.rows["policy"] == cell[0]) & (study.rows["rate"] == cell[1])]
        np.testing.assert_allclose(rows["accuracy"], np.mean(recorded, axis=0))


def test_a_longer_run_is_read_as_far_as_asked(ablated, scored, tmp_path):
    out, study = ablated
    copy = Path(shutil.copytree(out, tmp_path / "copy"))
    more = ez.paper.ablate("digits", scores=scored, **{**SMALL, "repetitions": 3}, out=copy)
    assert more.repetitions == 3
    assert ez.paper.ablate("digits", scores=scored, **SMALL, out=copy).table().equals(study.table())
    with pytest.raises(BadInput, match=r"period is 2\.0 .* 3\.0 here"):
        ez.paper.ablate("digits", scores=scored, **{**SMALL, "epochs": 3}, out=copy)


def test_labels_are_corrupted_beside_it(ablated, scored, tmp_path):
    out = Path(shutil.copytree(ablated[0], tmp_path / "copy"))
    progress = Stored()
    study = ez.paper.corrupt("digits", scores=scored, **SMALL, other_label=True, out=out, progress=progress)
    assert {name.split()[0] for name in progress.trained} == {"relabel-easy-0.30", "relabel-random-0.30"}
    assert (study.effect, study.drawing.other_label) == ("relabel", True)
    assert study.table()[NUMBERS].values.tolist() == [[0, 0, 80, 8], [0.3, 24, 80, 8]] * 2
    np.testing.assert_array_equal(study.curves["easy"][0], ablated[1].curves["easy"][0])
    with pytest.raises(BadInput, match="settings: drawing of"):
        ez.paper.corrupt("digits", scores=scored, **SMALL, out=out)


def test_the_same_number_of_steps(ablated, scored, tmp_path):
    out = Path(shutil.copytree(ablated[0], tmp_path / "copy"))
    for policy in ("easy", "random"):
        shutil.rmtree(out / f"drop-{policy}-0.30")
    progress = Stored()
    study = ez.paper.ablate("digits", scores=scored, **SMALL, steps="steps", out=out, progress=progress)
    assert not [name for name in progress.trained if name.startswith("full")]  # nothing differs there
    assert study.table()["num_steps"].tolist() == [8, 8, 8, 8]


def plans(scored: ez.Run, study: Any = ABLATE, **changes: Any) -> Any:
    given = {"data": "digits", "scores": scored, "out": Path(), **SMALL, **changes}
    return study.plan(make_value(study.asks, given))


def test_a_density_has_one_name(scored):
    sets = plans(scored, policies=("beta:3,1", "easy", "beta:0.5,2"), rates=(0.125,))
    assert list(sets.cells.values()) == ["drop-easy-0.125", "drop-beta-0.5-2-0.125"]
    assert list(sets.runs) == list(sets.cells.values())  # without rate 0 nothing is trained in full
    assert {plan.asked.seed for plan in plans(scored, seed=4).runs.values()} == {4}
    assert "relabel-easy-0.95" in plans(scored, CORRUPT, rates=(0.95,)).runs
    for recipe, period in (({"alpha": 0.01}, 2), ({"period": 300.0}, 300)):
        assert plans(scored, recipe=recipe).runs["full"].recipe.period == period


def test_the_end_to_keep_has_the_place_of_the_hard_examples(scored):
    sets = plans(scored, policies=None, score="entropy", keep="bottom")
    assert list(sets.runs) == ["full", "drop-top-0.30", "drop-random-0.30"]
    plan = sets.runs["drop-top-0.30"]
    by_id = scored.scores().set_index("id")["entropy"]
    np.testing.assert_array_equal(plan.ranking, by_id.loc[plan.data.ids])
    assert plan.asked.draw.beta == (3, 1)
    other = plans(scored, CORRUPT, policies=("bottom", "beta:1,9"), score="entropy", keep="top")
    assert list(other.runs) == ["full", "relabel-bottom-0.30", "relabel-beta-1-9-0.30"]
    np.testing.assert_array_equal(other.runs["relabel-bottom-0.30"].ranking, -plan.ranking)


def test_the_identity_of_earlier_studies(scored):
    # what is ranked by is hashed as ever, so that their runs go on
    fixed = {"effect": "drop", "rate": 0.3, "beta": (3, 1), "balanced": False, "other_label": False}
    for score, sign in (("easiness", 1), ("el2n", -1)):
        plan = plans(scored, score=score).runs["drop-easy-0.30"]
        values = sign * scored.scores().set_index("id")[score].loc[plan.data.ids].to_numpy()
        np.testing.assert_array_equal(plan.ranking, values)
        assert plan.asked.draw.model_dump() == fixed | {
            "ranking": hashlib.sha256(values.tobytes()).hexdigest()
        }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": (0.3, 1)}, "rate 1: not in"),
        ({"rates": (float("nan"),)}, "rate nan: not in"),
        ({"rates": ()}, "rates: none given"),
        ({"policies": ()}, "policies: none given"),
        ({"policies": ("esy",)}, r"policy 'esy': unknown \(did you mean easy"),
        ({"steps": "both"}, "steps 'both': unknown; choose epochs or steps"),
        ({"score": "entropy", "policies": None}, r"which end of it to keep \(--keep top or --keep bottom\)"),
        ({"score": "entropy", "keep": "top"}, "policy 'easy': high entropy means unsure"),
        ({"repetitions": 0}, "--repetitions 0"),
        ({"epochs": 0}, "--epochs 0"),
        ({"model": "mlp_x"}, "model 'mlp_x'"),
        ({"limit": 99}, "leave --limit out"),
        ({"holdout": 0}, "no held-out split to test on"),
        ({"rates": (0.3, 0.95)}, r"policy easy at rate 0\.95: .* . examples of class .*\(--balanced\)"),
        ({"rates": (0.95,), "balanced": True}, r"policy easy at rate 0\.95: .* or more examples$"),
    ],
)
def test_what_cannot_be_planned(scored, changes, message):
    with pytest.raises(BadInput, match=message):
        plans(scored, **changes)


FIVE = np.array([-2, -1, 0, 1, 2]) / 100  # mean 0, standard deviation 0.0158


def study(repetitions: int = 5, **changes: Any) -> TrainingSetStudy:
    means = {("easy", 0.0): 0.9, ("easy", 0.5): 0.7, ("random", 0.0): 0.9, ("random", 0.5): 0.8}
    cells = {one: np.stack([0 * FIVE, mean + FIVE], axis=1)[:repetitions] for one, mean in means.items()}
    return training_sets(cells, **changes)


def test_the_table():
    row = study(3).table().to_dict("records")[1]
    assert row == {
        **{"effect": "drop", "policy": "easy", "beta_a": 3, "beta_b": 1, "rate": 0.5, "num_drawn": 50},
        **{"num_trained_on": 50, "num_steps": 8, "epochs": 2, "epoch": 2, "accuracy": pytest.approx(0.69)},
        **{"accuracy_sd": pytest.approx(0.01), "accuracy_se": pytest.approx(0.01 / np.sqrt(3))},
        **{"repetitions": 3, "decided": False, "chance": 0.1, "num_held_out": 20},
    }
    every = study(every_epoch=True).table()
    assert every["epoch"].tolist() == [1, 2] * 4
    assert every["accuracy"].tolist()[:2] == pytest.approx([0, 0.9])
    one = study(1).table()
    assert one["accuracy"][0] == 0.88
    assert one[["accuracy_sd", "accuracy_se"]].isna().all(axis=None)


def test_means_with_deviations_and_paired_differences():
    accuracy, beside, change = (one.rows for one in study().sections())
    assert accuracy[2] == ["0.5", "50", "0", "8", "0.700 ± 0.016", "0.800 ± 0.016", "0.100"]
    # what the repetitions of both have in common drops out of the difference
    assert beside == [["rate", "easy - random"], ["0.5", "-0.100 (-0.100 to -0.100)"]]
    assert change[1] == ["0 to 0.5", "-0.200 (-0.200 to -0.200)", "-0.100 (-0.100 to -0.100)"]
    few = [one.rows for one in study(2, effect="relabel").sections()]
    assert few[0][2][2:5] == ["50", "8", "0.685 ± 0.007?"]
    assert few[1][1][1].endswith("?")
