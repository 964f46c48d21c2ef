"""Bringing images to a device: no GPU is needed to see in what memory they lie and who waits for whom."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from easiness.errors import BadInput
from easiness.inputs import Pack, bank as module
from easiness.inputs.bank import fetched_ahead
from easiness.inputs.image import preparation
from easiness.spec import Recipe
from pixels import make_bank, moved_bank, packed_photos

CPU, META, CUDA = (torch.device(name) for name in ("cpu", "meta", "cuda"))


class Copies(TorchDispatchMode):
    """Notes of each copy from the host to the stand-in for a GPU whether anything could wait for it."""

    def __init__(self, pinned: set[int]) -> None:
        super().__init__()
        self.pinned = pinned
        self.waited: list[bool] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and torch.device(kwargs.get("device", CPU)) == META:
            pinned = args[0].untyped_storage()._cdata in self.pinned
            self.waited.append(not (kwargs.get("non_blocking") and pinned))
        return func(*args, **kwargs)


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Copies:
    """The meta device as a GPU: it computes nothing, and memory that is pinned is only noted as such."""
    pinned: set[int] = set()
    kept = []
    empty, to_pinned = torch.empty, torch.Tensor.clone

    def noted(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)  # or another would come to lie where it did
        pinned.add(tensor.untyped_storage()._cdata)
        return tensor

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        return tensor if tensor.untyped_storage()._cdata in pinned else noted(to_pinned(tensor))

    def made(*args: Any, pin_memory: bool = False, **options: Any) -> torch.Tensor:
        tensor = empty(*args, **options)
        return noted(tensor) if pin_memory else tensor

    monkeypatch.setattr(module, "_is_apart", lambda device: device == META)
    monkeypatch.setattr(torch, "empty", made)
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    # arithmetic that the meta device has no mixed precision for
    monkeypatch.setattr(preparation, "_resample", lambda batch, rows, columns: (batch, rows, columns)[0])
    return Copies(pinned)


def some_photos() -> Pack:
    sizes = [(40, 60), (32, 250), (250, 32), (50, 33)]
    return packed_photos([np.zeros((*size, 3), np.uint8) for size in sizes])


def test_nothing_waits_for_the_crops_of_photos(copies):
    bank = make_bank(some_photos(), Recipe(crop=28), META, augment=True)
    positions = torch.arange(4)
    drawn = bank.draw(positions, torch.Generator().manual_seed(0))
    with copies:
        (pixels,) = bank.fetch(positions, drawn)
        assert pixels.device == META
        random = len(copies.waited)
        bank._consecutive(slice(0, 4))
    assert random > 0
    assert len(copies.waited) > random
    assert not any(copies.waited)


def test_nothing_waits_for_images_that_stay_on_the_host(copies):
    bank = moved_bank(torch.zeros(9, 3, 8, 8, dtype=torch.uint8), Recipe(), META, shift=1, resident=False)
    positions = torch.tensor([3, 1, 8])
    with copies:
        fetched = bank.fetch(positions, bank.draw(positions, torch.Generator().manual_seed(0)))
        assert bank.raw(slice(2, 6)).shape == (4, 3, 8, 8)
    assert [tensor.shape for tensor in fetched] == [(3, 8, 8, 3), (3, 3)]
    assert copies.waited == [False] * 3


@pytest.mark.parametrize(
    ("num_bytes", "sharers", "resident"),
    [(500, 1, True), (501, 1, False), (250, 4, True), (251, 4, False), (9, 1, False)],
)
def test_images_stay_on_the_host_where_the_device_has_no_room(monkeypatch, num_bytes, sharers, resident):
    """Of 2,000 bytes 1,000 are free, and as many as the images take are left; of 9 room is lost meanwhile."""

    def to(images: torch.Tensor, *_: object) -> torch.Tensor:
        if len(images) == 9:
            raise torch.OutOfMemoryError
        return images

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 2000))
    monkeypatch.setattr(torch.Tensor, "to", to)
    images = torch.zeros(num_bytes, 1, 1, 1, dtype=torch.uint8)
    bank = make_bank(images, Recipe(), CUDA, augment=True, sharers=sharers)
    assert (bank.ahead, bank.home) == ((None, CUDA) if resident else (CUDA, CPU))


def test_items_are_the_same_and_taken_by_one_thread_that_ends():
    threads: list[int] = []
    before = threading.active_count()

    def numbers(num: int) -> Iterator[int]:
        for number in range(num):
            threads.append(threading.get_ident())
            yield number

    assert list(fetched_ahead(numbers(5), CPU)) == [0, 1, 2, 3, 4]
    assert threading.active_count() == before
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads
    assert list(fetched_ahead(numbers(3), None)) == [0, 1, 2]
    assert threads[-1] == threading.get_ident()


def test_the_next_item_is_taken_while_the_last_is_worked_on_and_none_beyond():
    taken = []

    def noting() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    items = fetched_ahead(noting(), CPU)
    assert next(items) == 0
    while len(taken) < 2:  # by the thread
        time.sleep(0.001)
    time.sleep(0.05)
    assert taken == [0, 1]
    items.close()  # type: ignore[attr-defined]
    assert taken == [0, 1]


def test_an_error_while_fetching_is_raised_where_its_item_is_asked_for():
    def torn() -> Iterator[int]:
        yield 0
        raise BadInput("photo 1: torn")

    before = threading.active_count()
    items = fetched_ahead(torn(), CPU)
    assert next(items) == 0
    with pytest.raises(BadInput, match="photo 1: torn"):
        next(items)
    assert threading.active_count() == before


RNG = np.random.default_rng(0)
RAGGED = [RNG.integers(0, 256, shape, np.uint8) for shape in ((2, 3, 1), (1, 1, 1), (4, 2, 3))]
EVEN = RNG.standard_normal((5, 2, 3)).astype(np.float32)


def packed_list(values: list[Any]) -> Pack:
    return Pack.of_values(values, np.array([value.shape for value in values], np.int64), values[0].dtype)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=8), st.data())
def test_examples_come_back_in_any_order(shapes, data):
    values = [RNG.integers(0, 9, shape, np.int64) for shape in shapes]
    packed = packed_list(values)
    wanted = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    taken = packed.take(np.array(wanted, np.int64))
    assert all(np.array_equal(one, values[at]) for one, at in zip(taken, wanted, strict=True))
    assert packed.offsets.tolist() == [0, *np.cumsum([value.size for value in values])]


@pytest.mark.parametrize("packed", [Pack.of_array(EVEN), packed_list(RAGGED)], ids=["even", "ragged"])
def test_the_same_in_a_file_and_in_a_message(packed: Pack, tmp_path: Path):
    everything = np.arange(len(packed))
    assert np.shares_memory(Pack.of_array(EVEN).array(), EVEN)
    written = packed.write(tmp_path / "file")
    assert (packed.in_memory, written.in_memory) == (True, False)
    sent, again = pickle.dumps(packed), pickle.dumps(written)
    assert packed.flat[:9].tobytes() in sent  # and not where the file is named
    assert packed.flat[:9].tobytes() not in again
    for other in (written, pickle.loads(sent), pickle.loads(again)):
        assert all(
            np.array_equal(a, b) for a, b in zip(other.take(everything), packed.take(everything), strict=True)
        )


def test_what_is_written_to_a_mapped_file_stays_in_the_process(tmp_path: Path):
    written = Pack.of_array(EVEN).write(tmp_path / "file")
    written.array()[:] = 0
    assert np.array_equal(pickle.loads(pickle.dumps(written)).array(), EVEN)
