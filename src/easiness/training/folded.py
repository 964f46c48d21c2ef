"""Evaluation passes by less arithmetic: batch normalization folded into convolutions, weights cast once."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from easiness.training import winograd
from easiness.training.optimizer import Optimizer

_RELU_FUNCTIONS = {F.relu, torch.relu, torch.relu_}
# as they are: what derives from them may compute something else
_KINDS = {nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.ReLU, nn.Identity, nn.Dropout}
_LOOKS = {getattr, operator.eq}
_TRUE_TO = 1e-2  # of the largest logit; folding rounds by a thousandth of that, another function is far off


class Folded:
    """A network in evaluation mode as a graph, where a convolution does what follows it too.

    It gives what the network gives to rounding. The weights are those of the last `load`.
    """

    def __init__(self, graph: fx.GraphModule, layers: list[_Layer]) -> None:
        self._graph = graph
        self._layers = layers

    def load(self, dtype: torch.dtype) -> None:
        """Take over the network's weights as they are now, folded and then cast to ``dtype``."""
        for layer in self._layers:
            layer.load(dtype)

    def __call__(self, images: Tensor) -> Tensor:
        """What the network gives for images [b, c, h, w]."""
        logits: Tensor = self._graph(images)
        return logits


class FoldedPasses:
    """Evaluates a network folded, anew after every step; one that cannot be folded is called as it is."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, dtype: torch.dtype) -> None:
        """``dtype`` is what convolutions and linear layers compute in."""
        self._model = model
        self._optimizer = optimizer
        self._dtype = dtype
        self._folded: Folded | None = None
        self._loaded_at: int | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """Logits of images [b, c, h, w]; the network must be in evaluation mode."""
        if self._loaded_at is None:
            self._folded = self._try(images)
        if self._loaded_at != self._optimizer.steps:
            self._loaded_at = self._optimizer.steps
            if self._folded is not None:
                self._folded.load(self._dtype)
        logits: Tensor = (self._folded or self._model)(images)
        return logits

    def _try(self, images: Tensor) -> Folded | None:
        folded = fold(self._model, cast=self._dtype != torch.float32)
        if folded is None:
            return None
        try:
            return folded if self._agrees(folded, images) else None
        except Exception:  # nor does it know what a network needs that was not there when it was traced
            return None

    def _agrees(self, folded: Folded, images: Tensor) -> bool:
        """A graph does not know what else a forward pass does, such as drawing numbers or counting calls."""
        device = images.device
        made_up = torch.arange(images[:2].numel(), device=device) % 251 / 125 - 1
        made_up = torch.empty_like(images[:2]).copy_(made_up.view(images[:2].shape))
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            torch.autocast(device.type, enabled=False),
        ):
            folded.load(torch.float32)
            expected, found = self._model(made_up), folded(made_up)
        return float((found - expected).abs().max()) <= _TRUE_TO * float(expected.abs().max())


def fold(model: nn.Module, *, cast: bool) -> Folded | None:
    """The network in evaluation mode with folded layers; ``None`` where that is not possible or no use.

    Batch normalization is folded into a convolution that comes right before it, and ReLU joined to it.
    Normalization before a convolution stays as it is: padding lies between. With ``cast`` every convolution
    and linear layer keeps weights of its own, so that nothing casts them at every batch.
    """
    assert not model.training
    tracer = fx.Tracer()
    try:
        graph = tracer.trace(model)
        traced = fx.GraphModule(model, graph)
        layers = _replace_layers(traced, cast=cast)
        traced.recompile()
        graph.owning_module = None
    except Exception:
        return None
    finally:
        vars(tracer).clear()  # it and the graph are in cycles, which would keep the weights after their trial
    return Folded(traced, layers) if layers else None


@dataclass(frozen=True)
class _Norm:
    """Batch normalization in evaluation mode: by running statistics, per channel."""

    mean: Tensor
    var: Tensor
    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """In double precision, so that folding rounds once."""
        scale = (self.var.double() + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight.double()
        shift = -self.mean.double() * scale
        return scale, shift if self.bias is None else shift + self.bias.double()


class _Layer(nn.Module):
    """A convolution or linear layer with what follows it; its own weights are no parameters."""

    _weight: Tensor
    _bias: Tensor | None
    _places: Tensor | None

    def __init__(self, layer: nn.Conv2d | nn.Linear, norm: _Norm | None, *, relu: bool) -> None:
        super().__init__()
        self._of = (layer,)  # in a tuple it is no part of this module
        self._norm = norm
        self._relu = relu

    def load(self, dtype: torch.dtype) -> None:
        """Take over weights as they are now."""
        (layer,) = self._of
        weight, bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
        if self._norm is not None:
            scale, shift = self._norm.scale_and_shift()
            weight = weight.double() * scale.view(-1, *[1] * (weight.dim() - 1))
            bias = shift if bias is None else shift + bias.double() * scale
        self._weight = weight.to(dtype)
        self._bias = None if bias is None else bias.to(dtype)
        few_products = isinstance(layer, nn.Conv2d) and dtype == torch.float32 and winograd.suits(layer)
        self._places = winograd.transformed(weight) if few_products and weight.device.type == "cpu" else None

    def forward(self, x: Tensor) -> Tensor:
        """As the layer; as under autocast, input is cast to the type of the weights."""
        (layer,) = self._of
        x = x.to(self._weight.dtype)
        if isinstance(layer, nn.Linear):
            out = F.linear(x, self._weight, self._bias)
        elif self._places is not None and winograd.suits_images(x):
            return winograd.convolve(x, self._places, self._bias, relu=self._relu)
        elif self._relu and _onednn_joins_relu(x):
            joined: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x,
                self._weight,
                self._bias,
                layer.padding,
                layer.stride,
                layer.dilation,
                layer.groups,
                "relu",
                [],
                "",
            )
            return joined
        else:
            out = F.conv2d(
                x, self._weight, self._bias, layer.stride, layer.padding, layer.dilation, layer.groups
            )
        return out.relu_() if self._relu else out


def _onednn_joins_relu(x: Tensor) -> bool:
    """Can a oneDNN convolution of such numbers apply ReLU before it writes?"""
    if x.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return hasattr(torch.ops.mkldnn, "_convolution_pointwise") and (
        x.dtype == torch.float32
        or (x.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )


def _replace_layers(traced: fx.GraphModule, *, cast: bool) -> list[_Layer]:
    """Put a layer of ours in the place of each convolution (and linear layer) and what it takes in."""
    modules = dict(traced.named_modules())
    # what was held true in tracing looks at the output of convolutions too
    for node in reversed(traced.graph.nodes):
        if node.target is torch._assert or (node.target in _LOOKS and not node.users):
            traced.graph.erase_node(node)
    for node in list(traced.graph.nodes):
        module = _module(node, modules)
        if isinstance(module, nn.Identity) or (isinstance(module, nn.Dropout) and not module.training):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    layers: list[_Layer] = []
    for node in list(traced.graph.nodes):
        layer = _module(node, modules)
        if not isinstance(layer, nn.Conv2d | nn.Linear) or len(node.args) != 1:
            continue
        taken, norm, relu = [node], None, False
        if isinstance(layer, nn.Conv2d):
            if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
                continue
            norm = _norm(_only_user(node), traced, modules)
            taken += [_only_user(node)] if norm is not None else []
            after = _only_user(taken[-1])
            relu = _is_relu(after, modules)
            taken += [after] if relu else []
        if len(taken) == 1 and not cast and not (isinstance(layer, nn.Conv2d) and winograd.suits(layer)):
            continue
        layers.append(_Layer(layer, norm, relu=relu))
        name = f"_folded_{len(layers)}"
        traced.add_submodule(name, layers[-1])
        with traced.graph.inserting_before(node):
            ours = traced.graph.call_module(name, (node.args[0],))
        taken[-1].replace_all_uses_with(ours)
        for gone in reversed(taken):
            traced.graph.erase_node(gone)
    return layers


def _module(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    """The module that is called here, if it is as torch made it: no hooks, no forward of its own."""
    if node.op != "call_module" or node.kwargs:
        return None
    module = modules[str(node.target)]
    own = "forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks
    return module if type(module) in _KINDS and not own else None


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _norm(node: fx.Node | None, traced: fx.GraphModule, modules: dict[str, nn.Module]) -> _Norm | None:
    """The batch normalization that this is: a layer, or the function called by a layer of another kind."""
    if node is None:
        return None
    layer = _module(node, modules)
    if isinstance(layer, nn.BatchNorm2d):
        if layer.training or layer.running_mean is None or layer.running_var is None:
            return None
        return _Norm(layer.running_mean, layer.running_var, layer.weight, layer.bias, layer.eps)
    if node.op != "call_function" or node.target is not F.batch_norm:
        return None
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given: dict[str, Any] = dict(zip(names, node.args, strict=False)) | node.kwargs
    values = {name: _tensor(given.get(name), traced) for name in names[1:5]}
    if given.get("training", False) is not False or values["running_mean"] is None:
        return None
    mean, var, weight, bias = values.values()
    assert mean is not None
    assert var is not None
    return _Norm(mean, var, weight, bias, given.get("eps", 1e-5))


def _tensor(value: Any, traced: fx.GraphModule) -> Tensor | None:
    """A tensor of the network; anything but that and ``None`` cannot be folded."""
    if value is None:
        return None
    if not isinstance(value, fx.Node) or value.op != "get_attr":
        raise TypeError(value)
    tensor: Tensor = operator.attrgetter(str(value.target))(traced)
    return tensor


def _is_relu(node: fx.Node | None, modules: dict[str, nn.Module]) -> bool:
    if node is None:
        return False
    if node.op == "call_function":
        return node.target in _RELU_FUNCTIONS
    if node.op == "call_method":
        return node.target in ("relu", "relu_")
    return isinstance(_module(node, modules), nn.ReLU)
