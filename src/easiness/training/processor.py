"""What computes here: the name by which measurements are told apart, and what it can multiply."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

import torch

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


def multiplies_bfloat16() -> bool:
    """May bfloat16 be faster than float32 on this processor?

    Where the system lists what the processor can do, a product of bfloat16 numbers has to be in it:
    without, each is widened to float32 first, which takes several times as long. Elsewhere this is not known.
    """
    facts = _facts()
    listed = facts.get("flags", facts.get("Features"))
    return listed is None or not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(listed.split())


@functools.cache
def _facts() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        first = _CPUINFO.read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
