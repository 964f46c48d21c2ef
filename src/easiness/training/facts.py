"""What holds of a network on any machine, found by a training step on a few made-up examples."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.errors import BadInput, is_out_of_memory, unless_exit
from easiness.inputs import Signature
from easiness.models import build_model
from easiness.named_import import describe
from easiness.spec import Recipe, Resolved
from easiness.training.device import own_device, set_up
from easiness.training.network import Network, sparse_parameters

_FEW = 2  # examples tell the operations of one, and batch normalization needs two


@dataclass(frozen=True)
class Workload:
    """A network and the steps of its trials: ``batch`` examples of a signature by a recipe on a device."""

    model: str
    recipe: Recipe
    signature: Signature
    num_classes: int
    batch: int
    device: str


@dataclass(frozen=True)
class NetworkFacts:
    """What holds of a network on any machine.

    ``flops`` are the floating-point operations of a training step per example, ``num_weights`` the numbers
    that a file of its weights holds, and ``kept_bytes`` what a step keeps per example for its gradients.
    ``depthwise`` is the share of convolutions of one channel each in the products of its layers, and
    ``sparse`` tells whether it has sparse gradients.
    """

    convolutions: bool
    flops: float
    num_weights: int
    kept_bytes: int
    depthwise: float
    sparse: bool = False


@functools.cache
def network_facts(workload: Workload) -> NetworkFacts:
    """Facts by a step on two made-up examples, or on a whole batch where the network does not take so few."""
    first: Exception | None = None
    device = own_device(torch.device(workload.device))
    with set_up(device, torch.get_num_threads()):
        torch.manual_seed(0)
        for num in dict.fromkeys((min(_FEW, workload.batch), workload.batch)):
            try:
                return _facts(workload, num, device)
            except BadInput:
                raise
            except (Exception, SystemExit) as error:  # a network may be anybody's code
                first = first or unless_exit(error)
    assert first is not None
    raise _cannot_train(workload, first) from first


def _facts(workload: Workload, num: int, device: torch.device) -> NetworkFacts:
    model = build_model(workload.model, workload.signature, workload.num_classes)
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
    own = {parameter.data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def note(value: Tensor) -> Tensor:
        if value.data_ptr() not in own:
            kept[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    products = {True: 0, False: 0}  # of one channel each, and others

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            products[False] += output.numel() * layer.in_features
        elif isinstance(layer, nn.Conv2d):
            each = math.prod(layer.kernel_size) * layer.in_channels // layer.groups
            products[layer.groups == layer.in_channels > 1] += output.numel() * each

    for layer in model.modules():
        layer.register_forward_hook(count)
    saved = torch.autograd.graph.saved_tensors_hooks(note, lambda value: value)
    with FlopCounterMode(display=False) as counter, saved:
        labels = torch.arange(num, device=device) % workload.num_classes
        network.step(_made_up(workload.signature, num, device), labels)
    return NetworkFacts(
        convolutions=convolutions,
        flops=counter.get_total_flops() / num,
        num_weights=sum(value.numel() for value in model.state_dict().values()),
        kept_bytes=sum(kept.values()) // num,
        depthwise=products[True] / max(1, sum(products.values())),
        sparse=bool(sparse_parameters(model)),
    )


def _made_up(signature: Signature, num: int, device: torch.device) -> Tensor:
    if signature.vocabulary is None:
        return torch.randn(num, *signature.shape, device=device)
    return torch.randint(1, signature.vocabulary, (num, *signature.shape), device=device)


def _cannot_train(workload: Workload, error: Exception) -> BadInput:
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
