from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easiness import load_dataset, measure, open_run
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network
from easiness.training.folded import fold

CPU = torch.device("cpu")


def network(model: nn.Module, *, folded: bool, precision: str = "float32", num_classes: int = 10) -> Network:
    resolved = Resolved.model_validate(
        {"precision": precision, "channels_last": True, "threads": 1, "folded": folded}
    )
    return Network(model, Recipe(), resolved, CPU, num_examples=100, num_classes=num_classes)


def with_statistics(model: nn.Module) -> nn.Module:
    """With normalization that does something, as after some training."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                for values, low, high in (
                    (layer.running_mean, -0.3, 0.3),
                    (layer.running_var, 0.5, 2.0),
                    (layer.weight, -1.5, 1.5),
                    (layer.bias, -0.3, 0.3),
                ):
                    if values is not None:
                        values.uniform_(low, high, generator=generator)
    return model


def images(num: int = 5, side: int = 16) -> Tensor:
    return torch.randn(num, 3, side, side, generator=torch.Generator().manual_seed(1))


# the network, its image side, and how many of its normalizations come after a convolution
FOLDED = [
    ("wrn_10_1", 16, 3),
    ("densenet_bc_16_8", 16, 6),
    ("resnext_29_1x8d", 16, 31),
    ("resnet18", 32, 20),
    ("vgg11_bn", 32, 8),
    ("mobilenet_v3_small", 32, 34),
    ("timm:efficientnet_b0", 32, 49),
]


@pytest.mark.parametrize(("name", "side", "num"), FOLDED)
def test_a_folded_network_gives_the_same_to_rounding(name, side, num):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    torch.manual_seed(0)
    model = with_statistics(build_model(name, (3, side, side), 10)).eval()
    before = copy.deepcopy(model.state_dict())
    folded = fold(model, cast=False)
    assert folded is not None
    assert sum(layer._norm is not None for layer in folded._layers) == num
    with torch.inference_mode():
        folded.load(torch.float32)
        seen = images(side=side)
        expected, found = model(seen), folded(seen)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not torch.equal(found, expected)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key


class Sharing(nn.Module):
    """What must stay apart: a convolution seen twice, its own padding, and addition in place."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.reflected = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.own, self.of_batch = nn.BatchNorm2d(4), nn.BatchNorm2d(4, track_running_stats=False)
        self.plain = nn.BatchNorm2d(4, affine=False)
        self.last, self.classifier = nn.Conv2d(4, 4, 1), nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.twice(x)
        x = F.relu(self.own(seen), inplace=True) + seen
        x = x + F.relu(self.of_batch(self.reflected(x)))
        x = self.plain(self.last(x).relu_())
        return self.classifier(x.mean((2, 3)))


def test_what_something_else_sees_too_is_not_folded():
    torch.manual_seed(0)
    model = with_statistics(Sharing()).eval()
    folded = fold(model, cast=False)
    assert folded is not None
    assert [(layer._norm, layer._relu) for layer in folded._layers] == [(None, True)]
    with torch.inference_mode():
        folded.load(torch.float32)
        torch.testing.assert_close(folded(images()), model(images()))


class Twice(nn.Module):
    """A network whose ``way`` cannot be told from its modules."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.calls = 0
        self.conv, self.bn, self.classifier = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.way == "looks at values" and x.sum() > 1e9:
            return x
        x = self.bn(self.conv(x))
        if self.way == "draws":
            x = F.dropout(x, 0.5)
        if self.way == "counts":
            x = x * self.calls
        return self.classifier(x.mean((2, 3)))


@pytest.mark.parametrize("way", ["looks at values", "draws", "counts"])
def test_a_network_that_cannot_be_folded_is_called_as_it_is(way):
    torch.manual_seed(0)
    model = with_statistics(Twice(way)).eval()
    ours = network(model, folded=True)
    model.eval()
    ours.logits(images())
    calls, state = model.calls, torch.get_rng_state()
    found = ours.logits(images())
    assert model.calls == calls + 1
    torch.set_rng_state(state)
    model.calls = calls
    with torch.inference_mode():
        assert torch.equal(found, model(images()))


def test_looking_leaves_the_random_state_alone():
    model = with_statistics(Twice("draws"))
    ours = network(model, folded=True)
    model.eval()
    torch.manual_seed(3)
    ours.logits(images())
    state = torch.get_rng_state()
    torch.manual_seed(3)
    F.dropout(torch.ones(5, 4, 14, 14), 0.5)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_pass_has_the_weights_and_statistics_of_its_moment(precision):
    torch.manual_seed(0)
    model = build_model("wrn_10_1", (3, 8, 8), 10)
    ours = network(model, folded=True, precision=precision)
    labels = torch.arange(5)
    for _ in range(2):
        model.eval()
        found = ours.logits(images(side=8))
        fresh = network(copy.deepcopy(model), folded=True, precision=precision)
        fresh.model.eval()
        assert torch.equal(fresh.logits(images(side=8)), found)
        model.train()
        ours.step(images(side=8), labels)


def test_training_and_stored_weights_know_nothing_of_it():
    torch.manual_seed(0)
    model = build_model("wrn_10_1", (3, 8, 8), 10)
    plain, ours = network(copy.deepcopy(model), folded=False), network(model, folded=True)
    for _ in range(3):
        for one in (plain, ours):
            one.model.train()
        losses = [one.step(images(side=8), torch.arange(5))[0] for one in (plain, ours)]
        assert torch.equal(*losses)
        for one in (plain, ours):
            one.model.eval()
            one.logits(images(side=8))
    assert list(plain.weights()) == list(ours.weights())
    for key, value in plain.weights().items():
        assert torch.equal(value, ours.weights()[key])


def test_a_network_with_nothing_to_fold_gives_the_same_bits():
    torch.manual_seed(0)
    model = build_model("mlp_2", (3, 8, 8), 10).eval()
    assert fold(model, cast=False) is None
    ours, plain = network(copy.deepcopy(model), folded=True), network(model, folded=False)
    for one in (ours, plain):
        one.model.eval()
    assert torch.equal(ours.logits(images(side=8)), plain.logits(images(side=8)))


def test_a_folded_network_goes_with_the_last_that_knows_it():
    ours = network(build_model("wrn_10_1", (3, 8, 8), 10), folded=True)
    ours.model.eval()
    ours.logits(images(side=8))
    weights = weakref.ref(next(ours.model.parameters()))
    gc.disable()
    try:
        del ours
        assert weights() is None
    finally:
        gc.enable()


def test_predictions_differ_less_than_between_precisions():
    data = load_dataset("digits", limit=400)
    seen = torch.from_numpy(np.stack([data.images[i] for i in range(len(data))])).float() / 255 - 0.5
    seen = seen.view(len(data), *data.image_shape)
    labels = torch.from_numpy(data.labels)
    torch.manual_seed(0)
    model = build_model("wrn_10_1", tuple(seen.shape[1:]), 10)
    trained = network(model, folded=False)
    for at in [*range(0, 400, 100)] * 3:
        trained.step(seen[at : at + 100], labels[at : at + 100])
    found = {}
    for folded in (False, True):
        for precision in ("float32", "bfloat16"):
            one = network(copy.deepcopy(model), folded=folded, precision=precision)
            one.model.eval()
            found[folded, precision] = one.logits(seen)
    plain = found[False, "float32"]
    allowed = int((found[False, "bfloat16"].argmax(1) != plain.argmax(1)).sum())
    error = float((found[False, "bfloat16"] - plain).abs().mean())
    assert int((found[True, "float32"].argmax(1) != plain.argmax(1)).sum()) <= allowed
    assert float((found[True, "float32"] - plain).abs().mean()) < error / 100
    assert float((found[True, "bfloat16"] - plain).abs().mean()) < 2 * error


@pytest.fixture
def convolutional(tmp_path):
    return measure(
        "digits", model="wrn_10_1", limit=40, trials=2, epochs=1, precision="float32", out=tmp_path / "run"
    )


def test_runs_are_folded_from_now_on_and_those_of_before_are_not(convolutional):
    assert convolutional.spec.resolved.folded
    of_before = convolutional.spec.resolved.model_dump(mode="json")
    del of_before["folded"]
    assert not Resolved.model_validate(of_before).folded
    assert open_run(convolutional.path).spec.resolved.folded
