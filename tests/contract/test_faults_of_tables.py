"""Every fault of a table in every form of table and kind of example: one line that names the row."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import png

Columns = list[tuple[str, list[Any]]]
NUM = 8
LABELS = ["ant", "bee"] * 4


def picture(at: int) -> bytes:
    return png(np.full((4, 4, 3), 20 * at, np.uint8))


def as_csv(path: Path, columns: Columns) -> Any:
    rows = [[name for name, _ in columns], *zip(*(cells for _, cells in columns), strict=True)]
    path.write_text("\n".join(";".join("" if cell is None else str(cell) for cell in row) for row in rows))
    return path


def as_gzip(path: Path, columns: Columns) -> Any:
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(as_csv(path, columns).read_bytes()))
    return packed


def as_parquet(path: Path, columns: Columns) -> Any:
    arrays = [pa.array(cells) for _, cells in columns]
    pq.write_table(pa.Table.from_arrays(arrays, [name for name, _ in columns]), path, row_group_size=3)
    return path


def as_json_lines(path: Path, columns: Columns) -> Any:
    names, cells = zip(*columns, strict=True)
    path.write_text(
        "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True))
    )
    return path


def as_json(path: Path, columns: Columns) -> Any:
    path.write_text(f"[{','.join(as_json_lines(path, columns).read_text().splitlines())}]")
    return path


def as_hub(_: Path, columns: Columns) -> Any:
    table = datasets.Dataset.from_dict(dict(columns))
    pictures = [name for name in table.column_names if name == "image"]
    return table.cast_column("image", datasets.Image()) if pictures else table


class Form(NamedTuple):
    """How tables are written, and what row i is called."""

    write: Callable[[Path, Columns], Any]
    suffix: str
    row: str
    kinds: tuple[str, ...]
    typed: bool = True
    doubles: bool = False


FORMS = {
    "csv": Form(as_csv, ".csv", "line {line}", ("text", "size", "path"), typed=False, doubles=True),
    "csv.gz": Form(as_gzip, ".csv", "line {line}", ("text",), typed=False, doubles=True),
    "parquet": Form(as_parquet, ".parquet", "row {row}", ("text", "size", "path", "image"), doubles=True),
    "jsonl": Form(as_json_lines, ".jsonl", "row {row}", ("text", "size", "path")),
    "json": Form(as_json, ".json", "row {row}", ("text",)),
    "hub": Form(as_hub, "", "row {row}", ("text", "size", "image")),
}
SOURCES = [(name, kind) for name, form in FORMS.items() for kind in form.kinds]


class Table:
    """A table without faults, which a fault changes."""

    def __init__(self, kind: str) -> None:
        cells: dict[str, list[Any]] = {
            "text": [f"words {at}" for at in range(NUM)],
            "size": [at + 0.5 for at in range(NUM)],
            "path": [f"{at}.png" for at in range(NUM)],
            "image": [picture(at) for at in range(NUM)],
        }
        self.columns: dict[str, list[Any]] = {kind: cells[kind], "label": list(LABELS)}
        self.columns["key"] = [f"k{at}" for at in range(NUM)]
        self.columns["film"] = [f"f{at // 2}" for at in range(NUM)]
        self.again: list[str] = []
        self.options: dict[str, Any] = {"without": ["key", "film"]} if kind == "size" else {}

    def put(self, name: str, row: int, cell: Any) -> None:
        self.columns[name][row] = cell

    def written(self, form: Form, folder: Path) -> Any:
        for at in range(NUM):
            (folder / f"{at}.png").write_bytes(picture(at))
        columns = [*self.columns.items(), *((name, self.columns[name]) for name in self.again)]
        return form.write(folder / f"table{form.suffix}", columns)


def rename(of: str, name: str) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        table.columns = {name if one == of else one: cells for one, cells in table.columns.items()}

    return change


def put(name: str, row: int, cell: Any, **options: Any) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        table.options |= options
        table.put(name, row, cell)

    return change


def asked(**options: Any) -> Callable[[Table], None]:
    return lambda table: table.options.update(options)


def column(name: str, cells: list[Any]) -> Callable[[Table], None]:
    return lambda table: table.columns.update({name: cells})


def doubled(name: str) -> Callable[[Table], None]:
    return lambda table: table.again.append(name)


FAULTS: dict[str, tuple[Callable[[Table], None], str]] = {
    "no label": (rename("label", "labels"), r"no column label \(did you mean labels.*--label"),
    "another label": (asked(label="lable"), r"no column lable \(did you mean label"),
    "empty label": (put("label", 5, ""), "{5}: the label is empty"),
    "blank label": (put("label", 5, "  "), "{5}: the label is empty"),
    "space at a label": (put("label", 4, " bee"), "{4}: the label ' bee' has spaces"),
    "end of a line in a label": (put("label", 4, "be\u2028e"), "{4}: the label 'be.*e' has spaces"),
    "negative label": (column("label", [0, 1, 0, 1, 0, -1, 0, 1]), "{5}: label -1 is out of range"),
    "label with a fraction": (column("label", [0.0, 1, 0, 0.5, 0, 1, 0, 1]), r"{3}: the label is 0\.5"),
    "one class": (column("label", ["ant"] * NUM), r"only one class \('ant'\)"),
    "several labels": (column("label", ["ant|bee", *LABELS[1:]]), "'ant.bee' is several labels"),
    "unknown split": (
        column("split", ["train"] * 7 + ["trian"]),
        r"{7}: unknown split 'trian' \(did you mean tr",
    ),
    "nothing to train on": (column("split", ["test"] * NUM), "no rows for training"),
    "a class of the other split": (
        lambda table: (table.put("label", 7, "hen"), column("split", ["train"] * 7 + ["test"])(table))[0],
        "{7}: class 'hen' does not occur in train",
    ),
    "doubled id": (put("key", 6, "k2", id="key", without=["film"]), "{6}: the id 'k2' is in {2} already"),
    "empty id": (put("key", 6, "", id="key", without=["film"]), "{6}: the key for --id is empty"),
    "no id": (asked(id="kay"), r"no column kay \(did you mean key"),
    "empty group": (put("film", 3, " ", group="film", without=["key"]), "{3}: the film to group by is empty"),
    "no group": (asked(group="flim"), r"no column flim \(did you mean film"),
    "to do without nothing": (asked(without=["kye"]), r"no column kye \(did you mean key"),
    "to do without labels": (asked(without=["label"]), "--without label: is the column for --label"),
    "to do without ids": (asked(without=["key"], id="key"), "--without key: is the column for --id"),
    "two kinds": (
        asked(text="film", inputs=["label"], without=None),
        "--text film: --inputs names other examples",
    ),
    "no text": (asked(text="words"), "no column words"),
    "labels as text": (asked(text="label"), "--text label: holds the labels"),
    "no sound": (asked(sound="speech"), "no column (named )?speech"),
    "labels as sound": (asked(sound="label"), "--sound label: holds the labels"),
    "labels as inputs": (asked(inputs=["label"]), "--inputs label: holds the labels"),
    "no input": (asked(inputs=["siez"]), "no column siez"),
    "no path": (asked(columns={"path": "flie"}), "no column flie"),
    "no split": (asked(columns={"split": "fold"}), "no column fold"),
}
TYPED: dict[str, tuple[Callable[[Table], None], str]] = {
    "missing label": (put("label", 1, None), "{1}: the label is empty"),
    "lists of labels": (column("label", [[0], [1]] * 4), "column label holds .*list.* and no labels"),
    "lists as ids": (
        lambda table: (column("key", [[0]] * NUM)(table), asked(id="key", without=["film"])(table))[0],
        "column key holds",
    ),
}
DOUBLED: dict[str, tuple[Callable[[Table], None], str]] = {
    "two labels": (doubled("label"), "column label occurs more than once"),
    "two columns of ids": (
        lambda table: (doubled("key")(table), asked(id="key", without=["film"])(table))[0],
        "column key occurs",
    ),
}
CASES = [
    *((form, kind, *fault) for form, kind in SOURCES for fault in FAULTS.items()),
    *((form, kind, *fault) for form, kind in SOURCES if FORMS[form].typed for fault in TYPED.items()),
    *((form, kind, *fault) for form, kind in SOURCES if FORMS[form].doubles for fault in DOUBLED.items()),
]


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASINESS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize(
    ("form", "kind", "name", "fault"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_faults(form, kind, name, fault, tmp_path):
    change, told = fault
    table = Table(kind)
    change(table)
    for row in range(NUM):
        told = told.replace(f"{{{row}}}", FORMS[form].row.format(row=row, line=row + 2))
    with pytest.raises(BadInput, match=told) as caught:
        load_dataset(table.written(FORMS[form], tmp_path), **table.options)
    assert "\n" not in str(caught.value), name


@pytest.mark.parametrize(("form", "kind"), SOURCES)
def test_without_a_fault_ids_and_groups_are_those_of_their_columns(form, kind, tmp_path):
    table = Table(kind)
    column("split", ["train"] * 6 + ["val"] * 2)(table)
    source = table.written(FORMS[form], tmp_path)
    data = load_dataset(source, id="key", group="film")
    assert data.ids.tolist() == [f"k{at}" for at in range(6)]
    assert data.groups is not None
    assert data.groups.tolist() == ["f0", "f0", "f1", "f1", "f2", "f2"]
    assert data.held_out is not None
    assert data.held_out.ids.tolist() == ["k6", "k7"]
    assert data.classes == ("ant", "bee")
    assert kind != "size" or data.traits.names == ("size",)
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert data.held_out.labels.tolist() == [0, 1]
    if data.source is not None:
        again = load_dataset(data.source, **data.ref().load_options().model_dump())
        assert again.ref() == data.ref()
    kept = tmp_path / "kept.csv"
    kept.write_text("id,label\nk4,ant\nk1,bee\n")
    listed = load_dataset(source, id="key", group="film", labels=kept)
    assert listed.ids.tolist() == ["k1", "k4"]
    assert listed.groups is not None
    assert listed.groups.tolist() == ["f0", "f2"]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl", "hub"])
def test_ids_of_whole_numbers_are_such(form, tmp_path):
    table = Table("size")
    column("key", [7, 1, 2, 3, 4, 5, 6, 0])(table)
    data = load_dataset(table.written(FORMS[form], tmp_path), id="key", without=["film"])
    assert data.ids.dtype == np.int64
    assert data.ids.tolist() == [7, 1, 2, 3, 4, 5, 6, 0]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl", "hub"])
def test_all_columns_that_cannot_be_used_are_named_at_once(form, tmp_path):
    table = Table("size")
    column("born", [f"2001-02-0{at}, a note" for at in range(NUM)])(table)
    column("most", [*map(str, range(7)), "x"])(table)
    source = table.written(FORMS[form], tmp_path)
    told = r"3 columns cannot be used \(column born holds another text .*the most is 'x', and mostly"
    with pytest.raises(BadInput, match=told) as caught:
        load_dataset(source, inputs=["size", "born", "key", "most"])
    command = re.search(r"--without (\S+),", str(caught.value))
    assert command is not None
    assert command[1] == "born,key,most"
    data = load_dataset(source, without=["born", "most", "key", "film"])
    assert data.traits.names == ("size",)
