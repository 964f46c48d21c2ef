"""Heads that are read from the weights of a trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from easiness import BadInput, Run, measure
from easiness.heads import stored_heads

NUM, WIDTH = 30, 4


@pytest.fixture
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((NUM, WIDTH)) + np.arange(NUM)[:, None] % 3).astype(np.float16)


@pytest.fixture
def run(vectors: np.ndarray, tmp_path: Path) -> Run:
    values, labels = vectors.astype(np.float32), np.arange(NUM) % 3
    return measure((values, labels), features=values, shares=[0.5], trials=2, out=tmp_path / "run")


def test_logits_are_computed_as_the_weights_say(run: Run, vectors: np.ndarray) -> None:
    spec, weights = run.spec.measured, run.trials[0].weights()
    assert spec is not None
    own = {name.rsplit(".", 1)[1]: one for name, one in weights.items()}
    heads = stored_heads(spec, weights, 0.5, [WIDTH], 3, torch.device("cpu"))
    expected = (vectors.astype(np.float64) - own["center"]) * own["scale"] @ own["weight"] + own["bias"]
    np.testing.assert_allclose(heads.logits([vectors]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("what", ["center", "scale", "weight", "bias"])
def test_weights_that_do_not_fit_are_refused(run: Run, what: str) -> None:
    spec, weights = run.spec.measured, run.trials[0].weights()
    assert spec is not None
    (name,) = (one for one in weights if one.endswith(what))
    for value in (None, weights[name][:-1], weights[name].astype(np.int64)):
        others = {one: own for one, own in weights.items() if one != name}
        if value is not None:
            others[name] = value
        with pytest.raises(BadInput, match=f"{what}: do not fit the heads of the run"):
            stored_heads(spec, others, 0.5, [WIDTH], 3, torch.device("cpu"))
