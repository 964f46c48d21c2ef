"""Sounds on the page: players and pictures while there is room, and a figure of log-mel pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import easiness.report.examples as of_page
from easiness import Dataset, Run, load_dataset, suspects
from easiness.report.gallery_figure import draw_gallery, gallery
from easiness.report.page import render_report
from recording import believing
from sounds import encoded, tone, write_sounds

NUM = 24


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    files = [encoded(tone(200 + 50 * at, 0.2 + 0.01 * at)) for at in range(NUM)]
    return load_dataset(write_sounds(tmp_path / "in", {"even": files[::2], "odd": files[1::2]}))


@pytest.fixture
def run(data: Dataset, record: Callable[..., Run]) -> Run:
    return record(believing(data.labels, 3, 2), data=data)


@pytest.mark.long
def test_every_sound_has_a_player_and_its_picture(run: Run, data: Dataset) -> None:
    page = render_report([run], source=data)
    players = re.findall(r"<audio ([^>]*)>", page)
    assert len(players) >= NUM
    assert all(one.startswith('controls preload="none" aria-label="Example ') for one in players)
    assert not any("autoplay" in one for one in players)
    assert (
        page.count('src="data:audio/wav;base64,') == page.count('src="data:image/png;base64,') == len(players)
    )
    assert "on this page have a player" not in page


def test_where_room_ends_the_page_says_how_many_have_a_player(
    run: Run, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_page, "_PAGE_BYTES", of_page._OTHER_BYTES + 130_000)
    page = render_report([run], source=data)
    found = re.search(
        r"(\d+) of the (\d+) sounds on this page have a player, suspects and hard ones first", page
    )
    assert found is not None
    with_player, num = map(int, found.groups())
    assert 0 < with_player < num == NUM
    ids = set(re.findall(r'<audio [^>]*data-example="([^"]*)"', page))
    assert len(ids) == with_player
    first = suspects(run, pictures=False).table()["id"].tolist()
    assert set(first[:3]) <= ids
    assert re.search(r'<div class="words"><p dir="auto">0\.\d\d s at 8 kHz</p>', page)


def test_a_gallery_shows_log_mel_pictures(run: Run, data: Dataset) -> None:
    shown = gallery(run, data, per_side=2)
    pixels = shown.rows[0].easiest[0].pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape[0] == pixels.shape[1]
    assert pixels.min() < 64  # dark is loud
    draw_gallery(shown)


def test_a_notebook_has_players(run: Run, data: Dataset) -> None:
    shown = suspects(run, source=data)._repr_html_()
    assert shown.count('<audio style="') == shown.count('controls preload="none" src="data:audio/wav;base64,')
    assert shown.count("<audio") >= 5
