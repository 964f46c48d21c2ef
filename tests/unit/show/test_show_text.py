from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from easiness.show import (
    counted,
    interval_text,
    listed,
    marked,
    number,
    numbers_text,
    plus_minus,
    trials_text,
    with_interval,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(0.125), "0.12"),
        (number(0.126, 3), "0.126"),
        (number(0.126, 1, signed=True), "+0.1"),
        (number(-0.126, 1, signed=True), "-0.1"),
        (number(NAN), ""),
        (number(None), ""),
    ],
)
def test_a_number_has_its_digits_or_is_blank(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (interval_text(0.118, 0.341), "0.12 to 0.34"),
        (interval_text(0.118, 0.341, 3), "0.118 to 0.341"),
        (interval_text(-0.118, 0.341, 1, signed=True), "-0.1 to +0.3"),
        (interval_text(NAN, NAN), ""),
        (with_interval(0.2, 0.118, 0.341), "0.20 (0.12 to 0.34)"),
        (with_interval(0.2, -0.118, 0.341, 1, signed=True), "+0.2 (-0.1 to +0.3)"),
        (with_interval(0.2, NAN, NAN), "0.20"),
    ],
)
def test_an_interval_stands_behind_its_estimate_where_there_is_one(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (plus_minus(0.9124, 0.0036), "0.912 ± 0.004"),
        (plus_minus(0.9124, 0.0036, 4), "0.9124 ± 0.0036"),
        (plus_minus(0.9124, None), "0.912"),
        (plus_minus(0.9124, NAN), "0.912"),
    ],
)
def test_a_mean_has_its_error_behind_it_where_there_is_one(text, expected):
    assert text == expected


def test_a_question_mark_is_at_what_decides_nothing():
    assert (marked("0.20", True), marked("0.20", False), marked("", False)) == ("0.20", "0.20?", "?")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([3], "3"),
        ([4, 3], "3 and 4"),
        ([0, 1, 2], "0 to 2"),
        (range(40), "0 to 39"),
        ([*range(37), 38, 39], "0 to 36, 38 and 39"),
        ([0, 2, 4, 6, 8], "0, 2, 4, 6 and 8"),
        (range(0, 42, 2), "0, 2, 4, 6 and 17 more"),
        ([0, 2, 3, 4, 6, 7, 8, 9], "0, 2 to 4 and 6 to 9"),
    ],
)
def test_numbers_are_read_as_ranges(numbers, text):
    assert numbers_text(numbers) == text


@pytest.mark.parametrize(
    ("indices", "text"),
    [([3], "trial 3"), ([3, 5], "trials 3 and 5"), (range(40), "40 trials, 0 to 39")],
)
def test_trials_by_their_numbers(indices, text):
    assert trials_text(indices) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (12_345, "12,345 trials")]
)
def test_things_with_their_number(number, text):
    assert counted(number, "trial") == text


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=300))
def test_long_lists_stay_short_and_no_number_is_lost(numbers):
    text = numbers_text(numbers)
    assert len(text) < 90
    parts = text.replace(" and ", ", ").split(", ")
    assert len(parts) <= 5
    ends = [part.split(" to ") for part in parts if not part.endswith(" more")]
    told = [number for first, *last in ends for number in range(int(first), int((last or [first])[0]) + 1)]
    left = sum(int(part.split()[0]) for part in parts if part.endswith(" more"))
    assert told == sorted(numbers)[: len(told)]
    assert len(told) + left == len(numbers)


def test_parts_are_listed_with_and_before_the_last():
    assert [listed(list("abc")[:num]) for num in range(4)] == ["", "a", "a and b", "a, b and c"]
