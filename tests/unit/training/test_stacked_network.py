from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from easiness.errors import BadInput
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network, Together

CPU = torch.device("cpu")
SHAPE = (3, 8, 8)
GROUP, BATCH = 3, 16


def models(name: str) -> list[nn.Module]:
    built = []
    for seed in range(GROUP):
        torch.manual_seed(seed)
        built.append(build_model(name, SHAPE, 10))
    return built


def settings(precision: str = "float32", *, channels_last: bool = False) -> Resolved:
    return Resolved.model_validate({"precision": precision, "channels_last": channels_last, "threads": 1})


def pair(
    name: str, precision: str = "float32", *, smoothing: float = 0.0, channels_last: bool = False
) -> tuple[Together, list[Network]]:
    """Trials side by side, and each by itself, from the same initial values."""
    built = models(name)
    recipe = Recipe(alpha=0.01, label_smoothing=smoothing)
    resolved = settings(precision, channels_last=channels_last)
    singles = [
        Network(copy.deepcopy(model), recipe, resolved, CPU, num_examples=100, num_classes=10)
        for model in built
    ]
    return Together(built, recipe, resolved, CPU, num_examples=100, num_classes=10), singles


def step_batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(GROUP, BATCH, *SHAPE, generator=generator)
    return images, torch.randint(0, 10, (GROUP, BATCH), generator=generator)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp_3_w32", {}),
        ("mlp_3_w32", {"smoothing": 0.2}),
        ("wrn_10_1", {}),
        ("wrn_10_1", {"channels_last": True}),
        ("densenet_bc_10_4", {"channels_last": True}),
    ],
)
def test_each_trial_trains_as_it_would_alone(name, options):
    together, singles = pair(name, **options)
    for step in range(4):
        images, labels = step_batch(step)
        losses, logits = together.step(images, labels)
        assert losses.shape == (GROUP,)
        assert logits.shape == (GROUP, BATCH, 10)
        for g, single in enumerate(singles):
            loss, of_one = single.step(images[g], labels[g])
            torch.testing.assert_close(losses[g], loss, rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(logits[g], of_one, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", ["mlp_3_w32", "wrn_10_1"])
def test_all_look_at_the_same_images_each_with_its_own_weights_and_statistics(name):
    together, singles = pair(name)
    for step in range(2):
        images, labels = step_batch(step)
        together.step(images, labels)
        for g, single in enumerate(singles):
            single.step(images[g], labels[g])
    seen = step_batch(9)[0][0]
    together.model.eval()
    logits = together.logits(seen)
    for g, single in enumerate(singles):
        single.model.eval()
        torch.testing.assert_close(logits[g], single.logits(seen), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(logits[0], logits[1])
    together.model.train()
    trained = together.step(seen.expand(GROUP, *seen.shape), labels)[1]
    assert torch.allclose(trained, logits) is (name == "mlp_3_w32")  # it has no statistics


def test_weights_are_those_of_the_trial_by_the_names_of_its_model():
    together, singles = pair("wrn_10_1")
    images, labels = step_batch(0)
    together.step(images, labels)
    stored = [together.weights(g) for g in range(GROUP)]
    for g, single in enumerate(singles):
        single.step(images[g], labels[g])
        expected = single.weights()
        assert list(stored[g]) == list(expected)
        for name, value in expected.items():
            assert stored[g][name].dtype == value.dtype
            torch.testing.assert_close(stored[g][name], value, rtol=1e-3, atol=1e-3)
    tracked = [name for name in stored[0] if name.endswith("num_batches_tracked")]
    assert tracked
    assert all(int(stored[0][name]) == 1 for name in tracked)


def test_values_that_are_not_finite_stay_with_their_trial():
    together, singles = pair("wrn_10_1")
    for step in range(2):
        images, labels = step_batch(step)
        images[1] = float("inf")
        losses, _ = together.step(images, labels)
        assert losses.isfinite().tolist() == [True, False, True]
        for g in (0, 2):
            loss, _ = singles[g].step(images[g], labels[g])
            torch.testing.assert_close(losses[g], loss, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_used_but_for_the_logits():
    exact, _ = pair("mlp_3_w32")
    rounded, singles = pair("mlp_3_w32", "bfloat16")
    images, labels = step_batch(0)
    losses, logits = rounded.step(images, labels)
    assert losses.dtype == logits.dtype == torch.float32
    assert not torch.equal(logits, exact.step(images, labels)[1])
    torch.testing.assert_close(logits[0], singles[0].step(images[0], labels[0])[1], rtol=0.05, atol=0.02)
    assert len(logits.bfloat16().unique()) < len(logits.unique())


class Convolutions(TorchDispatchMode):
    """Notes how many convolutions run in one layout throughout, and in which type."""

    def __init__(self) -> None:
        super().__init__()
        self.last: list[bool] = []
        self.dtypes: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default:
            seen = args[1], result
            self.last.append(all(t.is_contiguous(memory_format=torch.channels_last) for t in seen))
            self.dtypes.add(result.dtype)
        return result


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_convolutions_of_all_trials_run_as_asked_and_as_alone(precision, channels_last):
    together, singles = pair("wrn_10_1", precision, channels_last=channels_last)
    exact, _ = pair("wrn_10_1")
    for step in range(2):
        images, labels = step_batch(step)
        with Convolutions() as ran:
            losses, logits = together.step(images, labels)
        assert len(ran.last) == 9
        assert all(ran.last) is channels_last
        assert ran.dtypes == {getattr(torch, precision)}
        close: dict[str, Any] = (
            {"rtol": 1e-3, "atol": 1e-3} if precision == "float32" else {"rtol": 0.05, "atol": 0.1}
        )
        for g, single in enumerate(singles):
            loss, of_one = single.step(images[g], labels[g])
            torch.testing.assert_close(losses[g], loss, **close)
            torch.testing.assert_close(logits[g], of_one, **close)
        of_exact = exact.step(images, labels)[1]
        assert torch.equal(logits, of_exact) is (precision == "float32" and not channels_last)
    for name, value in singles[1].weights().items():
        stored = together.weights(1)[name]
        assert stored.dtype == value.dtype
        # a step of AdamW has the sign of a gradient that rounding may turn: two steps of 0.01 each
        torch.testing.assert_close(stored, value, rtol=0.02, atol=0.05)
    together.model.eval()
    seen = step_batch(9)[0][0]
    for g, single in enumerate(singles):
        single.model.eval()
        torch.testing.assert_close(together.logits(seen)[g], single.logits(seen), rtol=0.1, atol=0.3)


def test_dropout_is_refused_where_it_drops():
    def with_dropout(p: float) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(p), nn.Linear(192, 10))

    for p in (0.0, 0.1):
        made = [with_dropout(p) for _ in range(GROUP)]
        if p:
            with pytest.raises(BadInput, match="dropout"):
                Together(made, Recipe(), settings(), CPU, num_examples=100, num_classes=10)
        else:
            Together(made, Recipe(), settings(), CPU, num_examples=100, num_classes=10)


def test_the_models_given_are_left_as_they_were():
    built = models("mlp_3_w32")
    before = [copy.deepcopy(model.state_dict()) for model in built]
    together = Together(built, Recipe(alpha=0.1), settings(), CPU, num_examples=100, num_classes=10)
    together.step(*step_batch(0))
    together.weights(1)
    for model, state in zip(built, before, strict=True):
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(value, state[name])
