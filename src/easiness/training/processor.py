"""What computes here: the name by which measurements are told apart, and what it can multiply."""

from __future__ import annotations

import functools
import platform
from pathlib import Path
from typing import Literal

import torch

from easiness.spec import Precision
from easiness.training import mps

_CPUINFO = Path("/proc/cpuinfo")
_NAMED_BY = ("model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part")


def device_name(device: torch.device) -> str:
    """Name of the GPU, or of the processor: those of equal names compute equally fast."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"GPU of {platform.processor() or platform.machine()} {platform.mac_ver()[0]}".rstrip()
    facts = _facts()
    known = [facts[name] for name in _NAMED_BY if name in facts]
    return " ".join([platform.machine(), *(known or [platform.processor()])])


def choose_precision(asked: Precision, device: torch.device) -> tuple[Literal["float32", "bfloat16"], str]:
    """The precision to train in and why: ``auto`` is bfloat16 where the device multiplies such numbers.

    Raises:
        BadInput: the device cannot compute in the precision that is asked for.
    """
    mps.check_precision(asked, device)
    if asked != "auto":
        return asked, "as asked"
    if mps.is_mps(device):
        return "float32", "on Apple's GPU"
    on_gpu = device.type == "cuda"
    name = "GPU" if on_gpu else "processor"
    if torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else multiplies_bfloat16():
        return "bfloat16", f"this {name} multiplies bfloat16 numbers"
    return "float32", f"this {name} has no products of bfloat16 numbers"


def multiplies_bfloat16() -> bool:
    """Does Linux list products of bfloat16 numbers (AMX, AVX-512, Arm) among what the processor does?

    Without them each number is widened to float32 first, which takes several times as long. Elsewhere it
    is not known, and taken for no.
    """
    facts = _facts()
    listed = facts.get("flags", facts.get("Features", ""))
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(listed.split())


@functools.cache
def _facts() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        first = _CPUINFO.read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
