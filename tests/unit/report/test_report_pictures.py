from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Run, load_dataset, open_run
from easiness.inputs.image.shown import LARGEST_SIDE, ShownPicture
from easiness.report.examples import Named, shown_within
from easiness.runs.source import find_data
from easiness.show import ShownExample
from pixels import images_of


def _decoded(uri: str) -> Image.Image:
    kind, _, data = uri.partition(",")
    assert kind in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def _shown(run: Run, data: Dataset, position: int) -> ShownExample:
    name: Named = ("train", run.ids.tolist()[position])
    shown, num_cut = shown_within(run, data, [name], 10**6)
    assert num_cut == 0
    return shown[name]


@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_kept_to_the_pixel(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, channels), dtype=np.uint8)
    shown = np.asarray(_decoded(ShownPicture(pixels).uri))
    assert np.array_equal(shown.reshape(8, 6, channels), pixels)


def test_large_pictures_are_made_smaller_in_proportion() -> None:
    assert _decoded(ShownPicture(np.zeros((200, 100, 3), np.uint8)).uri).size == (
        LARGEST_SIDE // 2,
        LARGEST_SIDE,
    )


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


def test_pictures_are_found_by_id(record: Callable[..., Any], noisy_logits: Callable[..., Any]) -> None:
    data = load_dataset("digits", limit=20)
    order = np.arange(20)[::-1]
    run = record(
        noisy_logits(data.labels[order], trials=1, epochs=1),
        data.labels[order],
        ids=data.ids[order],
        fingerprint=data.fingerprint,
    )
    found, _ = find_data(run, data)
    assert found is data
    assert _shown(run, data, 0).uri == ShownPicture(data.array[19]).uri


def test_an_id_that_the_data_lack_is_refused(
    record: Callable[..., Any], noisy_logits: Callable[..., Any]
) -> None:
    data = load_dataset("digits", limit=20)
    run = record(
        noisy_logits(data.labels, trials=1, epochs=1),
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


def test_a_recorded_run_says_where_pictures_could_come_from(
    record: Callable[..., Any], noisy_logits: Callable[..., Any]
) -> None:
    run = record(noisy_logits([0, 1] * 5, trials=1, epochs=1), [0, 1] * 5)
    data, why = find_data(run, None)
    assert data is None
    assert "--source" in why
