"""Apple's GPU (``mps``): what PyTorch has for it in place of ``torch.cuda``, and what it does not do.

It has no double precision and no graphs, is one, and shares the memory of the host. Networks train on it in
float32 and in the usual layout, by plain steps: nothing else is known to be right on every version.
"""

from __future__ import annotations

import torch

from easiness.errors import BadInput


def is_available() -> bool:
    """Is there one that PyTorch can use?"""
    return torch.backends.mps.is_available()


def is_mps(device: torch.device) -> bool:
    """Is the device one?"""
    return device.type == "mps"


def check_precision(precision: str, device: torch.device) -> None:
    """Raise `BadInput` where a device computes otherwise than a run is to say that it did."""
    if is_mps(device) and precision == "bfloat16":
        raise BadInput("precision bfloat16: not on Apple's GPU (mps); take float32, or --device cpu")
