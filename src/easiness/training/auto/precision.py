"""What decides how a network is trained before anything is measured: the device, facts, and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.errors import BadInput, is_out_of_memory, wanted_to_exit
from easiness.models import build_model
from easiness.named_import import describe
from easiness.spec import Precision, Resolved
from easiness.training import mps
from easiness.training.allocation import keep_memory
from easiness.training.auto.rehearsal import Workload, rehearsing
from easiness.training.network import Network
from easiness.training.processor import multiplies_bfloat16

_FLOPS_OF_ONE_THREAD = 3e9  # of a step below which threads mostly wait for each other
_FLOPS_OF_A_LOOK = 20e9  # for each thread: half a second at the most
_GPUS: Mapping[str, Callable[[], bool]] = {
    "cuda": lambda: torch.cuda.is_available(),
    "mps": mps.is_available,
}
_FEW = 2  # examples tell the operations of one, and batch normalization needs two


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one.

    Raises:
        BadInput: the device is none of ``auto``, ``cpu``, ``cuda`` and ``mps``, or there is no such GPU.
    """
    if device not in ("auto", "cpu", *_GPUS):
        raise BadInput(f"device {device!r}: unknown; choose auto, cpu, cuda or mps")
    there = [name for name, is_available in _GPUS.items() if is_available()]
    if device in _GPUS and device not in there:
        which = "Apple GPU" if device == "mps" else "GPU"
        raise BadInput(f"device {device}: PyTorch finds no {which} here; choose --device cpu or auto")
    return torch.device(next(iter(there), "cpu") if device == "auto" else device)


class NetworkFacts(BaseModel):
    """What holds of a network on any machine.

    ``flops`` are the floating-point operations of a training step per example; ``num_weights`` the
    numbers that a file of its weights holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    convolutions: bool
    flops: float = Field(ge=0, allow_inf_nan=False)
    num_weights: int = Field(ge=0)


def network_facts(workload: Workload) -> NetworkFacts:
    """Found by a training step on a few made-up examples, or on a whole batch where it does not take so few.

    Raises:
        BadInput: the model cannot take a training step.
    """
    device = torch.device(workload.device)
    if device.type == "cpu":
        keep_memory()
    first: Exception | None = None
    with rehearsing(workload.device):
        for num in dict.fromkeys((min(_FEW, workload.batch), workload.batch)):
            try:
                return _facts(workload, num, device)
            except BadInput:
                raise
            except (Exception, SystemExit) as error:
                first = first or (wanted_to_exit(error) if isinstance(error, SystemExit) else error)
    assert first is not None
    raise cannot_train(workload, first) from first


def _facts(workload: Workload, num: int, device: torch.device) -> NetworkFacts:
    model = build_model(workload.model, workload.shape, workload.num_classes)
    convolutions = any(isinstance(layer, nn.Conv2d) for layer in model.modules())
    network = Network(
        model,
        workload.recipe.over(1),
        Resolved(precision="float32", channels_last=convolutions, threads=1),
        device,
        num_examples=num,
        num_classes=workload.num_classes,
    )
    network.model.train()
    images = torch.randn(num, *workload.shape, device=device)
    labels = torch.arange(num, device=device) % workload.num_classes
    with FlopCounterMode(display=False) as counter:
        network.step(images, labels)
    return NetworkFacts(
        convolutions=convolutions,
        flops=counter.get_total_flops() / num,
        num_weights=sum(value.numel() for value in model.state_dict().values()),
    )


def cannot_train(workload: Workload, error: Exception) -> BadInput:
    """What to say of a model of which a step, before any trial, ended with ``error``."""
    if is_out_of_memory(error):
        return BadInput(
            f"model {workload.model}: a training step on a batch of {workload.batch} does not fit into the "
            "memory of the device; use a smaller batch size, or --precision bfloat16"
        )
    # not every operation exists there, and what the network needs may be one that does not
    remedy = "choose --device cpu" if workload.device == "mps" else "mend the model or change the batch size"
    return BadInput(
        f"model {workload.model}: cannot take a training step on a batch of {workload.batch} "
        f"({describe(error)}); {remedy}"
    )


def by_rule(
    facts: NetworkFacts, batch: int, device: torch.device, precision: Precision, threads: int
) -> list[Resolved]:
    """How a trial may be trained by itself; where there are two ways, a measurement decides.

    Networks with convolutions run channels-last, and on a CPU steps of less than 3 GFLOP on one thread,
    larger ones on ``threads``. ``auto`` is float32 on a processor without products of bfloat16 numbers and
    on Apple's GPU, else either. These are rules, so that runs alike do not differ by the noise of a clock.
    """
    on_cpu, on_mps = device.type == "cpu", mps.is_mps(device)
    mps.check_precision(precision, device)
    channels_last = facts.convolutions and not on_mps
    if on_cpu and facts.flops * batch < _FLOPS_OF_ONE_THREAD:
        threads = 1
    layout = "channels-last" if channels_last else "contiguous"
    about = f"{layout}, {'1 thread' if threads == 1 else f'{threads} threads'}"
    if precision != "auto":
        about = f"as asked; {about}"
    elif on_cpu and not multiplies_bfloat16():
        precision, about = "float32", f"this processor has no products of bfloat16 numbers; {about}"
    elif on_mps:
        precision, about = "float32", f"on Apple's GPU; {about}"
    names = ["float32", "bfloat16"] if precision == "auto" else [precision]
    return [
        Resolved.model_validate(
            {
                "precision": name,
                "channels_last": channels_last,
                "threads": threads,
                "folded": not on_mps,
                "reason": about,
            }
        )
        for name in names
    ]


def part_of_batch(facts: NetworkFacts, workload: Workload) -> int:
    """Examples of a step for each thread that tell its speed: a whole batch on a GPU, and of small steps."""
    if workload.device != "cpu":
        return workload.batch
    return max(_FEW, min(workload.batch, int(_FLOPS_OF_A_LOOK / max(facts.flops, 1))))
