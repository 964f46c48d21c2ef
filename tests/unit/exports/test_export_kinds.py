"""Texts and vectors in other tools: as they are, of the types that these tools have for them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Run, apply_card, card, export, load_dataset
from easiness.exports import FORMATS
from recording import believing, recorded

NUM = 30
TEXTS = [f"{text} {at}" for at in range(10) for text in ("=1+1", 'a "quoted",\nline', "שלום </script>")]
LABELS = np.arange(NUM) % 2


def record(folder: Path, data: Dataset) -> Run:
    return recorded(folder, believing(LABELS, 3, sure=3), data=data, keep_logits=True)


@pytest.fixture
def texts() -> Dataset:
    return load_dataset((TEXTS, LABELS))


@pytest.fixture
def vectors() -> Dataset:
    return load_dataset((np.random.default_rng(0).normal(size=(NUM, 5)).astype(np.float32), LABELS))


@pytest.mark.parametrize("form", ["csv", "parquet", "spotlight"])
def test_tables_have_texts(texts: Dataset, form: str, tmp_path: Path) -> None:
    run, out = record(tmp_path / "run", texts), tmp_path / f"a.{form if form == 'csv' else 'parquet'}"
    done = export(run, form, out, source=texts)
    assert done.notes == ()
    assert "dtype" not in done.then
    table = pd.read_csv(out) if form == "csv" else pd.read_parquet(out)
    expected = [f"'{one}" if one[0] == "=" and form == "csv" else one for one in TEXTS]
    assert table["text"].tolist() == expected
    assert list(table)[0 if form == "spotlight" else -1] == "text"


def test_hugging_face_datasets_loads_texts(texts: Dataset, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(record(tmp_path / "run", texts), "hf", tmp_path / "hf", source=texts)
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded["text"] == TEXTS
    assert loaded.features["text"].dtype == "string"
    assert loaded["label"] == LABELS.tolist()


def test_vectors_are_lists_of_numbers(vectors: Dataset, tmp_path: Path) -> None:
    run, values = record(tmp_path / "run", vectors), np.stack(vectors.values(np.arange(NUM)))
    done = export(run, "spotlight", tmp_path / "a.parquet", source=vectors)
    assert done.then.endswith("dtype={'vector': spotlight.Embedding})")
    np.testing.assert_array_equal(
        np.stack(pd.read_parquet(tmp_path / "a.parquet")["vector"].tolist()), values
    )
    datasets = pytest.importorskip("datasets")
    export(run, "hf", tmp_path / "hf", source=vectors)
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))["train"]
    np.testing.assert_array_equal(np.array(loaded["vector"], np.float32), values)
    export(run, "csv", tmp_path / "a.csv", source=vectors)
    assert "vector" not in pd.read_csv(tmp_path / "a.csv")


def test_cleanlab_has_texts_beside_the_labels(texts: Dataset, tmp_path: Path) -> None:
    export(record(tmp_path / "run", texts), "cleanlab", tmp_path / "a.npz", source=texts)
    kept = np.load(tmp_path / "a.npz")
    assert kept["texts"].tolist() == TEXTS
    assert kept["pred_probs"].shape == (NUM, 2)


def test_a_tool_that_shows_no_texts_says_which_take_them(texts: Dataset, tmp_path: Path) -> None:
    run = record(tmp_path / "run", texts)
    others = ", ".join(form.name for form in FORMATS if form.shows is None)
    with pytest.raises(BadInput, match=f"--to fiftyone: shows pictures, .* has texts; choose {others}$"):
        export(run, "fiftyone", tmp_path / "fo", source=texts)
    assert not (tmp_path / "fo").exists()


def test_positions_of_files_stand_beside_their_paths(tmp_path: Path) -> None:
    for at in range(NUM):
        folder = tmp_path / "in" / "ab"[at % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), at, np.uint8)).save(folder / f"{at:02d}.png")
    found = load_dataset(tmp_path / "in")
    data = dataclasses.replace(found, ids=np.arange(NUM), labels=LABELS, source=None)
    run = record(tmp_path / "run", data)
    export(run, "parquet", tmp_path / "a.parquet", source=data)
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert list(table)[-1] == "path"
    assert [Path(one).name for one in table["path"]] == [Path(one).name for one in found.ids]


def test_a_card_knows_texts_whatever_their_spaces(texts: Dataset, tmp_path: Path) -> None:
    made = card(record(tmp_path / "run", texts), tmp_path / "card", source=texts)
    order = np.random.default_rng(1).permutation(NUM)
    copy = [f"  {TEXTS[at]}".replace(" ", "\u00a0 ") for at in order]
    found = apply_card(made.path, load_dataset((copy, LABELS[order])))
    assert found.text == f"{NUM} of {NUM} examples found by their values"
    assert found.table["card_id"].tolist() == order.tolist()
    with pytest.raises(BadInput, match=r"none of its 2 texts is in the card .*texts have to be the same"):
        apply_card(made.path, load_dataset((["another", "and one"], [0, 1])))


def test_types_are_said_to_hugging_face(vectors: Dataset, texts: Dataset, tmp_path: Path) -> None:
    said: dict[str, Any] = {}
    for name, data in (("vector", vectors), ("text", texts)):
        export(record(tmp_path / f"run {name}", data), "hf", tmp_path / name, source=data)
        (file,) = (tmp_path / name / "data").iterdir()
        meta = json.loads(pq.read_schema(file).metadata[b"huggingface"])
        said[name] = meta["info"]["features"][name]
    assert said["text"] == {"_type": "Value", "dtype": "string"}
    assert said["vector"]["feature"] == {"_type": "Value", "dtype": "float32"}
