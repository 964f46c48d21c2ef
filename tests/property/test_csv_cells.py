"""CSV files that no spreadsheet takes for formulas, and from which every text comes back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, strategies as st

from easiness import BadInput, load_dataset
from easiness.csv_cells import from_cell, to_cell
from easiness.data import part_of
from easiness.engine import write_result
from easiness.show import write_csv
from easiness.spec import Loading
from easiness.studies.keeping.pruning import ids_as_text, named_positions
from easiness.studies.labels import clean

BEGINNINGS = st.sampled_from(
    ["", "'", "''", "=", "+", "-", "@", "\t", "\r", "\n", "＝", "'=", "''@", "-1", "+1e5", " =", "\u3000+"]
)
TEXTS = st.builds(
    str.__add__,
    BEGINNINGS,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
)
FORMULA = "=+-@\t\r\n＝＋－＠"


def is_number(text: str) -> bool:
    try:
        return bool(float(text)) or True
    except ValueError:
        return False


@given(TEXTS)
@example("=cmd|' /C calc'!A0")
@example("-1+cmd")
@example("'=1")
@example("-1")
@example("-1\n")
def test_every_text_comes_back_and_none_begins_a_formula(text: str) -> None:
    cell = to_cell(text)
    assert from_cell(cell) == text
    assert cell.strip()[:1] not in list(FORMULA) or is_number(cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-cat", "'-cat"),
        ("\tcat", "'\tcat"),
        ("'=1", "''=1"),
        ("-1", "-1"),
        ("+1.5e-3", "+1.5e-3"),
        ("-1-1", "'-1-1"),
        (" =1+1", "' =1+1"),
        ("' \t@a", "'' \t@a"),
        ("\ufeff\u3000-cat", "'\ufeff\u3000-cat"),
        (" -1", " -1"),
        ("'cat", "'cat"),
        ("", ""),
    ],
)
def test_what_is_written(text: str, cell: str) -> None:
    assert to_cell(text) == cell


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_tables_keep_their_texts_and_numbers(texts: list[str]) -> None:
    numbers = -np.arange(1, len(texts) + 1, dtype=float)
    table = pd.DataFrame({"id": np.array(texts, object), "=name": numbers, "whole": numbers.astype(int)})
    before = table.copy()
    file = io.BytesIO()
    write_csv(table, file)
    header, *rows = csv.reader(io.StringIO(file.getvalue().decode(), newline=""), strict=True)
    assert header == ["id", "'=name", "whole"]
    assert [from_cell(row[0]) for row in rows] == texts
    assert [(float(row[1]), int(row[2])) for row in rows] == [(one, int(one)) for one in numbers]
    pd.testing.assert_frame_equal(table, before)


def test_texts_of_every_kind_of_column_are_neutralized() -> None:
    texts = ["=a", "b"]
    table = pd.DataFrame({"object": np.array(texts, object), "string": pd.array(texts, "string")})
    table["category"] = pd.Categorical(texts)
    table["some"] = np.array(["=a", None], object)
    file = io.StringIO()
    write_csv(table, file)
    assert file.getvalue() == "object,string,category,some\n'=a,'=a,'=a,'=a\nb,b,b,\n"


@given(st.lists(TEXTS, min_size=1, max_size=5, unique=True).filter(lambda texts: "other" not in texts))
@example([""])
@example(["a", ""])
@example(["a\nb"])
@example(["\ufeffa", "b"])
def test_a_list_of_ids_names_the_same_examples_again(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("ids") / "kept.csv"
    with path.open("wb") as file:
        write_csv(pd.DataFrame({"id": np.array(texts, object)}), file)
    ids = np.array(["other", *texts], object)
    assert named_positions(path, ids).tolist() == list(range(1, len(texts) + 1))
    lines = path.with_suffix(".txt")
    try:
        lines.write_bytes(ids_as_text(ids[1:]))
    except BadInput:
        assert "" in texts or any(sign in text for text in texts for sign in "\r\n\0\ufeff")
    else:
        assert named_positions(lines, ids).tolist() == list(range(1, len(texts) + 1))


AWKWARD = st.sampled_from(
    ["=1+1", "+x", "-1", "@a", "1", "0", "2.0", " a", "a ", 'a"b', "a,b", "a;b", "a\nb"]
)
WRITTEN = st.one_of(AWKWARD, st.sampled_from(["\r", "a\r\nb", "nan", "NA", "\ufeff"]), st.text(min_size=1))


@st.composite
def worlds(draw):
    classes = tuple(draw(st.lists(WRITTEN, min_size=2, max_size=4, unique=True)))
    num = draw(st.integers(len(classes), 9))
    ids = draw(
        st.one_of(
            st.lists(WRITTEN, min_size=num, max_size=num, unique=True).map(
                lambda names: np.array(names, object)
            ),
            st.lists(st.integers(0, 10**12), min_size=num, max_size=num, unique=True).map(np.array),
        )
    )
    numbers = st.lists(st.floats(0, 1), min_size=num, max_size=num)
    label = st.lists(st.integers(0, len(classes) - 1), min_size=num, max_size=num)
    columns = {"suggested": draw(label), "p_wrong": draw(numbers), "suggested_share": draw(numbers)}
    return classes, ids, columns, draw(st.permutations(range(num)))


@given(worlds())
def test_cleaned_labels_are_those_read_again(tmp_path_factory, world):
    classes, ids, columns, order = world
    labels = np.arange(len(ids)) % len(classes)
    data = load_dataset((np.zeros((len(ids), 4, 4), np.uint8), labels), classes=classes)
    data = replace(data, ids=ids)
    ranked = pd.DataFrame({"id": ids, "label": labels, **columns})
    try:
        found = clean(ranked.iloc[list(order)], classes, 0.3, 0.6)
    except BadInput:  # a class would be left empty
        return
    file: Path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_result(file, found)
    again = part_of(data, Loading(labels=file))
    kept = {
        name: label
        for name, label, gone in zip(found.ids, found.labels, found.is_dropped, strict=True)
        if not gone
    }
    assert dict(zip(again.ids.tolist(), again.labels.tolist(), strict=True)) == kept
    assert again.ids.tolist() == [name for name in ids.tolist() if name in kept]
