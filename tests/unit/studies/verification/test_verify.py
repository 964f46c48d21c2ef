from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

import easiness as ez
from easiness import BadInput
from easiness.analysis import Gain, paired_gain
from easiness.heads import Deal
from easiness.studies.verification import Verification
from easiness.studies.verification.study import _in_one_fold, effect_text
from pixels import images_of

SMALL: dict[str, Any] = {"model": "mlp_3", "trials": 3, "epochs": 4, "precision": "float32"}


@pytest.fixture(scope="module")
def verified(planted, tmp_path_factory) -> tuple[Path, Verification]:
    source, labels = planted
    out = tmp_path_factory.mktemp("verified")
    return out, ez.verify(source, labels=labels, out=out, **SMALL)


def test_mending_labels_gains(planted, verified):
    out, found = verified
    table = pd.read_csv(planted[1])
    kept = table["action"] != "drop"
    num = int((kept & (table["label"] != table["was"])).sum())
    assert (found.num_examples, found.changes["relabelled"], found.changes["dropped"]) == (300, num, 30)
    assert found.num_held_out == 300
    assert found.gain.excludes_zero
    low, high = found.gain.interval
    assert 0.03 < low < found.gain.value < high
    assert found.gain.value == pytest.approx(found.table()["gain"].mean())
    gains = f"gains {100 * found.gain.value:.1f} points"
    assert f"relabelling {num} and dropping 30 of 300 {gains}" in found.headline
    before, after = (ez.open_run(out / name) for name in ("before", "after"))
    # initialization, order and augmentation are functions of these
    assert [one.document.seed for one in before.trials] == [one.document.seed for one in after.trials]


def test_what_is_kept_is_held_against_as_many_at_random_and_others_in_every_epoch(planted, tmp_path):
    small = {**SMALL, "trials": 2, "epochs": 2}
    found = ez.verify(planted[0], labels=planted[1], out=tmp_path, beside=("random", "rs2"), **small)
    random, rs2 = (ez.open_run(tmp_path / name) for name in ("random", "rs2"))
    of_random, of_rs2 = random.spec.measured, rs2.spec.measured
    assert of_random is not None
    assert of_random.draw is not None
    assert of_rs2 is not None
    assert of_random.draw.rate == pytest.approx(0.1)
    assert (of_rs2.steps_of, of_rs2.draw) == (270, None)
    assert list(found.right) == ["before", "after", "random", "rs2"]
    right = {name: ez.open_run(tmp_path / name).votes(split="held_out").correct for name in ("after", "rs2")}
    gain = effect_text(paired_gain(right["rs2"], right["after"]))
    assert found.headline.endswith(f"; beside others in every epoch (RS2) it {gain}")
    assert "; beside as many at random it " in found.headline
    assert found.table()["accuracy_rs2"].tolist() == right["rs2"].mean(axis=1).tolist()


def test_it_is_read_again_and_goes_on_wherever_the_file_lies(planted, verified, tmp_path, contents):
    out = Path(shutil.copytree(verified[0], tmp_path / "copy"))
    moved = Path(shutil.copy(planted[1], tmp_path / "elsewhere.csv"))
    again = ez.verify(planted[0], labels=moved, out=out, **SMALL)
    assert again.table().equals(verified[1].table())
    assert contents(out / "after") == contents(verified[0] / "after")
    more = ez.verify(planted[0], labels=moved, out=out, **{**SMALL, "trials": 4})
    np.testing.assert_array_equal(more.accuracies["after"][:3], again.accuracies["after"])
    assert len(more.accuracies["after"]) == 4
    fewer = ez.verify(planted[0], labels=moved, out=out, **{**SMALL, "trials": 2})
    np.testing.assert_array_equal(fewer.accuracies["before"], again.accuracies["before"][:2])


def test_labels_before_from_a_file(command, planted, tmp_path):
    table = pd.read_csv(planted[1])
    edited = table.copy()
    dropped, kept = table.index[table["action"] == "drop"], table.index[table["action"] != "drop"]
    edited.loc[dropped[:7], "action"] = ""
    edited.loc[kept[:4], "action"] = "drop"
    edited.loc[kept[4:6], ["label", "action"]] = [
        [(label + 1) % 10, ""] for label in table["label"][kept[4:6]]
    ]
    edited.drop(columns="class", errors="ignore").to_csv(tmp_path / "edited.csv", index=False)
    size = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]
    asked = ["verify", planted[0], "--labels", tmp_path / "edited.csv", *size, "--out", tmp_path / "out"]
    finished = command(*asked, "--before", planted[1])
    assert finished.code == 0, finished.err
    said = finished.out.splitlines()[-1]
    assert said.startswith("relabelling 2, dropping 4 and taking back 7 of 270 changes accuracy by ")
    before = ez.open_run(tmp_path / "out" / "before")
    assert before.labels.tolist() == ez.load_dataset(planted[0], labels=planted[1]).labels.tolist()
    with pytest.raises(BadInput, match="of every example"):
        ez.verify(planted[0], labels=planted[1], before=planted[1], out=tmp_path / "same", **SMALL)


@pytest.mark.parametrize(
    ("gain", "low", "high", "text"),
    [
        (0.021, 0.014, 0.028, "gains 2.1 points (1.4 to 2.8)"),
        (-0.012, -0.02, -0.004, "loses 1.2 points (0.4 to 2.0)"),
        (-0.02, -0.04, -0.0004, "loses 2.0 points (just over 0 to 4.0)"),
        (0.02, 0.0003, 0.04, "gains 2.0 points (just over 0 to 4.0)"),
        (0.003, -0.005, 0.011, "shows no difference: +0.3 points (-0.5 to +1.1)"),
        (0.1, math.nan, math.nan, "changes accuracy by +10.0 points in one trial, which shows nothing"),
    ],
)
def test_what_it_says(gain, low, high, text):
    assert effect_text(Gain(gain, (low, high))) == text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "none.csv"}, "none.csv: the table cannot be read"),
        ({"labels": "same.csv"}, "same.csv: has the labels"),
        ({"beside": ["half"]}, "--beside half: unknown"),
        ({"labels": "kept.csv", "beside": ["rs2"]}, "--beside rs2: the new labels leave no"),
    ],
)
def test_what_is_refused(planted, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    table = pd.read_csv(planted[1])
    table.assign(label=table["was"], action="keep").to_csv("same.csv", index=False)
    table.assign(action="").to_csv("kept.csv", index=False)
    with pytest.raises(BadInput, match=message):
        ez.verify(planted[0], **{"labels": planted[1], "out": tmp_path / "out", **SMALL, **changes})
    assert not (tmp_path / "out").exists()


NUM, DECIDED = 240, 100


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> tuple[Path, Path]:
    """Digits of one split, a few copied under other labels, and decisions on some, three of them dropped."""
    folder = tmp_path_factory.mktemp("flat")
    data, rng = ez.load_dataset("digits", limit=NUM), np.random.default_rng(1)
    x, true = images_of(data).numpy()[:, 0].copy(), data.labels
    given = np.where(rng.random(NUM) < 0.3, (true + rng.integers(1, 10, NUM)) % 10, true)
    x[-6:] = x[:6]  # copies
    np.savez(folder / "flat.npz", x=x, y=given)
    np.save(folder / "x.npy", x.reshape(NUM, -1).astype(np.float32) / 16)
    at = np.sort(rng.permutation(NUM)[:DECIDED])
    actions = np.where(given[at] == true[at], "keep", "relabel").astype(object)
    actions[:3] = "drop"
    split = np.where(np.arange(DECIDED) % 4 == 0, "held_out", "train")  # as of a run with --holdout
    table = pd.DataFrame(
        {"id": at, "label": np.where(actions == "drop", given[at], true[at]), "was": given[at]}
    )
    table.assign(action=actions, by="me", split=split).to_csv(folder / "labels.csv", index=False)
    return folder / "flat.npz", folder / "labels.csv"


CROSSED: list[dict[str, Any]] = [
    {"model": "mlp_2_w8", "trials": 5, "epochs": 2, "precision": "float32"},
    {"model": "ridge", "trials": 5, "features": "x.npy"},
]


@pytest.mark.parametrize("asked", CROSSED, ids=["networks", "heads"])
def test_without_a_split_held_out_each_example_is_tested_where_it_was_not_seen(
    flat, tmp_path, monkeypatch, asked
):
    source, file = flat
    monkeypatch.chdir(source.parent)
    found = ez.verify(source, labels=file, out=tmp_path / "out", beside=(), **asked)
    runs = [ez.open_run(tmp_path / "out" / name) for name in ("before", "after")]
    columns = [
        [trial.columns(run.observed[-1], ["prediction", "trained_on"]) for trial in run.trials]
        for run in runs
    ]
    said, seen = (np.array([[one[name] for one in own] for own in columns]) for name in columns[0][0])
    table, given = pd.read_csv(file), np.load(source)["y"]
    dropped, decided = np.isin(np.arange(NUM), table["id"][:3]), np.isin(np.arange(NUM), table["id"])
    new = given.copy()
    new[table["id"]] = table["label"]
    # each fold is left out once, under both labels, and what is dropped is seen under the old ones alone
    assert (seen[0].sum(axis=0) == 4).all()
    assert (seen[1] == (seen[0] & ~dropped)).all()
    assert (seen[:, :, -6:] == seen[:, :, :6])[
        :, :, ~dropped[:6] & ~dropped[-6:]
    ].all()  # copies stay together
    assert (runs[0].labels == given).all()
    assert [run.spec.data.source for run in runs] == [str(source), None]  # whose labels these are
    assert (runs[1].labels == new).all()
    # who is right, of each row in the one trial that left it out
    tested = (~seen[0]).argmax(axis=0), np.arange(NUM)
    answers = [one[tested] for one in said]
    before, after = ((one == given)[~decided].mean() for one in answers)
    right = [found.right[name].mean() for name in ("before", "after")]
    assert right == pytest.approx([before, after])
    assert found.gain.value == pytest.approx(after - before)
    assert found.gain.interval[0] < found.gain.value < found.gain.interval[1]
    assert (found.num_examples, found.changes["dropped"], found.num_held_out) == (NUM, 3, NUM - DECIDED)
    assert found.changes["relabelled"] == (new != given).sum()
    assert found.headline.endswith(" on 140 examples that nobody decided")
    more = ez.verify(source, labels=file, out=tmp_path / "out", **{**asked, "trials": 10})
    np.testing.assert_array_equal(more.accuracies["before"][:5], found.accuracies["before"])
    assert len(more.accuracies["before"]) == 10


def test_networks_see_copies_and_groups_together():
    small = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 3), dtype=np.uint8)
    x = np.stack([np.asarray(Image.fromarray(one).resize((48, 48))) for one in small])
    x[7], x[9] = x[3], np.clip(x[4] * 1.05, 0, 255).astype(np.uint8)  # the same, and brighter

    def together(x: np.ndarray, **groups: Any) -> set[tuple[int, ...]]:
        numbers = _in_one_fold(ez.load_dataset((x, np.arange(20) % 4), **groups))
        found = (tuple(np.flatnonzero(numbers == one).tolist()) for one in np.unique(numbers))
        return {one for one in found if len(one) > 1}

    assert together(x) == {(3, 7), (4, 9)}
    groups = np.arange(20)
    groups[[0, 12, 7]] = 0
    assert together(x, group=groups) == {(0, 3, 7, 12), (4, 9)}
    x[10:] = np.clip(x[4] * np.linspace(0.9, 1.1, 10)[:, None, None, None], 0, 255).astype(np.uint8)
    assert together(x) == {(3, 7)}  # where half look alike they are no copies


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({"trials": 7}, {}, r"--trials 7: every 5 trials leave each example out equally often .* such as 10"),
        ({}, {"holdout": 0.3}, "no training example with the id"),
        ({}, {"labels": "all.csv"}, "leaves 0 examples that nobody decided"),
        ({}, {"labels": None}, r"--labels: give .*CSV"),
    ],
)
def test_what_cannot_be_tested_without_a_held_out_split(flat, tmp_path, monkeypatch, change, asked, said):
    asked = dict(asked)
    source, file = flat
    monkeypatch.chdir(tmp_path)
    given = np.load(source)["y"]
    table = pd.DataFrame({"id": np.arange(NUM), "label": given, "action": "keep", "by": "me"})
    table.loc[0, "action"] = "drop"
    table.to_csv("all.csv", index=False)
    data = ez.load_dataset(source, holdout=asked.pop("holdout", None))
    with pytest.raises(BadInput, match=said):
        ez.verify(data, **{"labels": file, "out": tmp_path / "out", **CROSSED[0], **change, **asked})
    assert not (tmp_path / "out").exists()


def test_labels_that_nobody_kept_may_follow_what_is_tested(flat, tmp_path):
    """By a rule they follow heads that saw the examples tested, and the gain is too high."""
    source, file = flat
    table, by_rule = pd.read_csv(file), tmp_path / "rule.csv"
    given = pd.Series(np.load(source)["y"], name="label").rename_axis("id")
    given[table["id"]] = table["label"].to_numpy()
    given.to_csv(by_rule)
    small = {**CROSSED[0], "epochs": 1}
    for one, doubt in ((file, False), (by_rule, True)):
        [accuracy, *_] = ez.verify(source, labels=one, out=tmp_path / one.stem, **small).sections()
        assert any("--holdout 0.2" in notice for notice in accuracy.notices) == doubt


Values = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CLASSES, WIDTH, TRIALS, NUM_TEST = 20, 30, 10, 4000
SHAPES = ("groups", "heavy")
WRONG, LOOKED_AT = 0.3, 0.25


@dataclass(frozen=True)
class Tried:
    """The gain as verified, on the undecided, and the ``truth``: on clean examples.

    ``of_undecided`` is that on other examples that nobody would have decided, by labels as wrong as given.
    """

    undecided: Gain
    truth: float
    of_undecided: float


def ridge(x: Values) -> Values:
    """The matrix [W, K] that makes weights of labels [K, C]."""
    gram = x.T @ x + 10 * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T), np.float64)


def suspicion(said: Values, labels: Labels) -> Values:
    value: Values = said.max(axis=1) - said[np.arange(len(said)), labels]
    return value


Trials = list[tuple[npt.NDArray[np.bool_], Values]]


def trials_of(x: Values, deal: Deal, number: int) -> Trials:
    """Which examples the heads of each trial see, and the `ridge` of these."""
    partitions = [deal.partition((0.8,), number, repeat) for repeat in range(TRIALS // 5)]
    masks = [one.trained_on(turn)[0] for one in partitions for turn in range(5)]
    return [(seen, ridge(x[seen])) for seen in masks]


def asked(
    x: Values, labels: Labels, test: Values, trials: Trials
) -> tuple[Labels, npt.NDArray[np.bool_], Labels]:
    """What heads of all trials say of the examples, which they saw [TRIALS, K], and what of others."""
    weights = [matrix @ np.eye(CLASSES)[labels[seen]] for seen, matrix in trials]
    answers, of_test = (np.array([(some @ one).argmax(axis=1) for one in weights]) for some in (x, test))
    return answers, np.array([seen for seen, _ in trials]), of_test


def tried(shape: str, number: int, num: int = 800) -> dict[str, Tried]:
    """Decide ``rightly``, ``carelessly`` (half anything), ``nothing`` (drop half), as ``suggested``."""
    streams = np.random.SeedSequence([SHAPES.index(shape), number])
    rng = np.random.default_rng(streams)
    centers = rng.normal(size=(2, CLASSES, WIDTH))
    alike = rng.random((CLASSES, CLASSES)) ** 6 * (1 - np.eye(CLASSES))
    alike /= alike.sum(axis=1, keepdims=True)

    def examples(num: int) -> tuple[Values, Labels, Labels]:
        true = rng.integers(CLASSES, size=num)
        noise = rng.normal(size=(num, WIDTH))
        if shape == "heavy":
            x = centers[0, true] + 0.6 * noise / np.sqrt(rng.chisquare(3, size=(num, 1)) / 3)
        else:
            x = centers[(rng.random(num) < 0.3).astype(int), true] + 0.9 * noise
        other = (alike[true].cumsum(axis=1) > rng.random((num, 1))).argmax(axis=1)
        given = np.where(rng.random(num) < WRONG, other, true)
        return np.c_[x, np.ones(num)], true, given

    (x, true, given), (test, test_true, test_given) = examples(num), examples(NUM_TEST)
    said, of_test = np.zeros((num, CLASSES)), np.zeros((NUM_TEST, CLASSES))
    first = Deal(given).partition((0.9,), number + 1, 0)
    for turn in range(10):
        seen = first.trained_on(turn)[0]
        weights = ridge(x[seen]) @ np.eye(CLASSES)[given[seen]]
        said[~seen], of_test = x[~seen] @ weights, of_test + test @ weights / 10
    cut = np.quantile(suspicion(said, given), 1 - LOOKED_AT)
    suspects, others = suspicion(said, given) >= cut, suspicion(of_test, test_given) < cut
    anyone, anything = rng.random(num) < LOOKED_AT, rng.integers(CLASSES, size=num)
    half = rng.random(num) < 0.5
    trials = trials_of(x, Deal(given), number)
    before, seen, before_of_test = asked(x, given, test, trials)

    def worth(labels: Labels, looked_at: npt.NDArray[np.bool_], others: Any, dropped: Any = None) -> Tried:
        after = np.where(looked_at, labels, given)
        own = trials if dropped is None else trials_of(x, Deal(given, never=dropped), number)
        now, _, of_test = asked(x, after, test, own)
        rows = ~looked_at
        old, new = (np.ma.array(one[:, rows] == given[rows], mask=seen[:, rows]) for one in (before, now))
        truth, of_undecided = (
            float((of_test == key)[:, of].mean() - (before_of_test == key)[:, of].mean())
            for key, of in ((test_true, slice(None)), (test_given, others))
        )
        return Tried(paired_gain(old, new), truth, of_undecided)

    found = {
        "rightly": worth(true, suspects, others),
        "carelessly": worth(np.where(half, anything, true), suspects, others),
        "nothing": worth(given, anyone, slice(None), anyone & half),
    }
    if shape == "groups":
        found["suggested"] = worth(said.argmax(axis=1), suspects, others)
    return found


def held(found: list[Tried], truth: str = "truth") -> float:
    """How many intervals hold the truth."""
    intervals = [(one.undecided.interval, getattr(one, truth)) for one in found]
    return float(np.mean([low <= value <= high for (low, high), value in intervals]))


def bias(found: list[Tried]) -> float:
    """The mean gain less the mean truth, in points."""
    return 100 * float(np.mean([one.undecided.value - one.truth for one in found]))


def size(found: list[Tried]) -> float:
    """The mean truth, in points; below 0 where labels are worse after."""
    return 100 * float(np.mean([one.truth for one in found]))


def by_decision(shape: str, worlds: int, num: int = 800) -> dict[str, list[Tried]]:
    """What came of each kind of decision in so many worlds."""
    tries = [tried(shape, number, num) for number in range(worlds)]
    return {decided: [one[decided] for one in tries] for decided in tries[0]}


def test_the_interval_holds_what_decisions_are_worth():
    found = by_decision("heavy", 40, 400)
    for decided in ("rightly", "carelessly", "nothing"):
        assert held(found[decided], "of_undecided") >= 0.87, decided
        # wrong labels left among those tested make it look smaller
        assert -0.6 < bias(found[decided]) / size(found[decided]) < 0.25, decided


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_holds_the_truth_in_many_worlds(shape):
    found = by_decision(shape, 300)
    for decided in ("rightly", "carelessly", "nothing"):
        assert 0.92 <= held(found[decided], "of_undecided") <= 0.995, decided
        assert held(found[decided]) >= 0.85, decided
        assert -0.5 < bias(found[decided]) / size(found[decided]) < 0.15, decided
    if shape == "groups":
        # suggestions taken right or wrong follow heads that saw what is tested: it is too high
        assert bias(found["suggested"]) > 1
        assert held(found["suggested"]) < 0.9
