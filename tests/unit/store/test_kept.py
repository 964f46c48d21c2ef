"""The examples, and the answers, that a run keeps in files of its own folder."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import easiness as ez
from easiness import store
from easiness.errors import BadInput
from easiness.store.examples import check_kept
from sounds import encoded, tone

IDS, LABELS, CLASSES = [7, 3, 11, 5], [0, 1, 1, 0], ["no", "yes"]
TEXTS = ["What is it?", "Über  alles\n", "=1+1", "\u202eodd"]


def recorder(out, **options):
    return ez.Recorder(out, **{"ids": IDS, "labels": LABELS, "classes": CLASSES, **options})


def is_refused(out, line, **options):
    """What is said, in one line that begins so; nothing is written."""
    with pytest.raises(BadInput) as error:
        recorder(out, **options)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)
    assert not out.exists()
    return str(error.value)


def record(made, seed=0):
    with made.trial(seed=seed) as trial:
        trial.update(IDS, np.eye(2)[LABELS] * 4)
        trial.end_epoch()


def listed(path):
    return sorted(file.name for file in path.iterdir())


def test_texts_stand_in_a_table_beside_the_list_of_examples(tmp_path):
    made = recorder(tmp_path / "run", texts=TEXTS)
    assert made.keeps_examples
    table = pq.read_table(tmp_path / "run" / store.KEPT_FILE)
    assert table.to_pydict() == {"id": IDS, "label": LABELS, "text": TEXTS}
    assert listed(tmp_path / "run") == [".lock", store.KEPT_FILE, "examples.parquet", "run.json", "trials"]
    spec = made.run.spec
    assert (spec.data.kind, spec.data.source) == ("text", None)
    assert list(made.run.document.files) == ["examples.parquet", store.KEPT_FILE]
    assert store.verify(tmp_path / "run") == []
    record(made)
    assert made.run.scores()["easiness"].tolist() == [1.0] * 4


def test_a_run_goes_on_with_the_same_texts_with_none_and_not_with_others(tmp_path):
    record(recorder(tmp_path / "run", texts=TEXTS))
    before = (tmp_path / "run" / store.KEPT_FILE).stat().st_ino
    record(recorder(tmp_path / "run", texts=np.array(TEXTS, object)), seed=1)
    record(recorder(tmp_path / "run"), seed=2)
    assert (tmp_path / "run" / store.KEPT_FILE).stat().st_ino == before  # it is not written again
    with pytest.raises(BadInput, match=r"data\.parquet: the run keeps other examples; choose"):
        recorder(tmp_path / "run", texts=[*TEXTS[:3], "other"])
    assert len(ez.open_run(tmp_path / "run").trials) == 3


def test_texts_can_come_later_and_by_id(tmp_path):
    made = recorder(tmp_path / "run")
    record(made)
    made.keep(texts=dict(zip(reversed(IDS), reversed(TEXTS), strict=True)))
    assert pq.read_table(tmp_path / "run" / store.KEPT_FILE)["text"].to_pylist() == TEXTS
    assert made.keeps_examples
    record(made, seed=1)
    assert store.verify(tmp_path / "run") == []
    assert len(made.run.trials) == 2


def test_what_is_removed_is_no_damage_and_is_written_again(tmp_path):
    record(recorder(tmp_path / "run", texts=TEXTS))
    file = tmp_path / "run" / store.KEPT_FILE
    file.unlink()
    assert store.verify(tmp_path / "run") == []
    ez.open_run(tmp_path / "run").check()
    recorder(tmp_path / "run")
    assert not file.exists()
    recorder(tmp_path / "run", texts=TEXTS)
    assert pq.read_table(file)["text"].to_pylist() == TEXTS


def test_what_is_damaged_is_found_and_written_again(tmp_path):
    recorder(tmp_path / "run", texts=TEXTS)
    file = tmp_path / "run" / store.KEPT_FILE
    file.write_bytes(file.read_bytes()[:-1])
    (found,) = store.verify(tmp_path / "run")
    assert (found.file, found.trial) == (file, None)
    recorder(tmp_path / "run", texts=TEXTS)
    assert store.verify(tmp_path / "run") == []


def test_many_are_written_and_compared_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(store.examples, "_BYTES", 20)
    monkeypatch.setattr(store.examples, "_ROWS", 3)
    monkeypatch.setattr(store.examples, "_AT_ONCE", 2)
    texts = [f"text number {at}" for at in range(4)]
    recorder(tmp_path / "run", texts=texts)
    assert pq.ParquetFile(tmp_path / "run" / store.KEPT_FILE).num_row_groups == 2
    assert pq.read_table(tmp_path / "run" / store.KEPT_FILE)["text"].to_pylist() == texts
    recorder(tmp_path / "run", texts=texts)
    with pytest.raises(BadInput, match="keeps other"):
        recorder(tmp_path / "run", texts=[*texts[:3], "?"])


def test_no_texts_are_left_where_they_cannot_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("easiness.store.writer.write_kept", full)
    with pytest.raises(BadInput, match=r"run: cannot be written to \(No space left on device\); choose"):
        recorder(tmp_path / "run", texts=TEXTS)
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    made = recorder(tmp_path / "run")
    monkeypatch.setattr("easiness.store.writer.write_kept", full)
    with pytest.raises(BadInput, match="No space left"):
        made.keep(texts=TEXTS)
    assert listed(tmp_path / "run") == [".lock", "examples.parquet", "run.json", "trials"]
    assert not made.keeps_examples


@pytest.mark.parametrize("is_there", [False, True])
def test_a_process_that_ends_before_the_file_has_its_name_leaves_a_run_without_it(
    tmp_path, monkeypatch, is_there
):
    if is_there:
        recorder(tmp_path / "run")
    write = store.run_folder.write_document

    def write_and_end(*given):
        write(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(store.run_folder, "write_document", write_and_end)
    with pytest.raises(KeyboardInterrupt):
        recorder(tmp_path / "run", texts=TEXTS)
    monkeypatch.undo()
    assert listed(tmp_path / "run") == [".lock", "examples.parquet", "run.json", "trials"]
    assert recorder(tmp_path / "run", texts=TEXTS).keeps_examples
    assert ez.open_run(tmp_path / "run").kept_examples() == tmp_path / "run" / store.KEPT_FILE


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (TEXTS[:3], "Recorder: texts: 3 for 4 ids; give one for each, in the order of ids"),
        ("abcd", "Recorder: texts: are str; give a list of strings"),
        (iter(TEXTS), "Recorder: texts: are list_iterator; give a list of strings"),
        ([*TEXTS[:2], " \n", "x"], "Recorder: id 11: an empty text; give it words, or leave "),
        ([*TEXTS[:3], None], "Recorder: id 5: NoneType and no text; give"),
        ([*TEXTS[:3], "\ud800"], "Recorder: id 5: half of a character"),
        (dict(zip(IDS[:3], TEXTS, strict=False)), "Recorder: texts: none for the id 5; give one for each id"),
    ],
)
def test_texts_that_cannot_be_kept_are_named(tmp_path, texts, line):
    is_refused(tmp_path / "run", line, texts=texts)


ALTERED = {
    "another column": lambda table: table.append_column("more", pa.array(IDS)),
    "other ids": lambda table: table.set_column(0, "id", pa.array(IDS[::-1])),
    "ids as texts": lambda table: table.set_column(0, "id", pa.array([str(one) for one in IDS])),
    "other labels": lambda table: table.set_column(1, "label", pa.array([0, 0, 1, 1])),
    "no label": lambda table: table.set_column(1, "label", pa.array([0, 1, 1, None])),
    "bytes": lambda table: table.set_column(2, "text", pa.array([b"a"] * 4)),
    "a row less": lambda table: table.slice(1),
}


@pytest.mark.parametrize("how", ALTERED)
def test_another_table_in_its_place_is_damage(tmp_path, how):
    recorder(tmp_path / "run", texts=TEXTS)
    file, labels = tmp_path / "run" / store.KEPT_FILE, np.array(LABELS)
    check_kept(file, "text", np.array(IDS), labels)
    pq.write_table(ALTERED[how](pq.read_table(file)), file)
    with pytest.raises(BadInput, match=r"data\.parquet: the examples .* damaged; restore"):
        check_kept(file, "text", np.array(IDS), labels)


ARRAYS = {"a": np.arange(6.0).reshape(3, 2).T, "b": np.array([1, 2])}
FORMS: dict[str, store.Form] = {"a": (np.float64, ("n", 3)), "b": (np.int64, ("n",))}


def test_an_answer_is_kept_for_what_it_was_made_from(tmp_path: Path) -> None:
    assert store.kept_answer(tmp_path, "one", "these", FORMS) is None
    store.keep_answer(tmp_path, "one", "these", ARRAYS)
    found = store.kept_answer(tmp_path, "one", "these", FORMS)
    assert found is not None
    assert found["a"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["b"].tolist() == [1, 2]
    assert store.kept_answer(tmp_path, "one", "others", FORMS) is None
    assert store.kept_answer(tmp_path, "two", "these", FORMS) is None
    assert [file.name for file in tmp_path.iterdir()] == ["answer-one.safetensors"]


@pytest.mark.parametrize(
    "forms",
    [
        {"a": (np.float64, ("n", 2))},
        {"a": (np.float32, ("n", 3))},
        {"a": (np.float64, ("n",))},
        {"a": (np.float64, ("n", "n"))},
        {"c": (np.float64, ("n",))},
    ],
)
def test_an_answer_of_another_form_is_none(tmp_path: Path, forms: dict[str, store.Form]) -> None:
    store.keep_answer(tmp_path, "one", "these", ARRAYS)
    assert store.kept_answer(tmp_path, "one", "these", forms) is None


def test_a_damaged_answer_is_none(tmp_path: Path) -> None:
    store.keep_answer(tmp_path, "one", "these", ARRAYS)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert store.kept_answer(tmp_path, "one", "these", FORMS) is None
        file.write_bytes(content[:at])
        assert store.kept_answer(tmp_path, "one", "these", FORMS) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "answer-one.safetensors").mkdir()
    store.keep_answer(tmp_path, "one", "these", ARRAYS)
    assert store.kept_answer(tmp_path, "one", "these", FORMS) is None
    store.keep_answer(tmp_path / "gone", "one", "these", ARRAYS)
    (tmp_path / "trials").symlink_to(tmp_path)
    store.keep_answer(tmp_path, "two", "these", ARRAYS)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["answer-one.safetensors", "trials"]


NAMES = ["a", "b", "c", "d"]
RATE = 22_050  # more than networks hear
TONES = [tone(220 * (at + 1), 0.1 + at / 100, RATE) for at in range(4)]


def heard(out, **options):
    return recorder(out, ids=NAMES, **options)


def cells(out):
    return pq.read_table(out / store.KEPT_FILE)["audio"].to_pylist()


@pytest.mark.parametrize("of", [list, lambda sounds: [torch.from_numpy(one) for one in sounds]])
def test_arrays_are_kept_to_the_last_bit_at_their_rate(tmp_path, of):
    made = heard(tmp_path / "run", sounds=of(TONES), rate=RATE)
    assert made.run.spec.data.kind == "sound"
    assert pq.read_table(tmp_path / "run" / store.KEPT_FILE).column_names == ["id", "label", "audio"]
    for cell, samples in zip(cells(tmp_path / "run"), TONES, strict=True):
        read, rate = soundfile.read(io.BytesIO(cell["bytes"]), dtype="float32")
        assert (rate, cell["path"]) == (RATE, None)
        np.testing.assert_array_equal(read, samples)
    heard(tmp_path / "run", sounds=TONES, rate=RATE)  # goes on
    with pytest.raises(BadInput, match="keeps other examples"):
        heard(tmp_path / "run", sounds=TONES, rate=8000)
    with pytest.raises(BadInput, match="keeps other examples"):
        heard(tmp_path / "run", texts=NAMES)
    assert store.verify(tmp_path / "run") == []


@pytest.mark.parametrize("form", ["FLAC", "OGG", "WAV"])
def test_files_are_kept_as_they_are_without_their_folders(tmp_path, form):
    given = [encoded(one, RATE, form) for one in TONES]
    paths = [tmp_path / f"{name}.{form.lower()}" for name in NAMES]
    for path, content in zip(paths, given, strict=True):
        path.write_bytes(content)
    made = heard(tmp_path / "run")
    made.keep(sounds=dict(zip(reversed(NAMES), reversed(list(map(str, paths))), strict=True)))
    expected = [{"bytes": content, "path": path.name} for content, path in zip(given, paths, strict=True)]
    assert cells(tmp_path / "run") == expected
    assert str(tmp_path) not in (tmp_path / "run" / "run.json").read_text()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no rate": ({"sounds": TONES}, "Recorder: sounds: are arrays without a rate; give the samples a second"),
    "a rate alone": ({"rate": 8000}, "Recorder: rate=8000: is that of arrays of sound; give them in sounds"),
    "rates": ({"sounds": TONES, "rate": [RATE, 8000]}, "rate=[22050, 8000]: is not one whole number; give"),
    "both": ({"sounds": TONES, "texts": NAMES, "rate": RATE}, "Recorder: texts and sounds: are two kinds"),
    "too few": ({"sounds": TONES[:3], "rate": RATE}, "Recorder: sounds: 3 for 4 ids; give one for each"),
    "empty": ({"sounds": [*TONES[:3], np.zeros(0)], "rate": RATE}, "Recorder: id d: no samples in it; mend"),
    "NaN": ({"sounds": [*TONES[:3], np.array([0.1, np.nan])], "rate": RATE}, "Recorder: id d: sample 1 is"),
    "stereo": ({"sounds": [*TONES[:3], np.ones((9, 2))], "rate": RATE}, "Recorder: id d: shape 9x2; give"),
    "no file": ({"sounds": ["a.wav", *TONES[1:]]}, "Recorder: id a: a.wav: cannot be read (No such file"),
    "rate of files": ({"sounds": ["a.wav"] * 4, "rate": 8000}, "Recorder: rate=8000: files have their own;"),
}  # fmt: skip


@pytest.mark.parametrize("how", BAD)
def test_sounds_that_cannot_be_kept_are_named(tmp_path, how):
    options, line = BAD[how]
    is_refused(tmp_path / "run", line, ids=NAMES, **options)
