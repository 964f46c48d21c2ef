"""Tables of texts: as they are given, from CSV, Parquet and the `datasets` library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput

QUESTIONS = ["Who, what?", 'A "quoted"\nline', " Ünïcode  spaced ", "'=1+1", "-"]
FRAME = pd.DataFrame({"text": QUESTIONS, "label": ["HUM", "NUM", "HUM", "NUM", "LOC"]})


def texts_of(data: Dataset) -> list[str]:
    return data.stored.texts()


def written(path: Path, frame: pd.DataFrame, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, **options)
    else:
        frame.to_parquet(path)
    return path


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


def test_other_encodings(tmp_path):
    path = written(tmp_path / "a.csv", FRAME, encoding="latin-1")
    with pytest.raises(BadInput, match=r"a\.csv: line 5: .*not UTF-8; .*--encoding, such as latin-1"):
        load_dataset(path)
    assert texts_of(load_dataset(path, encoding="latin-1")) == QUESTIONS
    with pytest.raises(BadInput, match=r"a\.csv: line 5: .*not UTF-8"):
        load_dataset(path, text="text")
    with pytest.raises(BadInput, match=r"a\.csv: line 5: the table is not in ascii; give --encoding its own"):
        load_dataset(path, encoding="ascii", text="text")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("text,label\na,1\n,0", {}, r"a\.csv: line 3: the text: an empty text"),
        ("text,label\na,1\n  ,0", {}, r"a\.csv: line 3: the text: an empty text"),
        ('text,label\n"a,1\nb,0', {"text": "text"}, "is not CSV"),
        ("text,label\na,1\nb,0", {"columns": {"path": "text"}}, "no file a in"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, options, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as told:
        load_dataset(path, **options)
    assert "\n" not in str(told.value)


def test_options_that_do_not_go_with_tables(tmp_path):
    path = written(tmp_path / "a.parquet", FRAME)
    with pytest.raises(BadInput, match="Parquet, whose texts are UTF-8; leave out --encoding"):
        load_dataset(path, encoding="latin-1")
    datasets = pytest.importorskip("datasets")
    with pytest.raises(BadInput, match="rate 8000: goes with arrays of recordings"):
        load_dataset(datasets.Dataset.from_pandas(FRAME), rate=8000)


def test_columns_of_numbers_are_no_texts(tmp_path):
    path = written(tmp_path / "a.parquet", pd.DataFrame({"text": [1, 2], "label": [0, 1]}))
    with pytest.raises(BadInput, match="column text holds int64 and no texts; name another"):
        load_dataset(path)
    nothing = written(tmp_path / "b.parquet", pd.DataFrame({"text": ["a", None], "label": [0, 1]}))
    with pytest.raises(BadInput, match=r"b\.parquet: row 1: the text: an empty text"):
        load_dataset(nothing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "n"}, "column n holds numbers and no texts"),
        ({"text": "text", "sound": "n"}, "--text text: --sound names other examples; give one of them"),
        ({"inputs": "n", "sound": "text"}, "--sound text: --inputs names other examples; give one of them"),
    ],
)
def test_columns_that_hold_no_texts_are_refused(tmp_path, options, message):
    path = written(tmp_path / "a.csv", FRAME.assign(n=["1", "2.5", "-3", "1e4", "0"]))
    with pytest.raises(BadInput, match=message):
        load_dataset(path, **options)
