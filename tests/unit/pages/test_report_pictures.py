"""Pictures, sounds and texts of examples on the page, within the room that it has."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import easiness.pages.examples as of_page
from easiness import BadInput, Dataset, Run, load_dataset, suspects
from easiness.inputs.image.kind import IMAGE, LARGEST_SIDE
from easiness.pages import ReportOptions, examples, write_report
from easiness.pages.data_map import Name
from easiness.pages.examples import found_within, originals_of, photos_of, shown_of, texts_at
from easiness.pages.paper_study import gallery
from easiness.pages.run_part import class_galleries
from easiness.runs.source import find_data
from easiness.show import ShownExample
from pixels import write_pictures
from recording import believing, page_of
from sounds import encoded, tone, write_sounds


def _decoded(uri: str) -> Image.Image:
    kind, _, data = uri.partition(",")
    assert kind in ("data:image/png;base64", "data:image/jpeg;base64", "data:image/webp;base64")
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def _shown(run: Run, data: Dataset, position: int) -> ShownExample:
    name: Name = ("train", run.ids.tolist()[position])
    found = found_within(run, data, [name])
    assert not found.without_room
    return found.by_name[name]


def _photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth picture with some noise, as photos are."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return (large + random.integers(-8, 9, (height, width, 1))).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(1200, 1600, (640, 480)), (1600, 400, (160, 640)), (300, 500, (500, 300)), (100, 161, (161, 100))],
)
def test_photos_to_decide_on_are_made_smaller_and_never_larger(
    height: int, width: int, size: tuple[int, int]
) -> None:
    pixels = _photo(height, width)
    large = IMAGE.photo(pixels, 640)
    assert large is not None
    assert _decoded(large).size == size
    as_jpeg = io.BytesIO()
    image = Image.fromarray(pixels)
    image.thumbnail((640, 640), Image.Resampling.LANCZOS)
    image.save(as_jpeg, "JPEG", quality=80)
    assert len(large) <= 30 + 4 * -(-len(as_jpeg.getvalue()) // 3)


def test_what_is_shown_whole_has_no_larger_picture() -> None:
    assert IMAGE.photo(np.zeros((LARGEST_SIDE, 28, 1), np.uint8), 640) is None


def _folder_of_photos(folder: Path, num: int = 6) -> Dataset:
    photos = ((f"{'ab'[at % 2]}/#{at} 100%.png", _photo(300, 400, at)) for at in range(num))
    return load_dataset(write_pictures(folder / "photos", photos))


def test_photos_have_fewer_pixels_where_the_page_would_be_too_large(tmp_path: Path) -> None:
    data = _folder_of_photos(tmp_path)
    wanted: list[Name] = [("train", one) for one in data.ids.tolist()][::-1]
    whole, said = photos_of(data, wanted, 10**6, 400)
    num_bytes = sum(map(len, whole.values()))
    assert (len(whole), said) == (6, "")
    few, said = photos_of(data, wanted, num_bytes // 2, 400)
    assert len(few) == 6
    assert sum(map(len, few.values())) <= num_bytes // 2
    (side,) = {max(_decoded(one).size) for one in few.values()}
    assert 200 < side < 380
    assert said == (
        f"The 6 pictures to decide on have at most {side} pixels a side, not 400: a page has at most 25 MB; "
        "of fewer they are larger."
    )
    first, said = photos_of(data, wanted, 6_000, 400)
    assert "at most 160 pixels" in said
    assert set(first) == set(wanted[: len(first)])  # the most wanted
    assert 0 < len(first) < 6


def test_a_page_that_would_be_too_large_says_so(
    record: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    data = _folder_of_photos(tmp_path)
    run = record(believing(data.labels, 2, 1), data=data)
    asked = ReportOptions(run, tmp_path / "page.html", data=data)
    write_report(asked)
    few = "The 6 pictures to decide on have at most "
    assert few not in (tmp_path / "page.html").read_text("utf-8")
    monkeypatch.setattr(examples, "_PAGE_BYTES", examples._OTHER_BYTES + 60_000)
    write_report(asked)
    assert few in (tmp_path / "page.html").read_text("utf-8")
    rows = "\n".join(f"{one},{label}" for one, label in zip(data.ids, data.labels, strict=True))
    (tmp_path / "labels.csv").write_text(f"id,label\n{rows}\n")
    monkeypatch.undo()
    write_report(replace(asked, decide=tmp_path / "labels.csv", blind=True))
    main = (tmp_path / "page.html").read_text("utf-8").partition("<main")[2].partition("<dialog")[0]
    assert "notice" not in main


def test_a_page_names_files_as_seen_from_it_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    data = _folder_of_photos(tmp_path / "home" / "ada", 2)
    name: Name = ("train", "a/#0 100%.png")

    def seen_from(page: Path) -> dict[int, str]:
        return originals_of(data, [name], page)

    beside = "photos/a/%230%20100%25.png"
    assert seen_from(tmp_path / "home/ada/report.html") == {0: beside}
    assert seen_from(tmp_path / "home/ada/reports/report.html") == {0: f"../{beside}"}
    assert seen_from(tmp_path / "home/bob/report.html") == {}
    assert seen_from(tmp_path / "home/report.html") == {}
    assert seen_from(Path("/report.html")) == {}
    assert seen_from(Path("/elsewhere/report.html")) == {}
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "ada" / "photos"))
    assert seen_from(tmp_path / "home/ada/reports/report.html") == {}
    (tmp_path / "home/ada/photos/a/#0 100%.png").unlink()
    assert seen_from(tmp_path / "home/ada/report.html") == {}
    assert originals_of(load_dataset("digits", limit=20), [("train", 3)], tmp_path / "page.html") == {}


def test_pictures_are_found_by_id(record: Callable[..., Any]) -> None:
    data = load_dataset("digits", limit=20)
    order = np.arange(20)[::-1]
    run = record(
        believing(data.labels[order], 1, 1),
        data.labels[order],
        ids=data.ids[order],
        fingerprint=data.fingerprint,
    )
    found, _ = find_data(run, data)
    assert found is data
    assert _shown(run, data, 0).uri == IMAGE.show(data.array[19], None).uri


def test_an_id_that_the_data_lack_is_refused(record: Callable[..., Any]) -> None:
    data = load_dataset("digits", limit=20)
    run = record(
        believing(data.labels, 1, 1),
        data.labels,
        ids=data.ids + 5000,
        fingerprint=data.fingerprint,
    )
    with pytest.raises(BadInput, match="with the id 50"):
        _shown(run, data, 0)


def test_data_that_are_gone_or_changed_are_no_error(pictures: Path, tmp_path: Path) -> None:
    from easiness import measure

    run = measure(str(pictures), model="mlp_3", trials=1, epochs=1, precision="float32", out=tmp_path / "run")
    Image.new("RGB", (8, 8)).save(pictures / "cat" / "00.png")
    assert find_data(run, None)[0] is None
    assert "have changed since the run" in find_data(run, None)[1]
    pictures.rename(tmp_path / "elsewhere")
    data, why = find_data(run, None)
    assert data is None
    assert "cannot be read" in why


def _logits(predictions: Any, sureness: Any, num_classes: int) -> Any:
    """Logits [trials, 1, examples, classes] that predict so, the more clearly the larger the sureness."""
    return (np.eye(num_classes)[np.array(predictions)] * np.array(sureness)[None, :, None])[:, None]


def test_examples_are_ordered_by_difficulty(record: Callable[..., Any]) -> None:
    labels = [0, 0, 0, 0, 1, 1, 2]
    predictions = [[0, 0, 1, 0, 1, 0, 2], [0, 0, 2, 1, 1, 2, 2], [0, 0, 2, 2, 1, 2, 2]]
    run = record(_logits(predictions, [1, 3, 3, 3, 2, 2, 1], 3), labels, classes=["a", "b", "c"])
    a, b, c = class_galleries(run, run.votes(), run.scores(), per_side=2, max_classes=20)
    # examples 0 and 1 are right in all three trials, 1 more clearly; 3 in one; 2 in none
    assert [str(one["name"][1]) for one in a["easiest"]] == ["1", "0"]
    assert [str(one["name"][1]) for one in a["hardest"]] == ["2", "3"]
    # 0, 1 and 2 are each predicted once for example 3: the first class of equals
    predicted = [(one["num_right"], one["predicted"], one["num_predicted"]) for one in a["hardest"]]
    assert predicted == [(0, "c", 2), (1, "a", 1)]
    p = np.exp(3) / (np.exp(3) + 2)
    assert np.isclose(a["easiest"][0]["p_label"], p)
    assert [str(one["name"][1]) for one in (*b["easiest"], *b["hardest"])] == ["4", "5"]
    assert c["easiest"] == c["hardest"]  # a class of one example
    assert (c["num_examples"], c["easiest"][0]["name"][1]) == (1, 6)


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
