"""Runs on sounds look at log-mel pictures whose time is shuffled, or without their high frequencies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.studies.perturbation import image_shape, perturbed_panel, seen_as

RATE = 2000


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Tones that rise or fall, with some noise."""
    rng, time = np.random.default_rng(0), np.arange(RATE) / RATE
    labels = [at % 2 for at in range(32)]
    sounds = []
    for label in labels:
        pitch = 200 + 600 * (time if label else 1 - time)
        tone = np.sin(2 * math.pi * np.cumsum(pitch) / RATE)
        sounds.append((0.5 * tone + 0.01 * rng.standard_normal(RATE)).astype(np.float32))
    return ez.load_dataset((sounds, labels), rate=RATE, classes=["falls", "rises"])


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ez.Run:
    out: Path = tmp_path_factory.mktemp("sounds") / "run"
    return ez.measure(data, model="mlp_2_w16", trials=2, epochs=6, out=out, progress=False)


def curve(run: ez.Run, kind: str, data: Dataset, **options: Any) -> Any:
    return ez.perturbation_curve(run, kind, source=data, progress=False, num_replicates=10, **options)


def test_time_shuffled_takes_away_what_rises(run: ez.Run, data: Dataset) -> None:
    found = curve(run, "shuffle", data, levels=[1 / 8])
    assert (found.axis, found.neutral, found.levels) == ("tile (share of the time)", 1, (1, 1 / 8))
    regular, shuffled = found.mean_accuracy("train")
    assert regular > 0.9 > shuffled


def test_the_levels_of_radial_are_by_the_log_mel_picture(run: ez.Run, data: Dataset) -> None:
    found = curve(run, "radial", data)
    _, bands, frames = image_shape(data, seen_as(run, data))
    assert found.levels[0] == math.ceil(math.hypot(bands // 2, frames // 2))
    assert found.levels[1] == min(bands, frames) / 2


@pytest.mark.parametrize("kind", ["color", "order", "case"])
def test_others_are_refused(run: ez.Run, data: Dataset, kind: str) -> None:
    with pytest.raises(BadInput, match=f"'{kind}': does not fit examples of kind sound; give one of radial"):
        curve(run, kind, data)


def test_a_panel_shows_columns_in_other_order(run: ez.Run, data: Dataset) -> None:
    panel = perturbed_panel(
        data, seen_as(run, data), kinds=["shuffle"], levels={"shuffle": [1, 1 / 8]}, num=2
    )
    regular, shuffled = panel.blocks[0].pictures[0]
    assert not np.array_equal(regular, shuffled)
    columns = {column.tobytes() for column in regular.transpose(1, 0, 2)}
    assert {column.tobytes() for column in shuffled.transpose(1, 0, 2)} == columns
