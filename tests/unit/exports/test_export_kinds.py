"""Texts, vectors, sounds and what a loop of one's own recorded, in other tools and as score cards."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Run, card, export, labels, load_dataset
from easiness.runs import data_version, decisions_on
from pixels import write_pictures
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
    done = export(run_of(texts), form, out, data=texts)
    assert done.notes == ()
    assert "dtype" not in done.then
    table = pd.read_csv(out) if form == "csv" else pd.read_parquet(out)
    expected = [f"'{one}" if one[0] == "=" and form == "csv" else one for one in TEXTS]
    assert table["text"].tolist() == expected
    assert list(table)[0 if form == "spotlight" else -1] == "text"


def test_vectors_are_lists_of_numbers(vectors, run_of, tmp_path):
    run = run_of(vectors)
    done = export(run, "spotlight", tmp_path / "a.parquet", data=vectors)
    assert done.then.endswith("dtype={'vector': spotlight.Embedding})")
    np.testing.assert_array_equal(
        np.stack(pd.read_parquet(tmp_path / "a.parquet")["vector"].tolist()), VECTORS
    )
    export(run, "csv", tmp_path / "a.csv", data=vectors)
    assert "vector" not in pd.read_csv(tmp_path / "a.csv")
    export(run, "hf", tmp_path / "hf", data=vectors)
    rows = loaded(tmp_path)
    assert rows.features["vector"].feature.dtype == "float32"
    np.testing.assert_array_equal(np.array(rows["vector"], np.float32), VECTORS)


def test_hugging_face_and_spotlight_have_files_to_hear(sounds, run_of, tmp_path):
    import soundfile

    run = run_of(sounds)
    done = export(run, "spotlight", tmp_path / "a.parquet", data=sounds)
    assert done.then.endswith("dtype={'audio': spotlight.Audio})")
    files = pd.read_parquet(tmp_path / "a.parquet")["audio"]
    for content, name in zip(files, sounds.ids, strict=True):
        heard, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        assert rate == 8000
        expected = TONES[2 * int(Path(name).stem) + name.startswith("odd")]
        np.testing.assert_allclose(heard, expected, atol=2 / 32768)
    export(run, "hf", tmp_path / "hf", data=sounds)
    rows = loaded(tmp_path)
    assert type(rows.features["audio"]).__name__ == "Audio"
    undecoded = rows.cast_column("audio", type(rows.features["audio"])(decode=False))
    assert undecoded[5]["audio"]["bytes"] == files[5]


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
    made = card(run_of(data), tmp_path / "card", data=data)
    copy, other = others_of(data, tmp_path)
    found = card(copy, apply=made.path)
    assert found.text == f"{NUM} of {NUM} examples found by their values"
    if kind == "texts":
        ours = [" ".join(one.split()) for one in copy.stored.texts()]
        assert [" ".join(TEXTS[at].split()) for at in found.table["card_id"]] == ours
    else:
        names = [Path(one).stem for one in found.table["id"]]
        assert names == [Path(one).stem for one in found.table["card_id"]]
    with pytest.raises(BadInput, match=f"none of its 2 {kind} is in the card .*{values} have to be the same"):
        card(other, apply=made.path)


def test_numbers_of_a_recorder_are_no_positions(loop, tmp_path):
    done = export(loop(), "torch", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert sorted(kept["indices"]) == list(range(NUM))
    np.testing.assert_array_equal(kept["indices"] * 7, kept["ids"])
    assert done.notes == ("indices are positions in the ids that the Recorder was given",)


def test_cleanlab_needs_no_other_logits_where_all_were_left_out(loop, tmp_path):
    ids = np.arange(NUM)
    logits = [np.random.default_rng(seed).normal(size=(NUM, 2)) for seed in range(2)]
    run = recorded(tmp_path / "left", logits, LABELS, trained_on=[ids[::2], ids[1::2]])
    export(run, "cleanlab", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert kept["out_of_sample"].all()
    np.testing.assert_allclose(kept["pred_probs"], run.probabilities(left_out=True))
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
        card("digits", apply=made.path)
    ended = command("card", run.path, "-o", tmp_path / "again")
    assert f"{NUM} examples; join scores.parquet by id" in ended.out
    assert "--apply" not in ended.out


TASKS = 24
HOSTILE = ("$cat", '<b> & "q"', " ", "drop: of no class", "drop\x1b")


def _record(folder: Path, data: Dataset, num_wrong: int = 3) -> Run:
    """Three trials that take the first examples for the class after their own."""
    seen = (data.labels + (np.arange(len(data)) < num_wrong)) % len(data.classes)
    return recorded(folder, believing(seen, 3, sure=8), data=data)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    names = (f"c {at % 5}/{at:02d} %é#.png" for at in range(TASKS))
    sizes = ((12, 12 if at else 1100, 3) for at in range(TASKS))
    noise = ((name, rng.integers(0, 255, size, np.uint8)) for name, size in zip(names, sizes, strict=True))
    data = dataclasses.replace(load_dataset(write_pictures(folder / "in", noise)), classes=HOSTILE)
    return _record(folder / "run", data), data


def _tasks(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "tasks.json").read_text())


def _answered(tasks: list[dict[str, Any]], file: Path, *people: Any) -> Path:
    """The answers of people, each a text a task: what they chose, ``None`` for a task that they skipped."""
    for at, task in enumerate(tasks):
        task["annotations"] = [
            {
                "completed_by": person,
                "was_cancelled": said[at] is None,
                "created_at": f"2026-11-28T06:29:{at:02}.405575Z",
                "result": [
                    {
                        "value": {"choices": [said[at] or "class 0"]},
                        **{"from_name": "decision", "to_name": "example", "type": "choices"},
                    }
                ],
            }
            for person, said in people
            if at < len(said)
        ]
    file.write_text(json.dumps(tasks))
    return file


def test_tasks_have_suspects_first_and_the_suggestion_as_a_prediction(photos, tmp_path: Path):
    run, data = photos
    done = export(run, "label-studio", tmp_path / "out", data=data)
    assert done.notes[0] == "5 tasks"
    tasks = _tasks(tmp_path / "out")
    scores = [task["predictions"][0]["score"] for task in tasks]
    assert scores == sorted(scores, reverse=True)
    first = tasks[0]
    assert first["data"]["of"] == data_version(run)
    assert {task["data"]["id"] for task in tasks[:3]} == set(data.ids[:3].tolist())
    (result,) = first["predictions"][0]["result"]
    assert result["value"] == {"choices": [f"class {(first['data']['was'] + 1) % 5}"]}
    pictures = {task["data"]["id"]: task["data"]["example"].split(",") for task in tasks}
    wide, small = (pictures[data.ids[at]] for at in (0, 1))
    assert (wide[0], small[0]) == ("data:image/jpeg;base64", "data:image/png;base64")
    with Image.open(io.BytesIO(base64.b64decode(wide[1]))) as picture:
        assert picture.size == (1024, 11)
    with Image.open(io.BytesIO(base64.b64decode(small[1]))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), data.values(np.array([1]))[0])


def test_no_name_of_a_class_is_more_than_a_text(photos, tmp_path: Path):
    run, data = photos
    export(run, "label-studio", tmp_path / "out", data=data)
    root = ElementTree.parse(tmp_path / "out" / "config.xml").getroot()
    assert [one.tag for one in root] == ["Header", "Choices", "Image"]
    choices = [(one.get("value"), one.get("alias")) for one in root[1]]
    assert choices == [
        ("\uff04cat", "class 0"),
        ('<b> & "q"', "class 1"),
        ("class 2:  ", "class 2"),
        ("class 3: drop: of no class", "class 3"),
        ("drop\\x1b", "class 4"),
        ("drop: of no class", "drop"),
        ("unsure", "unsure"),
    ]


def test_the_tools_own_reader_takes_them(photos, tmp_path: Path):
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="label-studio-sdk is not installed")
    run, data = photos
    export(run, "label-studio", tmp_path / "out", data=data, above=0)
    interface = sdk.LabelInterface((tmp_path / "out" / "config.xml").read_text())
    interface.validate()
    tasks = _tasks(tmp_path / "out")
    assert len(tasks) == TASKS
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        assert interface.validate_prediction(task["predictions"][0], return_errors=True) == []


def test_files_stay_where_label_studio_serves_them_from(photos, tmp_path: Path):
    run, data = photos
    root = Path(data.stored.name(0)).parents[2]
    export(run, "label-studio", tmp_path / "out", data=data, document_root=root)
    for task in _tasks(tmp_path / "out"):
        path, name = task["data"]["example"].split("?d=")
        assert path == "/data/local-files/"
        assert unquote(name) == f"in/{task['data']['id']}"
    with pytest.raises(BadInput, match=r"--document-root .*: .*png is not below it; give a folder"):
        export(run, "label-studio", tmp_path / "no", data=data, document_root=tmp_path)
    assert not (tmp_path / "no").exists()


def test_texts_and_sounds_are_shown_as_such(tmp_path: Path):
    texts = load_dataset(([f"{at} <script>\n$x" for at in range(TASKS)], np.arange(TASKS) % 2))
    export(_record(tmp_path / "texts", texts), "label-studio", tmp_path / "a", data=texts)
    assert "<Text name" in (tmp_path / "a" / "config.xml").read_text()
    assert _tasks(tmp_path / "a")[0]["data"]["example"].endswith(" <script>\n$x")
    pytest.importorskip("soundfile", reason="soundfile is not installed (pip install 'easiness[sound]')")
    files = [encoded(tone(200 + 50 * at, 0.1)) for at in range(TASKS)]
    sounds = load_dataset(write_sounds(tmp_path / "in", {"a": files[::2], "b": files[1::2]}))
    export(_record(tmp_path / "sounds", sounds), "label-studio", tmp_path / "b", data=sounds)
    assert '<Audio decoder="none"' in (tmp_path / "b" / "config.xml").read_text()
    assert _tasks(tmp_path / "b")[0]["data"]["example"].startswith("data:audio/wav;base64,")


def test_a_file_says_which_examples_and_that_of_a_blind_audit_shows_no_more(photos, tmp_path: Path):
    run, data = photos
    audit = tmp_path / "audit.csv"
    rows = [f"{data.ids[at]},{data.labels[at]},,{stratum}" for at, stratum in ((20, 1), (3, 2))]
    audit.write_text("\n".join(["id,label,action,stratum", *rows]))
    done = export(run, "label-studio", tmp_path / "out", data=data, only=audit)
    assert done.notes[0] == "2 tasks, which show neither labels nor suggestions"
    tasks = _tasks(tmp_path / "out")
    assert [task["data"]["id"] for task in tasks] == [data.ids[20], data.ids[3]]
    for task in tasks:
        assert "predictions" not in task
        assert not {"label", "suggested", "p_wrong"} & set(task["data"])
    answers = _answered(tasks, tmp_path / "answers.json", (1, ["class 0", "drop"]))
    table = labels(run, [audit, answers]).table()  # the audit's columns, with the answers
    assert table["id"].tolist() == [data.ids[20], data.ids[3]]
    assert table["stratum"].tolist() == ["1", "2"]
    assert table["action"].tolist() == ["keep" if data.labels[20] == 0 else "relabel", "drop"]


def test_answers_of_several_people_become_decisions_of_each(photos, tmp_path: Path):
    run, data = photos
    export(run, "label-studio", tmp_path / "out", data=data)
    tasks = _tasks(tmp_path / "out")
    own = [f"class {task['data']['was']}" for task in tasks]
    other = [task["predictions"][0]["result"][0]["value"]["choices"][0] for task in tasks]
    ann = {"id": 2, "email": "ann@example.org"}
    said = (1, [own[0], other[1], None]), (ann, [own[0], "drop", "unsure"])
    file = _answered(tasks, tmp_path / "answers.json", *said)
    found = labels(run, [file])
    assert found.people == ("user 1", "ann@example.org")
    table = found.table().set_index("id")
    assert table.loc[tasks[0]["data"]["id"], "action"] == "keep"
    assert table.loc[tasks[1]["data"]["id"], "action"] == ""
    assert table.loc[tasks[2]["data"]["id"], "by"] == "ann@example.org"
    with pytest.raises(BadInput, match=r"has answers of 2 people \(user 1, ann@example.org\); make one file"):
        decisions_on(run, file)
    alone = decisions_on(run, _answered(tasks, file, (1, [own[0], other[1], None, other[3]])))
    assert alone.actions.tolist() == ["keep", "relabel", "relabel"]
    assert alone.times[0] == "2026-11-28T06:29:00.405575Z"


def _choose(task: dict[str, Any], *choices: str) -> None:
    task["annotations"][0]["result"][0]["value"].update(choices=[*choices])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda task: task["data"].update(of="cars@0123"), "task 1: is of cars@0123, and not of "),
        (lambda task: task["data"].update(id="no"), "task 1: .* no training example with the id 'no'"),
        (lambda task: task["data"].update(was=3), "task 1: the example .* was '3'"),
        (lambda task: task["data"].pop("was"), r"0\.data\.was \(Field required\)"),
        (lambda task: task.update(annotations=[]), "has no answers"),
        (lambda task: _choose(task, "cat"), "task 1: the answer 'cat' is none of class 0, class 1, "),
        (lambda task: _choose(task, "drop", "unsure"), "task 1: has 2 choices of user 1"),
    ],
)
def test_answers_that_are_not_of_these_tasks_are_refused(photos, tmp_path: Path, change, message: str):
    run, data = photos
    export(run, "label-studio", tmp_path / "out", data=data)
    tasks = [next(one for one in _tasks(tmp_path / "out") if one["data"]["was"] == 0)]
    file = _answered(tasks, tmp_path / "answers.json", (1, ["class 0"]))
    change(tasks[0])
    file.write_text(json.dumps(tasks))
    with pytest.raises(BadInput, match=message):
        decisions_on(run, file)


def test_what_is_for_people_who_label_is_refused_elsewhere(photos, tmp_path: Path):
    run, _ = photos
    with pytest.raises(BadInput, match="--above: --to csv has all examples; it is for --to label-studio"):
        export(run, "csv", tmp_path / "a.csv", above=0.5)
    with pytest.raises(BadInput, match="--above with --only: both say which examples; give one"):
        export(run, "label-studio", tmp_path / "a", above=0.5, only="audit.csv")
    with pytest.raises(BadInput, match="--above 2"):
        export(run, "label-studio", tmp_path / "a", above=2)
    vectors = load_dataset((np.random.default_rng(0).normal(size=(TASKS, 3)), np.arange(TASKS) % 2))
    with pytest.raises(BadInput, match=r"shows .*pictures.* and .*, and .* has vectors; choose hf"):
        export(_record(tmp_path / "v", vectors), "label-studio", tmp_path / "b", data=vectors)
