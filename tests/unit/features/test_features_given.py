"""Features that are given: arrays, files, columns, the examples themselves, networks of runs, functions."""

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

from easiness import measure
from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import feature_reader, find_features, ready_features
from easiness.store import Run, open_run

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
        (VALUES[:, 0], False, "20 of float32"),
        (VALUES[:, :0], False, "20 x 0 of float32"),
        (np.full((20, 2), "a"), False, "of <U1 and no vector"),
        (object(), False, "give numbers"),
        ("inputs", False, "makes vectors of vectors and digits are pictures; give auto"),
        ("hashed", False, "makes vectors of texts and"),
        ("logmel", False, "makes vectors of sounds and"),
        ("input", False, "'input': not known .did you mean inputs"),
        ("no.npy", False, "no.npy: .*No such file"),
        ("no.npz", False, "no.npz: .*No such file"),
        ("column:v", False, "is no table, so it has no column v"),
        ("torchvision:resnt18", False, "no classifier of this name .did you mean resnet18"),
        ("timm:tf_eficientnet_lite0", False, "did you mean timm:tf_efficientnet_lite0"),
        ("timm:", False, "nothing is named behind timm:; write timm:NAME"),
        ("tim:resnet18", False, "there is no module tim"),
        ("auot", False, "not known .did you mean auto"),
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
    """Writes a Parquet file of examples of a kind, labels and other columns."""

    def encoded(seed: int) -> dict[str, bytes]:
        made = io.BytesIO()
        picture(seed).save(made, "PNG")
        return {"bytes": made.getvalue()}

    def make(
        name: str = "train.parquet", start: int = 0, num: int = NUM, kind: str = "image", **columns: Any
    ) -> Path:
        cells: dict[str, Callable[[int], Any]] = {"text": "text {}".format, "size": float, "image": encoded}
        examples = [cells[kind](start + at) for at in range(num)]
        table = pa.table({kind: examples, "label": [0, 1] * (num // 2), **columns})
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


@pytest.mark.parametrize("kind", ["image", "text", "size"])
def test_rows_of_files_splits_and_parts_have_theirs(write: Callable[..., Path], kind: str) -> None:
    for name, start in (("train-0", 0), ("train-1", 4), ("test", 8)):
        rows = ROWS[start : start + 4].tolist()
        file = write(f"{name}.parquet", start=start, num=4, kind=kind, v=rows)
    data = load_dataset(file.parent, inputs=["size"] if kind == "size" else None)
    source, part = find_features("column:v", data), data.part(np.array([2, 5]))
    np.testing.assert_array_equal(source.vectors(data, np.array([1, 6])), ROWS[[1, 6]])
    np.testing.assert_array_equal(rows_of("column:v", data, "held_out"), ROWS[8:])
    np.testing.assert_array_equal(source.vectors(part, np.array([1])), ROWS[[5]])
    np.testing.assert_array_equal(rows_of("column:v", part), ROWS[[2, 5]])
    assert find_features("column:v", part).identity != source.identity


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
        ("vv", "no column vv .did you mean v"),
        *((name, f"column {name} has rows that differ in length or hold nulls") for name in uneven),
        ("word", "column word holds .* and no lists of numbers"),
        ("words", "column words holds list<.*> and no lists of numbers"),
        ("", "nothing is named behind column:; write column:NAME"),
    ):
        refused(f"column:{name}", data, words)
    refused("column:v", load_dataset(folder), "is no table, so it has no column v")


MODULE = """
import numpy as np
POWER = 1
def means(pictures):
    return np.array([[one.mean() ** POWER, one.shape[0]] for one in pictures])
def wrong(pictures):
    return [[1.0]]
def failing(pictures):
    raise KeyError("nothing")
NUMBER = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes a module of this name into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(name: str) -> None:
        (tmp_path / f"{name}.py").write_text(MODULE)

    return write


def test_a_function_of_a_module_is_called(data: Dataset, module: Callable[[str], None]) -> None:
    module("features_of_mine")
    source = find_features("features_of_mine:means", data)
    expected = [[one.mean(), 8] for one in data.values(np.arange(20))]
    np.testing.assert_allclose(source.vectors(data, np.arange(20)), expected, rtol=1e-6)
    assert source.name == "features_of_mine:means"


def test_the_code_makes_the_identity(data: Dataset, module: Callable[[str], None]) -> None:
    # by other names, since a module is imported once
    module("features_one")
    first = find_features("features_one:means", data)
    assert find_features("features_one:means", data).identity == first.identity
    assert find_features("features_one:wrong", data).identity != first.identity

    unnamed = [lambda rows: [one.mean() for one in rows] for _ in range(2)]
    given = [find_features(one, data).identity for one in (*unnamed, unnamed[0])]
    assert given[0] == given[2] != given[1]  # of an object no other has


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("features_bad:means_", "has no 'means_' .did you mean means"),
        ("features_bad:NUMBER", "a int, which cannot be called"),
        ("features_bad:wrong", "returned 1 vectors for 20 pictures"),
        ("features_bad:failing", "called with 20 pictures it raised KeyError: 'nothing'"),
        ("features_not_there:means", "there is no module features_not_there"),
    ],
)
def test_what_cannot_be_called_is_refused(
    data: Dataset, module: Callable[[str], None], name: str, words: str
) -> None:
    module("features_bad")
    with pytest.raises(BadInput, match=words):
        find_features(name, data).vectors(data, np.arange(20))


def test_vectors_of_a_run_are_the_inputs_of_the_last_layers(measured: Path, tmp_path: Path) -> None:
    data = load_dataset("digits", limit=100)
    run = open_run(measured)
    source = find_features(f"run:{measured}", data)
    assert source.name == f"run:{measured}"
    assert source.about.endswith(
        "these very ones, by their labels, so that nothing here is held out from it."
    )
    made = source.vectors(data, np.arange(100))
    cpu = torch.device("cpu")
    first, second = (
        feature_reader(run, data, trial, cpu).features(np.arange(100)) for trial in run.trials[:2]
    )
    width = first.shape[1]
    np.testing.assert_allclose(made[:, :width], first, rtol=1e-5)
    if 2 * width <= 1024:
        np.testing.assert_allclose(made[:, width : 2 * width], second, rtol=1e-5)
    assert made.shape[1] == width * min(3, max(1, 1024 // width))
    assert ready_features(source, data, tmp_path)["train"].shape == made.shape


def test_a_narrow_network_gives_all_its_trials(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    run = measure((x, y), model="mlp_2_w8", trials=2, epochs=1, out=tmp_path / "run")
    other = load_dataset((x + 1, y), held_out=(x, y))
    source = find_features(f"run:{run.path}", other)
    assert "some of which may be these" in source.about
    assert rows_of(source, other).shape == rows_of(source, other, "held_out").shape == (40, 16)
    assert find_features(f"run:{run.path}", load_dataset((x, y))).identity != source.identity


def test_runs_without_such_networks_are_refused(
    measured: Path, record: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset("digits", limit=20)
    recorded = record(np.zeros((1, 1, 4, 2)), [0, 1, 0, 1])
    x = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    vectors = load_dataset((x, [0, 1] * 10))
    heads = measure((x, [0, 1] * 10), features=x, trials=5, out=tmp_path / "heads", progress=False)
    for given, examples, words in (
        (tmp_path / "nothing", data, "nothing"),
        (heads.path, vectors, r"the run is on features itself; give what it is on \(array\), or"),
        (
            recorded.path,
            data,
            "was recorded in your own code, which we cannot call; give a run that measure made",
        ),
        (measured, vectors, r"for another kind of examples \(image\) than arrays \(vector\); give"),
    ):
        with pytest.raises(BadInput, match=words):
            find_features(f"run:{given}", examples)
    monkeypatch.setattr("easiness.features.of_run.module_of", lambda _: "somebody")
    with pytest.raises(BadInput, match="is code of the module somebody, which runs only for those who say"):
        find_features(f"run:{measured}", data)
