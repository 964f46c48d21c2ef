"""What to do where memory does not last: look at fewer images at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from easiness.errors import is_out_of_memory
from easiness.training.device import give_back_memory


def seen_in_parts(look: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """What ``look`` makes of images [b, c, h, w], by halves where memory does not last for all of them.

    Logits are [b, classes]. What does not last for one image raises what it raised.
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
