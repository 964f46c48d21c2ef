from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easiness import load_dataset, measure, open_run, report, suspects
from easiness.data import Dataset
from easiness.runs import positions_in
from easiness.spec import Split
from easiness.store import Row, Run, keep_answer
from easiness.studies.suspects import nearest_by_class
from easiness.studies.suspects.kinds import find_kinds, kind_reason
from easiness.studies.suspects.neighbours import (
    NUM_OF_CLASS,
    NoFeatures,
    find_neighbours,
    neighbours,
    of_networks,
    read_features,
)
from pixels import images_of
from recording import believing


def at(*degrees: float) -> Any:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def chord(degrees: float) -> float:
    return float(2 * np.sin(np.radians(degrees) / 2))


def test_distances_are_between_directions_and_relative_to_the_class() -> None:
    # neighbours at 2 and 2 degrees, at 4 and 4, and a last one at 30 from the nearest
    features = at(0, 2, 90, 94, 124) * np.array([1, 2, 4, 3, 1])[:, None]
    labels = np.array([0, 0, 1, 1, 1])
    found = neighbours([features], labels, num_nearest=1)
    assert np.allclose(found["distance"], [1, 1, 1, 1, chord(30) / chord(4)])
    assert found["own_share"].tolist() == [1, 1, 1, 1, 1]
    # median lengths are 1.5 and 3
    assert np.allclose(found["strength"], [1 / 1.5, 2 / 1.5, 4 / 3, 1, 1 / 3])
    assert (found["num_nearest"] == 1).all()


def test_neighbours_are_a_mean_over_trials() -> None:
    labels = np.array([0, 1, 0, 1])
    own, other = at(0, 90, 1, 91), at(0, 1, 90, 91)
    assert neighbours([own, other], labels, num_nearest=1)["own_share"].tolist() == [0.5] * 4
    wider = np.concatenate([other, np.zeros((4, 3))], axis=1)
    assert neighbours([own, wider, wider], labels, num_nearest=1)["own_share"].tolist() == [1 / 3] * 4


def test_of_many_examples_some_are_drawn_to_be_neighbours() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal((9, 0, 0, 0, 0), size=(297, 5)), np.eye(5)[1:4] * 9])
    labels = rng.integers(0, 2, 300)
    for at_most in (100, 300):
        found = neighbours([features], labels, num_nearest=5, at_most=at_most)
        assert set(np.argsort(found["distance"].to_numpy())[-3:]) == {297, 298, 299}
        assert np.isclose(np.median(found["distance"][labels == 0]), 1)


def test_the_neighbours_of_a_run_are_in_the_order_of_the_run(measured: Path) -> None:
    run = open_run(measured)
    found = find_neighbours(run)
    assert found["own_share"].mean() > 0.5
    # the same data in another order
    data = load_dataset("digits", limit=100)
    turned = data._take(np.random.default_rng(0).permutation(100))
    both = (of_networks(run, one, {"train": positions_in(one, run)}, "cpu") for one in (data, turned))
    there, again = (next(one)["train"] for one in both)
    assert np.allclose(there, again, atol=1e-5)


def test_what_somebody_else_wrote_is_asked_again(run_copy: Path) -> None:
    run = open_run(run_copy)
    found = find_neighbours(run)
    for wrong in (np.full(100, np.nan), np.zeros(99)):
        others = {name: wrong if one.dtype == np.float64 else one for name, one in found.items()}
        keep_answer(run.path, "neighbours", find_neighbours.identity(run), others)
        assert find_neighbours.read(run) is None
        again = find_neighbours(run)
        assert all(np.array_equal(again[name], found[name]) for name in found)


def test_a_run_without_networks_or_data_says_why(record: Callable[..., Any], tmp_path: Path) -> None:
    labels = [0, 1, 0, 1]
    options: dict[str, Any] = {"model": "mlp_2_w8", "trials": 1, "epochs": 1, "precision": "float32"}
    bare = measure(load_dataset("digits", limit=20), keep_weights=False, out=tmp_path / "bare", **options)
    x = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    for run, why in {
        record(believing(labels, trials=2, epochs=2), labels): "no networks to ask",
        bare: "the run was made without weights",
        measure((x, np.arange(20) % 2), out=tmp_path / "arrays", **options): "--data names them",
    }.items():
        with pytest.raises(NoFeatures, match=why):
            find_neighbours(run)


NONE = -1


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two trials on 60 digits, 20 of them held out; five of each class are left out of training."""
    out = tmp_path_factory.mktemp("nearest") / "run"
    options: dict[str, Any] = {"model": "mlp_2_w8", "trials": 2, "epochs": 1, "precision": "float32"}
    return measure(load_dataset("digits", limit=60, holdout=1 / 3), out=out, **options)


def asked(
    run: Run, positions: list[int], suggested: list[int], split: Split = "train", source: Any = None
) -> Any:
    found, why = nearest_by_class(run, np.array(positions), np.array(suggested), split=split, source=source)
    assert found is not None, why
    return found


def expected(run: Run, split: Split, at: int, of_class: int, source: Any = None) -> list[int]:
    """The four nearest of a class by the mean cosine over trials, one example at a time."""
    wanted = {one: np.arange(len(run.examples(one)[0])) for one in ("train", "held_out")}
    trials = list(read_features(run, wanted, source, "cpu"))  # type: ignore[arg-type]
    means = np.zeros(len(run.labels))
    for one in trials:
        own = one[split][at]
        for other, vector in enumerate(one["train"]):
            means[other] += own @ vector / np.linalg.norm(own) / np.linalg.norm(vector) / len(trials)
    members = [
        one for one in np.flatnonzero(run.labels == of_class).tolist() if (split, one) != ("train", at)
    ]
    order = sorted(members, key=lambda one: -means[one])[:NUM_OF_CLASS]
    return order + [NONE] * (NUM_OF_CLASS - len(order))


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_the_nearest_of_two_classes(halves: Run, split: Split) -> None:
    labels = halves.examples(split)[1]
    other = int((labels[7] + 1) % 10)
    found = asked(halves, [7, 3], [other, NONE], split)
    for side, of_class in enumerate((int(labels[7]), other)):
        assert found[0, side].tolist() == expected(halves, split, 7, of_class)
    assert (found[1, 1] == NONE).all()
    assert 3 not in found[1] or split == "held_out"


def test_what_was_asked_once_is_kept(halves: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    both = asked(halves, [1, 2], [4, 5])
    calls: list[int] = []

    def counted(run: Run, wanted: Any, *others: Any) -> Any:
        calls.append(len(wanted))
        return read_features(run, wanted, *others)

    monkeypatch.setattr("easiness.studies.suspects.neighbours.read_features", counted)
    again = asked(open_run(halves.path), [2, 1], [5, 4])
    assert not calls
    assert np.array_equal(again, both[::-1])
    more = asked(halves, [1, 2], [4, 6])  # another class is suggested
    assert calls == [1]
    assert np.array_equal(more[0], both[0])
    assert (halves.labels[more[1, 1][more[1, 1] >= 0]] == 6).all()
    asked(halves.first(1), [1, 2], [4, 5])  # other networks
    assert calls == [1, 1]


def test_suspects_ask_for_the_first_ones_in_passing(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = suspects(open_run(run_copy)).ranked
    run = open_run(run_copy)
    where = {one: at for at, one in enumerate(run.ids.tolist())}
    monkeypatch.setattr("easiness.studies.suspects.neighbours.read_features", None)
    kept = asked(run, [where[one] for one in found["id"]], found["suggested"].tolist())
    assert (run.labels[kept[:, 0]] == found["label"].to_numpy()[:, None]).all()
    assert suspects(run).ranked.equals(found)


def test_damaged_weights_are_named_and_stop_no_page(run_copy: Path, tmp_path: Path) -> None:
    run = open_run(run_copy)
    (weights, *_) = sorted(run_copy.glob("trials/*/weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    found, why = nearest_by_class(run, np.array([0]), np.array([1]))
    assert found is None
    assert str(weights) in why
    report([run], tmp_path / "page.html")


def test_of_a_run_on_features_these_are_looked_at(tmp_path: Path) -> None:
    digits = load_dataset("digits", limit=60)
    data = load_dataset((digits.array.reshape(60, -1).astype(np.float32), digits.labels), holdout=1 / 3)
    run = measure(data, features="inputs", trials=5, out=tmp_path / "run")
    found = asked(run, [5], [2], "held_out", data)
    assert found[0, 1].tolist() == expected(run, "held_out", 5, 2, data)
    assert nearest_by_class(run, np.array([4]), np.array([2]))[1].startswith("the run does not say where")


EASY = {
    "label": 0,
    "p_wrong": 0.0,
    "p_label": 0.9,
    "p_rival": 0.02,
    "rival": 1,
    "first_right": 1.0,
    "distance": 1.0,
    "own_share": 1.0,
    "strength": 1.0,
    "num_nearest": 10,
}
HARD = {**EASY, "p_label": 0.2, "p_rival": 0.15, "first_right": np.nan, "own_share": 0.3}


def evidence(*examples: dict[str, Any]) -> pd.DataFrame:
    """The examples given, and eight easy ones behind them."""
    return pd.DataFrame([*examples, *[EASY] * 8])


def kinds_of(*examples: dict[str, Any]) -> list[str]:
    return find_kinds(evidence(*examples), Row(10), 0.95)[0].tolist()


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("wrong label", {"p_wrong": 0.5}, ""),
        ("between two classes", {"p_label": 0.3, "p_rival": 0.4}, "between cat (0.30) and dog (0.40)"),
        ("between two classes", {"p_label": 0.1, "p_rival": 0.4}, "between cat (0.10) and dog (0.40)"),
        (
            "unlike its class",
            {"strength": 0.5},
            "unlike cat: the networks' answer to it is 0.50 times as strong as usual there, and 30% of its "
            "10 nearest neighbours are cat",
        ),
        ("slow", {"first_right": 8.0}, "right in most trials only from epoch 8 of 10 on"),
        ("", {"p_wrong": 0.49}, ""),
        ("", {"p_label": 0.05, "p_rival": 0.6}, ""),  # the rival is far ahead
        ("", {"p_label": 0.25, "p_rival": 0.24}, ""),  # the others have more than these two
        ("", {"p_label": 0.3, "p_rival": 0.4, "rival": -1}, ""),  # between the label and what?
        ("", {"strength": 0.7}, ""),
        ("", {"first_right": 5.0}, ""),
    ],
)
def test_each_kind_is_known_by_its_evidence(kind: str, changes: dict[str, Any], reason: str) -> None:
    given = evidence({**HARD, **changes})
    found, left_out = find_kinds(given, Row(10), 0.95)
    assert found.tolist() == [kind, *[""] * 8]
    assert left_out == {}
    (first, *others) = given.assign(kind=found).to_dict("records")
    assert kind_reason(first, Row(10), ["cat", "dog"]) == reason
    assert {kind_reason(one, Row(10), ["cat", "dog"]) for one in others} == {""}


def test_the_first_kind_that_holds_is_named() -> None:
    between = {"p_label": 0.3, "p_rival": 0.4}
    found = kinds_of(
        {**HARD, **between, "p_wrong": 0.9, "strength": 0.4, "distance": 2},
        {**HARD, **between, "p_wrong": 0.9, "distance": 2},
        {**HARD, **between, "distance": 2},
        {**HARD, "distance": 2, "first_right": 9},
    )
    assert found[:4] == ["unlike its class", "wrong label", "between two classes", "slow"]


def test_an_easy_example_has_no_kind_but_may_be_slow_and_the_hardest_quarter_is_hard() -> None:
    strange = {**EASY, "p_wrong": 0.9, "distance": 9, "strength": 0.1}
    # two of ten are harder than the rest, but the quarter of them is cut between equal ones
    assert kinds_of({**strange, "p_label": 0.9}, {**EASY, "first_right": 9.0})[:2] == ["", "slow"]
    # however sure the networks are
    assert kinds_of({**EASY, "p_label": 0.7, "strength": 0.5})[0] == "unlike its class"


@pytest.mark.parametrize(
    ("known", "kinds"),
    [
        (0.9, ["unlike its class", "wrong label", "between two classes", "slow"]),
        (0.89, ["unlike its class", "wrong label", "", "slow"]),
        (0.7, ["unlike its class", "wrong label", "", "slow"]),
        (0.69, ["wrong label", "wrong label", "", ""]),
    ],
)
def test_where_little_is_known_kinds_are_not_guessed(known: float, kinds: list[str]) -> None:
    between = {"p_label": 0.3, "p_rival": 0.4}
    given = evidence(
        {**HARD, "p_wrong": 0.9, "strength": 0.4},
        {**HARD, "p_wrong": 0.9},
        {**HARD, **between},
        {**HARD, "first_right": 9},
    )
    found, left_out = find_kinds(given, Row(10), known)
    assert found[:4].tolist() == kinds
    for kind in left_out:
        assert f"{known:.0%} of the labels right that can be expected to be sound" in left_out[kind]
        assert kind not in kinds


def test_where_nothing_was_learned_nothing_is_slow() -> None:
    assert find_kinds(evidence(), Row(1), 0.95)[0].tolist() == [""] * 8
    never = evidence(HARD).assign(first_right=np.nan)
    assert find_kinds(never, Row(10), 0.95)[0].tolist() == [""] * 9


EACH = 25


def planted() -> Dataset:
    """600 digits: the first 25 under another label, then 25 blends, and 25 of noise."""
    rng = np.random.default_rng(0)
    data = load_dataset("digits", limit=600)
    order = rng.permutation(600)
    x, y = images_of(data).numpy()[order, 0], data.labels[order].copy()
    flipped, blended, noise = np.arange(3 * EACH).reshape(3, EACH)
    y[flipped] = (y[flipped] + rng.integers(1, 10, EACH)) % 10
    for at in blended:
        other = rng.choice(np.flatnonzero(y[3 * EACH :] != y[at])) + 3 * EACH
        x[at] = (x[at].astype(int) + x[other]) // 2
    # the blocks of noise are as large as a stroke, so that it is no texture
    x[noise] = rng.integers(0, 256, (EACH, 4, 4)).repeat(2, axis=1).repeat(2, axis=2)
    y[noise] = rng.integers(0, 10, EACH)
    return load_dataset((x, y))


@pytest.fixture(scope="module")
def trained(made_once: Callable[..., Path]) -> Path:
    def make(out: Path) -> None:
        measure(planted(), model="mlp_3", trials=3, epochs=8, precision="float32", compile="off", out=out)

    return made_once("planted-kinds", make)


@pytest.mark.long
def test_planted_kinds_are_found(trained: Path) -> None:
    run = open_run(trained)
    ranked = suspects(run, data=planted()).ranked.set_index("id").reindex(run.ids.tolist())
    kinds = ranked["kind"].to_numpy()

    def share(kind: str, where: slice) -> float:
        return float((kinds[where] == kind).mean())

    flipped, blended, noise = (slice(at, at + EACH) for at in range(0, 3 * EACH, EACH))
    untouched = slice(3 * EACH, None)
    assert share("wrong label", flipped) > 0.8
    assert share("unlike its class", noise) > 0.3
    assert share("", untouched) > 0.85
    # what is said of one kind is not said of the others as well
    assert max(share("wrong label", where) for where in (blended, noise)) < 0.5
    assert max(share("unlike its class", where) for where in (flipped, blended)) < 0.1
    assert max(share(kind, untouched) for kind in ("wrong label", "unlike its class")) < 0.06
    assert share("between two classes", blended) > share("between two classes", untouched)
