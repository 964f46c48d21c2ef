"""Each format, read by the tool that it is for, and what cannot be exported."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from easiness import BadInput, export, load_dataset, measure, open_run
from easiness.exports import FORMATS
from pixels import images_of, write_pictures
from recording import recorded

NUM = 100
FILES = {
    "cleanlab": "a.npz",
    "spotlight": "a.parquet",
    "torch": "a.npz",
    "csv": "a.csv",
    "parquet": "a.parquet",
}


@pytest.fixture(scope="module")
def run(made_once):
    """Four trials on 100 digits, each without a fifth of them, logits kept."""

    def make(out):
        size = dict[str, Any](model="mlp_3", trials=4, epochs=2, precision="float32")
        kept: dict[str, Any] = {"train_share": 0.8, "keep_logits": True, "keep_weights": False}
        measure(load_dataset("digits", limit=NUM), **size, **kept, out=out, progress=False)

    return open_run(made_once("exported", make))


@pytest.fixture(scope="module")
def with_held_out(tmp_path_factory):
    """Three trials on pictures of two classes, dark and light: 24 in train/, 10 in val/."""
    folder = tmp_path_factory.mktemp("held_out")
    rng = np.random.default_rng(0)
    for split, number in {"train": 12, "val": 5}.items():
        for at, name in enumerate(("dark", "light")):
            pictures = rng.integers(128 * at, 128 * at + 100, (number, 12, 12, 3), np.uint8)
            names = (f"{split}/{name}/{split}{i:02d}.png" for i in range(number))
            write_pictures(folder / "in", zip(names, pictures, strict=True))
    size = dict[str, Any](model="mlp_3", trials=3, epochs=2, precision="float32", progress=False)
    return measure(folder / "in", **size, keep_logits=True, cache=False, out=folder / "run")


@pytest.fixture(scope="module")
def scores(run):
    return run.scores()


def test_hugging_face_datasets_loads_pictures_names_and_scores(run, scores, tmp_path):
    datasets = pytest.importorskip("datasets")
    done = export(run, "hf", tmp_path / "hf")
    assert done.notes == ()
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.num_rows == NUM
    assert loaded.features["label"].names == list(run.classes)
    assert loaded["id"] == scores["id"].tolist()
    assert loaded["label"] == scores["label"].tolist()
    np.testing.assert_array_equal(loaded["easiness"], scores["easiness"])
    digits = load_dataset("digits", limit=NUM)
    for position in (0, 57, 99):
        picture = np.asarray(loaded[position]["image"])
        np.testing.assert_array_equal(picture, images_of(digits)[position, 0].numpy())


def test_what_is_exported_for_hugging_face_is_a_source(run, tmp_path):
    export(run, "hf", tmp_path / "hf")
    again = load_dataset(tmp_path / "hf" / "data")
    np.testing.assert_array_equal(again.labels, run.labels)
    assert again.classes == run.classes


def test_cleanlab_takes_labels_and_probabilities(run, tmp_path):
    done = export(run, "cleanlab", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    out = kept["out_of_sample"]
    left = np.stack([~trial.columns(2, ["trained_on"])["trained_on"] for trial in run.trials])
    np.testing.assert_array_equal(out, left.any(axis=0))
    assert 0 < out.sum() < NUM
    assert done.notes[0].startswith(f"{out.sum()} of 100 examples have probabilities out of sample")
    np.testing.assert_allclose(kept["pred_probs"].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(kept["pred_probs"][out], run.probabilities(left_out=True)[out])
    np.testing.assert_allclose(kept["pred_probs"][~out], run.probabilities()[~out])
    if importlib.util.find_spec("cleanlab") is not None:
        from cleanlab.filter import find_label_issues

        # one job: its pool is forked, which hangs where this process has threads
        found = find_label_issues(labels=kept["labels"], pred_probs=kept["pred_probs"], n_jobs=1)
        assert found.shape == (NUM,)


def test_torch_takes_indices_and_weights(run, scores, tmp_path):
    import torch

    export(run, "torch", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    digits = load_dataset("digits")
    data = torch.utils.data.TensorDataset(images_of(digits), torch.from_numpy(digits.labels))
    subset = torch.utils.data.Subset(data, kept["indices"])
    assert [int(label) for _, label in subset] == kept["labels"].tolist()  # type: ignore[attr-defined]
    by_id = scores.set_index("id")
    difficulty = by_id.loc[kept["ids"], "difficulty"].to_numpy()
    assert (np.diff(difficulty) >= 0).all()
    np.testing.assert_allclose(kept["weights"], 1 - by_id.loc[kept["ids"], "easiness_expected"])


@pytest.mark.parametrize(("split", "folder"), [("train", "train"), ("held_out", "val")])
def test_torch_indices_are_those_of_torchvisions_folder(with_held_out, split, folder, tmp_path):
    from torchvision.datasets import ImageFolder

    done = export(with_held_out, "torch", tmp_path / "a.npz", split=split)
    kept = np.load(tmp_path / "a.npz")
    samples = ImageFolder(Path(with_held_out.spec.data.source) / folder).samples
    files = [samples[at][0] for at in kept["indices"]]
    assert all(file.endswith(name) for file, name in zip(files, kept["ids"], strict=True))
    assert any("indices are positions in the held-out split" in note for note in done.notes) == (
        split == "held_out"
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rows_are_scores_and_suspects(run, scores, form, tmp_path):
    export(run, form, tmp_path / FILES[form])
    read = pd.read_csv if form == "csv" else pd.read_parquet
    table = read(tmp_path / FILES[form])
    assert list(table)[: scores.shape[1]] == list(scores)
    assert list(table)[scores.shape[1] :] == ["suggested", "suggested_class", "p_wrong", "suggested_share"]
    assert table["p_wrong"].between(0, 1).all()
    np.testing.assert_allclose(table["confidence"], scores["confidence"])


def test_spotlights_parquet_has_pictures(run, tmp_path):
    done = export(run, "spotlight", tmp_path / "a.parquet")
    assert done.then.endswith("a.parquet', dtype={'image': spotlight.Image})")
    table = pd.read_parquet(tmp_path / "a.parquet")
    digits = load_dataset("digits", limit=NUM)
    picture = np.asarray(Image.open(io.BytesIO(table.loc[41, "image"])))  # type: ignore[arg-type]
    np.testing.assert_array_equal(picture, images_of(digits)[41, 0].numpy())


@pytest.mark.long
def test_a_recorders_run_goes_everywhere_but_where_pictures_are_shown(tmp_path):
    ids = np.array([f"text {number}" for number in range(40)], object)
    logits = np.random.default_rng(0).normal(size=(3, 40, 2))
    run = recorded(tmp_path / "run", logits, np.arange(40) % 2, ids=ids, keep_logits=True)
    for form in FORMATS:
        out = tmp_path / FILES.get(form.name, form.name)
        if form.is_to_label:
            with pytest.raises(BadInput, match="shows pictures"):
                export(run, form.name, out)
            assert not out.exists()
        else:
            export(run, form.name, out)
            assert out.exists()
            if out.is_file():
                out.unlink()
    assert not list(tmp_path.glob(".*"))


def test_what_cannot_be_written_is_said_and_nothing_is_left(run, measured, tmp_path):
    cases = {
        ("hug", "a"): r"--to hug: unknown \(did you mean hf\?\)|--to hug: unknown",
        ("csv", "a.txt"): "a.txt: .*; end the name in .csv",
        ("hf", "."): "exists already; give the name of a new folder",
        ("parquet", "no/a.parquet"): "the folder .*no does not exist; make it first",
    }
    for (form, name), said in cases.items():
        with pytest.raises(BadInput, match=said):
            export(run, form, tmp_path / name)
    with pytest.raises(BadInput, match="keep"):
        export(open_run(measured), "cleanlab", tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_held_out_split_in_every_format(with_held_out, tmp_path):
    run = with_held_out
    ids = run.examples("held_out")[0].tolist()
    assert len(ids) == 10
    for form in FORMATS:
        export(run, form.name, tmp_path / FILES.get(form.name, form.name), split="held_out")
        if form.name == "cleanlab":
            kept = np.load(tmp_path / "a.npz")
            assert kept["ids"].tolist() == ids
            assert kept["out_of_sample"].all()
            np.testing.assert_allclose(kept["pred_probs"], run.probabilities(split="held_out"))
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["id"].tolist() == ids
    np.testing.assert_allclose(table["easiness"], run.scores(split="held_out")["easiness"])
    assert (tmp_path / "hf" / "data" / "test-00000-of-00001.parquet").exists()
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))
    assert loaded["test"]["id"] == ids
