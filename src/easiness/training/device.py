"""The device that this process trains on: name, precision, memory, and what is set in torch meanwhile.

Apple's GPU (``mps``) has no double precision, and shares the memory of the host; there is one.
Networks train on it in float32 and in the usual layout, by plain steps: nothing else is known to be right on
every version of PyTorch.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from easiness.errors import BadInput, is_out_of_memory
from easiness.own_process import worker_number
from easiness.spec import Precision

_GPUS: Mapping[str, Callable[[], bool]] = {
    "cuda": lambda: torch.cuda.is_available(),
    "mps": lambda: torch.backends.mps.is_available(),
}

_MUCH_DEPTHWISE = 0.025
"""ShuffleNet's 3 % make a step in bfloat16 take 1.3 times as long (AMD EPYC), ConvNeXt's 2 % do not."""

_CPUINFO = Path("/proc/cpuinfo")


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if device not in ("auto", "cpu", *_GPUS):
        raise BadInput(f"device {device!r}: unknown; choose auto, cpu, cuda or mps")
    there = [name for name, is_available in _GPUS.items() if is_available()]
    if device in _GPUS and device not in there:
        which = "Apple GPU" if device == "mps" else "GPU"
        raise BadInput(f"device {device}: PyTorch finds no {which} here; choose --device cpu or auto")
    return torch.device(next(iter(there), "cpu") if device == "auto" else device)


def num_gpus(device: torch.device) -> int:
    """How many GPUs the workers of a run on ``device`` spread over; 1 where it is not a GPU."""
    return max(1, torch.cuda.device_count()) if device.type == "cuda" else 1


def own_device(device: torch.device) -> torch.device:
    """The device of this process: of n GPUs worker i has the one of number i modulo n.

    A GPU that is named by its number stays what it is.
    """
    if device != torch.device("cuda"):
        return device
    return torch.device("cuda", worker_number() % num_gpus(device))


def how_it_ran(began: float, device: torch.device) -> dict[str, Any]:
    """Where a trial ran, and the seconds since ``began`` (``time.perf_counter``)."""
    return {
        "seconds": round(time.perf_counter() - began, 3),
        "device": str(device),
        "torch": str(torch.__version__),
        "machine": platform.machine(),
    }


def choose_precision(
    choice: Precision, device: torch.device, depthwise: float = 0.0
) -> tuple[Literal["float32", "bfloat16"], str]:
    """The precision to train in and why: ``auto`` is bfloat16 where the device multiplies such numbers.

    On a processor it is float32 for a network with much of its work in convolutions of one channel each,
    which gain nothing from such products: ``depthwise`` is their share of its operations.
    """
    check_precision(choice, device)
    if choice != "auto":
        return choice, "as asked"
    if device.type == "mps":
        return "float32", "on Apple's GPU"
    on_gpu = device.type == "cuda"
    name = "GPU" if on_gpu else "processor"
    if not on_gpu and depthwise > _MUCH_DEPTHWISE:
        return "float32", f"{depthwise:.0%} of the operations are depthwise convolutions"
    if torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else multiplies_bfloat16():
        return "bfloat16", f"this {name} multiplies bfloat16 numbers"
    return "float32", f"this {name} has no products of bfloat16 numbers"


def check_precision(precision: str, device: torch.device) -> None:
    if device.type == "mps" and precision == "bfloat16":
        raise BadInput("precision bfloat16: not on Apple's GPU (mps); take float32, or --device cpu")


def multiplies_bfloat16() -> bool:
    """Does Linux list products of bfloat16 numbers (AMX, AVX-512, Arm) among what the processor does?

    Without them each number is widened to float32 first, which takes several times as long. Elsewhere it
    is not known, and taken for no.
    """
    try:
        return re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", _CPUINFO.read_text()) is not None
    except OSError:
        return False


def give_back_memory(device: torch.device) -> None:
    if device.type == "cpu":
        return
    gc.collect()  # what a cycle holds would stay until some later time
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - it is for those who draw from it


@contextmanager
def _random_state_kept(device: torch.device) -> Iterator[None]:
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    on_mps = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002
    if on_mps is not None:
        torch.mps.set_rng_state(on_mps)


@contextmanager
def num_threads(num: int) -> Iterator[None]:
    """Compute with so many threads; restores their number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def set_up(device: torch.device, threads: int) -> Iterator[None]:
    """Set torch up while trials, or rehearsals of them, work on the device.

    Threads and random state are as before afterwards. A process on a CPU keeps the memory that it frees
    (`keep_memory`); on a GPU all that is no longer used is given back at the end, for others.

    Libraries search for the fastest convolutions on a GPU, which pays since shapes stay the same. They keep
    what they take for a shape and never search again: so trials and what is measured before them must set
    the same. See `searching` for shapes that are rare.
    """
    on_gpu = device.type == "cuda"
    if device.type == "cpu":
        keep_memory()
    search = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = on_gpu
    try:
        with (
            num_threads(threads),
            torch.cuda.device(device) if on_gpu else nullcontext(),
            _random_state_kept(device),
        ):
            yield
    finally:
        torch.backends.cudnn.benchmark = search
        give_back_memory(device)


@contextmanager
def searching(whole: bool) -> Iterator[None]:
    """No search for the fastest convolutions inside unless the batch is a ``whole`` one.

    The last batch of a pass has a shape of its own, and comes too rarely for a search to pay.
    """
    search = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = search and whole
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = search


_MOST_TRIM = 2**31 - 1
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


@functools.cache
def keep_memory() -> None:
    """Let this process reuse the memory of large tensors, instead of getting it anew from the system.

    glibc gives back what is larger than 32 MiB as soon as it is freed, and the system clears it page by
    page when it is next asked for: for the activations of a training step that can be a third of its time.
    Freed memory, up to 2 GiB at the end of the heap and all of it before, then stays with the process until
    it ends. torch aligns what is larger than 2 MiB so that it can be in large pages. No value changes.
    Nothing is done where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    # read by torch when a tensor is first allocated
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MOST_TRIM)


def seen_in_parts(look: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply ``look`` to images [b, c, h, w], by halves where memory does not last for all of them.

    Logits are [b, classes]. An error of one image is raised.
    """
    try:
        return look(images)
    except (MemoryError, RuntimeError) as error:
        if len(images) == 1 or not is_out_of_memory(error):
            raise
    # not while the error is handled: it holds what the pass had made until then
    give_back_memory(images.device)
    half = len(images) // 2
    return torch.cat([seen_in_parts(look, images[:half]), seen_in_parts(look, images[half:])])
