"""Numbers and categories of tables become vectors, by hand-computed values; texts, and their files, stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput

NAN = float("nan")
BIRDS = pd.DataFrame(
    {
        "bill": [1.0, 3.0, NAN, 5.0, 9.0, 2.0],
        "island": ["Dream", "Biscoe", "Dream", None, "Biscoe", "Torgersen"],
        "tagged": [True, False, True, True, False, False],
        "species": ["Gentoo", "Adelie", "Gentoo", "Adelie", "Gentoo", "Adelie"],
    }
)
NAMES = (
    *("bill", "bill is missing"),
    *("island: Biscoe", "island: Dream", "island: Torgersen", "island is missing", "tagged"),
)
MADE = [  # the median of 1, 3, 5, 9 and 2 is 3
    [1, 0, 0, 1, 0, 0, 1],
    [3, 0, 1, 0, 0, 0, 0],
    [3, 1, 0, 1, 0, 0, 1],
    [5, 0, 0, 0, 0, 1, 1],
    [9, 0, 1, 0, 0, 0, 0],
    [2, 0, 0, 0, 1, 0, 0],
]


def written(path: Path, frame: pd.DataFrame, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, **options)
    else:
        frame.to_parquet(path)
    return path


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize("name", ["birds.csv", "birds.parquet"])
def test_numbers_categories_and_truths(tmp_path, name):
    data = load_dataset(written(tmp_path / name, BIRDS), label="species")
    assert data.kind.name == "vector"
    assert data.traits.names == NAMES
    assert data.array.tolist() == MADE
    assert data.classes == ("Adelie", "Gentoo")
    assert data.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert data.ids.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.notes == (
        "input: 2 numeric columns (bill, tagged) and 1 categorical column (island), 7 values a row; "
        "2 missing cells filled in",
    )
    assert load_dataset(data.source, **data.ref().load_options().model_dump()).ref() == data.ref()


def test_what_is_shown_names_the_columns(tmp_path):
    data = load_dataset(written(tmp_path / "birds.csv", BIRDS), label="species", inputs=["bill"])
    assert data.traits.names == ("bill", "bill is missing")
    shown = data.kind.show(data.array[2], data.traits).text
    # one of six is missing: mean 1/6, standard deviation sqrt(5)/6; of the bills 23/6
    assert shown == "bill is missing = 1 (+2.2 sd), bill = 3 (-0.3 sd)"


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "NA", "null", "N/A"])
def test_what_is_missing(tmp_path, cell):
    data = load_dataset(lines(tmp_path / "a.csv", "x,y,label", f"1,1,a\n{cell},2,b", "3,3,a", "4,4,b"))
    assert data.array[:, 0].tolist() == [1, 3, 3, 4]
    assert data.array[:, 1].tolist() == [0, 1, 0, 0]
    assert data.traits.names == ("x", "x is missing", "y")


def test_a_held_out_split_is_filled_by_the_training_rows(tmp_path):
    written(tmp_path / "birds" / "train.csv", BIRDS)
    test = pd.DataFrame(
        {
            "tagged": [False, True],
            "bill": [NAN, 100.0],
            "island": ["Skagen", "Dream"],
            "species": ["Adelie", "Gentoo"],
        }
    )
    written(tmp_path / "birds" / "test.csv", test)
    data = load_dataset(tmp_path / "birds", label="species")
    assert data.held_out is not None
    assert data.held_out.split == "test"
    assert data.array.tolist() == MADE
    assert data.held_out.array.tolist() == [[3, 1, 0, 0, 0, 0, 0], [100, 0, 0, 1, 0, 0, 1]]
    assert data.notes[0].endswith(
        "3 missing cells filled in; 1 held-out cell of a category that no training row has"
    )
    assert data.traits.names == data.held_out.traits.names == NAMES


def test_columns_of_lists(tmp_path):
    rows = {"embedding": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]], "age": [1, 2, 3], "label": [0, 1, 0]}
    path = written(tmp_path / "a.parquet", pd.DataFrame(rows))
    data = load_dataset(path)
    assert data.array.tolist() == rows["embedding"]
    assert data.traits.names == ("embedding[0]", "embedding[1]")
    assert data.notes[1] == "column 'age' not used, since embedding holds the vectors (--inputs names others)"
    both = load_dataset(path, inputs=["age", "embedding"])
    assert both.array.tolist() == [[1, 1, 2], [2, 3, 4], [3, 5, 6.5]]


def test_what_names_the_rows_is_no_input(tmp_path):
    rows = ["patient,ward,x,label", "P1,east,1,a", "P2,west,2,b", "P3,east,3,a"]
    data = load_dataset(lines(tmp_path / "a.csv", *rows))
    assert data.traits.names == ("ward: east", "ward: west", "x")
    why = "since each row has another text there (--inputs names others)"
    assert data.notes[1] == f"column 'patient' not used, {why}"
    assert data.ids.tolist() == ["P1", "P2", "P3"]
    again = load_dataset(lines(tmp_path / "b.csv", *rows, "P3,west,4,b"), inputs="ward,x")
    assert again.traits.names == data.traits.names
    assert again.ids.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["id", "index", "Unnamed: 0", ""])
def test_what_counts_the_rows_is_no_input(tmp_path, name):
    path = lines(tmp_path / "a.csv", f"{name},x,label", "0,1,a", "1,2,b", "2,3,a")
    data = load_dataset(path)
    assert data.traits.names == ("x",)
    assert data.notes[1] == f"column {name!r} not used, since it counts the rows (--inputs names others)"
    if name == "id":
        assert load_dataset(path, inputs="id,x").traits.names == ("id", "x")


MANY = "\n".join(f"town {n},{n % 2}" for n in [*range(51), *range(51)])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("label\na\nb", {}, "no column of images, sounds, texts or numbers"),
        ("x,label\n1,a\ninf,b", {}, r"a\.csv: line 3: the x is inf; give a finite number"),
        ("x,label\n1,a\n1e39,b", {}, r"a\.csv: line 3: the x is 1e\+39; give a finite number"),
        ("town,label\n" + MANY, {}, r"column town holds 51 different texts, too many .*--text town"),
        (
            "photo,label\n1.png,a\n2.png,b",
            {},
            "another text .*--columns path=photo",
        ),
        ("x,label\n1,a\n2,b\nzwei,a\n3,b", {}, r"line 4: the x is 'zwei', and mostly a number"),
        ("x,label", {}, r"a\.csv: no rows"),
        ("text,label\na,1\n,0", {}, r"a\.csv: line 3: the text: an empty text"),
        ("x,label,split\n1,a,train\n1,b,train\ny,b,test", {}, "line 4: the x is 'y', and elsewhere a number"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, options, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        load_dataset(path, **options)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"x": [1.0, 2.0], "born": pd.to_datetime(["2020-01-01", "2021-01-01"])}, {}, "born holds timestamp"),
        ({"e": [[1.0], [1.0, 2.0]]}, {}, "column e has rows that differ in length"),
        ({"e": [[1.0], [float("inf")]]}, {}, r"a\.parquet: row 1: value 0 of the e is inf"),
        ({"x": [1.0, float("inf")]}, {}, r"a\.parquet: row 1: the x is inf"),
    ],
)
def test_parquet_that_cannot_be_used(tmp_path, columns, options, message):
    path = written(tmp_path / "a.parquet", pd.DataFrame({**columns, "label": [0, 1]}))
    with pytest.raises(BadInput, match=message):
        load_dataset(path, **options)


def test_class_names_given_by_hand_are_for_numbers(tmp_path):
    path = lines(tmp_path / "a.csv", "x,label", "1,0", "2,1")
    assert load_dataset(path, classes=["no", "yes"]).classes == ("no", "yes")
    with pytest.raises(BadInput, match="leave out classes="):
        load_dataset(lines(tmp_path / "b.csv", "x,label", "1,a", "2,b"), classes=["no", "yes"])


def test_a_folder_of_classes_with_a_table_beside_stays_one(tmp_path):
    lines(tmp_path / "train.csv", "x,label", "1,a", "2,b")
    (tmp_path / "photos").mkdir()
    with pytest.raises(BadInput, match="class 'photos' has no image"):
        load_dataset(tmp_path)


QUESTIONS = ["Who, what?", 'A "quoted"\nline', " Ünïcode  spaced ", "'=1+1", "-"]
FRAME = pd.DataFrame({"text": QUESTIONS, "label": ["HUM", "NUM", "HUM", "NUM", "LOC"]})


def texts_of(data: Dataset) -> list[str]:
    return data.stored.texts()


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_texts_are_as_they_are_given(tmp_path, name):
    data = load_dataset(written(tmp_path / name, FRAME))
    assert data.kind.name == "text"
    assert texts_of(data) == QUESTIONS
    assert data.classes == ("HUM", "LOC", "NUM")
    assert data.labels.tolist() == [0, 2, 0, 2, 1]
    assert data.ids.tolist() == [0, 1, 2, 3, 4]
    assert data.notes == ()
    assert data.fingerprint == load_dataset((QUESTIONS, data.labels), classes=data.classes).fingerprint
    assert load_dataset(data.source, **data.ref().load_options().model_dump()).ref() == data.ref()


def test_a_column_that_was_chosen_by_its_name_is_said(tmp_path):
    data = load_dataset(written(tmp_path / "a.csv", FRAME.assign(score=range(5), id=range(5))))
    assert data.notes == ("the texts are the column 'text' (--text names another); not used: 'score'",)


def test_options_that_do_not_go_with_tables(tmp_path):
    path = written(tmp_path / "a.parquet", FRAME)
    with pytest.raises(BadInput, match="Parquet, whose texts are UTF-8; leave out --encoding"):
        load_dataset(path, encoding="latin-1")
    datasets = pytest.importorskip("datasets")
    with pytest.raises(BadInput, match="rate 8000: goes with arrays of recordings"):
        load_dataset(datasets.Dataset.from_pandas(FRAME), rate=8000)


def test_columns_of_numbers_are_no_texts(tmp_path):
    path = written(tmp_path / "a.parquet", pd.DataFrame({"text": [1, 2], "label": [0, 1]}))
    with pytest.raises(BadInput, match="column text holds int64"):
        load_dataset(path)
    path = written(tmp_path / "a.csv", FRAME.assign(n=["1", "2.5", "-3", "1e4", "0"]))
    with pytest.raises(BadInput, match="column n holds numbers"):
        load_dataset(path, text="n")
    nothing = written(tmp_path / "b.parquet", pd.DataFrame({"text": ["a", None], "label": [0, 1]}))
    with pytest.raises(BadInput, match=r"b\.parquet: row 1: the text: an empty text"):
        load_dataset(nothing)


FILES = {"ham/b.txt": "See you\nat ten\n", "ham/a.TXT": " Ünïcode", "spam/sub/c.txt": "WIN"}


def files(root: Path, files: dict[str, str] = FILES, encoding: str = "utf-8") -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))
    return root


def test_other_encodings_of_files(tmp_path):
    root = files(tmp_path / "mail", encoding="utf-16")
    with pytest.raises(BadInput, match=r"ham/a\.TXT: line 1 is not in UTF-8 \(--encoding names its own"):
        load_dataset(root)
    data = load_dataset(root, encoding="utf-16")
    assert data.stored.texts()[0] == " Ünïcode"
    assert data.ref().encoding == "utf-16"
    with pytest.raises(BadInput, match=r"ham/a\.TXT: line 1 is not in ascii, and 2 more cannot be read: "):
        load_dataset(root, encoding="ascii")


def test_files_that_cannot_be_read_are_named_or_left_out(tmp_path):
    root = files(tmp_path / "mail", {**FILES, "ham/d.txt": " \n", "spam/e.txt": "ok"})
    (root / "spam" / "e.txt").write_bytes(b"one\ntwo \xff")
    more = r"ham/d\.txt: the text is empty, and 1 more cannot be read: spam/e\.txt; mend them, or use --skip"
    with pytest.raises(BadInput, match=more):
        load_dataset(root)
    (root / "ham" / "d.txt").write_text("full")
    with pytest.raises(BadInput, match=r"spam/e\.txt: line 2 is not in UTF-8"):
        load_dataset(root)
    data = load_dataset(root, skip_unreadable=True)
    assert data.unreadable == ("spam/e.txt",)
    assert data.labels.tolist() == [0, 0, 0, 1]
    assert data.stored.name(3).endswith("/mail/spam/sub/c.txt")


def test_nothing_that_can_be_read(tmp_path):
    root = files(tmp_path / "mail", {"ham/a.txt": "", "spam/b.txt": ""})
    with pytest.raises(BadInput, match="no text in it can be read"):
        load_dataset(root, skip_unreadable=True)
