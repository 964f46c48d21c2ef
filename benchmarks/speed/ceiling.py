"""How near the machine's limits a training step and an evaluation batch come, network by network.

The ceiling is what the machine does at best with all of its cores: matrix products and convolutions in
float32 and bfloat16, and copies in memory. A network's step is the bare `Network.step` on a batch that is
ready, its evaluation batch `Network.logits`. Each is timed between two measurements of the ceiling in its
precision, since a machine's speed changes by the minute, and compared with the mean of these two.

Two shares are given. "Of peak" is FLOPs per second over the best matrix product. "Of roofline" also knows
memory: each operation takes at least the time of its FLOPs at that peak, or that of the bytes it reads and
writes at the rate of a large copy, whichever is longer; the roofline is the sum. A share above 100 % says
that much stayed in a cache.

    python benchmarks/speed/ceiling.py [--rounds 3] [--photo-batch 16]
"""

from __future__ import annotations

import gc
import math
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.device import keep_memory
from easiness.training.network import Network, evaluation_batch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin
from kit.rounds import timed

SMALL = (3, 32, 32)
PHOTO = (3, 224, 224)
SMALL_BATCH = 128
SMALL_MODELS = (
    "wrn_16_4",
    "mlp_3",
    "densenet_bc_100_12",
    "resnext_29_4x64d",
    "wrn_16_1",
    "wrn_10_1",
    "densenet_bc_16_8",
)
PHOTO_MODELS = ("mlp_3", "alexnet", "vgg11", "vgg11_bn", "resnet18", "densenet121")
NUM_CLASSES = 10
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# rows, inner, columns: square ones, and tall ones as the layers of a network are
PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 1024, 1024), (8192, 1152, 128))
# channels and side of the three stages of a WRN-16-4
CONVOLUTIONS = ((64, 32), (128, 16), (256, 8))
GOAL = 0.75
LONG = 5e11  # FLOPs of a step from which on bfloat16 alone is measured
SHORT = ("mlp_3", "wrn_16_1", "wrn_10_1", "densenet_bc_16_8")  # steps, tried on one thread too
PATIENCE = 6.0  # seconds after which no further round of one kind begins
HEADER = (
    "network", "batch", "precision", "threads", "step", "GFLOP", "GB moved", "step rate", "of peak",
    "of roofline", "evaluation rate", "of peak", "of roofline",
)  # fmt: skip


def best_rate(function, amount, seconds=0.4):
    """The highest amount per second among calls during these seconds."""
    function()
    best, began = math.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        best = min(best, timed(function))
    return amount / best


def product(dtype, rows, inner, columns):
    """FLOP/s of a matrix product, at the moment that it is asked and for so many seconds."""
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    out = torch.empty(rows, columns, dtype=dtype)
    flops = 2 * rows * inner * columns
    return lambda seconds: best_rate(lambda: torch.mm(left, right, out=out), flops, seconds)


def copy(megabytes):
    """Bytes that a copy reads and writes in a second, at the moment that it is asked."""
    source = torch.ones(megabytes * 2**18)
    target = torch.empty_like(source)
    return lambda seconds: best_rate(lambda: target.copy_(source), 2 * source.nbytes, seconds)


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


def ceilings(report):
    """The table of the machine; returns what gives the ceiling of each precision at a moment.

    That is FLOP/s and bytes per second of all cores, also where the work beside it runs on one thread.
    """
    best, rows, available = {}, [], torch.get_num_threads()
    for precision, dtype in PRECISIONS.items():
        products = {size: product(dtype, *size) for size in PRODUCTS}
        rates = {size: rate(0.5) for size, rate in products.items()}
        size = max(rates, key=rates.get)
        best[precision] = products[size]
        rows.append((f"matrix product {' x '.join(map(str, size))}", precision, gflops(rates[size])))
        for channels, side in CONVOLUTIONS:
            forward, both = convolution_rates(dtype, SMALL_BATCH, channels, side)
            what = f"3x3 convolution, {channels} channels, {side} x {side}"
            rows.append((f"{what}: forward", precision, gflops(forward)))
            rows.append((f"{what}: forward and backward", precision, gflops(both)))
    large = copy(256)
    for megabytes, rate in ((256, large), (8, copy(8))):
        rows.append((f"copy of {megabytes} MB, read + write", "", f"{rate(0.5) / 1e9:.1f} GB/s"))
    report.whole("ceiling-machine", ("the machine at its best", "precision", "rate"), rows)

    def now(precision):
        before = torch.get_num_threads()
        torch.set_num_threads(available)
        try:
            return best[precision](0.1), large(0.1)
        finally:
            torch.set_num_threads(before)

    return now


def gflops(rate):
    return f"{rate / 1e9:.0f} GFLOP/s"


def tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def written_by(function, args, kwargs):
    """The tensors among the arguments that are changed in place, by the operation's own declaration."""
    written = []
    for at, argument in enumerate(function._schema.arguments):
        value = args[at] if at < len(args) else kwargs.get(argument.name)
        # a fused optimizer declares its gradients too, but writes them only to take a loss scale off
        unscaled = argument.name == "grads" and kwargs.get("grad_scale") is None
        if argument.alias_info is not None and argument.alias_info.is_write and not unscaled:
            written += tensors(value)
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
            read = tensors((args, kwargs))
            written = written_by(function, args, kwargs)
            made = [t for t in tensors(result) if not any(t is other for other in written)]
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


def forward_flops(model, shape):
    """FLOPs per image of the forward pass, and of its first layer alone."""
    first = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    of_first = []
    hook = first.register_forward_hook(
        lambda layer, _, output: of_first.append(2 * output.numel() * layer.weight[0].numel())
    )
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *shape))
    hook.remove()
    model.train()
    return counter.get_total_flops(), of_first[0]


def make_network(name, shape, precision, threads):
    """The network as trials have it, its FLOPs per image forward, and those of its first layer."""
    torch.manual_seed(0)
    model = build_model(name, shape, NUM_CLASSES)
    flops, of_first = forward_flops(model, shape)
    channels_last = any(isinstance(layer, nn.Conv2d) for layer in model.modules())
    resolved = Resolved(precision=precision, channels_last=channels_last, threads=threads)
    network = Network(
        model, Recipe(), resolved, torch.device("cpu"), num_examples=2000, num_classes=NUM_CLASSES
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return network, flops, of_first, layout


def measure(call, flops, ceiling, rounds):
    """Median seconds of a call, the bytes that it moves, and its shares of peak and roofline.

    Rounds are of ceiling, call, ceiling. The roofline is of one operation after the other, each as fast
    as its FLOPs and its bytes allow.
    """
    call()  # caches of the kernels
    with Operations() as operations:
        call()
    seconds, shares, roofs = [], [], []
    began = time.perf_counter()
    for _ in range(rounds):
        before = ceiling()
        # short work is repeated, so that a round is not one glance at the clock
        times = [timed(call)]
        while sum(times) < 0.2:
            times.append(timed(call))
        peak, bandwidth = ((a + b) / 2 for a, b in zip(before, ceiling(), strict=True))
        seconds.append(statistics.median(times))
        shares.append(flops / peak / seconds[-1])
        least = sum(max(some / peak, moved / bandwidth) for some, moved in operations.found)
        roofs.append(least / seconds[-1])
        if time.perf_counter() - began > PATIENCE:
            break
    moved = sum(moved for _, moved in operations.found)
    return statistics.median(seconds), moved, statistics.median(shares), statistics.median(roofs)


def measure_network(case, now, rounds):
    """The row of a network in one precision, its share of the peak in a step, and its FLOP/s there."""
    name, shape, batch, precision, threads = case
    network, flops, of_first, layout = make_network(name, shape, precision, threads)
    images = torch.randn(batch, *shape).contiguous(memory_format=layout)
    labels = torch.randint(0, NUM_CLASSES, (batch,))
    looked_at = torch.randn(evaluation_batch(shape), *shape).contiguous(memory_format=layout)
    # gradients of weights and of inputs cost as much as the forward pass; nobody needs the images'
    step_flops, look_flops = batch * (3 * flops - of_first), len(looked_at) * flops
    available = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        training = measure(lambda: network.step(images, labels), step_flops, lambda: now(precision), rounds)
        network.model.eval()
        looking = measure(lambda: network.logits(looked_at), look_flops, lambda: now(precision), rounds)
    finally:
        torch.set_num_threads(available)
    gc.collect()
    row = [f"{name}, {shape[1]} x {shape[2]}", str(batch), precision, str(threads)]
    row += [f"{1000 * training[0]:.1f} ms", f"{step_flops / 1e9:.1f}", f"{training[1] / 1e9:.2f}"]
    for of_one, (seconds, _, peak, roofline) in ((step_flops, training), (look_flops, looking)):
        row += [gflops(of_one / seconds), f"{100 * peak:.0f} %", f"{100 * roofline:.0f} %"]
    return row, training[2], step_flops / training[0]


def cases(photo_batch):
    """Name, shape, batch, precision and threads; steps of much work are measured in bfloat16 alone."""
    available = torch.get_num_threads()
    every = [(name, SMALL, SMALL_BATCH) for name in SMALL_MODELS]
    for name, shape, batch in every + [(name, PHOTO, photo_batch) for name in PHOTO_MODELS]:
        flops, _ = forward_flops(build_model(name, shape, NUM_CLASSES), shape)
        precisions = [one for one in PRECISIONS if one == "bfloat16" or 3 * batch * flops <= LONG]
        for threads in sorted({available, 1} if name in SHORT else {available}, reverse=True):
            for precision in precisions:
                yield name, shape, batch, precision, threads


def main():
    options, report = begin(__doc__, "The machine's ceiling", rounds=3, photo_batch=16)
    keep_memory()  # as every trial does
    now = ceilings(report)
    rows, achieved = [], {}
    for case in cases(options.photo_batch):
        rounds = options.rounds if case[1] == SMALL else min(2, options.rounds)
        row, *achieved[case] = measure_network(case, now, rounds)
        rows.append(row)
        print("   ".join(row), flush=True)
    report.whole("ceiling-networks", HEADER, rows)
    share, rate = achieved["wrn_16_4", SMALL, SMALL_BATCH, "bfloat16", torch.get_num_threads()]
    report.goal(
        "ceiling",
        "WRN 16-4 training step over the bfloat16 peak of a matrix product",
        f"{100 * GOAL:.0f} %",
        f"{100 * share:.0f} % ({gflops(rate)})",
        share >= GOAL,
    )
    report.write(options.json)


if __name__ == "__main__":
    main()
