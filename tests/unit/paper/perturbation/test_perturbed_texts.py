"""Runs on texts look at texts that are perturbed before they are numbered."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.data import Dataset, texts_of
from easiness.errors import BadInput
from easiness.paper.options import PerturbationOptions
from easiness.paper.perturbation import draw_panel, draw_patterns, perturbation_curve, pseudo_patterns
from easiness.paper.perturbation.looking import (
    check_changes_something,
    image_shape,
    perturbed_probe,
    view_of,
)
from easiness.paper.perturbation.panel import panel_blocks
from easiness.runs import Progress
from easiness.show import sections_text

WORDS = ["when", "where", "was", "the", "first", "king", "of", "a", "country", "born", "and", "ships"]
ORDERED = ("alpha beta gamma delta", "delta gamma beta alpha")
"""The two classes have the same words, so that their order alone tells them."""


def sentences(num: int, seed: int) -> tuple[list[str], list[int]]:
    rng = np.random.default_rng(seed)
    labels = [at % 2 for at in range(num)]
    fillings = [" ".join(rng.choice(WORDS, 3)) for _ in range(num)]
    return [f"{filling} {ORDERED[label]}?" for filling, label in zip(fillings, labels, strict=True)], labels


@pytest.fixture(scope="module")
def data() -> Dataset:
    return ez.load_dataset(sentences(60, 0), held_out=sentences(30, 1), classes=["up", "down"])


@pytest.fixture(scope="module")
def run(made_once: Callable[..., Path], data: Dataset) -> Path:
    def make(folder: Path) -> None:
        ez.measure(data, model="text_cnn", trials=2, epochs=8, out=folder / "run", progress=False)

    return made_once("texts_of_order", make) / "run"


@pytest.fixture
def own(run: Path, tmp_path: Path) -> ez.Run:
    """A copy, since what networks see is kept in the run."""
    shutil.copytree(run, tmp_path / "run")
    return ez.open_run(tmp_path / "run")


def curve(run: ez.Run, kind: str, data: Dataset, **options: Any) -> Any:
    return perturbation_curve(PerturbationOptions(run, kind, num_replicates=10, **options), data)


@pytest.mark.long
def test_a_network_that_reads_order_is_lost_without_it(own: ez.Run, data: Dataset) -> None:
    found = curve(own, "order", data)
    assert found.levels == [1, 2, 4, 8, 0]
    accuracy = found.line("easy", "refine").set_index("level")["held_out_accuracy"]
    assert accuracy[1] == 1
    assert accuracy[0] < 0.85
    assert not found.changes_nothing


def test_at_the_neutral_level_networks_say_what_was_recorded(own: ez.Run, data: Dataset) -> None:
    probe = perturbed_probe(own, data, "order", [1], probe="train")
    answers = probe.answers(probe.perturbations[0], Progress())
    for at, trial in enumerate(own.trials):
        recorded = trial.observations(own.epochs)
        for name in ("loss", "prediction"):
            assert np.array_equal(answers[name][at], getattr(recorded, name)[-1])


def test_a_network_that_reads_lower_case_sees_no_difference(own: ez.Run, data: Dataset) -> None:
    found = curve(own, "case", data)
    assert found.levels == [0, 0.25, 0.5, 1]
    assert found.changes_nothing
    assert "These perturbations change nothing in these texts." in " ".join(
        sections_text(found.sections()).split()
    )


def test_what_changes_no_text_is_refused(own: ez.Run) -> None:
    texts = ez.load_dataset((["1984", "2 + 2"] * 2, [0, 1] * 2))
    with pytest.raises(BadInput, match="--kind case: changes none of the 4 texts at 1; give another kind"):
        check_changes_something(texts, view_of(own, texts), "case", [1], 0)


def test_panels_show_the_texts(own: ez.Run, data: Dataset, tmp_path: Path) -> None:
    recipe = view_of(own, data)
    order, case = panel_blocks(data, recipe, np.array([1, 0]), kinds=["order", "case"])
    assert [texts[0] for texts in order.examples] == [texts_of(data)[at] for at in (1, 0)]
    assert [len(texts) for texts in order.examples] == [5, 5]
    assert [texts[-1] for texts in case.examples] == [texts[0].upper() for texts in case.examples]
    figure = draw_panel(data, recipe, kinds=["order", "case"], num=2)
    figure.savefig(tmp_path / "panel.png")
    said = [text.get_text() for text in figure.texts]
    assert {"order: window (words; 0: all)", "case: share of words", "up:", "down:"} <= set(said)
    figure = draw_patterns(pseudo_patterns(PerturbationOptions(own, "order"), data), data, recipe)
    figure.savefig(tmp_path / "patterns.png")
    assert any("perturbed: " in text.get_text() for text in figure.texts)


def test_heads_on_features_are_asked_about_perturbed_texts(data: Dataset, tmp_path: Path) -> None:
    run = ez.measure(data, features="hashed", trials=5, out=tmp_path / "heads", progress=False)
    found = curve(run, "order", data, levels=[0])
    regular, shuffled = found.line("easy", "refine")["left_out_accuracy"]
    assert regular == 1 > shuffled  # pairs of words are among the features
    assert curve(run, "case", data, levels=[1]).changes_nothing  # which are in lower case


RATE = 2000


@pytest.fixture(scope="module")
def sounds() -> Dataset:
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
def of_sounds(sounds: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ez.Run:
    out: Path = tmp_path_factory.mktemp("sounds") / "run"
    return ez.measure(sounds, model="mlp_2_w16", trials=2, epochs=6, out=out, progress=False)


def test_time_shuffled_takes_away_what_rises(of_sounds: ez.Run, sounds: Dataset) -> None:
    found = curve(of_sounds, "shuffle", sounds, levels=[1 / 8])
    assert (found.axis, found.neutral, found.levels) == ("tile (share of the time)", 1, [1, 1 / 8])
    regular, shuffled = found.line("easy", "refine")["train_accuracy"]
    assert regular > 0.9 > shuffled


def test_the_levels_of_radial_are_by_the_log_mel_picture(of_sounds: ez.Run, sounds: Dataset) -> None:
    found = curve(of_sounds, "radial", sounds)
    _, bands, frames = image_shape(sounds, view_of(of_sounds, sounds))
    assert found.levels[0] == math.ceil(math.hypot(bands // 2, frames // 2))
    assert found.levels[1] == min(bands, frames) / 2
