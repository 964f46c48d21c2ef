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
        self._stream: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._outputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What ``work`` gives for these; the next call may write over it.

        A step that cannot be captured raises what went wrong; the caller's stream is then what it was.
        """
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
        # of its own, and on the device of the inputs: torch's for captures stays on the first that was used
        device = self._buffers[0].device
        self._stream = self._stream or torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._calls += 1
        if self._calls <= _WARM_UP:
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                outputs = self._work(*self._buffers)
            torch.cuda.current_stream().wait_stream(self._stream)
            return outputs
        if self._graph is None:
            self._graph = self._captured(self._stream)
        self._graph.replay()
        return self._outputs

    def _captured(self, stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            # other threads may go on preparing images
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._outputs = self._work(*self._buffers)
        except BaseException:
            # torch ends the capture, which fails in turn, before it would leave the stream of the capture
            torch.cuda.set_stream(before)
            raise
        return graph
