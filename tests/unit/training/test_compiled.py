"""Which batches go through what was compiled; that the numbers are the same is in e2e/test_fidelity.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from easiness.training.network import CompiledForward


class Calls:
    """A forward pass, and what stands in for ``torch.compile``: both note the batch sizes they get."""

    def __init__(self) -> None:
        self.eager: list[int] = []
        self.compiled: list[int] = []
        self.options: list[dict[str, Any]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.eager.append(len(images))
        return images + 1

    def compile(self, forward: Callable[[Tensor], Tensor], **options: Any) -> Callable[[Tensor], Tensor]:
        assert forward == self.forward
        self.options.append(options)

        def compiled(images: Tensor) -> Tensor:
            self.compiled.append(len(images))
            return images + 2

        return compiled


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()
    monkeypatch.setattr(torch, "compile", calls.compile)
    return calls


def test_batches_of_the_first_shape_are_compiled_and_others_run_as_they_are(calls):
    forward = CompiledForward(calls.forward)
    results = [forward(torch.zeros(size, 3)) for size in (8, 8, 5, 8, 9)]
    assert calls.compiled == [8, 8, 8]
    assert calls.eager == [5, 9]
    assert [float(r[0, 0]) for r in results] == [2, 2, 1, 2, 1]
    # other shapes of as many examples are others too
    forward(torch.zeros(8, 4))
    assert calls.eager == [5, 9, 8]


def test_training_and_evaluation_have_a_shape_each(calls):
    forward = CompiledForward(calls.forward)
    forward(torch.zeros(8, 3))
    with torch.inference_mode():
        for size in (20, 8, 20):
            forward(torch.zeros(size, 3))
    forward(torch.zeros(20, 3))
    forward(torch.zeros(8, 3))
    assert calls.compiled == [8, 20, 20, 8]
    assert calls.eager == [8, 20]
