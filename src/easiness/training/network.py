"""A network made ready for a device and a precision, and how it is called and stepped."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.errors import BadInput, is_out_of_memory, unless_exit
from easiness.inputs import Signature
from easiness.models import build_model
from easiness.named_import import describe
from easiness.spec import Recipe, Resolved
from easiness.training.device import check_precision, own_device, set_up

_STEPS = "steps"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a parameter


class Optimizer:
    """Updates parameters as the recipe says: `advance` to a step's rate, then `update` by its loss."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        recipe: Recipe,
        *,
        num_examples: int,
        steps_per_epoch: int | None,
        sparse: Collection[nn.Parameter] = (),
    ) -> None:
        """``num_examples`` decides the weight decay and, unless ``steps_per_epoch`` does, the schedule.

        ``sparse`` are those of the parameters that have sparse gradients.
        """
        self._recipe = recipe
        self._steps_per_epoch = steps_per_epoch or recipe.steps_per_epoch(num_examples)
        self._step = 0
        self._parameters = list(parameters)
        marks = {id(parameter) for parameter in sparse}
        tables = [parameter for parameter in self._parameters if id(parameter) in marks]
        others = [parameter for parameter in self._parameters if id(parameter) not in marks]
        betas, epsilon = (recipe.beta1, recipe.beta2), recipe.epsilon
        self._optimizers: list[torch.optim.Optimizer] = []
        if others:
            adamw = torch.optim.AdamW(
                others,
                lr=recipe.alpha,
                betas=betas,
                eps=epsilon,
                weight_decay=recipe.torch_weight_decay(num_examples),
                fused=True,
            )
            self._optimizers.append(adamw)
        if tables:
            self._optimizers.append(torch.optim.SparseAdam(tables, lr=recipe.alpha, betas=betas, eps=epsilon))
        self._of = {
            id(parameter): optimizer
            for optimizer in self._optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }

    def state(self) -> dict[str, Tensor]:
        """State by name: the moments of each parameter, and how many steps have begun."""
        moments = {
            f"{at}/{name}": torch.as_tensor(value)
            for at, parameter in enumerate(self._parameters)
            for name, value in self._of[id(parameter)].state.get(parameter, {}).items()
        }
        return {_STEPS: torch.tensor(self._step), **moments}

    def check(self, state: Mapping[str, Tensor]) -> None:
        expected = {_STEPS: torch.Size()}
        for at, parameter in enumerate(self._parameters):
            if any(f"{at}/{name}" in state for name in _MOMENTS):  # else it has had no gradient yet
                shapes = (torch.Size() if name == "step" else parameter.shape for name in _MOMENTS)
                expected |= {f"{at}/{name}": shape for name, shape in zip(_MOMENTS, shapes, strict=True)}
        if {name: value.shape for name, value in state.items()} != expected:
            raise BadInput("its optimizer is of other parameters")

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._step = int(state[_STEPS])
        for at, parameter in enumerate(self._parameters):
            if f"{at}/step" not in state:
                continue
            moments = {name: state[f"{at}/{name}"] for name in _MOMENTS}
            optimizer = self._of[id(parameter)]
            counts = isinstance(optimizer, torch.optim.SparseAdam)  # its steps by a plain number
            step = int(moments["step"]) if counts else moments["step"].to(parameter.device, copy=True)
            optimizer.state[parameter] = {
                # moments lie in memory as their parameter does, which the kernel takes for granted
                name: step
                if name == "step"
                else torch.empty_like(parameter, requires_grad=False).copy_(value)
                for name, value in moments.items()
            }

    def advance(self) -> None:
        """Set the rate of the next step; nothing waits for the device."""
        rate = self._recipe.eta(self._step / self._steps_per_epoch) * self._recipe.alpha
        self._step += 1
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def update(self, loss: Tensor) -> None:
        """One update by the gradient of ``loss``, a scalar."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self._optimizers:
            optimizer.step()


def sparse_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a network that have sparse gradients: tables of layers that say so."""
    tables = (
        one for one in model.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag) and one.sparse
    )
    return [weight for table in tables if isinstance(weight := table.weight, nn.Parameter)]


def find_classifier(model: nn.Module, num_classes: int) -> nn.Module | None:
    """The last linear or convolutional layer with ``num_classes`` outputs, where there is one."""
    classifier: nn.Module | None = None
    for layer in model.modules():
        outputs = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
        if isinstance(layer, nn.Linear | nn.Conv2d) and outputs == num_classes:
            classifier = layer
    return classifier


def keep_classifier_in_float32(model: nn.Module, num_classes: int) -> None:
    """Run the last layer with ``num_classes`` outputs in float32 also under autocast.

    Logits rounded to half precision tie, and ties flip predictions. A model without a linear or
    convolutional classifier keeps its own arithmetic; its logits are widened for the loss all the same.
    """
    classifier = find_classifier(model, num_classes)
    if classifier is None:
        return
    # a class, since a forward of the layer's own would hold the layer, and so its weights, in a cycle
    classifier.__class__ = _in_float32(type(classifier))  # type: ignore[arg-type]


@functools.cache
def _in_float32(kind: type[nn.Module]) -> type[nn.Module]:

    @functools.wraps(kind.forward)
    def forward(self: nn.Module, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = kind.forward(self, features.float())
            return logits

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def _forward_of(
    model: Callable[[Tensor], Tensor], layout: torch.memory_format, device: torch.device, autocast: bool
) -> Callable[[Tensor], Tensor]:
    """The forward pass; no method, since a network that held its own would outlive its trial in a cycle."""

    def forward(images: Tensor) -> Tensor:
        # what has no height and width knows no other layout
        images = images.contiguous(memory_format=layout if images.ndim == 4 else torch.contiguous_format)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
            logits: Tensor = model(images)
        return logits.float()

    return forward


class Network:
    """A model on a device with its optimizer; ``step`` trains a batch, ``logits`` evaluates one."""

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        resolved: Resolved,
        device: torch.device,
        *,
        num_examples: int,
        num_classes: int,
        steps_per_epoch: int | None = None,
    ) -> None:
        """``num_examples`` decides the weight decay and, unless ``steps_per_epoch`` does, the schedule."""
        keep_classifier_in_float32(model, num_classes)
        check_precision(resolved.precision, device)
        # also where a run that was begun elsewhere goes on there
        in_layers = resolved.channels_last and device.type != "mps"
        layout = torch.channels_last if in_layers else torch.contiguous_format
        self.model = model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self._smoothing = recipe.label_smoothing
        forward = _forward_of(self.model, layout, device, resolved.precision == "bfloat16")
        self._forward = CompiledForward(forward) if resolved.compiled else forward
        self._device = device
        self.optimizer = Optimizer(
            self.model.parameters(),
            recipe,
            num_examples=num_examples,
            steps_per_epoch=steps_per_epoch,
            sparse=sparse_parameters(self.model),
        )
        self._at_once: int | None = None
        # what is compiled is compiled for batches of one size, and on MPS nothing else was tried
        self._fitting = resolved.folded and not resolved.compiled and device.type != "mps"

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update on images [b, c, h, w] and labels [b]: its mean loss and logits [b, classes].

        Values of tags [b, tags] in place of labels train each output by itself, see `loss_of`.

        Both are on the device still, and nothing has waited for them.
        """
        self.optimizer.advance()
        return self.update(images, labels)

    def update(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step at the rate that `Optimizer.advance` has set."""
        logits = self._forward(images)
        loss = loss_of(logits, labels, self._smoothing)
        self.optimizer.update(loss)
        return loss.detach(), logits.detach()

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Logits [b, classes] in float32; the model must be in evaluation mode."""
        return self._forward(images)

    def at_once(self, examples: Signature | tuple[int, ...]) -> int:
        """Examples per evaluation batch of examples of this signature, or shape."""
        if self._at_once is None and self._fitting:
            self._at_once = fitting_batch(self.model, examples, self._device)
        return self._at_once or evaluation_batch(Signature.of(examples).shape)

    def live(self) -> dict[str, Tensor]:
        """All that training changes of the model, in the place where it lies; see `Standing`."""
        return {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}

    def weights(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.model.state_dict()
        return state


def loss_of(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean cross entropy of ``logits`` [b, C] against classes [b], or values of tags [b, C] in [0, 1].

    A tag is there with the sigmoid of its logit; where its value is NaN, nobody says, and nothing is learned.
    """
    if labels.ndim == 1:
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    known = ~labels.isnan()
    targets = torch.where(known, labels, 0.5) * (1 - smoothing) + smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


# bytes of the largest activation and examples, at the most: above, batches only take more memory
_FITTING = {"cpu": (2**25, 500), "cuda": (2**28, 2000)}


@torch.inference_mode()
def fitting_batch(model: nn.Module, examples: Signature | tuple[int, ...], device: torch.device) -> int:
    """Examples per evaluation batch by what the network makes of one: the more, the smaller its activations.

    At least 16; the largest activation takes about 32 MiB on a CPU in float32, 256 MiB on a GPU.
    """
    signature = Signature.of(examples)
    sizes = [math.prod(signature.shape)]

    def note(_: nn.Module, __: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel())

    hooks = [layer.register_forward_hook(note) for layer in model.modules()]
    training = model.training
    try:
        model.eval()(signature.blank(device=device))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    most_bytes, most = _FITTING.get(device.type, _FITTING["cpu"])
    return max(16, min(most, most_bytes // (4 * max(sizes))))


def evaluation_batch(input_shape: tuple[int, ...]) -> int:
    """Examples per evaluation batch: about a million input values, between 16 and 500 examples."""
    return max(16, min(500, 2**20 // math.prod(input_shape)))


class CompiledForward:
    """Compiles a forward pass for the shape that comes first, in training and in evaluation each.

    These are whole batches; a smaller last one runs as it is, since compiling for it would take longer than
    all of them. Torch keeps on disk what it compiles.
    """

    def __init__(self, forward: Callable[[Tensor], Tensor]) -> None:
        self._forward = forward
        # what was compiled for the networks of earlier trials counts against torch's limit
        torch.compiler.reset()
        # a graph that breaks would be compiled in parts, and again for each of them: an error is clearer
        self._compiled_forward = torch.compile(forward, fullgraph=True, dynamic=False)
        self._shapes: dict[bool, torch.Size] = {}

    def __call__(self, images: Tensor) -> Tensor:
        """Logits of the forward pass for images [b, c, h, w]."""
        training = torch.is_grad_enabled()
        if training not in self._shapes:
            self._shapes[training] = images.shape
            with warnings.catch_warnings():  # about torch's own use of what it advises against
                warnings.simplefilter("ignore")
                return self._compiled_forward(images)
        return (self._compiled_forward if images.shape == self._shapes[training] else self._forward)(images)


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
    """Facts of a network that hold on any machine.

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
    bytes_of: dict[int, int] = {}

    def note(value: Tensor) -> Tensor:
        if value.data_ptr() not in own:
            bytes_of[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
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
    hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda value: value)
    with FlopCounterMode(display=False) as counter, hooks:
        labels = torch.arange(num, device=device) % workload.num_classes
        network.step(_made_up(workload.signature, num, device), labels)
    return NetworkFacts(
        convolutions=convolutions,
        flops=counter.get_total_flops() / num,
        num_weights=sum(value.numel() for value in model.state_dict().values()),
        kept_bytes=sum(bytes_of.values()) // num,
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
