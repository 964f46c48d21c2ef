"""Which batches go through what was compiled; that the numbers are the same is in e2e/test_fidelity.py."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network
from easiness.training.loop import StaticStep
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


def test_each_network_is_compiled_as_one_graph_for_fixed_shapes(calls):
    CompiledForward(calls.forward)
    CompiledForward(calls.forward)
    assert calls.options == [{"fullgraph": True, "dynamic": False}] * 2


def test_warnings_of_compiling_are_not_shown_and_those_of_a_network_later_are(monkeypatch):
    def warn(images: Tensor) -> Tensor:
        warnings.warn("of the network", UserWarning, stacklevel=1)
        return images

    monkeypatch.setattr(torch, "compile", lambda forward, **_: forward)
    forward = CompiledForward(warn)
    forward(torch.zeros(8, 3))
    with pytest.warns(UserWarning, match="of the network"):
        forward(torch.zeros(8, 3))


CPU = torch.device("cpu")


def network(graphed: bool) -> Network:
    torch.manual_seed(0)
    resolved = Resolved(precision="float32", channels_last=False, threads=1, graphed=graphed)
    recipe = Recipe(batch_size=8, period=1, alpha=0.01)
    return Network(
        build_model("wrn_10_1", (1, 8, 8), 4), recipe, resolved, CPU, num_examples=40, num_classes=4
    )


def test_steps_on_static_inputs_are_the_same_bit_by_bit():
    plain, static = network(False), network(True)
    step = StaticStep(static.update)
    generator = torch.Generator().manual_seed(0)
    for size in (8, 8, 5, 8, 5, 8):  # a smaller batch among the others
        images = torch.randn(size, 1, 8, 8, generator=generator)
        labels = torch.randint(0, 4, (size,), generator=generator)
        loss, logits = plain.step(images, labels)
        static.optimizer.advance()
        static_loss, static_logits = step(images, labels)
        assert torch.equal(static_loss, loss)
        assert torch.equal(static_logits, logits)
    for name, value in plain.weights().items():
        assert torch.equal(static.weights()[name], value)


def test_work_sees_inputs_in_the_same_place_each_time():
    places = []

    def work(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
        places.append((a.data_ptr(), b.data_ptr()))
        return (a + b,)

    step = StaticStep(work)
    sums = [step(torch.full((4,), value), torch.ones(4))[0].tolist() for value in (1.0, 2.0, 3.0)]
    assert sums == [[2.0] * 4, [3.0] * 4, [4.0] * 4]
    assert len(set(places)) == 1
    assert step(torch.zeros(2), torch.ones(2))[0].tolist() == [1.0, 1.0]
    assert places[-1] != places[0]


def test_the_rate_is_read_from_the_device_at_each_step():
    plain, static = network(False), network(True)
    rates = []
    for _ in range(5):
        plain.optimizer.advance()
        static.optimizer.advance()
        (group,) = static.optimizer._optimizers[0].param_groups
        assert isinstance(group["lr"], torch.Tensor)
        rates.append(float(group["lr"]))
        assert rates[-1] == plain.optimizer._optimizers[0].param_groups[0]["lr"]
    # a period of one epoch of five steps: half a cosine
    assert rates == pytest.approx([0.01, 0.0090451, 0.0065451, 0.0034549, 0.00095492], rel=1e-4)


class FakeCuda:
    """Streams and graphs as torch's, on a CPU: a capture runs nothing here, and ends as torch's ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.current: Any = SimpleNamespace(wait_stream=lambda _: None)
        self.replays = 0
        self.default = self.current
        for name in ("current_stream", "set_stream"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))
        monkeypatch.setattr(torch.cuda, "Stream", lambda _: SimpleNamespace(wait_stream=lambda _: None))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=self.replay))
        monkeypatch.setattr(torch.cuda, "stream", lambda stream: self.Using(self, stream))
        monkeypatch.setattr(torch.cuda, "graph", self.capture)

    def current_stream(self) -> Any:
        return self.current

    def set_stream(self, stream: Any) -> None:
        self.current = stream

    def replay(self) -> None:
        self.replays += 1

    def capture(self, graph: Any, stream: Any, capture_error_mode: str) -> Any:
        assert capture_error_mode == "thread_local"
        assert graph.replay == self.replay
        return self.Using(self, stream, captures=True)

    class Using:
        def __init__(self, cuda: FakeCuda, stream: Any, *, captures: bool = False) -> None:
            self.cuda, self.stream, self.captures = cuda, stream, captures

        def __enter__(self) -> None:
            self.before = self.cuda.current
            self.cuda.current = self.stream

        def __exit__(self, kind: Any, *_: object) -> None:
            if self.captures and kind is not None:
                raise RuntimeError("operation failed due to a previous error during capture")
            self.cuda.current = self.before


def on_fake_gpu(monkeypatch: pytest.MonkeyPatch, work: Any) -> tuple[FakeCuda, StaticStep]:
    step = StaticStep(work)
    # all but the device of its buffers is that of a GPU
    monkeypatch.setattr(step, "_buffers", (torch.zeros(4),))
    return FakeCuda(monkeypatch), step


def test_a_step_is_captured_once_on_the_stream_of_its_first_calls(monkeypatch):
    streams = []

    def work(a: torch.Tensor) -> tuple[torch.Tensor, ...]:
        streams.append(torch.cuda.current_stream())
        return (a,)

    cuda, step = on_fake_gpu(monkeypatch, work)
    for _ in range(7):
        step._on_gpu()
        assert cuda.current is cuda.default
    assert len(streams) == 4  # three real ones and the capture
    assert cuda.default not in streams
    assert all(stream is streams[0] for stream in streams)
    assert cuda.replays == 4


def test_a_failed_capture_leaves_its_stream_and_is_not_replayed(monkeypatch):
    calls = []

    def work(a: torch.Tensor) -> tuple[torch.Tensor, ...]:
        calls.append(a)
        if len(calls) == 4:
            raise ValueError("this waits for the GPU")
        return (a,)

    cuda, step = on_fake_gpu(monkeypatch, work)
    for _ in range(3):
        step._on_gpu()
    with pytest.raises(RuntimeError, match="previous error") as failed:
        step._on_gpu()
    assert isinstance(failed.value.__context__, ValueError)
    assert cuda.current is cuda.default
    assert cuda.replays == 0
    step._on_gpu()  # captured anew, not replayed half
    assert (len(calls), cuda.replays) == (5, 1)
