"""Apple's GPU, which is not there: what is asked of torch in its place, and what it is spared."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.inputs.bank import has_room, moved, staging
from easiness.spec import Recipe, Resolved
from easiness.training import Network, device_name
from easiness.training.device import own_device, set_up, wait_for
from easiness.training.distances import euclidean
from easiness.training.optimizer import Optimizer

CPU, MPS = torch.device("cpu"), torch.device("mps")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of it, in order."""
    calls: list[str] = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: calls.append("wait"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: calls.append("empty"))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: calls.append("state") or torch.ones(1))
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: calls.append(f"state {state.item():g}"))
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 100)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 40)
    return calls


def test_its_random_state_is_kept_and_its_memory_given_back(calls):
    with set_up(MPS, 1):
        assert calls == ["state"]
        assert not torch.backends.cudnn.benchmark
    assert calls == ["state", "state 1", "empty"]


def test_it_is_waited_for(calls):
    wait_for(MPS)
    wait_for(CPU)
    assert calls == ["wait"]


@pytest.mark.parametrize(("num_bytes", "sharers", "room"), [(30, 1, True), (31, 1, False), (26, 2, False)])
@pytest.mark.usefixtures("calls")
def test_images_leave_as_much_for_training(num_bytes, sharers, room):
    assert has_room(MPS, num_bytes, sharers) is room


def test_there_is_one():
    assert own_device(MPS) == MPS
    assert device_name(MPS) != device_name(CPU)


def test_its_copies_are_plain(monkeypatch):
    """Memory is shared, so that none is pinned, and a copy that is not waited for may come too late."""
    asked = []
    monkeypatch.setattr(
        torch.Tensor, "to", lambda values, *args, **given: asked.append((args, given)) or values
    )
    assert not staging((2,), torch.uint8, MPS).is_pinned()
    moved(torch.zeros(2), MPS)
    assert asked == [((MPS,), {"non_blocking": False})]


def network(device: torch.device, **resolved: object) -> Network:
    settings = Resolved.model_validate(
        {"precision": "float32", "channels_last": True, "threads": 1, **resolved}
    )
    return Network(nn.Conv2d(1, 3, 1), Recipe(), settings, device, num_examples=4, num_classes=3)


def test_a_run_that_was_begun_elsewhere_goes_on_plainly(monkeypatch):
    placed = []
    monkeypatch.setattr(nn.Module, "to", lambda model, **given: placed.append(given) or model)
    made = network(MPS, folded=True)
    assert placed == [{"device": MPS, "memory_format": torch.contiguous_format}]
    assert not made._fitting
    with pytest.raises(BadInput, match=r"bfloat16: .*Apple's GPU"):
        network(MPS, precision="bfloat16")


def test_the_rate_of_a_step_is_in_single_precision(monkeypatch):
    kinds, real = [], torch.tensor

    def tensor(value: float, dtype: torch.dtype, **_: object) -> torch.Tensor:
        kinds.append(dtype)
        return real(value)

    monkeypatch.setattr(torch, "tensor", tensor)
    for device in (MPS, CPU):
        Optimizer(
            [nn.Parameter(torch.zeros(1))],
            Recipe(),
            device,
            num_examples=4,
            steps_per_epoch=None,
            rate_on_device=True,
        )
    assert kinds == [torch.float32, torch.float64]


def test_distances_are_computed_where_there_is_double_precision():
    class There:
        """Values that lie on it."""

        device = MPS

        def cpu(self) -> torch.Tensor:
            return torch.tensor([[0.0, 0.0], [3.0, 4.0]])

    assert euclidean(There()).distances.tolist() == [[0, 5], [5, 0]]  # type: ignore[arg-type]
