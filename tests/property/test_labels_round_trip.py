"""What `clean` writes is what ``--labels`` reads, whatever ids and classes are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, strategies as st

from easiness import BadInput, load_dataset
from easiness.data import part_of
from easiness.report import write_result
from easiness.spec import Loading
from easiness.studies.cleaning import cleaned

AWKWARD = st.sampled_from(
    ["=1+1", "+x", "-1", "@a", "1", "0", "2.0", " a", "a ", 'a"b', "a,b", "a;b", "a\nb"]
)
TEXTS = st.one_of(AWKWARD, st.sampled_from(["\r", "a\r\nb", "nan", "NA", "\ufeff"]), st.text(min_size=1))


@st.composite
def worlds(draw):
    classes = tuple(draw(st.lists(TEXTS, min_size=2, max_size=4, unique=True)))
    num = draw(st.integers(len(classes), 9))
    ids = draw(
        st.one_of(
            st.lists(TEXTS, min_size=num, max_size=num, unique=True).map(
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
        found = cleaned(ranked.iloc[list(order)], classes, 0.3, 0.6)
    except BadInput:  # a class would be left empty
        return
    file: Path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_result(file, found)
    again = part_of(data, Loading(labels=file))
    kept = {
        name: label
        for name, label, gone in zip(found.ids, found.labels, found.dropped, strict=True)
        if not gone
    }
    assert dict(zip(again.ids.tolist(), again.labels.tolist(), strict=True)) == kept
    assert again.ids.tolist() == [name for name in ids.tolist() if name in kept]
