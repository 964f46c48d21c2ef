"""A forward pass through ``torch.compile``."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor


class CompiledForward:
    """Compiles a forward pass for the shape that comes first, in training and in evaluation each.

    Those are whole batches; a smaller last one runs as it is, since compiling for it would take longer than
    all of them. What is compiled is kept on disk by torch and found again by the next process.
    """

    def __init__(self, forward: Callable[[Tensor], Tensor]) -> None:
        self._forward = forward
        # what was compiled for the networks of earlier trials counts against torch's limit
        torch.compiler.reset()
        # a graph that breaks would be compiled in parts, and again for each of them: an error is clearer
        self._compiled = torch.compile(forward, fullgraph=True, dynamic=False)
        self._shapes: dict[bool, torch.Size] = {}

    def __call__(self, images: Tensor) -> Tensor:
        """What the forward pass gives for images [b, c, h, w]."""
        training = torch.is_grad_enabled()
        if training not in self._shapes:
            self._shapes[training] = images.shape
            with warnings.catch_warnings():  # about torch's own use of what it advises against
                warnings.simplefilter("ignore")
                return self._compiled(images)
        return (self._compiled if images.shape == self._shapes[training] else self._forward)(images)
