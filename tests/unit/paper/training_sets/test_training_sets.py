"""Rankings that examples are drawn by, what is planned and trained by them, and contrasts of accuracy."""

from __future__ import annotations

import csv
import hashlib
import math
import runpy
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import easiness as ez
from easiness.data import hold_out
from easiness.engine import make_value
from easiness.errors import BadInput
from easiness.paper.options import ABLATE, CORRUPT
from easiness.paper.training_sets import TrainingSetStudy, breakdown, contrast, differences, steps
from easiness.runs.progress import Progress
from easiness.scoring import SCORES
from easiness.spec import Loading, RunSpec
from easiness.studies.keeping.ranks import align, order_of, ranking, scored_data
from pixels import images_of
from plans import training_sets

SMALL: dict[str, Any] = {"model": "mlp_2_w16", "rates": (0.3, 0), "policies": ("easy", "random")}
SMALL |= {"repetitions": 2, "epochs": 2, "holdout": 0.2, "precision": "float32", "recipe": {"batch_size": 20}}


@pytest.fixture(scope="module")
def scored(measured: Path) -> ez.Run:
    return ez.open_run(measured)


def test_scores_are_turned_so_that_high_is_easy_or_not_to_be_kept(scored):
    table, entropy = scored.scores(1), scored.scores()["entropy"]
    np.testing.assert_array_equal(ranking(scored, "easiness", 1), table["easiness"])
    np.testing.assert_array_equal(ranking(scored, "el2n", 1), -table["el2n"])
    np.testing.assert_array_equal(ranking(scored, "entropy", keep="bottom"), entropy)
    np.testing.assert_array_equal(ranking(scored, "entropy", keep="top"), -entropy)
    with pytest.raises(BadInput, match=r"--keep bottom"):
        ranking(scored, "entropy")
    with pytest.raises(BadInput, match="epoch 3"):
        ranking(scored, at=3)
    with pytest.raises(BadInput, match="memorization is undefined for 100 of 100"):
        ranking(scored, "memorization")


# after epochs 1, 2 and 3 of the only trial; the columns are examples
LEARNED = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0]])


@pytest.fixture
def learned(record):
    """Four examples: always right, never, forgotten once and learned again, and forgotten for good."""
    labels = np.array([0, 1, 1, 0])
    epochs = [np.eye(2)[np.where(right, labels, 1 - labels)] for right in LEARNED]
    return record([epochs], labels, ids=[3, 1, 4, 2], classes=["a", "b"])


@pytest.mark.parametrize(
    ("score", "in_table", "ranked"),
    [
        ("forgetting_events", [0, np.nan, 1, 1], [0, -3, -1, -1]),
        ("first_learned_epoch", [1, np.nan, 1, 2], [-1, -4, -1, -2]),
        ("iteration_learned", [1, np.nan, 3, np.nan], [-1, -4, -3, -4]),
    ],
)
def test_the_never_learned_are_the_hardest(learned, score, in_table, ranked):
    np.testing.assert_array_equal(learned.scores()[score], in_table)
    np.testing.assert_array_equal(ranking(learned, score), ranked)


PLAIN: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "precision": "float32"}


def test_the_limit_is_that_of_the_run(scored):
    data = scored_data(scored, "digits", Loading(holdout=0.2))
    assert data.held_out is not None
    assert (len(data), len(data.held_out)) == (80, 20)
    assert set(data.ids) | set(data.held_out.ids) == set(scored.ids)
    # a limit comes after a part held out when a source is loaded, so this is not found there again
    assert data.ref().source is None
    assert scored_data(scored, "digits", Loading(limit=100, holdout=0.2)).fingerprint == data.fingerprint
    with pytest.raises(BadInput, match="limit 50"):
        scored_data(scored, "digits", Loading(limit=50, holdout=0.2))
    by_id = -scored.scores().set_index("id")["el2n"]
    np.testing.assert_array_equal(align(scored, ranking(scored, "el2n"), data), by_id.loc[data.ids])
    for holdout in (None, 0):
        with pytest.raises(BadInput, match=r"--holdout 0\.2"):
            scored_data(scored, "digits", Loading(holdout=holdout))
    with pytest.raises(BadInput, match="not the data"):
        scored_data(scored, ez.load_dataset("digits", limit=100, seed=1), Loading(holdout=0.2))


def test_a_part_or_a_split_that_was_held_out_from_the_first(tmp_path):
    part = ez.load_dataset("digits", holdout=0.2, limit=100)
    run = ez.measure(part, epochs=1, **PLAIN, out=tmp_path / "part")
    for loading in (Loading(), Loading(holdout=0.2)):
        assert scored_data(run, "digits", loading).ref() == run.spec.data
    with pytest.raises(BadInput, match=r"holdout 0\.3: .* measured with 0\.2"):
        scored_data(run, "digits", Loading(holdout=0.3))
    digits = hold_out(ez.load_dataset("digits"), 0.2)
    assert digits.held_out is not None
    pair, other = ((images_of(one).numpy(), one.labels) for one in (digits, digits.held_out))
    data = ez.load_dataset(pair, held_out=other).limit(100)
    run = ez.measure(data, epochs=1, **PLAIN, out=tmp_path / "run")
    assert scored_data(run, data).held_out is not None
    for holdout in (0.2, 0):
        with pytest.raises(BadInput, match="holdout"):
            scored_data(run, data, Loading(holdout=holdout))


def test_a_recorded_run_goes_by_ids_labels_and_classes(record):
    data = ez.load_dataset("digits", limit=100)
    run = record([[np.eye(10)[data.labels]]], data.labels, ids=data.ids, classes=data.classes)
    found = scored_data(run, data, Loading(holdout=0.2))
    assert len(found) == 80
    assert (align(run, ranking(run), found) == 1).all()
    assert scored_data(run, "digits", Loading(holdout=0.2)).ids.tolist() == found.ids.tolist()
    others = replace(data, labels=(data.labels + 1) % 10)
    with pytest.raises(BadInput, match=r"digits: .*the data of .* \(ids, labels"):
        scored_data(run, others, Loading(holdout=0.2))


def test_policies_have_names():
    ease, kept = order_of("easiness"), order_of("dual", "top")
    assert [ease.beta(name) for name in ("hard", "random", "beta:2,5")] == [(1, 3), (1, 1), (2, 5)]
    assert [kept.beta(name) for name in ("bottom", "random", "beta:1,3")] == [(3, 1), (1, 1), (1, 3)]
    assert [ease.name(beta) for beta in ((3, 1), (1, 3), (0.5, 2))] == ["easy", "hard", "beta:0.5,2"]
    assert [kept.name(beta) for beta in ((3, 1), (1, 3), (1, 1))] == ["bottom", "beta:1,3", "random"]
    for score, keep, policy, said in (
        ("easines", None, "easy", r"unknown \(did you mean easiness"),
        ("el2n", "high", "easy", "keep 'high': unknown"),
        ("dual", "top", "easy", "policy 'easy': high dual means ambiguous"),
        ("dual", "top", "top", "policy 'top': unknown"),
        ("dual", "top", "beta:1,0", "two positive numbers"),
    ):
        with pytest.raises(BadInput, match=said):
            order_of(score, keep).beta(policy)  # type: ignore[arg-type]


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_every_score_ranks_one_way_or_with_an_end_to_keep(score):
    if score.high_means in ("easy", "hard"):
        order = order_of(score.name)
        assert order.sign == (1 if score.high_means == "easy" else -1)
        assert list(order.policies) == ["easy", "hard", "random"]
        for keep in ("top", "bottom"):
            with pytest.raises(BadInput, match=f"keep {keep}: high {score.name} means {score.high_means}"):
                order_of(score.name, keep)
        return
    with pytest.raises(BadInput, match=f"high means {score.high_means}, neither"):
        order_of(score.name)
    for keep, drawn, sign in (("top", "bottom", -1), ("bottom", "top", 1)):
        order = order_of(score.name, keep)  # type: ignore[arg-type]
        assert order.sign == sign  # the largest values after turning are those mainly drawn
        assert order.policies == {drawn: (3, 1), "random": (1, 1)}


A = np.array([0.81, 0.84, 0.79, 0.83, 0.80])
B = np.array([0.70, 0.76, 0.64, 0.73, 0.71])


def curve(*accuracies: list[float], rates: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9)) -> Any:
    return dict(zip(rates, map(np.array, accuracies), strict=True))


def around(mean: float, spread: float = 0.01) -> list[float]:
    """Five accuracies with this mean and ``spread`` as standard deviation."""
    return [mean + spread * x for x in (-math.sqrt(2), 0, 0, 0, math.sqrt(2))]


def test_a_difference_has_the_interval_of_a_paired_t_test():
    found = contrast([(1, A), (-1, B)])
    expected = stats.ttest_rel(A, B).confidence_interval(0.95)
    assert found.value == pytest.approx(A.mean() - B.mean())
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert found.decided
    expected = stats.ttest_1samp(A, 0).confidence_interval(0.95)
    assert contrast([(1, A)]).interval == pytest.approx((expected.low, expected.high))
    three = contrast([(3, A), (-3, B)])
    assert three.value == pytest.approx(3 * found.value)
    assert three.interval == pytest.approx(tuple(3 * end for end in found.interval))
    four, one = contrast([(1, A[:4]), (-1, B[:4])]), contrast([(1, A[:1]), (-1, B[:1])])
    assert not four.decided  # few repetitions decide nothing
    assert np.isnan(four.interval).any() < np.isnan(one.interval).all()
    common = np.array([0.1, -0.2, 0.3, 0.05, -0.1])  # what repetitions have in common drops out
    assert contrast([(1, A + common), (-1, A + common - 0.25)]).interval == pytest.approx((0.25, 0.25))


def test_the_interval_covers_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        groups = [random.normal(0, spread, 5) for spread in (1, 3, 2)]
        low, high = contrast(zip((1, -3, 2), groups, strict=True)).interval
        covered += low <= 0 <= high
    assert 0.935 < covered / 2000 < 0.975


def test_differences_at_common_rates_above_zero_and_from_each_rate_to_the_next():
    a = curve([0.9] * 5, around(0.8), around(0.7), rates=(0.0, 0.3, 0.6))
    b = curve([0.9] * 5, around(0.85), around(0.5), rates=(0.0, 0.3, 0.9))
    assert {rate: round(one.value, 6) for rate, one in differences(a, b).items()} == {0.3: -0.05}
    falling = steps(curve(around(0.9), around(0.85), around(0.7), around(0.72)))
    assert list(falling) == [(0.0, 0.3), (0.3, 0.6), (0.6, 0.9)]
    assert [round(one.value, 6) for one in falling.values()] == [-0.05, -0.15, 0.02]
    assert [one.interval[1] < 0 for one in falling.values()] == [True, True, False]


def test_a_breakdown():
    # 0.1 lost over 0.6 of rate, then 0.3 over 0.3
    after, excess = breakdown(curve([0.9] * 5, [0.5] * 5, around(0.8, 0.03), [0.5] * 5), 0.6)
    assert after.value == pytest.approx(1)
    assert excess.value == pytest.approx(2 / 3)
    # the accuracy at the breakpoint has the weight 1 / 0.3 + 2 / 0.6 and alone varies
    margin = stats.t.ppf(0.975, 4) * (1 / 0.3 + 2 / 0.6) * 0.03 / math.sqrt(5)
    assert excess.interval == pytest.approx((2 / 3 - margin, 2 / 3 + margin))
    assert breakdown(curve([0.9] * 5, [0.5] * 5, [0.8] * 5, [0.5] * 5), 0.6, factor=7)[1].value < 0
    # a straight line does not break down
    after, excess = breakdown(curve(around(0.9), around(0.8), around(0.7), around(0.6)), 0.3)
    assert after.value == pytest.approx(1 / 3)
    assert excess.interval[1] < 0


SCRIPT = Path(__file__).parents[4] / "benchmarks" / "science" / "amount_of_data.py"


@pytest.mark.long
def test_sizes_that_are_finished_are_on_the_page(planted, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
    script = runpy.run_path(str(SCRIPT))
    sizes = [script["Size"](num, 32, 2, 2) for num in (100, 200)]
    preset = replace(script["PRESET"], ablation_model="mlp_2_w8", trials=2, repetitions=2)
    given = {"--data": planted[0], "--runs": tmp_path / "runs", "--largest": tmp_path, "--docs": tmp_path}
    monkeypatch.setattr(
        sys, "argv", ["amount_of_data", *(str(one) for pair in given.items() for one in pair)]
    )
    script["main"](sizes, preset)
    assert f"{tmp_path / 'trials'}: not finished; left out" in capsys.readouterr().err
    assert "| 200 | 60% |" in (tmp_path / "amount-of-data.md").read_text()
    files = [tmp_path / "amount-of-data" / f"{name}.csv" for name in ("accuracies", "changes")]
    rows, changes = (list(csv.reader(file.read_text().splitlines())) for file in files)
    assert [row[0] for row in rows] == ["examples", "100", "100", "200", "200"]
    assert [row[0] for row in changes] == ["dropped", "30%", "60%"]
    assert (tmp_path / "amount-of-data.svg").read_bytes().startswith(b"<?xml")
    # by hand: what the first row says is in the runs
    found, _ = script["accuracies"](tmp_path / "runs" / "100", preset)
    gap = found["hard", 0.3] - found["random", 0.3]
    assert rows[1][4:7] == [f"{100 * found[one, 0.3].mean():.1f}" for one in ("easy", "random", "hard")]
    assert rows[1][7].startswith(f"{100 * gap.mean():+.1f} (")
    margin = 12.7062 * gap.std(ddof=1) / np.sqrt(2)
    assert f"({100 * (gap.mean() - margin):+.1f} to" in rows[1][7]


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


NUMBERS = ["rate", "num_drawn", "num_trained_on", "num_steps"]


def test_a_run_for_each_policy_and_rate_and_one_for_none(ablated):
    out, study = ablated
    names = ["drop-easy-0.30", "drop-random-0.30", "full"]
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
    assert {plan.request.seed for plan in plans(scored, seed=4).runs.values()} == {4}
    assert "relabel-easy-0.95" in plans(scored, CORRUPT, rates=(0.95,)).runs
    for recipe, period in (({"alpha": 0.01}, 2), ({"period": 300.0}, 300)):
        assert plans(scored, recipe=recipe).runs["full"].recipe.period == period


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
