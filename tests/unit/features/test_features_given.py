"""Features that are there already: arrays, files of NumPy's, columns of tables, the examples themselves."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import find_features

RNG = np.random.default_rng(0)
VALUES = RNG.standard_normal((20, 3)).astype(np.float32)
NUM = 12
ROWS = VALUES[:NUM]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=20)


@pytest.fixture(scope="module")
def split_data() -> Dataset:
    """20 examples to train on and as many held out."""
    return load_dataset("digits", limit=20, holdout=0.2)


def rows_of(given: Any, data: Dataset, split: str = "train") -> np.ndarray:
    own = data.splits[split]  # type: ignore[index]
    return find_features(given, data).vectors(own, np.arange(len(own)))


def refused(given: Any, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data)
    assert "\n" not in str(caught.value)


def test_arrays_are_in_the_order_of_the_examples(data: Dataset) -> None:
    for given in (VALUES, VALUES.astype(np.float64), torch.from_numpy(VALUES), VALUES.tolist()):
        source = find_features(given, data)
        assert source.name == "array"
        np.testing.assert_array_equal(rows_of(given, data), VALUES)
    np.testing.assert_array_equal(source.vectors(data, np.array([3, 7])), VALUES[[3, 7]])


def test_the_identity_is_of_the_values_alone(data: Dataset, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES.astype(np.float64))
    np.savez(tmp_path / "x.npz", embedding=VALUES[::-1], ids=data.ids[::-1])
    given = [VALUES, np.asfortranarray(VALUES), {"train": VALUES}, tmp_path / "x.npy", tmp_path / "x.npz"]
    sources = [find_features(one, data) for one in given]
    assert len({source.identity for source in sources}) == 1
    assert len(sources[0].identity) == 64
    assert find_features(VALUES[::-1], data).identity != sources[0].identity
    assert [source.name for source in sources[3:]] == [str(one) for one in given[3:]]


def test_held_out_rows_are_behind_the_others(split_data: Dataset, tmp_path: Path) -> None:
    both = RNG.standard_normal((40, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", both)
    for given in (both, {"train": both[:20], "held_out": both[20:]}, tmp_path / "x.npy"):
        np.testing.assert_array_equal(rows_of(given, split_data), both[:20])
        np.testing.assert_array_equal(rows_of(given, split_data, "held_out"), both[20:])


def test_npz_goes_by_ids(split_data: Dataset, tmp_path: Path) -> None:
    rows = RNG.standard_normal((1797, 3)).astype(np.float32)
    order = RNG.permutation(1797)
    own = split_data.ids.astype(int)
    np.savez(tmp_path / "x.npz", features=rows[order], ids=order)
    np.savez(tmp_path / "y.npz", x=rows[own], x_test=rows[order], ids_test=order)  # the former by position
    for name in ("x.npz", "y.npz"):
        for split, examples in split_data.splits.items():
            made = rows_of(str(tmp_path / name), split_data, split)
            np.testing.assert_array_equal(made, rows[examples.ids.astype(int)])


def test_vectors_are_features_themselves() -> None:
    x, labels = RNG.standard_normal((20, 4)).astype(np.float32), np.arange(20) % 2
    data, other = load_dataset((x, labels)), load_dataset((x + 1, labels))
    np.testing.assert_array_equal(rows_of("inputs", data), x)
    assert find_features("inputs", data).identity != find_features("inputs", other).identity
    assert find_features("auto", data).name == "inputs"
    for name in ("timm:tf_efficientnet_lite0", "torchvision:resnet18", "hf:somebody/vit"):
        refused(name, data, "makes vectors of pictures.* and arrays are vectors; give auto")


@pytest.mark.parametrize(
    ("given", "split", "words"),
    [
        (VALUES[:-1], False, "'array': 19 rows for 20 examples; give one a row in their order"),
        (VALUES, True, "20 rows for 20 examples and 20 held out behind them"),
        ({"train": VALUES}, True, "no array for held_out"),
        ({"train": VALUES, "held_out": VALUES[:4]}, True, "4 rows for 20 examples of held_out"),
        ({"train": VALUES, "held_out": VALUES[:, :2]}, True, "splits differ in width"),
        (VALUES[:, 0], False, "shape 20 of float32"),
        (VALUES[:, :0], False, "shape 20 x 0 of float32"),
        (np.full((20, 2), "a"), False, "of <U1; give numbers"),
        (object(), False, "give numbers"),
        ("inputs", False, "are pictures; give auto"),
        ("input", False, "'input': not known .did you mean inputs"),
        ("no.npy", False, "no.npy: the file cannot be read .No such file"),
        ("no.npz", False, "no.npz: the file cannot be read .No such file"),
        ("column:v", False, "is no table, so it has no column v"),
    ],
)
def test_what_does_not_fit_is_refused(
    data: Dataset, split_data: Dataset, given: Any, split: bool, words: str
) -> None:
    refused(given, split_data if split else data, words)


def test_files_that_are_none_are_refused(data: Dataset, tmp_path: Path) -> None:
    # of Python 2, and damaged: without advice beside the line
    (tmp_path / "old.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'shape': (2L,)}\n")
    np.save(tmp_path / "objects.npy", np.array([{}] * 20, object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("1,2,3\n")
    np.savez(tmp_path / "other.npz", y=VALUES)
    (tmp_path / "archive.npy").write_bytes((tmp_path / "other.npz").read_bytes())
    for name in ("old", "objects", "text", "archive"):
        refused(tmp_path / f"{name}.npy", data, f"{name}.npy: no array of numbers that can be read")
    refused(tmp_path / "other.npz", data, "no array named x, vector, embedding, features, embeddings; save")
    np.savez(tmp_path / "objects.npz", x=np.array([{}] * 20, object))
    refused(tmp_path / "objects.npz", data, "x is an array of objects")


def test_ids_that_do_not_fit_are_refused(data: Dataset, tmp_path: Path) -> None:
    missing = next(one for one in data.ids.tolist() if one - 1 not in data.ids)
    x = np.zeros((20, 4), np.float32)
    apart = load_dataset((x, np.arange(20) % 2), held_out=(x[:3], [0, 1, 0]))
    for ids, examples, words in (
        (data.ids + 1, data, f"no row with the id {missing} of digits"),
        (np.zeros(20, int), data, "an id occurs twice"),
        (np.zeros(19, int), data, "ids of shape .19,. and int64; .* for each of the 20 rows"),
        (np.arange(20), apart, "the id 0 is of an example to train on and of one held out"),
    ):
        np.savez(tmp_path / "x.npz", x=VALUES, ids=ids)
        refused(tmp_path / "x.npz", examples, words)


@pytest.fixture
def write(tmp_path: Path, picture: Callable[..., Any]) -> Callable[..., Path]:
    """Writes a Parquet file of pictures, labels and other columns."""

    def encoded(seed: int) -> bytes:
        made = io.BytesIO()
        picture(seed).save(made, "PNG")
        return made.getvalue()

    def make(name: str = "train.parquet", start: int = 0, num: int = NUM, **columns: Any) -> Path:
        pictures = [{"bytes": encoded(start + at)} for at in range(num)]
        table = pa.table({"image": pictures, "label": [0, 1] * (num // 2), **columns})
        pq.write_table(table, tmp_path / name, row_group_size=5)
        return tmp_path / name

    return make


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 3), pa.large_list(pa.float16())]
)
def test_a_column_goes_with_the_rows(write: Callable[..., Path], kind: pa.DataType) -> None:
    file = write(embedding=pa.array(ROWS.tolist(), pa.list_(pa.float32())).cast(kind))
    near = 1e-3 if kind.value_type == pa.float16() else 0
    np.testing.assert_allclose(
        rows_of("column:embedding", load_dataset(file)), ROWS, rtol=near, atol=near / 9
    )


def test_subsets_and_held_out_rows_have_theirs(write: Callable[..., Path]) -> None:
    write("test.parquet", start=20, num=6, v=ROWS[6:].tolist())
    data = load_dataset(write("train.parquet", num=6, v=ROWS[:6].tolist()).parent)
    source, part = find_features("column:v", data), data.limit(4)
    np.testing.assert_array_equal(source.vectors(data, np.array([1, 4])), ROWS[[1, 4]])
    np.testing.assert_array_equal(rows_of("column:v", data, "held_out"), ROWS[6:])
    np.testing.assert_array_equal(rows_of("column:v", part), ROWS[part.ids.astype(int)])
    assert find_features("column:v", part).identity != source.identity


def test_rows_of_several_files_are_joined(write: Callable[..., Path]) -> None:
    write("train-0.parquet", num=6, v=ROWS[:6].tolist())
    folder = write("train-1.parquet", start=6, num=6, v=ROWS[6:].tolist()).parent
    data = load_dataset(folder, holdout=0.3)
    for name, split in data.splits.items():
        np.testing.assert_array_equal(rows_of("column:v", data, name), ROWS[split.ids.astype(int)])


def test_columns_of_datasets_are_read(write: Callable[..., Path]) -> None:
    datasets = pytest.importorskip("datasets")
    file = write(v=ROWS.tolist())
    table = datasets.Dataset.from_parquet(str(file), cache_dir=str(file.parent / "cache"))
    data = load_dataset(table.cast_column("image", datasets.Image()))
    np.testing.assert_array_equal(rows_of("column:v", data), ROWS)


def test_other_columns_are_refused(write: Callable[..., Path], folder: Path) -> None:
    uneven = {
        name: [*ROWS[:5].tolist(), one, *ROWS[6:].tolist()]
        for name, one in (("uneven", [1.0, 2.0]), ("nothing", None), ("holed", [1.0, None, 2.0]))
    }
    data = load_dataset(write(v=ROWS.tolist(), word=["a"] * NUM, words=[["a"]] * NUM, **uneven))
    for name, words in (
        ("vv", "column vv is not there .did you mean v"),
        *((name, f"column {name} has rows that differ in length or hold nulls") for name in uneven),
        ("word", "column word holds string and no lists of numbers"),
        ("words", "column words holds list<.*> and no lists of numbers"),
        ("", "nothing is named behind column:; write column:NAME"),
    ):
        refused(f"column:{name}", data, words)
    refused("column:v", load_dataset(folder), "these images are files and no rows of a table")


def test_tables_of_texts_have_columns_of_vectors(tmp_path: Path) -> None:
    texts = [f"text {at}" for at in range(NUM)]
    for name, rows in (("train", slice(0, 8)), ("test", slice(8, NUM))):
        labels = [0, 1] * ((rows.stop - rows.start) // 2)
        table = {"text": texts[rows], "label": labels, "v": ROWS[rows].tolist(), "word": texts[rows]}
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet", row_group_size=5)
    data = load_dataset(tmp_path)
    source, part = find_features("column:v", data), data.part(np.array([2, 5]))
    np.testing.assert_array_equal(source.vectors(data, np.array([1, 6])), ROWS[[1, 6]])
    np.testing.assert_array_equal(rows_of("column:v", data, "held_out"), ROWS[8:])
    np.testing.assert_array_equal(source.vectors(part, np.array([1])), ROWS[[5]])
    refused("column:w", data, "no column w")
    refused("column:word", data, "column word holds string and no lists of numbers")


def test_tables_of_numbers_have_columns_of_vectors(tmp_path: Path) -> None:
    table = pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1], "label": [0, 1] * (NUM // 2), "v": ROWS.tolist()})
    pq.write_table(table, tmp_path / "train.parquet")
    data = load_dataset(tmp_path / "train.parquet", inputs=["a", "b"])
    np.testing.assert_array_equal(rows_of("column:v", data), ROWS)
