"""Vectors that the trained networks of a run make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from easiness import measure
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.features import feature_reader, find_features, ready_features
from easiness.store import Run, open_run


def test_they_are_the_inputs_of_the_last_layers(measured: Path, tmp_path: Path) -> None:
    data = load_dataset("digits", limit=100)
    run = open_run(measured)
    source = find_features(f"run:{measured}", data)
    assert source.name == f"run:{measured}"
    assert source.about.endswith(
        "these very ones, by their labels, so that nothing here is held out from it."
    )
    made = source.vectors(data, np.arange(100))
    cpu = torch.device("cpu")
    first, second = (
        feature_reader(run, data, trial, cpu).features(np.arange(100)) for trial in run.trials[:2]
    )
    width = first.shape[1]
    np.testing.assert_allclose(made[:, :width], first, rtol=1e-5)
    if 2 * width <= 1024:
        np.testing.assert_allclose(made[:, width : 2 * width], second, rtol=1e-5)
    assert made.shape[1] == width * min(3, max(1, 1024 // width))
    assert ready_features(source, data, tmp_path)["train"].shape == made.shape


def test_a_narrow_network_gives_all_its_trials(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    run = measure((x, y), model="mlp_2_w8", trials=2, epochs=1, out=tmp_path / "run")
    other = load_dataset((x + 1, y), held_out=(x, y))
    source = find_features(f"run:{run.path}", other)
    assert "some of which may be these" in source.about
    assert source.vectors(other, np.arange(40)).shape == (40, 16)
    assert other.held_out is not None
    assert source.vectors(other.held_out, np.arange(3)).shape == (3, 16)
    assert find_features(f"run:{run.path}", load_dataset((x, y))).identity != source.identity


def test_runs_without_such_networks_are_refused(
    measured: Path, record: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset("digits", limit=20)
    recorded = record(np.zeros((1, 1, 4, 2)), [0, 1, 0, 1])
    x = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    vectors = load_dataset((x, [0, 1] * 10))
    heads = measure((x, [0, 1] * 10), features=x, trials=5, out=tmp_path / "heads", progress=False)
    for given, examples, words in (
        (tmp_path / "nothing", data, "nothing"),
        (heads.path, vectors, r"the run is on features itself; give what it is on \(array\), or"),
        (
            recorded.path,
            data,
            "was recorded in your own code, which we cannot call; give a run that measure made",
        ),
        (measured, vectors, r"for another kind of examples \(image\) than arrays \(vector\); give"),
    ):
        with pytest.raises(BadInput, match=words):
            find_features(f"run:{given}", examples)
    monkeypatch.setattr("easiness.features.of_run.module_of", lambda _: "somebody")
    with pytest.raises(BadInput, match="is code of the module somebody, which runs only for those who say"):
        find_features(f"run:{measured}", data)
