"""From the host's memory to a device, without waiting for it, and while it works on what came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

_BYTES_AT_ONCE = 2**26
_END = object()

Item = TypeVar("Item")


def _is_apart(device: torch.device) -> bool:
    """Does the device work by itself, on memory of its own?"""
    return device.type == "cuda"


def staging(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Memory of the host to be filled and then `moved` to the device."""
    return torch.empty(shape, dtype=dtype, pin_memory=_is_apart(device))


def moved(values: Tensor, device: torch.device) -> Tensor:
    """The values on the device. Nothing here waits for it, as it would with memory that is not pinned.

    Values that lie in `staging` memory must not be written over.
    """
    if _is_apart(device) and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=_is_apart(device))


def moved_in_pieces(values: Tensor, device: torch.device, bytes_at_once: int = _BYTES_AT_ONCE) -> Tensor:
    """Values [K, ...] on the device, contiguous, which takes no more memory there than they need."""
    if values.device.type == device.type:
        return values.contiguous()
    there = torch.empty(values.shape, dtype=values.dtype, device=device)
    num = max(1, bytes_at_once // max(1, values[:1].nbytes))
    for part, into in zip(torch.split(values, num), torch.split(there, num), strict=True):
        into.copy_(part)
    return there


def has_room(device: torch.device, num_bytes: int, sharers: int = 1) -> bool:
    """Do so many bytes of examples leave as many for training, of what each of ``sharers`` may have?"""
    if device.type == "mps":
        whole = torch.mps.recommended_max_memory()
        free = whole - torch.mps.driver_allocated_memory()
    elif device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
    else:
        return True
    return 2 * num_bytes <= min(free, whole // sharers)


def fetched_ahead(items: Iterator[Item], device: torch.device | None) -> Iterator[Item]:
    """The same items, each taken by a thread while the one before is worked on; none for no ``device``.

    The thread ends with the iteration, and an error in it is raised here. On a GPU it has a stream of its
    own, and whoever takes an item finds every copy of it done.
    """
    if device is None:
        yield from items
        return
    take: Callable[[], Any] = _on_stream(items, device) if _is_apart(device) else lambda: next(items, _END)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(take)
        while (item := _handed_over(following.result(), device)) is not _END:
            following = pool.submit(take)
            yield cast(Item, item)


def _on_stream(items: Iterator[Any], device: torch.device) -> Callable[[], Any]:
    """Takes the next item on a stream of its own, with the event after which it is there."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))  # what the items are made of is there

    def take() -> Any:
        with torch.cuda.stream(stream):
            item = next(items, _END)
            return item, stream.record_event()

    return take


def _handed_over(taken: Any, device: torch.device) -> Any:
    if not _is_apart(device):
        return taken
    item, event = taken
    stream = torch.cuda.current_stream(device)
    stream.wait_event(event)
    for tensor in _tensors(item):
        if tensor.device.type == device.type:
            tensor.record_stream(stream)  # its memory is not used again before the stream is past it
    return item


def _tensors(item: Any) -> Iterator[Tensor]:
    if isinstance(item, Tensor):
        yield item
    elif isinstance(item, tuple):
        for part in item:
            yield from _tensors(part)
