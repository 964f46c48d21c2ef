from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import RunFailed
from easiness.runs.trainer import NodePhotos
from easiness.spec import Recipe


def on_a_node(pictures: Path, **changes: Any) -> NodePhotos:
    data = load_dataset(pictures)
    return replace(NodePhotos(Path("nowhere.photos"), "train", data.ref(), Recipe(crop=4)), **changes)


def test_photos_are_read_from_the_source_where_the_cache_is_not_seen(pictures, empty_cache, tmp_path):
    data = load_dataset(pictures)
    mapped: Any = data.packed(Recipe(crop=4), tmp_path / "beside")
    where = np.array([3, 20])
    for path in (mapped.flat.path, tmp_path / "not-here.photos"):
        opened: Any = on_a_node(pictures, path=path).open()
        expected = mapped.take(where)
        assert all(np.array_equal(a, b) for a, b in zip(opened.take(where), expected, strict=True))
    assert len(list((empty_cache / "photos").glob("*.photos"))) == 1


@pytest.mark.usefixtures("empty_cache")
def test_other_data_at_the_source_or_none_is_one_line(pictures):
    photos = on_a_node(pictures)
    (pictures / "cat" / "00.png").unlink()
    with pytest.raises(RunFailed, match=r"nowhere.photos: has other"):
        photos.open()
    (pictures / "cat").rename(pictures.parent / "cat")
    with pytest.raises(RunFailed, match=r"read the source \(.*share"):
        replace(photos, ref=photos.ref.model_copy(update={"source": str(pictures / "gone")})).open()
    with pytest.raises(RunFailed, match="have no source"):
        replace(photos, ref=photos.ref.model_copy(update={"source": None})).open()
