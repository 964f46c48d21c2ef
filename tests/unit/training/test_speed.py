from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.spec import Recipe, Resolved
from easiness.training import speed as module
from easiness.training.device import rehearsing
from easiness.training.facts import NetworkFacts, Workload, cannot_train, network_facts
from easiness.training.speed import Rehearsal, Speed, can_be_graphed, measure_speed

PLAIN = Resolved(precision="float32", channels_last=False, threads=1)
BOTH = PLAIN.model_copy(update={"threads": 2})


def workload(model: str = "mlp_2_w4", batch: int = 8) -> Workload:
    return Workload(model, Recipe(batch_size=batch), (1, 4, 4), 3, batch, "cpu")


def facts(flops: float = 1.0) -> NetworkFacts:
    return NetworkFacts(convolutions=False, flops=flops, num_weights=1, kept_bytes=0, depthwise=0)


class Rehearsed:
    """A rehearsal whose step takes an eighth of a second per example."""

    batches: list[int]
    error: BaseException | None

    def __init__(self, workload: Workload, resolved: Resolved) -> None:
        self._num = workload.batch
        self._graphed = resolved.graphed
        self.batches.append(workload.batch)

    def warm_up(self) -> None:
        if self.error is not None:
            raise self.error

    def look(self) -> float:
        return self._num / 8

    def speed(self, step: float, batch: int) -> Speed:
        return Speed(step=step * batch / self._num, observed_image=1.0)


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> type[Rehearsed]:
    Rehearsed.batches, Rehearsed.error = [], None
    monkeypatch.setattr(module, "Rehearsal", Rehearsed)
    return Rehearsed


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("flops", "looked_at"), [(1.0, [8, 8]), (2e10, [4, 8]), (1e12, [2, 2])])
def test_large_steps_are_timed_in_part(rehearsed, flops, looked_at):
    """At most two seconds of each thread, and at least two examples."""
    for settings in (PLAIN, BOTH):
        found = measure_speed(workload(), settings, facts(flops))
        assert found == Speed(step=1.0, observed_image=1.0)  # of the whole batch
    assert rehearsed.batches == looked_at


def test_on_a_gpu_batches_are_whole(rehearsed, monkeypatch):
    monkeypatch.setattr(module, "rehearsing", lambda _: rehearsing("cpu"))
    on_gpu = Workload(**{**vars(workload()), "device": "cuda"})
    measure_speed(on_gpu, PLAIN, facts(1e12))
    assert rehearsed.batches == [8]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError("out of memory"), "does not fit into the memory"),
        (RuntimeError("no"), r"cannot take .*RuntimeError: no"),
        (SystemExit(3), "cannot take a training step"),
        (BadInput("known already"), "known already"),
    ],
)
def test_a_step_that_is_not_taken_is_bad_input(rehearsed, error, text):
    rehearsed.error = error
    with pytest.raises(BadInput, match=text):
        measure_speed(workload(), PLAIN, facts())


def test_a_step_that_cannot_be_captured_is_no_graph(rehearsed):
    assert can_be_graphed(workload(), PLAIN)
    rehearsed.error = RuntimeError("operation not permitted when stream is capturing")
    assert not can_be_graphed(workload(), PLAIN)


def test_a_part_of_a_batch_goes_with_a_part_of_the_images_observed():
    with rehearsing("cpu"):
        assert Rehearsal(workload(batch=8), PLAIN).num_observed == 32
        assert Rehearsal(workload(batch=500), PLAIN).num_observed == 500


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("flops", [1.0, 1e12])
def test_really_measured_it_leaves_random_state_and_threads(flops):
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    network_facts(workload())
    for settings in (PLAIN, BOTH):
        assert measure_speed(workload("wrn_10_1"), settings, facts(flops)).step > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("model", "convolutions"), [("mlp_2", False), ("wrn_10_1", True)])
def test_convolutions_are_found(model, convolutions):
    assert network_facts(workload(model)).convolutions is convolutions


def test_flops_of_a_step_are_those_of_its_products():
    """16 inputs, 3 outputs: forward 2*16*3 for each example, and as much for the weights' gradient."""
    found = network_facts(workload("mlp_1"))
    assert (found.flops, found.num_weights) == (2 * (2 * 16 * 3), 16 * 3 + 3)


def test_what_a_step_keeps_for_its_gradients_is_that_of_an_example():
    """One layer keeps its input of 16 numbers, the log-probabilities of 3 classes and the label."""
    kept = network_facts(workload("mlp_1")).kept_bytes
    assert 16 * 4 + 3 * 4 + 8 <= kept <= 16 * 4 + 3 * 4 + 8 + 16
    assert network_facts(workload("mlp_2_w1000")).kept_bytes > 1000 * 4


def depthwise(input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    widened = nn.Conv2d(input_shape[0], 2, 1)
    return nn.Sequential(
        widened, nn.Conv2d(2, 2, 3, padding=1, groups=2), nn.Flatten(), nn.Linear(32, num_classes)
    )


def test_the_share_of_depthwise_convolutions():
    """On 4 x 4 pixels: 2 x 16 values of 9 products each, of 1 x 1 32 products, and 3 logits of 32 each."""
    assert network_facts(workload("wrn_10_1")).depthwise == 0
    found = network_facts(workload(f"{__name__}:depthwise")).depthwise
    assert found == pytest.approx(288 / (288 + 32 + 96))


def test_a_cpu_is_looked_at_without_a_gpu(monkeypatch):
    """A machine may have a GPU, and its start takes seconds and memory."""
    states = torch.random.fork_rng
    forked: list[object] = []

    def fork_rng(devices: object = None, **options: object) -> object:
        forked.append(devices)
        return states(devices=[], **options)

    monkeypatch.setattr(torch.random, "fork_rng", fork_rng)
    network_facts(workload())
    assert forked
    assert all(devices == [] for devices in forked)


class OnlyEvaluates(nn.Module):
    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.classifier = nn.Linear(input_shape[1] * input_shape[2], num_classes)

    def forward(self, images):
        if self.training:
            raise RuntimeError("no training\nhere")
        return self.classifier(images.flatten(1))


class TakesFours(OnlyEvaluates):
    def forward(self, images):
        assert not self.training or len(images) == 4
        return self.classifier(images.flatten(1))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_networks", sys.modules[__name__])


@pytest.mark.usefixtures("own")
def test_a_model_that_cannot_take_a_step_is_bad_input():
    with pytest.raises(BadInput, match=r"batch of 4 .*RuntimeError: no training"):
        network_facts(workload("own_networks:OnlyEvaluates", batch=4))


@pytest.mark.usefixtures("own")
def test_a_model_that_takes_whole_batches_alone_will_do():
    assert network_facts(workload("own_networks:TakesFours", batch=4)).flops == 2 * (2 * 16 * 3)


def test_what_apples_gpu_cannot_do_points_to_the_cpu():
    step = workload(batch=4)
    on_mps = Workload(step.model, step.recipe, step.shape, 3, 4, "mps")
    error = NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device.")
    assert str(cannot_train(on_mps, error)).endswith("choose --device cpu")
    assert str(cannot_train(step, error)).endswith("change the batch size")
