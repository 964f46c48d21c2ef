"""Texts on the page: as they are, whatever is in them, and within the room that a page has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Dataset, Run, load_dataset
from easiness.report.examples import FoundExamples, shown_of, texts_at
from easiness.report.gallery_figure import gallery
from easiness.report.page import render_report
from easiness.show import ShownExample

EVIL = (
    "<script>document.title='evil'</script>",
    '"><img src=x onerror="document.title=\'evil\'">',
    "</script><!-- ' & \" &lt;b&gt; -->",
    "null \x00, bell \x07, escape \x1b[31m",
    "שלום עולם \u202e turned",
    "w" * 3000,
    "one line\nanother\n\n\n\n\nthe last",
)
NUM = 40


def texts_of(num: int) -> list[str]:
    return [f"{EVIL[at % len(EVIL)]} {at}" for at in range(num)]


@pytest.fixture
def data() -> Dataset:
    return load_dataset((texts_of(NUM), np.arange(NUM) % 2))


@pytest.fixture
def run(data: Dataset, record: Callable[..., Run], noisy_logits: Callable[..., Any]) -> Run:
    return record(
        noisy_logits(data.labels, trials=3, epochs=2),
        data.labels,
        ids=data.ids,
        fingerprint=data.fingerprint,
        classes=data.classes,
    )


def map_of(page: str) -> Any:
    return json.loads(re.findall(r'id="map-values">(.*?)</script>', page, re.S)[0])


def test_markup_in_a_text_is_no_markup(run: Run, data: Dataset) -> None:
    page = render_report([run], source=data)
    assert page.count("<script") == 4  # the values of the map and of what to decide on, and their scripts
    assert page.count("</script>") == 4
    for text in EVIL[:3]:
        assert text not in page
    assert "&lt;script&gt;document.title=&#39;evil&#39;&lt;/script&gt; 0" in page
    assert "\x00" not in page
    assert "null ␀, bell ␇, escape ␛[31m" in page
    assert '<p dir="auto">שלום' in page


def test_the_map_has_the_text_of_every_example(run: Run, data: Dataset) -> None:
    values = map_of(render_report([run], source=data))
    shown = [text.translate({0: "␀", 7: "␇", 27: "␛"}) for text in texts_of(NUM)]
    assert values["texts"] == shown
    assert values["pictures"] == {}
    assert "sounds" not in values


def test_long_texts_are_folded_and_short_ones_are_not(run: Run, data: Dataset) -> None:
    page = render_report([run], source=data)
    folded = re.findall(r'<div class="words"><p dir="auto">([^<]*)</p>(<details>)?', page)
    assert len(folded) >= NUM
    assert all(bool(fold) == (text.startswith("www") or text.count("\n") > 4) for text, fold in folded)


@pytest.mark.long
def test_texts_are_cut_so_that_all_fit(record: Callable[..., Run], noisy_logits: Callable[..., Any]) -> None:
    num = 2000
    data = load_dataset(([f"{at} " + "word " * 1000 for at in range(num)], np.arange(num) % 2))
    run = record(noisy_logits(data.labels, trials=1, epochs=1), data.labels, ids=data.ids)
    texts = texts_at(run, data, np.arange(num))
    assert texts is not None
    assert 0.9 * 3_000_000 < sum(map(len, texts)) < 1.01 * 3_000_000
    assert all(text.startswith(f"{at} word") and text.endswith(" …") for at, text in enumerate(texts))


def test_a_very_long_text_is_cut_and_says_so() -> None:
    shown = ShownExample.of(None, "a" * 12_345, None)
    assert shown.text == "a" * 10_000 + " … (10,000 of 12,345 letters)"


def test_a_gallery_of_texts_is_refused(run: Run, data: Dataset) -> None:
    with pytest.raises(BadInput, match="its examples are texts; a gallery shows pictures"):
        gallery(run, data)


def test_examples_that_are_wanted_most_keep_their_pictures(
    record: Callable[..., Run], noisy_logits: Callable[..., Any]
) -> None:
    data = load_dataset("digits", limit=20)
    run = record(noisy_logits(data.labels, trials=1, epochs=1), data.labels, ids=data.ids)
    names: list[Any] = [("train", one) for one in run.ids.tolist()][::-1]
    everything, num_cut = shown_of(data, names, 10**6)
    assert num_cut == 0
    sizes = [everything[name].size for name in names]
    room = sum(sizes[:10])
    shown, num_cut = shown_of(data, names, room)
    assert num_cut == 10
    assert [bool(shown[name].size) for name in names] == [True] * 10 + [False] * 10
    assert shown[names[15]].text == "8 x 8 pixels"
    # one that the page shows twice takes the room of two
    twice, num_cut = shown_of(data, [*names, *names[:5]], 2 * sum(sizes[:5]))
    assert num_cut == 15
    assert all(twice[name].size for name in names[:5])


def test_what_would_take_an_eighth_of_the_room_is_in_words(
    record: Callable[..., Run], noisy_logits: Callable[..., Any]
) -> None:
    data = load_dataset("digits", limit=20)
    run = record(noisy_logits(data.labels, trials=1, epochs=1), data.labels, ids=data.ids)
    shown, num_cut = shown_of(data, [("train", run.ids.tolist()[0])], 500)
    assert (num_cut, next(iter(shown.values())).uri) == (1, None)


def test_lists_of_examples_are_laid_out_by_what_they_have() -> None:
    name: Any = ("train", 0)
    for one, layout in (
        (ShownExample(None, "words"), "without-pictures"),
        (ShownExample("data:image/png,", ""), ""),
        (ShownExample("data:image/png,", "", "data:audio/wav,"), "with-sounds"),
    ):
        assert FoundExamples({name: one}).layout == layout
