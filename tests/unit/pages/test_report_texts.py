"""Texts on the page: as they are, whatever is in them, and within the room that a page has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness.pages.examples as of_page
from easiness import BadInput, Dataset, Run, load_dataset, suspects
from easiness.pages.examples import shown_of, texts_at
from easiness.pages.paper_study import gallery
from easiness.show import ShownExample
from recording import believing, page_of
from sounds import encoded, tone, write_sounds

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
def run(data: Dataset, record: Callable[..., Run]) -> Run:
    return record(believing(data.labels, 3, 2), data=data)


def map_of(page: str) -> Any:
    return json.loads(re.findall(r'id="map-values">(.*?)</script>', page, re.S)[0])


def test_markup_in_a_text_is_no_markup(run: Run, data: Dataset) -> None:
    page = page_of([run], data=data)
    assert page.count("<script") == 4  # the values of the map and of what to decide on, and their scripts
    assert page.count("</script>") == 4
    for text in EVIL[:3]:
        assert text not in page
    assert "&lt;script&gt;document.title=&#39;evil&#39;&lt;/script&gt; 0" in page
    assert "\x00" not in page
    assert "null ␀, bell ␇, escape ␛[31m" in page
    assert '<p dir="auto">שלום' in page


def test_the_map_has_the_text_of_every_example(run: Run, data: Dataset) -> None:
    values = map_of(page_of([run], data=data))
    shown = [text.translate({0: "␀", 7: "␇", 27: "␛"}) for text in texts_of(NUM)]
    assert values["texts"] == shown
    assert values["pictures"] == {}
    assert "sounds" not in values


@pytest.mark.long
def test_texts_are_cut_so_that_all_fit(record: Callable[..., Run]) -> None:
    num = 2000
    data = load_dataset(([f"{at} " + "word " * 1000 for at in range(num)], np.arange(num) % 2))
    run = record(believing(data.labels, 1, 1), data=data)
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


def test_examples_that_are_wanted_most_keep_their_pictures(record: Callable[..., Run]) -> None:
    data = load_dataset("digits", limit=20)
    run = record(believing(data.labels, 1, 1), data=data)
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


def test_what_would_take_an_eighth_of_the_room_is_in_words(record: Callable[..., Run]) -> None:
    data = load_dataset("digits", limit=20)
    run = record(believing(data.labels, 1, 1), data=data)
    shown, num_cut = shown_of(data, [("train", run.ids.tolist()[0])], 500)
    assert (num_cut, next(iter(shown.values())).uri) == (1, None)


SOUNDS = 24


@pytest.fixture
def sounds(tmp_path: Path) -> Dataset:
    files = [encoded(tone(200 + 50 * at, 0.2 + 0.01 * at)) for at in range(SOUNDS)]
    return load_dataset(write_sounds(tmp_path / "in", {"even": files[::2], "odd": files[1::2]}))


@pytest.fixture
def of_sounds(sounds: Dataset, record: Callable[..., Run]) -> Run:
    return record(believing(sounds.labels, 3, 2), data=sounds)


def test_where_room_ends_the_page_says_how_many_have_a_player(
    of_sounds: Run, sounds: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_page, "_PAGE_BYTES", of_page._OTHER_BYTES + 130_000)
    page = page_of([of_sounds], data=sounds)
    found = re.search(
        r"(\d+) of the (\d+) sounds on this page have a player, suspects and hard ones first", page
    )
    assert found is not None
    with_player, num = map(int, found.groups())
    assert 0 < with_player < num == SOUNDS
    ids = set(re.findall(r'<audio [^>]*data-example="([^"]*)"', page))
    assert len(ids) == with_player
    first = suspects(of_sounds, pictures=False).table()["id"].tolist()
    assert set(first[:3]) <= ids
    assert re.search(r'<div class="words"><p dir="auto">0\.\d\d s at 8 kHz</p>', page)


def test_a_notebook_has_players(of_sounds: Run, sounds: Dataset) -> None:
    shown = suspects(of_sounds, data=sounds)._repr_html_()
    assert shown.count('<audio style="') == shown.count('controls preload="none" src="data:audio/wav;base64,')
    assert shown.count("<audio") >= 5
