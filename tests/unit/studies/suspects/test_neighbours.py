from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from easiness import load_dataset, measure, open_run
from easiness.runs import positions_in
from easiness.store import keep_answer
from easiness.studies.suspects.asking import _of_networks
from easiness.studies.suspects.neighbours import _found, find_neighbours, neighbours


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
    assert np.allclose(found.distance, [1, 1, 1, 1, chord(30) / chord(4)])
    assert found.own_share.tolist() == [1, 1, 1, 1, 1]
    # median lengths are 1.5 and 3
    assert np.allclose(found.strength, [1 / 1.5, 2 / 1.5, 4 / 3, 1, 1 / 3])
    assert (found.num_nearest, found.num_trials) == (1, 1)


def test_neighbours_are_a_mean_over_trials() -> None:
    labels = np.array([0, 1, 0, 1])
    own, other = at(0, 90, 1, 91), at(0, 1, 90, 91)
    assert neighbours([own, other], labels, num_nearest=1).own_share.tolist() == [0.5] * 4
    wider = np.concatenate([other, np.zeros((4, 3))], axis=1)
    assert neighbours([own, wider, wider], labels, num_nearest=1).own_share.tolist() == [1 / 3] * 4


def test_equal_examples_are_each_others_neighbours_and_never_their_own() -> None:
    labels = np.array([0, 1, 1, 1, 1, 1])
    found = neighbours([np.ones((6, 2))], labels, num_nearest=3)
    assert found.own_share[0] == 0
    assert found.distance.max() < 1e-5
    assert neighbours([np.zeros((6, 2))], labels).num_nearest == 5


def test_of_many_examples_some_are_drawn_to_be_neighbours() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal((9, 0, 0, 0, 0), size=(297, 5)), np.eye(5)[1:4] * 9])
    labels = rng.integers(0, 2, 300)
    for at_most in (100, 300):
        found = neighbours([features], labels, num_nearest=5, at_most=at_most)
        assert set(np.argsort(found.distance)[-3:]) == {297, 298, 299}
        assert np.isclose(np.median(found.distance[labels == 0]), 1)


def test_the_neighbours_of_a_run_are_in_the_order_of_the_run(measured: Path) -> None:
    run = open_run(measured)
    found, why = find_neighbours(run)
    assert found is not None
    assert why == ""
    assert found.num_trials == 3
    assert found.own_share.mean() > 0.5
    # the same data in another order
    data = load_dataset("digits", limit=100)
    turned = data._take(np.random.default_rng(0).permutation(100))
    both = (_of_networks(run, one, {"train": positions_in(one, run)}, "cpu") for one in (data, turned))
    there, again = (next(one)["train"] for one in both)
    assert np.allclose(there, again, atol=1e-5)


def test_what_somebody_else_wrote_is_asked_again(run_copy: Path) -> None:
    run = open_run(run_copy)
    found, _ = find_neighbours(run)
    key = (run, None, "cpu", print)
    arrays = {**(_found.kept(*key) or {})}
    for wrong in (np.full(100, np.nan), np.zeros(99)):
        lengths = {name: wrong[: len(one)] if len(one) > 2 else one for name, one in arrays.items()}
        keep_answer(run.path, "neighbours", _found._identity(*key), lengths)
        assert _found.kept(*key) is None
        again, _ = find_neighbours(run)
        assert again is not None
        assert found is not None
        assert np.array_equal(again.strength, found.strength)


def test_a_run_without_networks_or_data_says_why(
    record: Callable[..., Any], noisy_logits: Callable[..., Any], tmp_path: Path
) -> None:
    labels = [0, 1, 0, 1]
    assert find_neighbours(record(noisy_logits(labels, trials=2, epochs=2), labels)) == (
        None,
        "the run was recorded from a training loop of its own, so it has no networks to ask",
    )
    options: dict[str, Any] = {"model": "mlp_2_w8", "trials": 1, "epochs": 1, "precision": "float32"}
    bare = measure("digits", limit=20, keep_weights=False, out=tmp_path / "bare", **options)
    assert find_neighbours(bare) == (None, "the run was made without weights")
    x = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    arrays = measure((x, np.arange(20) % 2), out=tmp_path / "arrays", **options)
    assert find_neighbours(arrays)[1] == "the run does not say where they are (--source names them)"
