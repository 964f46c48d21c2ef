"""Texts, vectors, sounds and what a loop of one's own recorded, in other tools and as score cards."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Recorder, Run, apply_card, card, export, load_dataset
from easiness.exports import FORMATS
from recording import believing, recorded
from sounds import encoded, tone, write_sounds

NUM = 30
TEXTS = [f"{text} {at}" for at in range(10) for text in ("=1+1", 'a "quoted",\nline', "שלום </script>")]
VECTORS = np.random.default_rng(0).normal(size=(NUM, 5)).astype(np.float32)
TONES = [tone(200 + 50 * at, 0.2 + 0.01 * at) for at in range(NUM)]
LABELS = np.arange(NUM) % 2


def folder_of_sounds(root: Path, form: str = "WAV") -> Path:
    whole = [np.rint(32767 * one).astype(np.int16) for one in TONES]  # as both formats keep them
    files = [encoded(one, form=form) for one in whole]
    return write_sounds(root, {"even": files[::2], "odd": files[1::2]}, f".{form.lower()}")


@pytest.fixture
def texts() -> Dataset:
    return load_dataset((TEXTS, LABELS))


@pytest.fixture
def vectors() -> Dataset:
    return load_dataset((VECTORS, LABELS))


@pytest.fixture
def sounds(tmp_path: Path) -> Dataset:
    pytest.importorskip("soundfile", reason="soundfile is not installed (pip install 'easiness[sound]')")
    return load_dataset(folder_of_sounds(tmp_path / "in"))


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Run]:
    """A run on data: three trials that are mostly right."""

    def make(data: Dataset, name: str = "run") -> Run:
        return recorded(tmp_path / name, believing(data.labels, 3, sure=3), data=data, keep_logits=True)

    return make


@pytest.fixture
def loop(tmp_path: Path) -> Callable[..., Run]:
    """A run of no known data, whose ids are no positions and whose network has a name of its own."""

    def make(ids: Any = np.arange(NUM) * 7, **options: Any) -> Run:  # noqa: B008
        given = {"ids": ids, "model": "<b>\n[mine]", **options}
        return recorded(tmp_path / "run", believing(LABELS, 2, 2, sure=1), LABELS, **given)

    return make


def loaded(folder: Path) -> Any:
    """The export in ``folder / "hf"`` as Hugging Face datasets read it."""
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(str(folder / "hf"), cache_dir=str(folder / "cache"))["train"]


@pytest.mark.parametrize("form", ["csv", "parquet", "spotlight"])
def test_tables_have_texts(texts, run_of, form, tmp_path):
    out = tmp_path / f"a.{form if form == 'csv' else 'parquet'}"
    done = export(run_of(texts), form, out, source=texts)
    assert done.notes == ()
    assert "dtype" not in done.then
    table = pd.read_csv(out) if form == "csv" else pd.read_parquet(out)
    expected = [f"'{one}" if one[0] == "=" and form == "csv" else one for one in TEXTS]
    assert table["text"].tolist() == expected
    assert list(table)[0 if form == "spotlight" else -1] == "text"


def test_hugging_face_datasets_loads_texts(texts, run_of, tmp_path):
    export(run_of(texts), "hf", tmp_path / "hf", source=texts)
    rows = loaded(tmp_path)
    assert rows["text"] == TEXTS
    assert rows.features["text"].dtype == "string"
    assert rows["label"] == LABELS.tolist()


def test_vectors_are_lists_of_numbers(vectors, run_of, tmp_path):
    run = run_of(vectors)
    done = export(run, "spotlight", tmp_path / "a.parquet", source=vectors)
    assert done.then.endswith("dtype={'vector': spotlight.Embedding})")
    np.testing.assert_array_equal(
        np.stack(pd.read_parquet(tmp_path / "a.parquet")["vector"].tolist()), VECTORS
    )
    export(run, "csv", tmp_path / "a.csv", source=vectors)
    assert "vector" not in pd.read_csv(tmp_path / "a.csv")
    export(run, "hf", tmp_path / "hf", source=vectors)
    rows = loaded(tmp_path)
    assert rows.features["vector"].feature.dtype == "float32"
    np.testing.assert_array_equal(np.array(rows["vector"], np.float32), VECTORS)


def test_hugging_face_and_spotlight_have_files_to_hear(sounds, run_of, tmp_path):
    import soundfile

    run = run_of(sounds)
    done = export(run, "spotlight", tmp_path / "a.parquet", source=sounds)
    assert done.then.endswith("dtype={'audio': spotlight.Audio})")
    files = pd.read_parquet(tmp_path / "a.parquet")["audio"]
    for content, name in zip(files, sounds.ids, strict=True):
        heard, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        assert rate == 8000
        expected = TONES[2 * int(Path(name).stem) + name.startswith("odd")]
        np.testing.assert_allclose(heard, expected, atol=2 / 32768)
    export(run, "hf", tmp_path / "hf", source=sounds)
    rows = loaded(tmp_path)
    assert type(rows.features["audio"]).__name__ == "Audio"
    undecoded = rows.cast_column("audio", type(rows.features["audio"])(decode=False))
    assert undecoded[5]["audio"]["bytes"] == files[5]


def test_cleanlab_has_texts_beside_the_labels(texts, run_of, tmp_path):
    export(run_of(texts), "cleanlab", tmp_path / "a.npz", source=texts)
    kept = np.load(tmp_path / "a.npz")
    assert kept["texts"].tolist() == TEXTS
    assert kept["pred_probs"].shape == (NUM, 2)


@pytest.mark.parametrize("kind", ["texts", "vectors", "sounds"])
def test_a_tool_that_shows_pictures_alone_says_which_take_others(request, run_of, tmp_path, kind):
    data = request.getfixturevalue(kind)
    others = ", ".join(form.name for form in FORMATS if form.shows is None)
    with pytest.raises(BadInput, match=f"--to fiftyone: shows pictures, .* has {kind}; choose {others}$"):
        export(run_of(data), "fiftyone", tmp_path / "fo", source=data)
    assert not (tmp_path / "fo").exists()


def test_positions_of_files_stand_beside_their_paths_and_ids_alone(tmp_path, run_of):
    for at in range(NUM):
        folder = tmp_path / "in" / "ab"[at % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), at, np.uint8)).save(folder / f"{at:02d}.png")
    found = load_dataset(tmp_path / "in")
    data = dataclasses.replace(found, ids=np.arange(NUM), labels=LABELS, source=None)
    for name, source in (("positions", data), ("ids", found)):
        export(run_of(source, name), "parquet", tmp_path / f"{name}.parquet", source=source)
    table = pd.read_parquet(tmp_path / "positions.parquet")
    assert list(table)[-1] == "path"
    assert [Path(one).name for one in table["path"]] == [Path(one).name for one in found.ids]
    table = pd.read_parquet(tmp_path / "ids.parquet")
    assert "path" not in table
    assert table["id"].tolist() == found.ids.tolist()


def others_of(data: Dataset, folder: Path) -> Iterator[Dataset]:
    """A shuffled copy of texts with other spaces, or of sounds in other files; then two other examples."""
    if data.kind.name == "text":
        order = np.random.default_rng(1).permutation(NUM)
        yield load_dataset(([f"  {TEXTS[at]}".replace(" ", "\u00a0 ") for at in order], LABELS[order]))
        yield load_dataset((["another", "and one"], [0, 1]))
        return
    yield load_dataset(folder_of_sounds(folder / "copy", "FLAC"))
    yield load_dataset(write_sounds(folder / "other", {"a": [encoded(tone(99))], "b": [encoded(tone(98))]}))


@pytest.mark.parametrize(("kind", "values"), [("texts", "texts"), ("sounds", "samples")])
def test_a_card_knows_examples_however_they_are_kept(request, run_of, tmp_path, kind, values):
    data = request.getfixturevalue(kind)
    made = card(run_of(data), tmp_path / "card", source=data)
    copy, other = others_of(data, tmp_path)
    found = apply_card(made.path, copy)
    assert found.text == f"{NUM} of {NUM} examples found by their values"
    if kind == "texts":
        ours = [" ".join(one.split()) for one in copy.stored.texts()]
        assert [" ".join(TEXTS[at].split()) for at in found.table["card_id"]] == ours
    else:
        names = [Path(one).stem for one in found.table["id"]]
        assert names == [Path(one).stem for one in found.table["card_id"]]
    with pytest.raises(BadInput, match=f"none of its 2 {kind} is in the card .*{values} have to be the same"):
        apply_card(made.path, other)


def test_numbers_of_a_recorder_are_no_positions(loop, tmp_path):
    done = export(loop(), "torch", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert sorted(kept["indices"]) == list(range(NUM))
    np.testing.assert_array_equal(kept["indices"] * 7, kept["ids"])
    assert done.notes == ("indices are positions in the ids that the Recorder was given",)


def test_spotlight_is_told_of_pictures_only_where_the_file_has_them(loop, tmp_path):
    done = export(loop(), "spotlight", tmp_path / "a.parquet")
    assert "image" not in pd.read_parquet(tmp_path / "a.parquet")
    assert done.then == f"spotlight.show({str(tmp_path / 'a.parquet')!r})"


def test_cleanlab_needs_no_other_logits_where_all_were_left_out(loop, tmp_path):
    ids = np.arange(NUM)
    recorder = Recorder(tmp_path / "left", ids=ids, labels=LABELS)
    for seed in range(2):
        with recorder.trial(seed, trained_on=ids[seed::2]) as trial:
            trial.update(ids, np.random.default_rng(seed).normal(size=(NUM, 2)))
            trial.end_epoch()
    export(recorder.run, "cleanlab", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert kept["out_of_sample"].all()
    np.testing.assert_allclose(kept["pred_probs"], recorder.run.probabilities(left_out=True))
    with pytest.raises(BadInput, match=r"not all logits.*\(--keep-logits\)"):
        export(loop(), "cleanlab", tmp_path / "b.npz")


def test_a_card_without_pictures_is_joined_by_id(loop, tmp_path, command):
    run = loop()
    made = card(run, tmp_path / "card")
    assert not made.document.has_digests
    assert "without digests of examples" in str(made.note)
    text = (tmp_path / "card" / "README.md").read_text()
    assert "join `scores.parquet` to your examples by `id`" in text
    assert "--apply" not in text
    assert r"\<b> [mine]" in text
    with pytest.raises(BadInput, match="no digests to find"):
        apply_card(made.path, "digits")
    ended = command("card", run.path, "-o", tmp_path / "again")
    assert f"{NUM} examples; join scores.parquet by id" in ended.out
    assert "--apply" not in ended.out


def test_a_readme_of_hugging_face_has_no_markup_of_a_name(loop, tmp_path):
    export(loop(), "hf", tmp_path / "hf")
    assert r"trainings of \<b> [mine] after" in (tmp_path / "hf" / "README.md").read_text()


def test_ids_with_lines_and_commas_stay_whole(loop, tmp_path):
    ids = np.array([f'a,"{at}\nb' for at in range(NUM)], dtype=object)
    export(loop(ids), "csv", tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["id"].tolist() == ids.tolist()
