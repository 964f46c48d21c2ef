"""The rates of matrix products, convolutions and copies, and what the operations of a piece of work need."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def best_rate(function, amount, seconds=0.4):
    """The highest amount per second among calls during these seconds."""
    function()
    best, began = math.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        best = min(best, timed(function))
    return amount / best


class Product:
    """A matrix product; ``rate`` is its FLOP/s at this moment."""

    def __init__(self, dtype, rows, inner, columns):
        self.name = f"{rows} x {inner} x {columns}"
        self.flops = 2 * rows * inner * columns
        left = torch.randn(rows, inner).to(dtype)
        right = torch.randn(inner, columns).to(dtype)
        out = torch.empty(rows, columns, dtype=dtype)
        self.call = lambda: torch.mm(left, right, out=out)

    def rate(self, seconds):
        return best_rate(self.call, self.flops, seconds)


def convolution_rates(dtype, batch, channels, side):
    """FLOP/s of a 3x3 convolution, channels-last, forward and forward with both gradients."""
    layout = {"memory_format": torch.channels_last}
    images = torch.randn(batch, channels, side, side).to(dtype).contiguous(**layout).requires_grad_()
    weight = torch.randn(channels, channels, 3, 3).to(dtype).contiguous(**layout).requires_grad_()
    gradient = torch.randn_like(images)
    flops = 2 * images.numel() * weight[0].numel()

    def both():
        torch.autograd.grad(F.conv2d(images, weight, padding=1), (images, weight), gradient)

    with torch.no_grad():
        forward = best_rate(lambda: F.conv2d(images, weight, padding=1), flops)
    return forward, best_rate(both, 3 * flops)


class Copy:
    """A copy in memory; ``rate`` is the bytes that it reads and writes per second at this moment."""

    def __init__(self, megabytes):
        self.source = torch.ones(megabytes * 2**18)
        self.target = torch.empty_like(self.source)

    def rate(self, seconds):
        return best_rate(lambda: self.target.copy_(self.source), 2 * self.source.nbytes, seconds)


@dataclass(frozen=True)
class Ceiling:
    """What all cores do at best at this moment, also where the work beside it runs on one thread."""

    product: Product
    copy: Copy
    threads: int

    def now(self):
        """FLOP/s and bytes per second."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            return self.product.rate(0.1), self.copy.rate(0.1)
        finally:
            torch.set_num_threads(before)


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _written(function, args, kwargs):
    """The tensors among the arguments that are changed in place, by the operation's own declaration."""
    written = []
    for at, argument in enumerate(function._schema.arguments):
        value = args[at] if at < len(args) else kwargs.get(argument.name)
        # a fused optimizer declares its gradients too, but writes them only to take a loss scale off
        unscaled = argument.name == "grads" and kwargs.get("grad_scale") is None
        if argument.alias_info is not None and argument.alias_info.is_write and not unscaled:
            written += _tensors(value)
    return written


class Operations(TorchDispatchMode):
    """FLOPs and bytes of each operation, when all it reads and writes goes through memory once.

    Views are free. What is changed in place is read and written, so it counts twice.
    """

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with self:  # in inference mode a whole layer comes as one
            result = function.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        result = function(*args, **kwargs)
        if not function.is_view:
            read = _tensors((args, kwargs))
            written = _written(function, args, kwargs)
            made = [t for t in _tensors(result) if not any(t is other for other in written)]
            flops = self._flops(function.overloadpacket, args, kwargs, result)
            self.found.append((flops, sum(tensor.nbytes for tensor in read + written + made)))
        return result

    def _flops(self, function, args, kwargs, result):
        if function is torch.ops.aten.convolution_backward:
            # as many for each gradient as forward; torch counts those of weights in groups too often
            gradient, _, weight = args[:3]
            return sum(args[-1][:2]) * 2 * gradient.numel() * weight[0].numel()
        if function in flop_registry:
            return flop_registry[function](*args, **kwargs, out_val=result)
        return 0
