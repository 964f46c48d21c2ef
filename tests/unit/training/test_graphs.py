from __future__ import annotations

import pytest
import torch

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network
from easiness.training.graphs import StaticStep

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
        (group,) = static.optimizer._adamw.param_groups
        assert isinstance(group["lr"], torch.Tensor)
        rates.append(float(group["lr"]))
        assert rates[-1] == plain.optimizer._adamw.param_groups[0]["lr"]
    # a period of one epoch of five steps: half a cosine
    assert rates == pytest.approx([0.01, 0.0090451, 0.0065451, 0.0034549, 0.00095492], rel=1e-4)
