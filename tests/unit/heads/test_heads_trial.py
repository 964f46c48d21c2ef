"""A trial of heads: what it says by hand, and that it depends on nothing that ran before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness import BadInput, Run, measure
from easiness.data import Dataset, load_dataset
from easiness.heads import Deal, run_heads, stored_heads
from easiness.heads.trial import _last
from easiness.inputs import Pack
from easiness.records import TrialRecord
from easiness.spec import FeaturesRef, Heads, Probe, Recipe
from recording import run_spec

NUM, CLASSES = 90, 3
LABELS = np.arange(NUM) % CLASSES
VECTORS = (np.random.default_rng(0).standard_normal((NUM, 10)) + np.eye(10)[LABELS] * 2).astype(np.float32)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset((VECTORS, LABELS))


@pytest.fixture
def run(data: Dataset) -> Callable[..., TrialRecord]:
    def call(index: int, *, features: tuple[np.ndarray, ...] = (VECTORS,), **changes: Any) -> TrialRecord:
        refs = tuple(FeaturesRef(name=f"{at}", identity=f"{one.sum()}") for at, one in enumerate(features))
        heads = Heads(features=refs, shares=(0.2, 0.8), epochs=changes.pop("epochs", None))
        deal = Deal(data.labels, groups=changes.pop("groups", None))
        probes = (Probe(name="train", keep_logits="left_out"),)
        plain: dict[str, Any] = {
            "data": data.ref(),
            "model": "ridge",
            "probes": probes,
            "seed": 0,
            "heads": heads,
        }
        spec = run_spec(**plain | changes).trial(index)
        packs = [Pack.of_array(one.astype(np.float16)) for one in features]
        return run_heads(spec, data, CPU, features={"train": packs}, deal=deal)

    return call


def said(record: TrialRecord) -> list[np.ndarray]:
    seen = record.probes["train"]
    assert seen.logits is not None
    assert record.weights is not None
    columns = [seen.trained_on, seen.loss, seen.margin, seen.prediction, seen.logits.values]
    return [*columns, *record.weights.values()]


def same(a: TrialRecord, b: TrialRecord) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(said(a), said(b), strict=True))


def test_a_trial_is_the_same_whatever_ran_before_it(run) -> None:
    _last.clear()
    alone = {}
    for index in (0, 3, 7):
        _last.clear()
        alone[index] = run(index)
    run(12)
    run(2, features=(VECTORS * 2,))
    for index in (7, 0, 3, 0):
        assert same(run(index), alone[index])
    run(1, model="linear", epochs=1)
    assert same(run(3), alone[3])
    assert not same(run(0, seed=1), alone[0])
    assert not same(run(0, groups=np.arange(NUM) // 6), alone[0])


def test_logits_are_those_of_the_weights(run) -> None:
    record = run(4)
    seen, weights = record.probes["train"], record.weights
    x = (VECTORS.astype(np.float16) - weights["features_0.center"]) * weights["features_0.scale"]
    np.testing.assert_array_equal(seen.logits.positions, np.flatnonzero(~seen.trained_on[-1]))
    for row, share in enumerate((0.2, 0.8)):
        head = {name: weights[f"share_{share:g}.features_0.{name}"] for name in ("weight", "bias")}
        logits = x @ head["weight"] + head["bias"]
        np.testing.assert_allclose(logits[seen.logits.positions], seen.logits.values[row], atol=1e-4)
        np.testing.assert_array_equal(logits.argmax(axis=1), seen.prediction[row])


def test_evidence_of_several_features_is_added(run) -> None:
    """The same features twice say what they say once, once they share a temperature."""
    other = np.random.default_rng(1).standard_normal((NUM, 4)).astype(np.float32)
    once, with_noise = run(0), run(0, features=(VECTORS, other))
    left_out = ~once.probes["train"].trained_on[-1]
    accuracy = [one.probes["train"].correct[-1][left_out].mean() for one in (once, with_noise)]
    assert accuracy[1] >= accuracy[0] - 0.15
    twice = run(0, features=(VECTORS, VECTORS + 0))
    np.testing.assert_allclose(
        twice.probes["train"].logits.values, once.probes["train"].logits.values, atol=0.02
    )


@pytest.mark.long
def test_heads_by_steps_learn_and_repeat(run) -> None:
    slow = Recipe(batch_size=16)
    first, again = (run(6, model="linear", epochs=100, recipe=slow) for _ in range(2))
    assert same(first, again)
    seen = first.probes["train"]
    assert seen.correct[-1][~seen.trained_on[-1]].mean() > 0.7
    assert not same(first, run(7, model="linear", epochs=100, recipe=slow))


@pytest.mark.usefixtures("two_threads")
def test_the_callers_threads_and_random_numbers_are_left_alone(run) -> None:
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    run(0)
    run(0, model="linear", epochs=1)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.fixture
def stored(tmp_path: Path) -> Run:
    """A run on vectors of three classes, at the share 0.5."""
    return measure((VECTORS, LABELS), features=VECTORS, shares=[0.5], trials=2, out=tmp_path / "run")


def asked(run: Run, weights: dict[str, np.ndarray]) -> np.ndarray:
    spec = run.spec.measured
    assert spec is not None
    return stored_heads(spec, weights, 0.5, [VECTORS.shape[1]], CLASSES, CPU).logits([VECTORS])


def test_logits_of_stored_heads_are_computed_as_the_weights_say(stored: Run) -> None:
    weights = dict(stored.trials[0].weights())
    own = {name.rsplit(".", 1)[1]: one for name, one in weights.items()}
    expected = (VECTORS.astype(np.float64) - own["center"]) * own["scale"] @ own["weight"] + own["bias"]
    np.testing.assert_allclose(asked(stored, weights), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("what", ["center", "scale", "weight", "bias"])
def test_weights_that_do_not_fit_are_refused(stored: Run, what: str) -> None:
    weights = dict(stored.trials[0].weights())
    (name,) = (one for one in weights if one.endswith(what))
    right = weights.pop(name)
    for others in ({}, {name: right[:-1]}, {name: right.astype(np.int64)}):
        with pytest.raises(BadInput, match=f"{what}: do not fit"):
            asked(stored, weights | others)
