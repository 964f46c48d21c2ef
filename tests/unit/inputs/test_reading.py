from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness.data import load_dataset
from easiness.inputs import encoding as module
from easiness.inputs.encoding import reading, track


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    told = []
    with reading(lambda *what: told.append(what)):
        yield told


def test_now_and_then_and_at_the_end(told):
    assert list(track(iter("abcde"), "x", 5)) == list("abcde")
    assert told == [("x", 2, 5), ("x", 4, 5), ("x", 5, 5)]
    told.clear()
    assert list(track("cde", "x", 5, 2)) == list("cde")
    assert told == [("x", 4, 5), ("x", 5, 5)]


def test_the_last_listener_hears_and_then_the_one_before(told):
    heard = []
    with reading(lambda *what: heard.append(what)):
        list(track("ab", "x", 2))
    list(track("ab", "y", 2))
    assert heard == [("x", 2, 2)]
    assert told == [("y", 2, 2)]


@pytest.mark.parametrize("source", ["folder", "parquet", "hub", "items"])
def test_passes_over_a_source_are_told(told, tmp_path, folder, picture, source):
    pictures = []
    for i in range(6):
        buffer = io.BytesIO()
        picture(i).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    given: Any = folder
    if source == "parquet":
        (tmp_path / "rows").mkdir()
        given = tmp_path / "rows"
        for shard, part in (("train-0", pictures[:2]), ("train-1", pictures[2:])):
            table = pa.table({"image": part, "label": [0, 1, 0, 1][: len(part)]})
            pq.write_table(table, given / f"{shard}.parquet")
    elif source == "hub":
        datasets = pytest.importorskip("datasets")
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
        rows = {"image": [{"bytes": p, "path": None} for p in pictures], "label": [0, 1] * 3}
        given = datasets.Dataset.from_dict(rows, features=features)
    elif source == "items":
        given = [(np.full((4, 4), i, np.uint8), i % 2) for i in range(6)]
    told.clear()
    data = load_dataset(given, skip_unreadable=True)
    looking = "looking for unreadable images"
    assert [call for call in told if call[0] == looking] == [(looking, n, 6) for n in (2, 4, 6)]
    told.clear()
    _ = data.fingerprint
    # items were read once and for all when they were looked at
    assert told == [("reading images", n, 6) for n in (2, 4, 6) if source != "items"]
