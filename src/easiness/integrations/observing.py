"""Looking at a network in the middle of its training: evaluation_aside, and by the ids that batches carry."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.records import to_numpy


@contextmanager
def evaluation_aside(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; modes and global generators are then as they were.

    A loader draws a seed from torch's generator whenever it is iterated, so that without this the training
    would go on with other batches for having been observed.
    """
    modes = [(module, module.training) for module in model.modules()]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what users' code draws from
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    model.eval()
    try:
        with torch.random.fork_rng(devices), torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def ids_apart(batch: Any, key: str) -> tuple[Any, Any]:
    """The ids of a batch, and the rest: a mapping without them, or what follows where they come first."""
    if isinstance(batch, Mapping) and key in batch:
        return batch[key], {name: value for name, value in batch.items() if name != key}
    if isinstance(batch, list | tuple) and len(batch) > 1 and _are_ids(batch[0]):
        return batch[0], batch[1]
    raise BadInput(
        f"RecordCallback: a batch of the loader ({_form(batch)}) has no ids; give batches of (ids, inputs, "
        "...), the ids one integer or string an example, or mappings with the ids in "
        f"{key!r} (id_key names another key)"
    )


def id_of(example: Any, key: str, where: str) -> Any:
    if isinstance(example, Mapping) and key in example:
        return example[key]
    raise BadInput(
        f"{where}: an example of the data set ({_form(example)}) has no {key!r}; give each as a mapping with "
        f"its id in {key!r} (id_key names another key)"
    )


def _form(value: Any) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _are_ids(values: Any) -> bool:
    if isinstance(values, list | tuple) and not all(
        isinstance(one, str | int) or getattr(one, "ndim", None) == 0 for one in values
    ):
        return False
    array = to_numpy(values)
    texts = array.dtype.kind == "O" and all(isinstance(one, str) for one in array.ravel())
    return array.ndim == 1 and (texts or array.dtype.kind in "iuU")
