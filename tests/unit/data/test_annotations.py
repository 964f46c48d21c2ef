"""Votes of people: what is read of each form, and what is refused how."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easiness.data import Annotations, LabelledExamples, read_annotations
from easiness.errors import BadInput

LONG = "item,by,label\nb,ann,dog\na,ann,cat\nb,bob,dog;cat\na,cy,Unsure\nb,cy,\n"
WIDE = "item,ann,bob,cy\nb,dog,dog;cat,\na,cat,,Unsure\n"
RUN = LabelledExamples("runs/a", np.array(["a", "b", "c"]), np.array([0, 1, 1]), ("cat", "dog", "1"))
NUMBERS = LabelledExamples("runs/n", np.array([3, 7]), np.array([0, 1]), ("cat", "dog"))


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def lines(text: str) -> str:
    rows = pd.read_csv(io.StringIO(text), dtype=str).to_dict("records")
    return "".join(
        json.dumps({name: cell for name, cell in row.items() if cell == cell}) + "\n" for row in rows
    )


def task(item: Any, *people: tuple[Any, Any], question: str = "label", **data: Any) -> dict[str, Any]:
    """A task of Label Studio; each answer is by somebody, choices or None of who skipped it."""
    annotations = [
        {
            "completed_by": by,
            "was_cancelled": choices is None,
            "created_at": f"2026-11-28T06:29:{at:02}Z",
            "result": [{"from_name": question, "type": "choices", "value": {"choices": choices or []}}]
            * (choices != ()),
        }
        for at, (by, choices) in enumerate(people)
    ]
    return {"id": 17, "data": {"text": "x", **data, **({} if item is None else {"id": item})}} | {
        "annotations": annotations
    }


def answers(found: Annotations) -> list[tuple[Any, str, str, float]]:
    """Who names what of which item, with which share."""
    names = [*found.classes, "unsure"]
    rows = found.votes[["item", "by", "label", "share"]].itertuples(index=False)
    return [(found.ids[item], found.people[by], names[label], share) for item, by, label, share in rows]


EXPECTED = [
    *[("b", "ann", "dog", 1), ("a", "ann", "cat", 1), ("b", "bob", "cat", 0.5), ("b", "bob", "dog", 0.5)],
    ("a", "cy", "unsure", 1),
]
ANN, BOB, CY = {"id": 1, "email": "ann"}, {"id": 2, "email": "bob"}, {"id": 3, "email": "cy"}
TASKS = [
    task("b", (ANN, ["cat"]), (ANN, ["dog"]), (BOB, ["dog", "cat"]), (CY, None)),
    task("a", (ANN, ["cat"]), (BOB, ()), (CY, ["unsure"])),
]
FORMS: dict[str, Callable[[Path], Any]] = {
    "long": lambda at: written(at / "a.csv", LONG),
    "semicolons": lambda at: (
        written(at / "a.csv", LONG.replace(";", "|").replace(",", ";").replace("|", ";"))
        and written(at / "a.tsv", LONG.replace(",", "\t"))
    ),
    "other names": lambda at: written(at / "a.csv", LONG.replace("item,by", "example,worker")),
    "gzip": lambda at: written(at / "a.csv.gz", gzip.compress(LONG.encode())),
    "JSON lines": lambda at: written(at / "a.jsonl", lines(LONG)),
    "a list in JSON": lambda at: written(at / "a.json", f"[{','.join(lines(LONG).splitlines())}]"),
    "Parquet": lambda at: pd.read_csv(io.StringIO(LONG)).to_parquet(at / "a.parquet") or at / "a.parquet",
    "a data frame": lambda _: pd.read_csv(io.StringIO(LONG)).astype({"by": "category"}),
    "polars": lambda _: pytest.importorskip("polars").read_csv(LONG.encode()),
    "wide": lambda at: written(at / "a.csv", WIDE),
    "a pivoted frame": lambda _: pd.read_csv(io.StringIO(WIDE), index_col="item"),
    "Label Studio": lambda at: written(at / "a.json", json.dumps(TASKS)),
}


@pytest.mark.parametrize("of", [None, RUN])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_says_the_same(tmp_path, form, of):
    found = read_annotations(FORMS[form](tmp_path), of)
    assert sorted(answers(found)) == sorted(EXPECTED)
    assert found.people == ("ann", "bob", "cy")
    assert found.ids.tolist() == (["b", "a"] if of is None else ["a", "b", "c"])
    assert found.classes == (("cat", "dog") if of is None else RUN.classes)
    assert found.votes.dtypes.astype(str).to_dict() == {
        **{"item": "int64", "by": "int64", "label": "int64", "share": "float64"}
    }
    assert any(note.startswith("empty answers, left out: ") for note in found.notes)


def read(folder: Path, text: str, of: LabelledExamples | None = None, name: str = "votes.csv") -> Annotations:
    return read_annotations(written(folder / name, text.replace("|", "\n")), of)


def test_the_order_is_that_in_which_they_come_and_who_has_no_vote_is_left_out(tmp_path):
    found = read(tmp_path, "q,ann,bob,cy|x,,dog,|z,,,|y,cat,,|")
    assert (found.ids.tolist(), found.people, found.classes) == (["x", "y"], ("ann", "bob"), ("cat", "dog"))
    assert sorted(answers(found)) == [("x", "bob", "dog", 1), ("y", "ann", "cat", 1)]
    assert found.notes == ("empty answers, left out: 7",)


@pytest.mark.parametrize(
    ("text", "ids", "classes"),
    [
        ("item,by,label|7,1,10|7.0,2,9|10,1.0,unsure", [7, 10], ("10", "9")),
        ("item,by,label|07,1,10.0|8,2,1.5", ["07", "8"], ("1.5", "10.0")),
        ("id,1,2|3,1.0,|4,0.0,1", [3, 4], ("0", "1")),
    ],
)
def test_whole_numbers_are_names_however_a_program_writes_them(tmp_path, text, ids, classes):
    found = read(tmp_path, text)
    assert (found.ids.tolist(), found.people, found.classes) == (ids, ("1", "2"), classes)
    frame = pd.read_csv(tmp_path / "votes.csv", dtype={"item": str})
    if "unsure" not in text:
        assert read_annotations(frame).classes == (classes if ids[0] == 3 else ("1.5", "10"))


def test_ids_and_labels_are_found_as_in_files_of_labels(tmp_path):
    found = read(tmp_path, "item,by,label| 3.0 ,ann,1.0|7,ann,cat |7,bob,dog; 0", NUMBERS)
    assert answers(found) == [
        *[(3, "ann", "dog", 1), (7, "ann", "cat", 1), (7, "bob", "cat", 0.5), (7, "bob", "dog", 0.5)]
    ]
    found = read(tmp_path, "item,by,label|a,ann,1|b,ann,0|c,ann,unsure", RUN)
    assert [row[2] for row in answers(found)] == ["1", "cat", "unsure"]  # the name comes before the index


def test_names_come_through_unharmed(tmp_path):
    names = ["=cmd|' /C calc'!A0", "a, b", "<b>&amp;</b>", "two\nlines", "-1+1", 'a "quote"', "x;y", "'=1"]
    rows = [(f"{name} 1", f"{name} 2", name) for name in names]
    frame = pd.DataFrame(rows, columns=["item", "by", "label"])
    frame.to_csv(tmp_path / "a.csv", index=False)
    for found in (read_annotations(frame), read_annotations(tmp_path / "a.csv")):
        plain = [name if name != "'=1" else "=1" for name in names]
        assert [row[2] for row in answers(found)] == plain
        assert [row[:2] for row in answers(found)] == [row[:2] for row in rows[:-1]] + [("=1 1", "=1 2")]


def test_the_same_answer_twice_is_one_vote(tmp_path):
    found = read(tmp_path, "item,by,label|1,ann,a;b|1,ann,b;a|1,bob,a|1,ann, a;b")
    assert len(found.votes) == 3
    assert found.notes[0] == "texts that name several classes: 'a;b', 'b;a', ' a;b'"
    assert found.notes[1] == "answers that a person gave to an item again, of which one counts: 2"


def test_words_for_missing_cells_are_no_votes_unless_a_class_has_the_name(tmp_path):
    text = "item,by,label|1,ann,NA|1,bob,a|2,bob,a"
    assert len(read(tmp_path, text).votes) == 2
    assert (
        len(read(tmp_path, text, LabelledExamples("r", np.arange(3), np.zeros(3, int), ("a", "NA"))).votes)
        == 3
    )


DECISIONS = """id,label,class,was,action,by,split,p_wrong
a,0,cat,0,keep,ann,train,0.5
b,1,dog,0,relabel,ann,train,
c,0,cat,0,drop,ann,,
d,0,cat,0,unsure,ann,train,
e,0,cat,0,relabel,ann,train,
f,0,cat,0,,ann,train,
g,1,dog,0,,,train,
h,1,dog,0,relabel,,train,
"""


@pytest.mark.parametrize("known", [False, True])
def test_files_of_decisions_say_what_somebody_took_the_label_for(tmp_path, known):
    of = LabelledExamples("r", np.array([*"abcdefgh"]), np.zeros(8, int), ("cat", "dog")) if known else None
    found = read(tmp_path, DECISIONS, of, "bob.csv")
    labels = ["cat", "dog", "unsure", "unsure", "unsure", "dog", "dog"]
    assert [row[:3] for row in answers(found)] == [*zip("abcdegh", ["ann"] * 7, labels, strict=True)]
    drops, empty = found.notes
    assert (drops, empty) == (
        "answers that an item is of no class, taken for unsure: 1",
        "empty answers, left out: 1",
    )
    two = read(tmp_path, DECISIONS.replace("b,1,dog,0,relabel,ann", "b,1,dog,0,relabel,cy"), of, "bob.csv")
    assert two.people == ("ann", "cy", "bob")
    assert read_annotations(pd.read_csv(tmp_path / "bob.csv"), of).people == ("ann", "cy", "annotations")


def test_the_cell_that_was_edited_alone_counts(tmp_path):
    text = "id,label,class,was,action,by|a,1,cat,0,relabel,ann|b,0,dog,0,relabel,ann|c,0,cat,0,keep,ann"
    of = LabelledExamples("r", RUN.ids, RUN.labels, ("cat", "dog"))
    assert [row[2] for row in answers(read(tmp_path, text, of))] == ["dog", "dog", "cat"]
    with pytest.raises(
        BadInput, match=r"votes.csv: labels stand beside other classes in some rows than in others"
    ):
        read(tmp_path, text)


def test_tasks_of_our_own_name_classes_by_their_index(tmp_path):
    own = {"was": 0, "of": "r@1", "split": "train", "question": "decision"}
    tasks = [task("a", (ANN, ["class 2"]), (4, ["drop"]), (None, ["unsure"]), **own)]
    found = read(tmp_path, json.dumps(tasks), RUN, "a.json")
    assert [row[1:3] for row in answers(found)] == [("ann", "1"), ("user 4", "unsure"), ("user", "unsure")]
    assert found.notes == ("answers that an item is of no class, taken for unsure: 1",)
    assert answers(read(tmp_path, json.dumps(tasks), None, "a.json"))[0][2] == "class 2"
    tasks = [task(None, (ANN, ["a"]), (BOB, ["b"])) | {"id": 5}]
    assert read(tmp_path, json.dumps(tasks), None, "a.json").ids.tolist() == [5]


# the content of a file, and what is said of it
REFUSED = {
    "two labels": (
        "item,by,label|1,ann,a|2,ann,a|1,ann,b",
        r"row 4: 'ann' says 'b' of item '1', and 'a' in row 2",
    ),
    "a label and unsure": (
        "item,by,label|1,ann,unsure|1,ann,a",
        "row 3: 'ann' says 'a' of item '1', and 'unsure'",
    ),
    "two labels in columns": (
        "item,ann,bob|1,a,b|1,a,a",
        "row 3: 'bob' says 'a' of item '1', and 'b' in row 2",
    ),
    "no votes": ("item,by,label|1,ann,|2,bob,", "votes.csv: no votes; give columns item, by and label"),
    "all unsure": ("item,by,label|1,ann,unsure", "votes.csv: nobody names a class"),
    "no people": ("item,label2|1,a", "votes.csv: no columns of people beside item"),
    "unknown columns": ("x|1", "votes.csv: no columns of people beside x; give columns item, by"),
    "no column of labels": ("item,by,lable|1,ann,a", r"no column label \(did you mean lable\?\)"),
    "no column of people": ("item,label,note|1,a,b", "no column by; its columns are item, label, note; give"),
    "no column of items": ("by,label|ann,b", "no column item; its columns are by, label"),
    "no name of a person": ("item,by,label|1,ann,a|1, ,a", "row 3: the by is empty; fill it in"),
    "no item": ("item,by,label|,ann,a", "row 2: the item is empty"),
    "texts": (
        "id,text,ann,bob" + "".join(f"|{at},text {at},a,b" for at in range(10)),
        "votes.csv: column text holds 10 texts, of which no other column has any; leave it out",
    ),
    "an unknown action": ("id,label,action|1,a,kep", "row 2: the action 'kep' is unknown; write keep"),
    "two splits": (
        "id,label,action,split|1,a,keep,train|1,a,keep,held_out",
        "decisions on held_out, train; give",
    ),
    "a long name": (f"item,by,label|1,{'a' * 5000},b", "votes.csv: people: one of 5000 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_votes_is_refused_in_one_line(tmp_path, case):
    text, message = REFUSED[case]
    with pytest.raises(BadInput, match=message) as refusal:
        read(tmp_path, text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "item,by,label|a,ann,dgo",
            r"row 2: 'ann' says 'dgo' of item 'a', and 'dgo' is no class .*mean dog\?",
        ),
        ("item,by,label|a,ann,dog;4", "'ann' says 'dog;4' of item 'a', and '4' is no class; give"),
        ("item,ann,bob|a,dog,a text", "row 2: 'bob' says 'a text' of item 'a', and 'a text' is no class"),
        ("item,by,label|a,ann,dog|bb,ann,dog", r"row 3: runs/a has no .* the id 'bb' \(did you mean b\?\)"),
        (
            "id,label,action,was|a,cat,keep,dog",
            "row 2: the action is keep, but the label is 'cat' and was 'dog'",
        ),
    ],
)
def test_what_the_run_has_not_is_refused(tmp_path, text, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text, RUN)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            [task("a", (ANN, "dog"))],
            r"is not as expected at 0\..*choices .*; give the JSON that Label Studio",
        ),
        ([{"annotations": [], "data": {}}], r"is not as expected at 0\.data\.id \(Field required\)"),
        ([task("a")], "a.json: no votes"),
        (
            [task("a", (ANN, ["x"])), task("b", (ANN, ["y"]), question="q")],
            "task 2: answers to label, q; give",
        ),
        (
            [task("a", (ANN, ["x"])), task("a", (ANN, ["y"]))],
            "task 2: 'ann' says 'y' of item 'a', and 'x' in task 1",
        ),
        ({"item": 1}, "a.json: JSON that is no list"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, json.dumps(content), None, "a.json")
    with pytest.raises(BadInput, match=r"none\.json: cannot be read"):
        read_annotations(tmp_path / "none.json")


def test_what_is_no_table_is_refused():
    with pytest.raises(BadInput, match="annotations: dict is no table"):
        read_annotations({"item": [1]})
