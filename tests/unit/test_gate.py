"""The gate: what a file takes before it is read, and one line for whatever a library throws."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness import BadInput, RunFailed, gate, load_dataset
from easiness.gate import first_come, objects_in, read_batches, read_column, reading

LONG = "x" * 2**16


def shared(num, texts=(LONG + "y", LONG)):
    """The first text in the first row, and the last one in all others."""
    places = [min(row, len(texts) - 1) for row in range(num)]
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts))


@pytest.fixture
def written(tmp_path):
    def write(columns, **settings):
        pq.write_table(pa.table(columns), tmp_path / "a.parquet", **{"compression": "zstd", **settings})
        return tmp_path / "a.parquet"

    return write


@pytest.mark.parametrize(
    "error", [OSError(5, "no use"), ValueError("no\n use"), KeyError("no use"), pa.ArrowInvalid("no use")]
)
def test_whatever_is_thrown_becomes_one_line(error):
    with (
        pytest.raises(BadInput, match=r"^a\.x: cannot be read \(.?no.use.?\); mend it$"),
        reading("a.x", "mend it"),
    ):
        raise error


@pytest.mark.parametrize("error", [MemoryError(), RunFailed("said"), KeyboardInterrupt()])
def test_what_says_enough_is_thrown_on(error):
    with pytest.raises(type(error)) as raised, reading("a.x"):
        raise error
    assert raised.value is error


DELTAS = ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]  # which Arrow reads into no dictionary


def delta(name, encoding):
    return {"use_dictionary": False, "column_encoding": {name: encoding}}


@pytest.mark.parametrize(
    ("column", "settings"),
    [
        *(
            (shared(5, ["a", "b", "c"]), one)
            for one in ({}, {"row_group_size": 2}, {"use_dictionary": False})
        ),
        (shared(5, ["a", "b", "c"]), {"store_schema": False}),
        (pa.array(["a", "b", "c", "c", "c"], pa.string_view()), {}),
        *((pa.array(["a", "b", "c", "c", "c"], pa.large_string()), delta("a", one)) for one in DELTAS),
    ],
)
def test_texts_come_as_one_dictionary(written, column, settings):
    found = read_column(written({"a": column}, **settings), "a")
    assert found.type == pa.dictionary(pa.int32(), pa.large_string())
    assert objects_in(found).tolist() == ["a", "b", "c", "c", "c"]
    assert {tuple(part.dictionary.to_pylist()) for part in found.chunks} == {("a", "b", "c")}


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_equal_texts_are_one(written, encoding, monkeypatch):
    settings = (
        {}
        if encoding == "RLE_DICTIONARY"
        else {"use_dictionary": False, "column_encoding": {"text": encoding}}
    )
    file = written({"text": shared(1000).cast(pa.string()), "label": [0, 1] * 500}, **settings)
    assert file.stat().st_size < 2**14
    before = pa.total_allocated_bytes()
    monkeypatch.setattr(gate, "available_memory", lambda: 2**24)
    texts = load_dataset(file).stored.texts()
    assert texts[0] == LONG + "y"
    assert len(set(map(id, texts))) == 2
    assert pa.total_allocated_bytes() - before < 2**22


def test_pictures_that_share_bytes_are_read_a_few_at_a_time(written, monkeypatch):
    monkeypatch.setattr(gate, "_BATCH", 2**19)
    values = shared(20).cast(pa.binary())
    assert [len(part) for part in read_batches(written({"a": values}), "a", 64)] == [8, 8, 4]
    assert [len(part) for part in read_batches(written({"a": [b"a"] * 20}), "a", 64)] == [20]


def test_values_in_the_order_in_which_they_first_occur():
    column = pa.chunked_array([shared(4, ["a", "b", "c"]).take(pa.array([3, 1, 1, 0]))])
    found = first_come(column)
    assert found.to_pylist() == ["c", "b", "b", "a"]
    assert found.dictionary.to_pylist() == ["c", "b", "a"]
    assert first_come(column.slice(0, 3)).dictionary.to_pylist() == ["c", "b"]


def test_nulls_are_none():
    column = pa.chunked_array([pa.array(["a", None, "a"]).dictionary_encode()])
    assert objects_in(column).tolist() == ["a", None, "a"]
    assert objects_in(pa.chunked_array([pa.array([1, None])])).tolist() == [1, None]


def test_more_rows_than_there_is_memory_for(written, monkeypatch):
    file = written({"text": shared(10_000, ["a", "b"]), "label": [0, 1] * 5000})
    assert file.stat().st_size < 2**11
    monkeypatch.setattr(gate, "available_memory", lambda: 2**22)
    with pytest.raises(BadInput, match="10,000 rows"):
        load_dataset(file)


def test_labels_that_are_views(written):
    """They are a type of Arrow's that NumPy has none for."""
    file = written(
        {"text": ["one word", "two words"] * 2, "label": pa.array(["a", "b"] * 2, pa.string_view())}
    )
    assert load_dataset(file).classes == ("a", "b")
