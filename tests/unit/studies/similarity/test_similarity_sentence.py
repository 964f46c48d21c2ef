from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from easiness import load_dataset
from easiness.report.page import render_report
from recording import believing


@pytest.mark.long
def test_the_page_says_how_near_easy_and_hard_pictures_are(record: Callable[..., Any]) -> None:
    data = load_dataset("digits", limit=200)
    logits = believing(data.labels, 5, 1)
    run = record(logits, data=data)
    page = render_report([run], source=data)
    assert page.count("In pixels, the mean distance between two examples of a class is ") == 1
    assert page == render_report([run], source=data)
    # without pictures there is nothing to say
    assert "In pixels" not in render_report([run])


def test_a_page_without_two_easy_and_two_hard_examples_in_any_class_says_nothing(
    record: Callable[..., Any],
) -> None:
    data = load_dataset("digits", limit=12)
    run = record(believing(data.labels, 2, 1), data=data)
    page = render_report([run], source=data)
    assert "In pixels" not in page
    assert "Easiest and hardest examples" in page
