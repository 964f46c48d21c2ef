"""What heads on the features of a frozen network see of perturbed pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from easiness import (
    BadInput,
    Dataset,
    Run,
    load_dataset,
    measure,
    open_run,
    paper,
)
from easiness.features import FeatureKind, FeatureSource, PicturePreparation, Request, frozen, registry
from easiness.features.frozen import network_source
from easiness.paper.perturbation.looking import PERTURBED, perturbed_probe, seen_as
from easiness.records import STATISTICS

NUM, SIDE = 100, 12
NEUTRAL = 100  # a radius that changes nothing
FORM = "small:SIDE"


class Small(nn.Module):
    """Maps of five features, whose weights are always the same."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 40, 3)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(pictures).relu()).relu()


def _find(request: Request) -> FeatureSource:
    side = int(request.name)
    preparation = PicturePreparation(size=(side, side), mean=(0.5,) * 3, std=(0.2,) * 3)
    return network_source(request, request.text, "0" * 64, preparation, Small, "Drawn at random.")


@pytest.fixture(scope="module")
def frozen_networks() -> Iterator[Callable[[int], str]]:
    """Features of a network that takes pictures with sides so long: their name."""
    kind = FeatureKind(FORM, _find, frozen=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "KINDS", (kind, *registry.KINDS))
        yield lambda side: f"{kind.prefix}{side}"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=NUM, holdout=0.2)


@pytest.fixture(scope="module")
def measured_heads(frozen_networks, data, tmp_path_factory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("heads")

    def make(name: str, *, features: Any = None, **options: Any) -> Path:
        options = {"trials": 10, "shares": [0.2, 0.8], **options}
        return measure(data, features=features or frozen_networks(SIDE), out=folder / name, **options).path

    return make


@pytest.fixture(scope="module")
def ridge(measured_heads: Callable[..., Path]) -> Path:
    return measured_heads("ridge")


@pytest.fixture
def run(ridge: Path, tmp_path: Path) -> Run:
    shutil.copytree(ridge.parent / "easiness-features", tmp_path / "easiness-features")
    shutil.copytree(ridge, tmp_path / "run")
    return open_run(tmp_path / "run")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each picture that goes through the network."""
    seen: list[int] = []
    before = frozen.FrozenNetwork._vectors

    def counted(self, transform, named):
        seen.extend([1] * len(named))
        return before(self, transform, named)

    monkeypatch.setattr(frozen.FrozenNetwork, "_vectors", counted)
    return seen


def assert_as_recorded(run: Run, data: Dataset) -> None:
    for split in ("train", "held_out"):
        probe = perturbed_probe(run, data, "radial", [NEUTRAL], probe=split)
        for trial, seen in zip(run.trials, probe.observe(), strict=True):
            recorded = trial.observations(data.num_classes, probe=split)
            np.testing.assert_array_equal(seen.prediction[0], recorded.prediction[-1])
            np.testing.assert_array_equal(seen.trained_on, recorded.trained_on[-1])
            for name in STATISTICS:
                np.testing.assert_allclose(
                    getattr(seen, name)[0], getattr(recorded, name)[-1], rtol=1e-4, atol=1e-4
                )


def test_the_neutral_level_is_as_it_was_recorded(run: Run, data: Dataset) -> None:
    assert_as_recorded(run, data)
    votes = perturbed_probe(run, data, "radial", [NEUTRAL]).look().votes[0]
    assert votes.share == 0.8
    np.testing.assert_array_equal(votes.correct, run.votes().correct)
    np.testing.assert_allclose(votes.p_label, run.votes().p_label, atol=1e-5)


@pytest.mark.parametrize("model", ["linear", "mlp_2"])
def test_so_is_that_of_heads_by_steps(measured_heads: Callable[..., Path], data: Dataset, model: str) -> None:
    path = measured_heads(model, model=model, epochs=2, trials=5, precision="float32")
    assert_as_recorded(open_run(path), data)


def test_so_is_that_of_several_features(measured_heads, frozen_networks, data) -> None:
    two = [frozen_networks(SIDE), frozen_networks(SIDE + 2)]
    run = open_run(measured_heads("two", features=two, trials=5))
    assert_as_recorded(run, data)
    with pytest.raises(BadInput, match=r"see pictures of 12 x 12 and 14 x 14 pixels"):
        seen_as(run, data)


def test_pictures_go_through_the_network_once_a_level(run: Run, data: Dataset, looks: list[int]) -> None:
    probe = perturbed_probe(run, data, "shuffle", [1, 0.5])
    assert probe.num_images == 2 * len(data)
    first = list(probe.observe())
    assert len(looks) == 2 * len(data)
    looks.clear()
    files = sorted((run.path / PERTURBED).rglob("*.parquet"))
    assert len(files) == 2 * len(run.trials)
    files[3].unlink()
    again = perturbed_probe(run, data, "shuffle", [1, 0.5])
    assert again.num_images == len(data)
    for one, other in zip(first, again.observe(), strict=True):
        for name in STATISTICS:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert len(looks) == len(data)


def test_the_curve_and_the_patterns_speak_of_heads(run: Run, data: Dataset) -> None:
    found = paper.perturb(
        run, kind="radial", levels=[3, 1], pattern_level=3, probe="train", data=data, num_replicates=20,
        progress=False,
    )  # fmt: skip
    curve, patterns = found.curve, found.patterns
    assert set(curve.accuracy) == {"train", "left_out", "held_out"}
    assert curve.levels == (9, 3, 1)
    assert curve.mean_accuracy("left_out")[0] > curve.mean_accuracy("left_out")[-1]
    assert curve.table().share.eq(0.8).all()
    text = " ".join(f"{one}" for one in curve.sections())
    assert "at share 0.8" in text
    assert "ridge on small:12 under radial" in text
    assert "epoch" not in text
    assert patterns.num_trials == 2  # of ten trials two leave each example out
    assert "2 heads get right" in f"{patterns.sections()[0]}"


def test_features_of_other_kinds_are_refused(refused, measured_heads, data, tmp_path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((2 * NUM, 30)).astype(np.float32))
    path = measured_heads("given", features=str(tmp_path / "v.npy"), trials=5)
    line = refused("paper", "perturb", path, "--kind", "radial")
    assert "come from no network that could look at perturbed examples; give a run on " in line
    assert line.endswith("auto, hashed, timm:NAME, torchvision:NAME or hf:NAME\n")
    with pytest.raises(BadInput, match="come from no network"):
        perturbed_probe(open_run(path), data, "radial", [1])


def test_a_network_that_has_changed_is_refused(run: Run, data: Dataset, monkeypatch) -> None:
    monkeypatch.setattr("easiness.features.frozen.RULE", 2)
    with pytest.raises(BadInput, match="have changed since the run; measure it again"):
        perturbed_probe(run, data, "radial", [1])
