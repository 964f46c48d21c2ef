from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.engine import made
from easiness.errors import BadInput
from easiness.paper.options import ABLATE, CORRUPT
from easiness.paper.training_sets import TrainingSetPoint, TrainingSetStudy
from easiness.runs.progress import Progress
from easiness.spec import RunSpec
from easiness.store import Row
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

    def finish(self, index: int) -> None:
        self.trained.append(f"{self._path.name} {index}")


def test_a_run_for_each_policy_and_rate_and_one_for_none(ablated):
    out, study = ablated
    names = ["drop-easy-0.30", "drop-random-0.30", "full"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert study.policies == ["easy", "random"]
    assert study.rates == [0, 0.3]
    assert [(p.policy, p.beta) for p in study.points[::2]] == [("easy", (3, 1)), ("random", (1, 1))]
    assert [p.rate for p in study.points] == [0, 0.3, 0, 0.3]
    # 80 of 100 digits are left to train on; 4 and 3 steps of up to 20 an epoch
    numbers = [(p.num_drawn, p.num_trained_on, p.num_steps) for p in study.points[:2]]
    assert numbers == [(0, 80, 8), (24, 56, 6)]
    assert (study.num_examples, study.num_held_out, study.chance) == (80, 20, 0.1)


def test_what_the_runs_are(ablated):
    out, _ = ablated
    run = ez.open_run(out / "drop-easy-0.30")
    assert isinstance(run.spec, RunSpec)
    assert run.spec.draw is not None
    assert (run.spec.draw.effect, run.spec.draw.rate, run.spec.draw.beta) == ("drop", 0.3, (3, 1))
    assert [probe.name for probe in run.spec.probes] == ["held_out"]
    assert run.spec.recipe.period == 2  # trained to the end of the cosine
    assert not list(out.rglob("*.safetensors"))
    assert not list(out.rglob("train.parquet"))
    full = ez.open_run(out / "full").spec
    assert isinstance(full, RunSpec)
    assert full.draw is None


def test_accuracies_are_those_of_the_trials(ablated):
    out, study = ablated
    for name, point in zip(("full", "drop-easy-0.30", "full", "drop-random-0.30"), study.points, strict=True):
        recorded = [trial.document.accuracy["held_out"] for trial in ez.open_run(out / name).trials]
        np.testing.assert_array_equal(point.accuracy, recorded)
    curve = study.curve("random")
    assert list(curve) == [0, 0.3]
    np.testing.assert_array_equal(curve[0.3], study.points[3].accuracy[:, 1])


def test_a_longer_run_is_read_as_far_as_asked(ablated, scored, tmp_path):
    out, study = ablated
    copy = Path(shutil.copytree(out, tmp_path / "copy"))
    more = ez.paper.ablate("digits", scores=scored, **{**SMALL, "repetitions": 3}, out=copy)
    assert more.repetitions == 3
    assert ez.paper.ablate("digits", scores=scored, **SMALL, out=copy).table().equals(study.table())


def test_labels_are_corrupted_beside_it(ablated, scored, tmp_path):
    out = Path(shutil.copytree(ablated[0], tmp_path / "copy"))
    progress = Stored()
    study = ez.paper.corrupt("digits", scores=scored, **SMALL, other_label=True, out=out, progress=progress)
    assert {name.split()[0] for name in progress.trained} == {"relabel-easy-0.30", "relabel-random-0.30"}
    assert (study.effect, study.other_label) == ("relabel", True)
    numbers = [(p.num_drawn, p.num_trained_on, p.num_steps) for p in study.points[:2]]
    assert numbers == [(0, 80, 8), (24, 80, 8)]
    np.testing.assert_array_equal(study.points[0].accuracy, ablated[1].points[0].accuracy)
    with pytest.raises(BadInput, match="settings: drawing of"):
        ez.paper.corrupt("digits", scores=scored, **SMALL, out=out)


def test_the_same_number_of_steps(ablated, scored, tmp_path):
    out = Path(shutil.copytree(ablated[0], tmp_path / "copy"))
    for policy in ("easy", "random"):
        shutil.rmtree(out / f"drop-{policy}-0.30")
    progress = Stored()
    study = ez.paper.ablate("digits", scores=scored, **SMALL, steps="steps", out=out, progress=progress)
    assert not [name for name in progress.trained if name.startswith("full")]  # nothing differs there
    assert [p.num_steps for p in study.points] == [8, 8, 8, 8]


def test_other_epochs_are_another_study(ablated, scored):
    with pytest.raises(BadInput, match=r"period is 2\.0 .* 3\.0 here"):
        ez.paper.ablate("digits", scores=scored, **{**SMALL, "epochs": 3}, out=ablated[0])


def plans(scored: ez.Run, study: Any = ABLATE, **changes: Any) -> Any:
    given = {"data": "digits", "scores": scored, "out": Path(), **SMALL, **changes}
    return study.plan(made(study.asks, given))


def test_a_density_has_one_name(scored):
    sets = plans(scored, policies=("beta:3,1", "easy", "beta:0.5,2"), rates=(0.125,))
    assert list(sets.cells.values()) == ["drop-easy-0.125", "drop-beta-0.5-2-0.125"]
    assert list(sets.runs) == list(sets.cells.values())  # without rate 0 nothing is trained in full
    assert {plan.request.seed for plan in plans(scored, seed=4).runs.values()} == {4}


def test_the_recipe_may_set_the_period(scored, tmp_path):
    (tmp_path / "r.toml").write_text("period = 300\nalpha = 0.01\n")
    assert plans(scored, recipe=tmp_path / "r.toml").runs["full"].recipe.period == 300
    assert plans(scored, recipe={"alpha": 0.01}).runs["full"].recipe.period == 2
    given = plans(scored).runs["full"].recipe
    assert plans(scored, recipe=given).runs["full"].recipe == given


def test_the_end_to_keep_has_the_place_of_the_hard_examples(scored):
    sets = plans(scored, policies=None, score="entropy", keep="bottom")
    assert list(sets.runs) == ["full", "drop-top-0.30", "drop-random-0.30"]
    plan = sets.runs["drop-top-0.30"]
    by_id = scored.scores().set_index("id")["entropy"]
    np.testing.assert_array_equal(plan.ranking, by_id.loc[plan.data.ids])
    assert plan.request.draw.beta == (3, 1)
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
        assert plan.request.draw.model_dump() == fixed | {
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


def test_labels_can_be_corrupted_at_any_rate(scored):
    assert "relabel-easy-0.95" in plans(scored, CORRUPT, rates=(0.95,)).runs


FIVE = np.array([-2, -1, 0, 1, 2]) / 100  # mean 0, standard deviation 0.0158
BETAS = {"easy": (3, 1), "random": (1, 1), "beta:1,2": (1, 2)}
MEANS = {"easy": (0.9, 0.7), "random": (0.9, 0.8), "beta:1,2": (0.9, 0.85)}


def study(
    repetitions: int = 5, policies: tuple[str, ...] = ("easy", "random"), **changes: Any
) -> TrainingSetStudy:
    def point(policy: str, rate: float, mean: float) -> TrainingSetPoint:
        drawn = int(100 * rate)
        accuracy = np.stack([0 * FIVE, mean + FIVE], axis=1)[:repetitions]
        return TrainingSetPoint(policy, BETAS[policy], rate, drawn, 100 - drawn, 8, accuracy)

    points = [point(one, *pair) for one in policies for pair in zip((0.0, 0.5), MEANS[one], strict=True)]
    plain: dict[str, Any] = {"points": points, "model": "mlp_2", "score_row": Row(4), "num_held_out": 50}
    return training_sets(**plain | {"repetitions": repetitions} | changes)


def test_the_table():
    row = study(3).table().to_dict("records")[1]
    assert row == {
        **{"effect": "drop", "policy": "easy", "beta_a": 3, "beta_b": 1, "rate": 0.5, "num_drawn": 50},
        **{"num_trained_on": 50, "num_steps": 8, "epochs": 2, "epoch": 2, "accuracy": pytest.approx(0.69)},
        **{"accuracy_sd": pytest.approx(0.01), "accuracy_se": pytest.approx(0.01 / np.sqrt(3))},
        **{"repetitions": 3, "decided": False, "chance": 0.1, "num_held_out": 50},
    }
    last = replace(study(), epochs=3, tested=(1, 3))
    assert replace(last, every_epoch=True).table()["epoch"].tolist() == [1, 3] * 4
    assert last.table()[["epoch", "accuracy"]].values.tolist()[0] == [3, pytest.approx(0.9)]
    every = study(every_epoch=True).table()[:2]
    assert every["epoch"].tolist() == [1, 2]
    assert every["accuracy"].tolist() == pytest.approx([0, 0.9])
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


def test_what_was_not_tried():
    with pytest.raises(BadInput, match=r"rate 0\.3: .* 0, 0\.5"):
        study().curve("easy")[0.3]
    with pytest.raises(BadInput, match=r"policy 'hard': .* has easy, random"):
        study().curve("hard")
