"""The families against pytorchcv's generators, a library of its own; never with its trained weights."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

import pytest
import torch

from easiness.models import build_model
from lengths import long_but

pytest.importorskip("pytorchcv")

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("wrn_16_1", "wrn", {"blocks": 16, "width_factor": 1}),
    ("wrn_16_4", "wrn", {"blocks": 16, "width_factor": 4}),
    ("densenet_bc_40_12", "densenet", {"blocks": 40, "growth_rate": 12, "bottleneck": True}),
    ("densenet_bc_100_12", "densenet", {"blocks": 100, "growth_rate": 12, "bottleneck": True}),
    ("resnext_20_4x16d", "resnext", {"blocks": 20, "cardinality": 4, "bottleneck_width": 16}),
    ("resnext_29_4x64d", "resnext", {"blocks": 29, "cardinality": 4, "bottleneck_width": 64}),
]


# the smaller of each family always
@pytest.mark.parametrize(("name", "family", "numbers"), long_but(CASES, CASES[::2]))
def test_same_network_as_pytorchcv(name: str, family: str, numbers: dict[str, Any]) -> None:
    generate = getattr(import_module(f"pytorchcv.models.{family}_cifar"), f"get_{family}_cifar")
    torch.manual_seed(0)
    theirs = generate(num_classes=10, **numbers).double()
    ours = build_model(name, (3, 32, 32), 10).double().eval()

    shapes = [Counter(tuple(p.shape) for p in net.parameters()) for net in (ours, theirs)]
    assert shapes[0] == shapes[1]

    # Both list their layers in the order of computation, so states correspond by order.
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64) * torch.linspace(0.5, 2, 4).view(4, 1, 1, 1)
    with torch.no_grad():
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
                module.momentum = None  # running statistics are those of the pass below
        theirs.train()(images)
        theirs.eval()
        ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
        expected = theirs(images)
        assert expected.std(dim=0).min() > 1e-3 * expected.abs().max(), "logits that hardly see the image"
        torch.testing.assert_close(ours(images), expected)
