"""A run recorded from made-up numbers, a measured run and a study ranked by the first: always the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from recording import recorded


def record(out: Path) -> None:
    """Three trials of two epochs on 150 digits, with logits from a generator."""
    data = ez.load_dataset("digits", limit=150)
    logits = np.stack([np.random.default_rng(seed).normal(size=(2, 150, 10)) for seed in range(3)])
    logits[:, :, np.arange(150), data.labels] += [[1], [2]]
    recorded(out, logits.astype(np.float32), data=data)


def measure(out: Path) -> None:
    """Two trials of two epochs of an MLP on 100 digits that keep all logits."""
    ez.measure(
        ez.load_dataset("digits", limit=100, holdout=0.2),
        model="mlp_2_w16",
        trials=2,
        epochs=2,
        precision="float32",
        jobs=1,
        keep_logits=True,
        train_share=0.8,
        seed=7,
        out=out,
    )


@pytest.fixture(scope="session")
def recorded_run(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return made_once("golden-recorded", record)


@pytest.fixture(scope="session")
def measured_run(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return made_once("golden-measured", measure)


@pytest.fixture(scope="session")
def study(recorded_run: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Trainings without a part of the examples, and with other labels, ranked by the recorded run."""

    def make(out: Path) -> None:
        where = dict[str, Any](model="mlp_2_w16", epochs=2, repetitions=2, holdout=0.2, seed=3, out=out)
        where |= {"precision": "float32", "jobs": 1}
        run, data = ez.open_run(recorded_run), ez.load_dataset("digits", limit=150)
        ez.paper.ablate(
            data, scores=run, rates=(0, 0.3), policies=("easy", "beta:2,1"), steps="steps", **where
        )
        ez.paper.corrupt(
            data, scores=run, rates=(0.3,), policies=("hard",), other_label=True, balanced=True, **where
        )

    return made_once("golden-study", make)
