"""The same four examples with the same tags in every form of source, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from pixels import png

X = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
NAMES = ["car", "dog", "tree"]
CELLS = [["dog", "car"], ["tree"], [], ["car", "dog"]]
VALUES = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 1, 0]])
GAPS = np.array([[1, 1, 0], [0, -1, 1], [0, 0, 0], [1, 1, -1]])  # what columns and arrays can leave open
TEXTS = ["a car and a dog", "a tree", "nothing", "the dog in the car"]
Write = Callable[[Path], tuple[Any, dict[str, Any]]]


def in_cells(separator: str, **options: Any) -> Write:
    def write(folder: Path) -> tuple[Any, dict[str, Any]]:
        cells = [f" {separator} ".join([*some, *some[:1]]) for some in CELLS]  # the first twice
        pd.DataFrame({"text": TEXTS, "topics": cells}).to_csv(folder / "a.csv", index=False)
        return folder / "a.csv", {"label": "topics"} | options

    return write


def in_lists(folder: Path) -> tuple[Any, dict[str, Any]]:
    pq.write_table(pa.table({"text": TEXTS, "label": CELLS}), folder / "a.parquet")
    return folder / "a.parquet", {}


def as_python_writes(folder: Path) -> tuple[Any, dict[str, Any]]:
    pd.DataFrame({"text": TEXTS, "label": CELLS}).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv", {}


def in_json(folder: Path) -> tuple[Any, dict[str, Any]]:
    rows = [{"text": text, "label": some or None} for text, some in zip(TEXTS, CELLS, strict=True)]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "a.jsonl", {}


def on_the_hub(_: Path) -> tuple[Any, dict[str, Any]]:
    numbers = [[NAMES.index(name) for name in some] for some in CELLS]
    labels = datasets.Sequence(datasets.ClassLabel(names=NAMES))
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})
    return datasets.Dataset.from_dict({"text": TEXTS, "label": numbers}, features), {}


def in_columns(folder: Path) -> tuple[Any, dict[str, Any]]:
    words = np.array(["", "false", "true"])[GAPS + 1]
    table = pd.DataFrame({"size": [0.5, 2, 1, 3], **dict(zip(NAMES, words.T, strict=True))})
    table.assign(tree=GAPS[:, 2]).replace({"tree": -1}, np.nan).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv", {"label": "car, dog,tree"}


def in_folders(folder: Path) -> tuple[Any, dict[str, Any]]:
    for name in NAMES:
        (folder / "a" / name).mkdir(parents=True)
    for file in ("car/0.png", "dog/3.png"):
        (folder / "a" / file).write_bytes(png(X[int(file[4])]))
    (folder / "a/tree/1.png").write_bytes(png(X[1]))
    (folder / "a/dog/other.png").symlink_to("../car/0.png")
    (folder / "a/car/z.png").hardlink_to(folder / "a/dog/3.png")
    (folder / "a/car/again.png").write_bytes(png(X[0]))
    return folder / "a", {}


def in_npz(folder: Path) -> tuple[Any, dict[str, Any]]:
    gaps = np.where(GAPS < 0, np.nan, GAPS)
    np.savez(folder / "a.npz", x=X, y=gaps, tags=NAMES, x_test=X[:2], y_test=VALUES[:2])
    return folder / "a.npz", {}


def in_arrays(_: Path) -> tuple[Any, dict[str, Any]]:
    return (X, torch.tensor(GAPS)), {"classes": NAMES}


def in_items(_: Path) -> tuple[Any, dict[str, Any]]:
    gaps = torch.tensor(np.where(GAPS < 0, np.nan, GAPS))
    return [*zip(X, gaps, strict=True)], {}


SOURCES: list[Write] = [in_cells(sign) for sign in ";|,"]
SOURCES += [
    in_lists,
    as_python_writes,
    in_json,
    on_the_hub,
    in_columns,
    in_folders,
    in_npz,
    in_arrays,
    in_items,
]


@pytest.fixture(params=SOURCES, ids=lambda one: one.__name__)
def source(request: pytest.FixtureRequest) -> Write:
    return request.param


def load(folder: Path, source: Write, **options: Any) -> Dataset:
    data, own = source(folder)
    return load_dataset(data, tags=True, **{**own, **options})


def test_the_same_tags(tmp_path, source):
    data = load(tmp_path, source)
    assert data.tags is not None
    assert data.tags.names == (("0", "1", "2") if source is in_items else tuple(NAMES))
    expected = GAPS if source in (in_columns, in_npz, in_arrays, in_items) else VALUES
    assert data.tags.values.tolist() == (VALUES[[0, 3, 1]] if source is in_folders else expected).tolist()
    assert data.classes == ("absent", "present")
    assert (data.traits.names if source is in_columns else ("size",)) == ("size",)
    if source is in_folders:
        assert data.ids.tolist() == ["car/0.png", "car/z.png", "tree/1.png"]
    if data.source is not None:
        assert load_dataset(data.source, **data.ref().load_options().model_dump()).ref() == data.ref()


def test_splits(tmp_path):
    data = load(tmp_path, in_npz)
    assert data.held_out is not None
    assert data.held_out.tags is not None
    assert data.held_out.tags.values.tolist() == VALUES[:2].tolist()
    cells = {"text": [f"word {at}" for at in range(40)], "label": ["dog;car", "car", "", "tree"] * 10}
    pd.DataFrame(cells).to_csv(tmp_path / "b.csv", index=False)
    held = load_dataset(tmp_path / "b.csv", tags=True, holdout=0.2, limit=12)
    assert held.held_out is not None
    assert [np.bincount(one.labels).tolist() for one in (held, held.held_out)] == [[3, 3, 3, 3], [2, 2, 2, 2]]


def test_classes_are_tags_of_which_each_has_one(tmp_path):
    data = load_dataset("digits", tags=True)
    assert data.tags is not None
    assert (data.tags.values.argmax(axis=1) == load_dataset("digits").labels).all()
    assert "no example has two tags: without --tags they are classes" in data.notes
    pd.DataFrame({"text": TEXTS, "dog": [1, 0, None, 1]}).to_csv(tmp_path / "a.csv", index=False)
    one = load_dataset(tmp_path / "a.csv", label="dog", tags=True)
    assert one.tags is not None
    assert (one.tags.names, one.tags.values.tolist()) == (("dog",), [[1], [0], [-1], [1]])


def test_a_file_of_labels_replaces_values(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "id,tag,label,class,action\n0,dog,0,absent,\n1,tree,present,,\n3,car,1,,drop\n3,dog,1,,\n"
    )
    data = load(tmp_path, in_arrays, labels=file)
    assert data.tags is not None
    assert data.ids.tolist() == [0, 1, 3]  # of the other one nothing is known any more
    assert data.tags.values.tolist() == [[-1, 0, -1], [-1, -1, 1], [-1, 1, -1]]
    file.write_text("id,tag,label,action,by\n0,dog,0,relabel,ann\n3,car,1,drop,ann\n")
    decided = load(tmp_path, in_arrays, labels=file).tags
    assert decided is not None
    assert decided.values.tolist() == [[1, 0, 0], *GAPS[1:3].tolist(), [-1, 1, -1]]
    file.write_text("id,tag,label\n0,bird,1\n")
    with pytest.raises(BadInput, match="the tag 'bird' is none of the data"):
        load(tmp_path, in_arrays, labels=file)


PAGE = r"the page 'Boxes, masks, tokens and numbers' shows how\)$"
TWO = {"text": TEXTS[:2] * 10}
LETTERS: dict[str, Any] = {**TWO, "a": [0, 1] * 10, "b": ["1", "0"] * 10}
FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "without the switch": ((X, GAPS), {"tags": False}, "values of 0 and 1 a column, .*; add --tags"),
    "a tag of all": ((X, np.ones((4, 2))), {}, "no tag that some examples have and others lack"),
    "a tag of none": ((X, 0 * GAPS), {"classes": NAMES}, "no tag that some examples have and others lack"),
    "too few names": ((X, GAPS), {"classes": ["a", "b"]}, "4 x 3 tags named a, b, of 4 examples; give"),
    "too few rows": ((X, GAPS[:3]), {}, "3 x 3 tags named 0, 1, 2, of 4 examples; give each"),
    "a mark": ((X, GAPS), {"classes": ["a#", "b", "c"]}, "the tag 'a#' .*; rename it"),
    "names as the switch": ((X, GAPS), {"tags": NAMES}, "give True or False, and columns by label="),
    "tokens": ((X, GAPS + 2), {}, f"shape .4, 3.; .* tokens by the Recorder with groups .{PAGE}"),
    "a number in a row": (
        (X, np.where(GAPS < 0, 0.5, GAPS)),
        {},
        "row 1: the value of tag 1 is 0.5, and a tag is",
    ),
    "boxes": ((X, np.ones((4, 2, 4))), {}, f"; .*record outcomes by box or mask, .*{PAGE}"),
    "boxes in cells": ({**TWO, "label": ["[[1, 2, 3, 4]]"] * 20}, {}, f"such as boxes; .*{PAGE}"),
    "masks": ((X, np.ones((4, 5, 6), int)), {"tags": False}, f"by box or mask.*{PAGE}"),
    "numbers": ((X, [0.5, 1, 2, 4]), {}, f"put them into bins, or record as outcomes.*{PAGE}"),
    "a number in a column": (LETTERS | {"a": [0, 2] * 10}, {"label": "a,b"}, "row 1: the a is 2"),
    "a word in a column": (LETTERS | {"b": ["1", "x"] * 10}, {"label": "a,b"}, "the b is 'x'"),
    "no such column": (LETTERS, {}, "give --tags --label a,b"),
    "the input": (LETTERS, {"label": "a,b", "text": "b"}, "--text b: holds the labels"),
    "held out alone": (
        {**TWO, "label": ["a;b", "b"] * 9 + ["b", "c"], "split": ["train"] * 19 + ["test"]},
        {},
        "row 19: the tag 'c' is none of the 2 of the training examples; add",
    ),
    "no tag": ({**TWO, "label": [""] * 20}, {}, "none of 20 examples has a tag; name"),
    "lists without the switch": ({**TWO, "label": [["a"], ["a", "b"]] * 10}, {"tags": False}, "; add --tags"),
    "cells without the switch": ({**TWO, "label": ["a;b", "b"] * 10}, {"tags": False}, "; add --tags"),
    "lists of tokens": ({**TWO, "label": [["O", "O", "N"], ["O", "O"]] * 10}, {}, f"tokens by the.*{PAGE}"),
    "words of tokens": ({**TWO, "label": ["O B-PER O", "O O"] * 10}, {}, f"tokens by the Recorder.*{PAGE}"),
    "boxes as classes": (
        {**TWO, "label": ["[[1, 2, 3, 4]]", "[]"] * 10},
        {"tags": False},
        f"such as boxes.*{PAGE}",
    ),
    "tokens as classes": (
        {**TWO, "label": ["O B-PER O", "O O"] * 10},
        {"tags": False},
        f"each token; .*{PAGE}",
    ),
    "lists of boxes": ({**TWO, "label": [[[0, 1, 2, 3]], []] * 10}, {}, f"by box or mask, .*{PAGE}"),
    "pictures": ({**TWO, "label": [{"bytes": b"a"}] * 20}, {"tags": False}, f"by box or mask.*{PAGE}"),
    "measures": ({"text": TEXTS * 10, "label": [7.5 * at for at in range(40)]}, {}, PAGE[:-1]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_in_one_line(fault, tmp_path):
    source, options, told = FAULTS[fault]
    if isinstance(source, dict):
        pq.write_table(pa.table(source), tmp_path / "a.parquet")
        source = tmp_path / "a.parquet"
    with pytest.raises(BadInput, match=told) as caught:
        load_dataset(source, **{"tags": True, **options})
    assert "\n" not in str(caught.value)
