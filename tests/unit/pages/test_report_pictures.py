from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Run, load_dataset, open_run
from easiness.analysis import membership
from easiness.inputs.image.kind import IMAGE, LARGEST_SIDE, shrink_address
from easiness.pages import Reported, examples, write_report
from easiness.pages.examples import Named, found_within, originals_of, photos_of
from easiness.pages.run_part import class_galleries
from easiness.runs.source import find_data
from easiness.show import ShownExample
from pixels import images_of, write_pictures
from recording import believing


def _decoded(uri: str) -> Image.Image:
    kind, _, data = uri.partition(",")
    assert kind in ("data:image/png;base64", "data:image/jpeg;base64", "data:image/webp;base64")
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def _shown(run: Run, data: Dataset, position: int) -> ShownExample:
    name: Named = ("train", run.ids.tolist()[position])
    found = found_within(run, data, [name])
    assert not found.without_room
    return found.named[name]


@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_kept_to_the_pixel(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, channels), dtype=np.uint8)
    shown = np.asarray(_decoded(IMAGE.show(pixels, None).uri))
    assert np.array_equal(shown.reshape(8, 6, channels), pixels)


def test_large_pictures_are_made_smaller_in_proportion() -> None:
    assert _decoded(IMAGE.show(np.zeros((200, 100, 3), np.uint8), None).uri).size == (
        LARGEST_SIDE // 2,
        LARGEST_SIDE,
    )


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
    assert max(_decoded(shrink_address(large, 120)).size) == 120
    assert shrink_address(large, 640) is large


def test_what_is_shown_whole_has_no_larger_picture() -> None:
    assert IMAGE.photo(np.zeros((LARGEST_SIDE, 28, 1), np.uint8), 640) is None


def _folder_of_photos(folder: Path, num: int = 6) -> Dataset:
    photos = ((f"{'ab'[at % 2]}/#{at} 100%.png", _photo(300, 400, at)) for at in range(num))
    return load_dataset(write_pictures(folder / "photos", photos))


def test_photos_have_fewer_pixels_where_the_page_would_be_too_large(tmp_path: Path) -> None:
    data = _folder_of_photos(tmp_path)
    wanted: list[Named] = [("train", one) for one in data.ids.tolist()][::-1]
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
    asked = Reported(run, tmp_path / "page.html", data=data)
    assert write_report(asked) == ""
    monkeypatch.setattr(examples, "_PAGE_BYTES", examples._OTHER_BYTES + 60_000)
    note = write_report(asked)
    assert note.startswith("The 6 pictures to decide on have at most ")
    assert note in (tmp_path / "page.html").read_text("utf-8")
    rows = "\n".join(f"{one},{label}" for one, label in zip(data.ids, data.labels, strict=True))
    (tmp_path / "labels.csv").write_text(f"id,label\n{rows}\n")
    monkeypatch.undo()
    write_report(replace(asked, decide=tmp_path / "labels.csv", blind=True))
    main = (tmp_path / "page.html").read_text("utf-8").partition("<main")[2].partition("<dialog")[0]
    assert "notice" not in main


def test_a_page_names_files_as_seen_from_it_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    data = _folder_of_photos(tmp_path / "home" / "ada", 2)
    name: Named = ("train", "a/#0 100%.png")

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


def test_a_measured_run_finds_its_data(measured: Path) -> None:
    run = open_run(measured)
    data, why = find_data(run, None)
    assert data is not None
    assert why == ""
    uri = _shown(run, data, 7).uri
    assert uri is not None
    assert np.array_equal(np.asarray(_decoded(uri)), images_of(data)[7, 0].numpy())


def test_positions_may_come_in_any_order() -> None:
    data = load_dataset("digits", limit=30)
    shown = data.values(np.array([5, 2, 5]))
    assert [p.shape for p in shown] == [(8, 8, 1)] * 3
    assert np.array_equal(np.array(shown)[..., 0], images_of(data)[[5, 2, 5], 0].numpy())


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


def test_other_data_are_refused(measured: Path, pictures: Path) -> None:
    run = open_run(measured)
    with pytest.raises(BadInput, match="limit 100: exceeds the 24"):
        find_data(run, str(pictures))
    with pytest.raises(BadInput, match=r"digits: .*not the data"):
        find_data(run, load_dataset("digits", limit=100, seed=1))


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


def difficulty_of(run: Any) -> Any:
    return run.scores()["difficulty"].to_numpy()


def test_examples_are_ordered_by_difficulty(record: Callable[..., Any]) -> None:
    labels = [0, 0, 0, 0, 1, 1, 2]
    predictions = [[0, 0, 1, 0, 1, 0, 2], [0, 0, 2, 1, 1, 2, 2], [0, 0, 2, 2, 1, 2, 2]]
    run = record(_logits(predictions, [1, 3, 3, 3, 2, 2, 1], 3), labels, classes=["a", "b", "c"])
    a, b, c = class_galleries(run, run.votes(), difficulty_of(run), per_side=2, max_classes=20)
    # examples 0 and 1 are right in all three trials, 1 more clearly; 3 in one; 2 in none
    assert [one["id"] for one in a["easiest"]] == ["1", "0"]
    assert [one["id"] for one in a["hardest"]] == ["2", "3"]
    # 0, 1 and 2 are each predicted once for example 3: the first class of equals
    predicted = [(one["num_right"], one["predicted"], one["num_predicted"]) for one in a["hardest"]]
    assert predicted == [(0, "c", 2), (1, "a", 1)]
    p = np.exp(3) / (np.exp(3) + 2)
    assert np.isclose(a["easiest"][0]["p_label"], p)
    assert [one["id"] for one in (*b["easiest"], *b["hardest"])] == ["4", "5"]
    assert c["easiest"] == c["hardest"]  # a class of one example
    assert (c["num_examples"], c["easiest"][0]["id"]) == (1, "6")


def test_of_many_classes_the_hardest_are_shown(record: Callable[..., Any]) -> None:
    labels = np.arange(30) % 5
    right = np.arange(30) // 5 < np.array([5, 2, 4, 0, 3])[labels]  # so many of the six of each class
    logits = np.eye(5)[np.where(right, labels, (labels + 1) % 5)]
    run = record([[logits], [logits]], labels)
    galleries = class_galleries(run, run.votes(), difficulty_of(run), per_side=2, max_classes=3)
    assert [gallery["label"] for gallery in galleries] == [3, 1, 4]
    for gallery in galleries:
        positions = [one["position"] for one in (*gallery["easiest"], *gallery["hardest"])]
        assert len(set(positions)) == 4
        assert set(labels[positions]) == {gallery["label"]}


def test_examples_say_how_probably_they_are_among_the_outermost(record: Callable[..., Any]) -> None:
    labels = np.arange(60) % 3
    run = record(believing(labels, 8, 1), labels)
    counts = run.votes().correct.sum(axis=0)
    for options, fraction in (({}, 0.1), ({"fraction": 0.3}, 0.3)):
        expected = membership(counts, 8, fraction)
        galleries = class_galleries(run, run.votes(), difficulty_of(run), 5, 20, **options)
        shown = [one for gallery in galleries for one in (*gallery["easiest"], *gallery["hardest"])]
        assert len(shown) == 3 * 2 * 5
        for one in shown:
            assert one["p_easy"] == expected.p_easy[one["position"]]
            assert one["p_hard"] == expected.p_hard[one["position"]]
        assert max(one["p_hard"] for one in shown) > 2 * fraction
