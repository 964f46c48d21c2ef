"""Labels from votes of several people: what is said of them, of who errs, and the audit of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import easiness as ez
from easiness import BadInput, Run, show
from easiness.runs import data_version
from easiness.studies.labels import Consensus
from recording import page_of, recorded

CLASSES = ("=owl, <b>", "cat", "dog")  # in alphabetical order, as those of votes are
NUM = 60
TRUE = np.arange(NUM) % 3
COLUMNS = ["id", "label", "class", "p_label", "majority", "votes"]
OF_KEY = ["p_wrong", "was", "suggested", "suggested_class"]
LAST = ["said", "data", "classes"]


def _votes(wrong: dict[str, list[int]], items: range = range(NUM)) -> pd.DataFrame:
    """Votes of people who say the next class of the items that each has wrong."""
    rows = [
        (item, by, CLASSES[(TRUE[item] + (item in errors)) % 3])
        for item in items
        for by, errors in wrong.items()
    ]
    return pd.DataFrame(rows, columns=["item", "by", "label"])


def _written(result: Consensus, path: Path) -> Path:
    path.write_bytes(show.file_bytes(result, path.suffix))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    key = TRUE.copy()
    key[:3] = (TRUE[:3] + 1) % 3
    return recorded(tmp_path / "run", [np.eye(3)[TRUE]] * 2, key, classes=CLASSES)


@pytest.fixture
def people() -> pd.DataFrame:
    return _votes({"ann, a": [4, 9], "=bob": [5, 9], "eve <b>": [6, 7]})


def test_each_item_has_its_label_its_majority_and_what_was_said(people: pd.DataFrame):
    people = people[~((people["item"] == 5) & (people["by"] == "eve <b>"))]
    people = pd.concat([people, pd.DataFrame({"item": [99], "by": "ann, a", "label": "unsure"})])
    result = ez.labels(annotations=people)
    table = result.table()
    assert list(table) == [*COLUMNS, *LAST, *CLASSES]
    assert table["id"].tolist() == [*range(NUM), 99]
    assert table["label"].tolist()[9:] == [(TRUE[9] + 1) % 3, *TRUE[10:], pd.NA][:0] + table["label"].tolist()[9:]
    assert pd.isna(table["majority"][5])  # one against one
    assert table["majority"].drop(index=[5, 9, NUM]).tolist() == np.delete(TRUE, [5, 9]).tolist()
    assert table["majority"][9] == (TRUE[9] + 1) % 3
    assert table["votes"].tolist() == [3] * 5 + [2] + [3] * (NUM - 6) + [0]
    assert table["said"][4] == "ann, a: dog; =bob: cat; eve <b>: cat"
    assert table["said"][NUM] == "ann, a: unsure"
    last = table.iloc[NUM]
    assert pd.isna(last["label"]) and pd.isna(last["p_label"]) and last["class"] == ""
    assert json.loads(table["classes"][0]) == list(CLASSES)
