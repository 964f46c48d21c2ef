"""Labels of every kind; those that are no class of each example are told by what there is instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness import BadInput, load_dataset

WORDS = ["a good film", "a bad film", "a fine day", "a poor day"]


def _table(path: Path, columns: dict[str, list[Any]], text: bool = True) -> Path:
    """A CSV of texts, or of a number each, beside the columns; each is repeated to 40 rows."""
    num = 40
    examples = {"text": [f"{WORDS[at % 4]} {at}" for at in range(num)]} if text else {"v": [*range(num)]}
    cells = {name: [values[at % len(values)] for at in range(num)] for name, values in columns.items()}
    rows = zip(*examples.values(), *cells.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [[*examples, *cells], *rows]))
    return path


FLAGS = "hold 0 and 1, a class each, put the name"
NO_HINT = "; name the column of the labels with --label NAME$"
NONE: dict[str, tuple[dict[str, list[Any]], str]] = {
    "one-hot": ({"is_dog": [1, 0], "is_cat": [0, 1]}, f"is_dog, is_cat {FLAGS}"),
    "several": (
        {"dog": [1, 0, 1, 0], "outdoor": [1, 1, 0, 0]},
        f"dog, outdoor {FLAGS}.*several give --tags --label dog,outdoor",
    ),
    "classes with numbers": (
        {f"class_{at}": [int(at == row) for row in range(3)] for at in range(3)},
        f"class_0, class_1, class_2 {FLAGS}",
    ),
    "inputs of 0 and 1": (
        {"red": [1, 0, 0], "green": [0, 1, 0], "blue": [0, 0, 1], "outcome": ["a", "b", "a"]},
        f"with --label NAME; if red, green, blue {FLAGS}",
    ),
    "inputs with numbers": (
        {"a1": [5, 5, 5, 3], "a2": [5, 5, 5, 4], "a3": [0.5, 1, 2, 3], "species": ["a", "b", "a", "b"]},
        NO_HINT,
    ),
    "inputs of other numbers": (
        {"a1": [5, 5, 5, 3], "a2": [5, 5, 5, 4], "species": ["a", "b", "a", "b"]},
        NO_HINT,
    ),
    "boxes": ({"x": [1], "y": [2], "w": [3], "h": [4]}, "x, y, w, h hold boxes, crop each box"),
    "boxes in words": ({"bbox": ["0 0 2 2"]}, "bbox hold boxes"),
    "corners of boxes": (
        {"xmin": [0], "ymin": [0], "xmax": [2], "ymax": [2]},
        "xmin, ymin, xmax, ymax hold boxes",
    ),
    "nothing that is known": ({"length": [3, 4]}, NO_HINT),
}


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("name", NONE)
def test_without_a_column_of_labels_it_is_told_what_there_is(name, text, tmp_path, refused):
    columns, told = NONE[name]
    table = _table(tmp_path / "a.csv", columns, text)
    with pytest.raises(BadInput, match=f"no column label.*{told}"):
        load_dataset(table)
    assert "no column label" in refused("measure", table, "--out", tmp_path / "run")


def test_a_picture_with_several_boxes_is_to_be_cropped(tmp_path, picture):
    picture().save(tmp_path / "0.png")
    file = tmp_path / "list.csv"
    file.write_text("path,label,x,y,w,h\n0.png,cat,0,0,2,2\n0.png,dog,1,1,2,2")
    with pytest.raises(BadInput, match=r"line 3: 0\.png is in line 2 already; .*where they are boxes, crop"):
        load_dataset(file)


@pytest.mark.parametrize(
    ("pictures", "other", "message"),
    [
        (["JPEGImages/1.png"], "Annotations/1.xml", "class 'Annotations' has no image"),
        (["images/1.png"], "labels/1.txt", "class 'labels' has no image"),
        (["train/1.png", "valid/2.png"], "data.yaml", "as of boxes; crop each box"),
    ],
)
def test_layouts_of_boxes_are_refused(pictures, other, message, tmp_path, picture):
    for name in [*pictures, other]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("0 0.5 0.5 0.2 0.2\n")
    for name in pictures:
        picture().save(tmp_path / name)
    with pytest.raises(BadInput, match=message):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        *([f"dog{sign}outdoor", "cat", "dog", f"cat {sign} outdoor", "outdoor"] for sign in ";|"),
        *([label, "['cat']", "[]"] for label in ("['dog', 'outdoor']", '["dog","outdoor"]', "['dog' 'out']")),
        ["dog, outdoor", "outdoor", "dog", "cat"],  # with a comma all parts are labels
    ],
)
def test_several_labels_in_a_cell(labels, tmp_path):
    cells = ['"{}"'.format(one.replace('"', '""')) for one in labels]
    with pytest.raises(BadInput, match=r"the label .*(dog|cat).*out.* several labels"):
        load_dataset(_table(tmp_path / "a.csv", {"label": cells}))


@pytest.mark.parametrize(
    ("labels", "noted"),
    [
        (["Shoes;Boots", "Shoes;Sandals", "Tops;Shirts"], False),
        (["salt;pepper", "none"], False),
        (["Shoes", "Shoes;Boots"], True),
        (["neither; nor", "either"], False),
        (["dog;outdoor", "cat;outdoor", "dog;indoor", "cat;indoor"], False),  # a class for each pair
        (["A;red", "B;red", "C;blue"], False),
        (["Portland, Maine", "Maine"], True),
        (["red, round", "red, flat", "blue, flat"], False),
        (["['dog, small']", "['cat']"], False),
        (["[0, 10]", "(10, 20]"], False),
        (["O", "B-PER", "I-PER"], False),  # a token a row
    ],
)
def test_names_of_plain_use_are_classes(labels, noted, tmp_path):
    data = load_dataset(_table(tmp_path / "a.csv", {"label": [f'"{label}"' for label in labels]}))
    assert sorted(data.classes) == sorted(labels)
    assert any("may be several labels" in note for note in data.notes) == noted


def test_numbers_as_targets(tmp_path):
    with pytest.raises(BadInput, match="the labels are 40 different numbers of 40 examples"):
        load_dataset(_table(tmp_path / "a.csv", {"label": [1000 + 7 * at for at in range(40)]}))
    with pytest.raises(BadInput, match=r"the label is 0\.5, and labels are whole numbers or names; put"):
        load_dataset(_table(tmp_path / "b.csv", {"label": [0.5, 1.25, 3]}))
    # names of classes that are numbers, some examples each
    data = load_dataset(_table(tmp_path / "d.csv", {"label": [10 * at for at in range(10)]}))
    assert (data.num_classes, [note for note in data.notes if "number" in note]) == (10, [])
    data = load_dataset(_table(tmp_path / "e.csv", {"label": [7 * at for at in range(30)]}))
    assert data.num_classes == 30


@pytest.mark.parametrize(
    ("first", "num", "noted"),
    [(25, 21, True), (2, 21, True), (25, 20, False), (0, 30, False), (1, 30, False)],
)
def test_whole_numbers_that_may_measure_are_noted(first, num, noted, tmp_path):
    rows = [f"a text {at},{first + at % num}" for at in range(2 * num)]
    (tmp_path / "a.csv").write_text("\n".join(["text,age", *rows]))
    data = load_dataset(tmp_path / "a.csv", label="age")
    assert data.num_classes == num
    notes = f"the labels are {num} whole numbers from {first} to {first + num - 1}, "
    assert any(notes in note for note in data.notes) == noted


TIMES = 3  # groups of rows
NARROW = pa.decimal32(7, 0) if hasattr(pa, "decimal32") else pa.decimal128(7, 0)


def written(folder, labels):
    """Two files of texts with the same labels in each row group."""
    for name in ("train-0", "train-1"):
        rows = pa.table({"text": [f"the text {at}" for at in range(len(labels) * TIMES)]})
        rows = rows.append_column("label", pa.concat_arrays([labels] * TIMES))
        pq.write_table(rows, folder / f"{name}.parquet", row_group_size=len(labels))
    return folder


@pytest.mark.parametrize(
    ("labels", "found", "classes"),
    [
        (pa.array([True, False, True]), [1, 0, 1], ("0", "1")),
        (pa.array([2, 7, 2], pa.uint8()), [0, 1, 0], ("2", "7")),
        (pa.array([1.0, 0.0, 0.0], pa.float32()), [1, 0, 0], ("0", "1")),
        (pa.array([1.0, 0.0, 0.0]).cast(pa.float16()), [1, 0, 0], ("0", "1")),
        (pa.array([10, 2, 10]).cast(pa.decimal128(22, 2)), [1, 0, 1], ("2", "10")),
        (pa.array([10, 2, 10]).cast(pa.decimal128(22, 0)).cast(NARROW), [1, 0, 1], ("2", "10")),
        (pa.array(["b", "a", "b"], pa.large_string()), [1, 0, 1], ("a", "b")),
        (pa.array(["b", "a", "b"]).dictionary_encode(), [1, 0, 1], ("a", "b")),
        (pa.array(["10", "9", "9"]), [1, 0, 0], ("9", "10")),
        (pa.array(["1", "2", "1"]), [0, 1, 0], ("1", "2")),  # numbers with a gap before them are names
        (pa.array(["1.0", "0.0", "1.0"]), [1, 0, 1], ("0", "1")),
        (pa.array(["2", "0", "1"]), [2, 0, 1], ("0", "1", "2")),
        (pa.array(["01", "02", "01"]), [0, 1, 0], ("01", "02")),
        (pa.array(["b", "7", "b"]), [1, 0, 1], ("7", "b")),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_labels_of_any_type(labels, found, classes, tmp_path):
    data = load_dataset(written(tmp_path, labels))
    assert data.labels.tolist() == found * 2 * TIMES
    assert data.classes == classes
    if labels.type == pa.string():
        pq.read_table(tmp_path / "train-0.parquet").to_pandas().to_csv(tmp_path / "a.csv", index=False)
        data = load_dataset(tmp_path / "a.csv")
        assert data.labels.tolist() == found * TIMES
        assert data.classes == classes


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (pa.array([True, None, True]), "row 1: the label is empty"),
        (pa.array([0.0, float("nan"), 1.0]), "row 1: the label is empty"),
        (pa.array([None] * 3), "column label holds null and no labels"),
        (pa.array([None] * 3, pa.decimal128(5, 0)), "row 0: the label is empty"),
    ],
    ids=str,
)
def test_the_first_row_that_is_wrong_is_named(labels, told, tmp_path):
    with pytest.raises(BadInput, match=told):
        load_dataset(written(tmp_path, labels))
