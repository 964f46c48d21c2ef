"""Groups of examples: a column of a manifest or of Parquet, or values that are given."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.runs import load_as


def png_bytes(at: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (at * 20, 255 - at, at)).save(buffer, "PNG")
    return buffer.getvalue()


FILMS = ["a", "b", "a", "c", "b", "c", "d", "d"]


def values_of(data: Dataset) -> list[str]:
    assert data.groups is not None
    return data.groups.tolist()


def manifest(folder: Path, films: list[str] = FILMS, header: str = "path,label,film") -> Path:
    for at in range(len(films)):
        (folder / f"{at}.png").write_bytes(png_bytes(at))
    rows = [f"./{at}.png,{'xy'[at % 2]},{film}" for at, film in enumerate(films)]
    (folder / "list.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder / "list.csv"


def arrays() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).integers(0, 255, (8, 4, 4, 3), np.uint8), np.arange(8) % 2


def test_a_column_of_a_manifest(tmp_path: Path) -> None:
    data = load_dataset(manifest(tmp_path), group="film")
    assert values_of(data) == FILMS
    plain = load_dataset(tmp_path / "list.csv")
    assert plain.groups is None
    assert data.fingerprint == plain.fingerprint
    assert "group" not in plain.ref().model_dump()
    assert data.ref().group == "film"
    assert data.ref().identity() == plain.ref().identity()


def test_they_are_read_again_as_a_run_says(tmp_path: Path) -> None:
    data = load_dataset(manifest(tmp_path), group="film", limit=6)
    again = load_as(data.source, data.ref())
    assert values_of(again) == values_of(data)
    assert [FILMS[int(one[0])] for one in again.ids] == values_of(again)


def test_they_follow_labels_from_a_file(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n1.png,y\n2.png,x\n6.png,x\n7.png,y\n")
    data = load_dataset(manifest(tmp_path), group="film", labels=labels)
    assert values_of(data) == ["b", "a", "d", "d"]


def test_held_out_are_whole_groups(tmp_path: Path) -> None:
    data = load_dataset(manifest(tmp_path), group="film", holdout=0.25)
    assert data.held_out is not None
    assert len(data.held_out) == 2
    assert not set(values_of(data)) & set(values_of(data.held_out))


def test_a_column_of_parquet(tmp_path: Path) -> None:
    pictures = [png_bytes(at) for at in range(8)]
    table = pa.table({"image": pictures, "label": [0, 1] * 4, "patient": [3, 3, 1, 1, 2, 2, 5, 5]})
    pq.write_table(table, tmp_path / "a.parquet")
    data = load_dataset(tmp_path / "a.parquet", group="patient")
    assert values_of(data) == ["3", "3", "1", "1", "2", "2", "5", "5"]
    missing = table.set_column(2, "patient", pa.array([3, None, 1, 1, 2, 2, 5, 5]))
    pq.write_table(missing, tmp_path / "b.parquet")
    with pytest.raises(BadInput, match=r"b.parquet: row 1: the patient"):
        load_dataset(tmp_path / "b.parquet", group="patient")
    with pytest.raises(BadInput, match=r"no column patent \(did you mean patient"):
        load_dataset(tmp_path / "a.parquet", group="patent")


def test_values_for_arrays_and_data_that_are_loaded() -> None:
    assert values_of(load_dataset(arrays(), group=FILMS)) == FILMS
    few = load_dataset(arrays(), group=np.arange(8) // 2, limit=4)
    assert values_of(few) == [str(at // 2) for at in few.ids]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("film", "group 'film': the source has no columns; give a value for each example"),
        (FILMS[:3], "group: 3 values for 8 examples; give one for each"),
        ([*FILMS[:7], None], "group: the value of example 7 is missing"),
        ([*FILMS[:7], float("nan")], "group: the value of example 7 is missing"),
        (3, "group: a int; give a value for each of the 8 examples"),
    ],
)
def test_values_that_cannot_be_used(group: object, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_dataset(arrays(), group=group)


def test_what_has_no_such_column(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="digits: no table, so --group means nothing"):
        load_dataset("digits", group="film")
    with pytest.raises(BadInput, match="line 3: the film to group by is empty; fill it in or leave"):
        load_dataset(manifest(tmp_path, ["a", " ", "b", "c"]), group="film")
    with pytest.raises(BadInput, match="column film occurs more than once"):
        load_dataset(manifest(tmp_path, ["a,b"] * 4, "path,label,film,film"), group="film")
    data: Dataset = load_dataset("digits", limit=20)
    assert data.groups is None
