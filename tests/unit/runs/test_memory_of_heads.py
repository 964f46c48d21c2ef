"""What heads in closed form need of memory."""

from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.runs.memory_of_heads import check_memory
from easiness.spec import FeaturesRef, Heads

HEADS = Heads(
    features=(FeaturesRef(name="short", identity="a"), FeaturesRef(name="long", identity="b")),
    shares=(0.05, 0.2, 0.8),
)


def test_sums_that_do_not_fit_are_refused() -> None:
    """19 products of 200,000 columns with each other, 4 bytes each: 3 TB."""
    with pytest.raises(BadInput, match=r"'long': vectors of 200,000 values, .* about 3 TB of memory; give"):
        check_memory(HEADS, 400_000, 2, [3, 200_000])


def test_of_few_examples_no_products_of_columns_are_needed() -> None:
    check_memory(HEADS, 60, 2, [3, 200_000])


def test_a_million_examples_of_a_thousand_classes_are_no_trouble() -> None:
    check_memory(HEADS, 1_281_167, 1000, [768, 768])
