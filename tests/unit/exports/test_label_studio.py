"""Tasks for Label Studio: what people see of which examples, and their answers as decisions.

Answers have the form of those that Label Studio 1.23.2 exported of such tasks.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from easiness import BadInput, Dataset, Run, decisions, export, load_dataset
from easiness.runs import data_version, decisions_on
from recording import believing, recorded

NUM = 24
HOSTILE = ("$cat", '<b> & "q"', " ", "drop: of no class", "drop\x1b")


def _record(folder: Path, data: Dataset, num_wrong: int = 3) -> Run:
    """Three trials that take the first examples for the class after their own."""
    seen = (data.labels + (np.arange(len(data)) < num_wrong)) % len(data.classes)
    return recorded(folder, believing(seen, 3, sure=8), data=data)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for at in range(NUM):
        file = folder / "in" / f"c {at % 5}" / f"{at:02d} %é#.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 1100 if not at else 12, 3), np.uint8)).save(file)
    data = dataclasses.replace(load_dataset(folder / "in"), classes=HOSTILE)
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
    done = export(run, "label-studio", tmp_path / "out", source=data)
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
    export(run, "label-studio", tmp_path / "out", source=data)
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
    export(run, "label-studio", tmp_path / "out", source=data, above=0)
    interface = sdk.LabelInterface((tmp_path / "out" / "config.xml").read_text())
    interface.validate()
    tasks = _tasks(tmp_path / "out")
    assert len(tasks) == NUM
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        assert interface.validate_prediction(task["predictions"][0], return_errors=True) == []


def test_files_stay_where_label_studio_serves_them_from(photos, tmp_path: Path):
    run, data = photos
    root = Path(data.stored.name(0)).parents[2]
    export(run, "label-studio", tmp_path / "out", source=data, document_root=root)
    for task in _tasks(tmp_path / "out"):
        path, name = task["data"]["example"].split("?d=")
        assert path == "/data/local-files/"
        assert unquote(name) == f"in/{task['data']['id']}"
    with pytest.raises(BadInput, match=r"--document-root .*: .*png is not below it; give a folder"):
        export(run, "label-studio", tmp_path / "no", source=data, document_root=tmp_path)
    assert not (tmp_path / "no").exists()


def test_texts_and_sounds_are_shown_as_such(tmp_path: Path):
    texts = load_dataset(([f"{at} <script>\n$x" for at in range(NUM)], np.arange(NUM) % 2))
    export(_record(tmp_path / "texts", texts), "label-studio", tmp_path / "a", source=texts)
    assert "<Text name" in (tmp_path / "a" / "config.xml").read_text()
    assert _tasks(tmp_path / "a")[0]["data"]["example"].endswith(" <script>\n$x")
    pytest.importorskip("soundfile", reason="soundfile is not installed (pip install 'easiness[sound]')")
    from sounds import encoded, tone, write_sounds

    files = [encoded(tone(200 + 50 * at, 0.1)) for at in range(NUM)]
    sounds = load_dataset(write_sounds(tmp_path / "in", {"a": files[::2], "b": files[1::2]}))
    export(_record(tmp_path / "sounds", sounds), "label-studio", tmp_path / "b", source=sounds)
    assert '<Audio decoder="none"' in (tmp_path / "b" / "config.xml").read_text()
    assert _tasks(tmp_path / "b")[0]["data"]["example"].startswith("data:audio/wav;base64,")


def test_a_file_says_which_examples_and_that_of_a_blind_audit_shows_no_more(photos, tmp_path: Path):
    run, data = photos
    audit = tmp_path / "audit.csv"
    rows = [f"{data.ids[at]},{data.labels[at]},,{stratum}" for at, stratum in ((20, 1), (3, 2))]
    audit.write_text("\n".join(["id,label,action,stratum", *rows]))
    done = export(run, "label-studio", tmp_path / "out", source=data, only=audit)
    assert done.notes[0] == "2 tasks, which show neither labels nor suggestions"
    tasks = _tasks(tmp_path / "out")
    assert [task["data"]["id"] for task in tasks] == [data.ids[20], data.ids[3]]
    for task in tasks:
        assert "predictions" not in task
        assert not {"label", "suggested", "p_wrong"} & set(task["data"])
    answers = _answered(tasks, tmp_path / "answers.json", (1, ["class 0", "drop"]))
    table = decisions(run, [audit, answers]).table()  # the audit's columns, with the answers
    assert table["id"].tolist() == [data.ids[20], data.ids[3]]
    assert table["stratum"].tolist() == ["1", "2"]
    assert table["action"].tolist() == ["keep" if data.labels[20] == 0 else "relabel", "drop"]


def test_answers_of_several_people_become_decisions_of_each(photos, tmp_path: Path):
    run, data = photos
    export(run, "label-studio", tmp_path / "out", source=data)
    tasks = _tasks(tmp_path / "out")
    own = [f"class {task['data']['was']}" for task in tasks]
    other = [task["predictions"][0]["result"][0]["value"]["choices"][0] for task in tasks]
    ann = {"id": 2, "email": "ann@example.org"}
    said = (1, [own[0], other[1], None]), (ann, [own[0], "drop", "unsure"])
    file = _answered(tasks, tmp_path / "answers.json", *said)
    found = decisions(run, file)
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


def test_the_last_answer_of_a_person_counts(photos, tmp_path: Path):
    run, data = photos
    export(run, "label-studio", tmp_path / "out", source=data)
    file = _answered(_tasks(tmp_path / "out"), tmp_path / "answers.json", (1, ["drop"]), (1, ["unsure"]))
    document = json.loads(file.read_text())
    document[0]["annotations"][0]["updated_at"] = "2026-11-29T00:00:00Z"
    file.write_text(json.dumps(document))
    assert decisions_on(run, file).actions.tolist() == ["drop"]


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
    export(run, "label-studio", tmp_path / "out", source=data)
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
    with pytest.raises(BadInput, match="--above 2: give a probability from 0 to 1"):
        export(run, "label-studio", tmp_path / "a", above=2)
    vectors = load_dataset((np.random.default_rng(0).normal(size=(NUM, 3)), np.arange(NUM) % 2))
    with pytest.raises(BadInput, match=r"shows .*pictures.* and .*, and .* has vectors; choose hf"):
        export(_record(tmp_path / "v", vectors), "label-studio", tmp_path / "b", source=vectors)
