"""Several tags an example on their way to others: in pages, exports and cards."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from easiness import BadInput, card, export
from easiness.exports import apply_card
from easiness.pages.examples import found_within
from easiness.studies.suspects import nearest_by_class
from recording import tagged_pictures


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    return tagged_pictures(tmp_path_factory.mktemp("tagged") / "run")


def test_an_example_is_made_once_for_all_its_questions(tagged, monkeypatch):
    run, data = tagged
    made, show = [], data.kind.show
    monkeypatch.setattr(type(data.kind), "show", lambda _, *about: made.append(0) or show(*about))
    found = found_within(run, data, [("train", one) for one in run.ids[:9].tolist()]).by_name
    assert len(made) == len({id(one) for one in found.values()}) == len({*run.tags.examples[:9]})


def test_the_nearest_are_examples_with_the_tag_and_without(tagged):
    run, data = tagged
    at = np.array([4, 100, 333])
    near, _ = nearest_by_class(run, at, 1 - run.labels[at], source=data)
    assert near is not None
    vectors = np.load(run.path.parent / "vectors.npy")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row, label in np.ndindex(3, 2):
        own, found = at[row], near[row, int(label != run.labels[at[row]])]
        mask = (run.tags.of == run.tags.of[own]) & (run.labels == label) & (np.arange(len(run.ids)) != own)
        cosine = unit[run.tags.examples[mask]] @ unit[run.tags.examples[own]]
        np.testing.assert_array_equal(found, np.flatnonzero(mask)[np.argsort(-cosine, kind="stable")[:4]])


def test_exports_are_by_question_or_by_example(tagged, tmp_path):
    run, data = tagged
    export(run, "csv", tmp_path / "a.csv", data=data)
    rows = pd.read_csv(tmp_path / "a.csv")
    assert (rows["id"].astype(str) + "#" + rows["tag"]).tolist() == run.ids.tolist()
    export(run, "hf", tmp_path / "hf", data=data)
    table = pq.read_table(tmp_path / "hf" / "data" / "train-00000-of-00001.parquet")
    assert table["tags"].to_pylist() == [np.flatnonzero(row == 1).tolist() for row in data.tags.values]
    np.testing.assert_array_equal(
        np.isnan(np.array(table["p_wrong"].to_pylist(), float)), data.tags.values == -1
    )
    assert "multilabel" in export(run, "cleanlab", tmp_path / "a.npz", data=data).then
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["labels"], data.tags.values[data.tags.values[:, 1] >= 0])
    with pytest.raises(BadInput, match=r"one class an example.*choose hf, cleanlab"):
        export(run, "torch", tmp_path / "b.npz", data=data)


def test_tasks_ask_whether_a_tag_is_there(tagged, tmp_path):
    run, data = tagged
    export(run, "label-studio", tmp_path / "tasks", data=data)
    first = json.loads((tmp_path / "tasks" / "tasks.json").read_text("utf-8"))[0]["data"]
    assert first["question"] == "Labelled as absent. dog: is it there?"


def test_a_card_finds_tags_by_example_and_tag(tagged, tmp_path):
    run, data = tagged
    card(run, tmp_path / "card", data=data)
    scores = apply_card(tmp_path / "card", data)
    assert scores.text == "696 of 696 questions found by their values"
    np.testing.assert_allclose(scores.table["difficulty"], run.scores()["difficulty"])
    with pytest.raises(BadInput, match="has classes, unlike the card"):
        apply_card(tmp_path / "card", replace(data, tags=None, labels=data.tags.values[:, 0]))
