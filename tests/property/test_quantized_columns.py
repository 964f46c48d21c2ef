"""The data map reads measured values to half a step."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from easiness.pages.data_map import indices, listed_ids, quantize, shares

NUMBERS = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.sampled_from([0.0, -0.0, 1e-300])


def decoded(column: dict[str, Any]) -> np.ndarray:
    """As the script of the page does."""
    bits = column["bits"]
    codes = np.frombuffer(base64.b64decode(column["codes"]), f"<u{bits // 8}").astype(np.int64)
    none = codes == (1 << bits) - 1
    if "levels" in column:
        return np.array([np.nan if one else column["levels"][c] for c, one in zip(codes, none, strict=True)])
    return np.where(none, np.nan, column["low"] + codes * column["step"])


@given(arrays(np.float64, st.integers(0, 80), elements=NUMBERS))
def test_few_values_come_back_exactly(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decoded(quantize(values, 8)), values)


@pytest.mark.parametrize("bits", [8, 16])
@given(seed=st.integers(0, 1000), low=st.floats(-1e5, 1e5), width=st.floats(1e-3, 1e5))
def test_many_come_back_within_half_a_step(bits: int, seed: int, low: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    values = low + width * rng.random(400)
    values[rng.random(400) < 0.1] = np.nan
    values = np.append(values, [np.nan, np.inf, -np.inf, *(low + width * np.linspace(0, 1, 300))])
    column = quantize(values, bits)  # type: ignore[arg-type]
    found = decoded(column)
    defined = np.isfinite(values)
    np.testing.assert_array_equal(np.isnan(found), ~defined)
    assert column["bits"] == bits
    step = np.ptp(values[defined]) / ((1 << bits) - 2)
    assert column["step"] == pytest.approx(step, rel=1e-6)
    rounding = 1e-9 * (abs(low) + width)
    assert np.abs(found - values)[defined].max() <= step / 2 + rounding


@given(arrays(np.float64, (3, 5), elements=st.floats(0, 1) | st.just(float("nan"))))
def test_shares_come_back_within_half_a_step(values: np.ndarray) -> None:
    codes = np.frombuffer(base64.b64decode(shares(values)), np.uint8).reshape(values.shape)
    np.testing.assert_array_equal(codes == 255, np.isnan(values))
    defined = ~np.isnan(values)
    assert np.abs(codes[defined] / 254 - values[defined]).max(initial=0) <= 1 / 508 + 1e-12


@given(st.integers(1, 1 << 20), st.data())
def test_indices_come_back_and_none_is_the_largest_code(num: int, data: st.DataObject) -> None:
    values = np.array(data.draw(st.lists(st.integers(-1, num - 1), max_size=20)), np.int64)
    column = indices(values, num)
    dtype = f"<u{column['bits'] // 8}"
    codes = np.frombuffer(base64.b64decode(column["codes"]), dtype).astype(np.int64)
    none = (1 << column["bits"]) - 1
    np.testing.assert_array_equal(np.where(codes == none, -1, codes), values)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=9, unique=True))
def test_numbers_come_back_however_large(numbers: list[int]) -> None:
    ids = listed_ids(np.array(numbers, np.int64))
    if isinstance(ids, dict):
        ids = [str(ids["first"] + i * ids["step"]) for i in range(len(numbers))]
    assert ids == [str(one) for one in numbers]
    assert listed_ids(np.arange(7, 50_007)) == {"first": 7, "step": 1}
