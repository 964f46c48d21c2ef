"""A training step on inputs that always lie in the same place, which a GPU can repeat as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UP = 3  # steps before the capture: libraries choose their algorithms in the first ones


class StaticStep:
    """Calls ``work`` on inputs copied to buffers; on a GPU replays it as a graph after a few calls.

    ``work`` maps tensors to tensors on the device, waits for nothing, and keeps its state (weights,
    moments, rate) in place. Its first calls are real ones on a stream of their own, as a capture needs;
    the capture itself changes nothing. Inputs of other shapes than the first (a last, smaller batch) are
    worked on where they are. On a CPU every call is plain.
    """

    def __init__(self, work: Callable[..., tuple[Tensor, ...]]) -> None:
        self._work = work
        self._buffers: tuple[Tensor, ...] = ()
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._outputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What ``work`` gives for these; the next call may write over it."""
        if not self._buffers:
            self._buffers = tuple(torch.empty_like(given) for given in inputs)
        if [given.shape for given in inputs] != [buffer.shape for buffer in self._buffers]:
            return self._work(*inputs)
        for buffer, given in zip(self._buffers, inputs, strict=True):
            buffer.copy_(given, non_blocking=True)
        if self._buffers[0].device.type != "cuda":
            return self._work(*self._buffers)
        return self._on_gpu()

    def _on_gpu(self) -> tuple[Tensor, ...]:
        self._calls += 1
        if self._calls <= _WARM_UP:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                outputs = self._work(*self._buffers)
            torch.cuda.current_stream().wait_stream(stream)
            return outputs
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            # other threads may go on preparing images
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._outputs = self._work(*self._buffers)
        self._graph.replay()
        return self._outputs
