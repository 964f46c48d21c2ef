"""Small files of equal values, which would take all memory: refused before they are decoded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refitted import digest_of, refit

from easiness import BadInput, Recorder, apply_card, gate, load_dataset, open_run
from easiness.gate import check_columns, read_batches
from easiness.spec import LONGEST_NAME

LONG = "x" * 2**23


def shared(num: int, length: int = 2**23) -> pa.Array:
    """A text of so many letters in each of the rows; the first has another letter at the end."""
    texts = pa.array([LONG[1:length] + "y", LONG[:length]])
    return pa.DictionaryArray.from_arrays(pa.array([0] + [1] * (num - 1), pa.int32()), texts)


def write(file: Path, table: pa.Table) -> Path:
    pq.write_table(table, file, compression="zstd", store_schema=False, row_group_size=10**9)
    assert file.stat().st_size < 50_000
    return file


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**28)


def in_bytes(values: pa.DictionaryArray) -> pa.Array:
    """As pictures are in a table."""
    stored = pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.binary()))
    return pa.StructArray.from_arrays([stored, pa.nulls(len(values), pa.string())], ["bytes", "path"])


def zeros(num: int, kind: pa.DataType) -> pa.Array:
    return pa.array(np.zeros(num, kind.to_pandas_dtype()))


LABELS = pa.array([0, 1] * 60)
DATA: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "labels": (
        lambda: pa.table({"text": [f"a {i}" for i in range(120)], "label": shared(120, 2**13)}),
        "at most 4096",
    ),
    "rows": (
        lambda: pa.table({"a": zeros(2**21, pa.float32()), "label": zeros(2**21, pa.int64())}),
        "GiB",
    ),
    "vectors": (
        lambda: pa.table(
            {"v": pa.FixedSizeListArray.from_arrays(zeros(2**25, pa.int32()), 2**20), "label": [0, 1] * 16}
        ),
        "GiB",
    ),
}


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", DATA)
def test_data_that_take_all_memory(tmp_path, name):
    make, why = DATA[name]
    file = write(tmp_path / "a.parquet", make())
    with pytest.raises(BadInput, match=rf"a\.parquet: .*{why}"):
        load_dataset(file).fingerprint  # noqa: B018


def test_pictures_that_share_their_bytes_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("easiness.gate._BATCH", 2**25)
    file = write(tmp_path / "a.parquet", pa.table({"image": in_bytes(shared(12))}))
    monkeypatch.setattr("easiness.gate._LEAST", 1)
    assert [len(batch) for batch in read_batches(file, "image", 64)] == [4, 4, 4]


@pytest.mark.usefixtures("little_memory")
def test_ids_of_a_run_that_are_as_long_as_books(small, tmp_path):
    run = Path(shutil.copytree(small / "run", tmp_path / "run"))
    table = pq.read_table(run / "examples.parquet")
    file = write(run / "examples.parquet", table.set_column(0, "id", shared(len(table))))
    refit(file)
    with pytest.raises(BadInput, match=r"examples\.parquet: column id: .*at most 4096"):
        open_run(run).ids  # noqa: B018


@pytest.mark.usefixtures("little_memory")
def test_names_in_a_card_that_are_as_long_as_books(small, tmp_path):
    card = Path(shutil.copytree(small / "card", tmp_path / "card"))
    table = pq.read_table(card / "scores.parquet")
    at = table.column_names.index("class")
    pq.write_table(
        table.set_column(at, "class", shared(len(table))), card / "scores.parquet", store_schema=False
    )
    document = json.loads((card / "card.json").read_bytes())
    document["files"]["scores.parquet"] = digest_of(card / "scores.parquet")
    (card / "card.json").write_text(json.dumps(document))
    with pytest.raises(BadInput, match=r"scores\.parquet: column class: .*at most 4096"):
        apply_card(card, small / "data.npz")


def test_ids_of_arrays_that_are_as_long_as_books(tmp_path):
    np.savez_compressed(
        tmp_path / "a.npz",
        x=np.zeros((2, 4), np.float32),
        y=[0, 1],
        ids=np.array([LONG[:9000], "a"]),
    )
    with pytest.raises(BadInput, match=r"a\.npz: ids: .*at most 4096"):
        load_dataset(tmp_path / "a.npz")


def test_letters_count_by_the_bytes_that_a_run_keeps_them_in(tmp_path):
    """An id of as many letters as are allowed, of two bytes each, could be recorded and not be read."""
    most = "ü" * (LONGEST_NAME // 2)
    Recorder(tmp_path / "most", ids=[most, "b"], labels=[0, 1])
    with pytest.raises(BadInput, match=rf"ids: one of {LONGEST_NAME + 2} bytes; .*at most {LONGEST_NAME}"):
        Recorder(tmp_path / "run", ids=[most + "ü", "b"], labels=[0, 1])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("length", [LONGEST_NAME, 2**20])
def test_names_that_are_too_long_are_told_by_what_the_file_says_of_itself(tmp_path, monkeypatch, length):
    """Their dictionary would take several times its size."""
    read = []
    monkeypatch.setattr(gate, "_longest", lambda *_: read.append(1) or 1)
    ids = [f"{one:0{length}}" for one in range(4)]
    pq.write_table(pa.table({"id": ids}), tmp_path / "a.parquet", compression="zstd")
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        if length == LONGEST_NAME:
            check_columns(tmp_path / "a.parquet", file, ["id"], names=["id"])
        else:
            with pytest.raises(BadInput, match=r"column id: one of 10\d{5} bytes; .* at most 4096"):
                check_columns(tmp_path / "a.parquet", file, ["id"], names=["id"])
    assert bool(read) == (length == LONGEST_NAME)
