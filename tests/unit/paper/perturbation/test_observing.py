"""Observations of perturbed examples by networks and by heads on features, and what is kept of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from easiness import BadInput, Dataset, Run, RunFailed, load_dataset, measure, open_run
from easiness.features import FeatureKind, FeatureSource, PicturePreparation, Request, registry
from easiness.features.frozen import network_source
from easiness.paper.perturbation.looking import perturbed_probe, view_of
from easiness.perturb import register, registry as perturb_registry
from easiness.runs.progress import Progress
from recording import recorded, small_run

NUM, SIDE = 100, 12
NEUTRAL = 100  # a radius that changes nothing


class Counting(Progress):
    def __init__(self):
        self.num = 0

    def images(self, num):
        self.num += num


def looked(run, data, kind, levels, **options) -> tuple[Any, int]:
    """Losses [levels, trials, K], and how many pictures were looked at for them."""
    count, probe = Counting(), perturbed_probe(run, data, kind, levels, **options)
    return np.stack([probe.answers(one, count)["loss"] for one in probe.perturbations]), count.num


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", limit=NUM)


@pytest.fixture
def opened(run_copy):
    return open_run(run_copy)


def test_the_neutral_level_is_as_it_was_recorded(opened, data):
    (neutral, low, none), num = looked(opened, data, "radial", [NEUTRAL, 2, 0])
    assert num == 3 * 3 * NUM
    for trial, own in zip(opened.trials, neutral, strict=True):
        assert np.array_equal(own, trial.observations(10).loss[-1])
    assert not np.array_equal(low, neutral)
    # without frequencies all images are one to the network
    assert [len(np.unique(one)) for one in none] == [10] * 3


def test_what_is_kept_is_read_and_what_is_not_whole_is_made_again(opened, data):
    first, num = looked(opened, data, "shuffle", [1, 0.5], seed=4)
    assert num == 3 * 2 * NUM
    files = sorted(opened.path.glob("answer-shuffle-*"))
    assert len(files) == 2
    files[0].write_bytes(files[0].read_bytes()[:-100])
    again, num = looked(opened, data, "shuffle", [1, 0.5], seed=4)
    assert np.array_equal(first, again)
    assert num == 3 * NUM
    # one more level takes no other level again, and another seed is another question
    for levels, seed, num in (([1, 0.5, 0.25], 4, 300), ([0.5], 4, 0), ([0.5], 5, 300)):
        assert looked(opened, data, "shuffle", levels, seed=seed)[1] == num, (levels, seed)
    # nor are answers of other weights taken
    longer = small_run(opened.path, model="mlp_3", limit=NUM, trials=3, epochs=3)
    losses, num = looked(longer, data, "shuffle", [1])
    assert num == 3 * NUM
    assert np.array_equal(losses[0, 0], longer.trials[0].columns(3, ["loss"])["loss"])


def test_accuracy_and_votes_of_held_out_and_left_out_examples(tmp_path):
    data = load_dataset("digits", limit=NUM, holdout=0.3)
    run = small_run(tmp_path / "run", data, limit=None, trials=2, train_share=0.5)
    for name in ("train", "held_out"):
        looks = perturbed_probe(run, data, "radial", [NEUTRAL, 1], probe=name).look()
        for split, values in looks.accuracy.items():
            assert values.shape == (2, 2)
            assert values[:, 0].tolist() == [trial.document.accuracy[split][-1] for trial in run.trials]
        assert set(looks.accuracy) == ({"train", "left_out"} if name == "train" else {"held_out"})
    regular = perturbed_probe(run, data, "radial", [NEUTRAL, 1]).look().votes[0]
    assert np.array_equal(regular.correct, run.votes().correct)
    assert np.array_equal(regular.p_label, run.votes().p_label)


def test_ones_own_kind_is_not_kept_and_named_where_it_fails(opened, data, monkeypatch):
    monkeypatch.setattr(perturb_registry, "_own_kinds", [])
    outputs = {
        1: lambda images: images.flip(3),
        2: lambda images: images / 0 - images / 0,
        3: lambda images: images[:, :, 1:],
    }
    register("own", levels=(1,), neutral=0)(lambda level: lambda images, ids=None: outputs[level](images))  # noqa: ARG005
    for _ in range(2):
        assert looked(opened, data, "own", [1])[1] == 300
    with pytest.raises(RunFailed, match="not finite under own 2"):
        looked(opened, data, "own", [2])
    with pytest.raises(BadInput, match="returned"):
        looked(opened, data, "own", [3])


def test_what_cannot_be_looked_at(data, tmp_path):
    bare = small_run(tmp_path / "bare", keep_weights=False)
    with pytest.raises(BadInput, match="made without weights"):
        perturbed_probe(bare, load_dataset("digits", limit=60), "color", [0])
    own = recorded(tmp_path / "own", np.eye(2)[None, [0, 1, 0, 1]], np.array([0, 1, 0, 1]))
    with pytest.raises(BadInput, match="loop of your own"):
        perturbed_probe(own, data, "color", [0])


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
def small() -> Iterator[str]:
    """What a name of features begins with; the sides of the pictures that their network takes follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "KINDS", (FeatureKind("small:SIDE", _find, frozen=True), *registry.KINDS))
        yield "small:"


@pytest.fixture(scope="module")
def split() -> Dataset:
    return load_dataset("digits", limit=NUM, holdout=0.2)


@pytest.fixture(scope="module")
def measured_heads(small, split, tmp_path_factory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("heads")

    def make(name: str, *, features: Any = f"{small}{SIDE}", trials: int = 5, **options: Any) -> Path:
        out = folder / name
        return measure(split, features=features, out=out, trials=trials, shares=[0.2, 0.8], **options).path

    return make


@pytest.fixture(scope="module")
def ridge(measured_heads: Callable[..., Path]) -> Path:
    return measured_heads("ridge", trials=10)


@pytest.fixture
def heads(ridge: Path, tmp_path: Path) -> Run:
    shutil.copytree(ridge.parent / "easiness-features", tmp_path / "easiness-features")
    shutil.copytree(ridge, tmp_path / "run")
    return open_run(tmp_path / "run")


def assert_as_recorded(run: Run, data: Dataset) -> None:
    for split in ("train", "held_out"):
        probe = perturbed_probe(run, data, "radial", [NEUTRAL], probe=split)
        answers = probe.answers(probe.perturbations[0], Counting())
        for at, trial in enumerate(run.trials):
            recorded = trial.observations(data.num_classes, probe=split)
            np.testing.assert_array_equal(answers["prediction"][at], recorded.prediction[-1])
            np.testing.assert_allclose(answers["loss"][at], recorded.loss[-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", ["ridge", "linear", "mlp_2"])
def test_heads_see_the_neutral_level_as_it_was_recorded(request, measured_heads, split, model) -> None:
    steps: dict[str, Any] = {"model": model, "epochs": 2, "precision": "float32"}
    run = request.getfixturevalue("heads") if model == "ridge" else open_run(measured_heads(model, **steps))
    assert_as_recorded(run, split)
    votes = perturbed_probe(run, split, "radial", [NEUTRAL]).look().votes[0]
    assert votes.share == 0.8
    np.testing.assert_array_equal(votes.correct, run.votes().correct)
    np.testing.assert_allclose(votes.p_label, run.votes().p_label, atol=1e-5)


def test_so_do_those_of_several_features(measured_heads, split) -> None:
    run = open_run(measured_heads("two", features=[f"small:{SIDE}", f"small:{SIDE + 2}"]))
    assert_as_recorded(run, split)
    with pytest.raises(BadInput, match=r"see pictures of 12 x 12 and 14 x 14 pixels"):
        view_of(run, split)


def test_pictures_go_through_the_network_once_a_level(heads: Run, split: Dataset) -> None:
    assert perturbed_probe(heads, split, "shuffle", [1, 0.5]).num_images == 2 * len(split)
    first, num = looked(heads, split, "shuffle", [1, 0.5])
    assert num == 2 * len(split)
    next(heads.path.glob("answer-shuffle-*")).unlink()
    assert perturbed_probe(heads, split, "shuffle", [1, 0.5]).num_images == len(split)
    again, num = looked(heads, split, "shuffle", [1, 0.5])
    assert num == len(split)
    np.testing.assert_array_equal(again, first)


def test_features_of_other_kinds_are_refused(refused, measured_heads, tmp_path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((2 * NUM, 30)).astype(np.float32))
    path = measured_heads("given", features=str(tmp_path / "v.npy"))
    line = refused("paper", "perturb", path, "--kind", "radial")
    assert "come from no network that could look at perturbed examples; give a run on " in line
    assert line.endswith("auto, hashed, timm:NAME, torchvision:NAME or hf:NAME\n")
