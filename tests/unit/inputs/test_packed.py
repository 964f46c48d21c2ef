from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from easiness.inputs import Packed

RNG = np.random.default_rng(0)
RAGGED = [RNG.integers(0, 256, shape, np.uint8) for shape in ((2, 3, 1), (1, 1, 1), (4, 2, 3))]
EVEN = RNG.standard_normal((5, 2, 3)).astype(np.float32)


def packed_list(values: list[Any]) -> Packed:
    return Packed.of_values(values, np.array([value.shape for value in values], np.int64), values[0].dtype)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=8), st.data())
def test_examples_come_back_in_any_order(shapes, data):
    values = [RNG.integers(0, 9, shape, np.int64) for shape in shapes]
    packed = packed_list(values)
    wanted = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    taken = packed.take(np.array(wanted, np.int64))
    assert all(np.array_equal(one, values[at]) for one, at in zip(taken, wanted, strict=True))
    assert packed.offsets.tolist() == [0, *np.cumsum([value.size for value in values])]


def test_examples_of_one_shape_are_an_array_without_a_copy():
    packed = Packed.of_array(EVEN)
    assert len(packed) == 5
    assert np.shares_memory(packed.array(), EVEN)
    assert np.array_equal(packed.take(np.array([4]))[0], EVEN[4])
    assert packed.num_bytes == 5 * 6 * 4


@pytest.mark.parametrize("packed", [Packed.of_array(EVEN), packed_list(RAGGED)], ids=["even", "ragged"])
def test_the_same_in_a_file_and_in_a_message(packed: Packed, tmp_path: Path):
    everything = np.arange(len(packed))
    written = packed.written(tmp_path / "file")
    assert (packed.in_memory, written.in_memory) == (True, False)
    sent, again = pickle.dumps(packed), pickle.dumps(written)
    assert packed.flat[:9].tobytes() in sent  # and not where the file is named
    assert packed.flat[:9].tobytes() not in again
    for other in (written, pickle.loads(sent), pickle.loads(again)):
        assert all(
            np.array_equal(a, b) for a, b in zip(other.take(everything), packed.take(everything), strict=True)
        )


def test_what_is_written_to_a_mapped_file_stays_in_the_process(tmp_path: Path):
    written = Packed.of_array(EVEN).written(tmp_path / "file")
    written.array()[:] = 0
    assert np.array_equal(pickle.loads(pickle.dumps(written)).array(), EVEN)


def test_values_that_may_not_be_written_to_are_sent_as_they_are():
    values = EVEN.copy()
    values.flags.writeable = False  # as in an object store
    packed = Packed.of_array(values)
    assert np.shares_memory(packed.array(), values)
