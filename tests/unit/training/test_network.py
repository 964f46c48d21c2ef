from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from easiness.spec import Recipe, Resolved
from easiness.training import Network
from easiness.training.network import fitting_batch

CPU = torch.device("cpu")


def network(
    model: nn.Module,
    recipe: Recipe | None = None,
    *,
    precision: str = "float32",
    channels_last: bool = False,
    num_examples: int = 10,
    num_classes: int = 3,
) -> Network:
    resolved = Resolved.model_validate({"precision": precision, "channels_last": channels_last, "threads": 1})
    return Network(
        model, recipe or Recipe(), resolved, CPU, num_examples=num_examples, num_classes=num_classes
    )


class PaperUpdate:
    """The update of Loshchilov and Hutter in float64, with its own count of epochs."""

    def __init__(self, recipe: Recipe, num_examples: int, steps_per_epoch: int) -> None:
        assert recipe.period != "epochs"
        self.period, self.steps_per_epoch = recipe.period, steps_per_epoch
        self.recipe = recipe
        self.decay = recipe.w_norm * math.sqrt(recipe.batch_size / (num_examples * self.period))
        self.step = 0
        self.m: dict[str, np.ndarray] = {}
        self.v: dict[str, np.ndarray] = {}

    def __call__(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        r = self.recipe
        epochs = self.step / self.steps_per_epoch
        eta = 0.5 * (1 + math.cos(math.pi * epochs / self.period))
        self.step += 1
        for name, theta in parameters.items():
            g = gradients[name]
            self.m[name] = r.beta1 * self.m.get(name, 0) + (1 - r.beta1) * g
            self.v[name] = r.beta2 * self.v.get(name, 0) + (1 - r.beta2) * g**2
            m_hat = self.m[name] / (1 - r.beta1**self.step)
            v_hat = self.v[name] / (1 - r.beta2**self.step)
            update = r.alpha * m_hat / (np.sqrt(v_hat) + r.epsilon) + self.decay * theta
            parameters[name] = theta - eta * update


def softmax_regression(
    parameters: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """Mean cross-entropy of a linear model and its gradients, by hand."""
    logits = x @ parameters["weight"].T + parameters["bias"]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return float(loss), {"weight": p.T @ x, "bias": p.sum(0)}


def test_label_smoothing_spreads_a_share_of_the_target_over_all_classes():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(6, 5, generator=generator)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    model = nn.Linear(5, 3)
    logp = model(images).double().log_softmax(dim=1).detach()
    target = 0.7 * F.one_hot(labels, 3) + 0.3 / 3
    loss, logits = network(model, Recipe(label_smoothing=0.3)).step(images, labels)
    assert float(loss) == pytest.approx(float(-(target * logp).sum(dim=1).mean()), rel=1e-6)
    # what is recorded is the loss of the label itself, from logits
    torch.testing.assert_close(logits.double().log_softmax(dim=1), logp, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("period", [3, 300])
def test_steps_follow_the_update_of_the_paper_over_epochs(period):
    # decay and step size are large, so that a wrong factor in either shows in the first digits
    recipe = Recipe(batch_size=4, alpha=0.05, w_norm=2.0, period=period, epsilon=1e-4)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(10, 1, 2, 3, generator=generator)
    y = torch.randint(0, 3, (10,), generator=generator)
    linear = nn.Linear(6, 3)
    parameters = {name: p.detach().double().numpy().copy() for name, p in linear.named_parameters()}
    ours = network(nn.Sequential(nn.Flatten(), linear), recipe, num_examples=10)
    paper = PaperUpdate(recipe, num_examples=10, steps_per_epoch=3)
    batches = [slice(0, 4), slice(4, 8), slice(8, 10)] * 3
    for batch in batches[:8]:
        loss, gradients = softmax_regression(
            parameters, x[batch].reshape(-1, 6).double().numpy(), y[batch].numpy()
        )
        paper(parameters, gradients)
        assert float(ours.step(x[batch], y[batch])[0]) == pytest.approx(loss, rel=1e-4)
        for name, p in linear.named_parameters():
            np.testing.assert_allclose(p.detach(), parameters[name], rtol=2e-4, atol=2e-5)


class Spy(nn.Module):
    """Passes its input on, and keeps the types and strides that it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: list[torch.dtype] = []
        self.last = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.dtypes.append(x.dtype)
        self.last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
        return x


def near_ties() -> torch.Tensor:
    """Class weights that differ by less than bfloat16 resolves: 1, 1 + 2**-12 and 1 + 2**-13."""
    return torch.tensor([1.0, 1 + 2**-12, 1 + 2**-13])


def classifying(body: nn.Module, classifier: nn.Module, weight: torch.Tensor) -> tuple[nn.Module, Spy]:
    """A body of ones, a spy behind it, and a classifier with these weights."""
    spy = Spy()
    nn.init.ones_(body.weight)  # type: ignore[arg-type]
    classifier.weight.data = weight
    if isinstance(body, nn.Linear):
        return nn.Sequential(nn.Flatten(), body, spy, classifier), spy
    return nn.Sequential(body, spy, classifier, nn.AdaptiveAvgPool2d(1), nn.Flatten()), spy


def linear_classifier() -> tuple[nn.Module, Spy]:
    body, classifier = nn.Linear(1, 1, bias=False), nn.Linear(1, 3, bias=False)
    return classifying(body, classifier, near_ties().view(3, 1))


def linear_classifier_after_layer_of_the_same_size() -> tuple[nn.Module, Spy]:
    body, classifier = nn.Linear(1, 3, bias=False), nn.Linear(3, 3, bias=False)
    return classifying(body, classifier, torch.diag(near_ties()))


def convolutional_classifier() -> tuple[nn.Module, Spy]:
    body, classifier = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 3, 1, bias=False)
    return classifying(body, classifier, near_ties().view(3, 1, 1, 1))


CLASSIFIERS = [
    linear_classifier,
    linear_classifier_after_layer_of_the_same_size,
    convolutional_classifier,
]


@pytest.mark.parametrize("build", CLASSIFIERS)
def test_the_classifier_stays_in_float32_where_the_body_does_not(build):
    model, body = build()
    ours = network(model, precision="bfloat16")
    model.eval()
    logits = ours.logits(torch.ones(1, 1, 1, 1))
    assert body.dtypes == [torch.bfloat16]
    assert logits.dtype == torch.float32
    assert torch.equal(logits, near_ties()[None])
    assert len(logits.bfloat16().unique()) == 1
    assert logits.argmax() == 1


@pytest.mark.parametrize("build", CLASSIFIERS)
def test_the_loss_is_that_of_float32_logits(build):
    model, body = build()
    loss, _ = network(model, precision="bfloat16").step(torch.ones(2, 1, 1, 1), torch.tensor([1, 2]))
    assert body.dtypes == [torch.bfloat16]
    assert loss.dtype == torch.float32
    assert not loss.requires_grad
    expected = F.cross_entropy(near_ties().expand(2, 3), torch.tensor([1, 2]))
    assert loss == expected
    assert all(p.dtype == torch.float32 for p in model.parameters())


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_memory_layout_is_that_which_was_resolved(channels_last):
    spy = Spy()
    convolution = nn.Conv2d(3, 4, 3, padding=1)
    model = nn.Sequential(spy, convolution, nn.Flatten(), nn.Linear(64, 3))
    ours = network(model, channels_last=channels_last)
    ours.step(torch.randn(2, 3, 4, 4), torch.tensor([0, 1]))
    assert spy.last is channels_last
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last) is channels_last


@pytest.mark.parametrize(
    ("channels", "side", "examples"), [(1, 8, 500), (64, 32, 128), (64, 64, 32), (64, 112, 16)]
)
def test_fitting_batches_hold_32_mib_of_the_largest_activation(channels, side, examples):
    model = nn.Sequential(nn.Conv2d(3, channels, 1), nn.BatchNorm2d(channels), nn.AdaptiveAvgPool2d(1))
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert fitting_batch(model, (3, side, side), CPU) == examples
    assert model.training
    assert all(not layer._forward_hooks for layer in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("folded", [False, True])
def test_the_batch_of_runs_of_before_stays(folded):
    resolved = Resolved(precision="float32", channels_last=True, threads=1, folded=folded)
    model = nn.Sequential(nn.Conv2d(3, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 3))
    ours = Network(model, Recipe(), resolved, CPU, num_examples=10, num_classes=3)
    assert ours.at_once((3, 32, 32)) == (128 if folded else 341)
