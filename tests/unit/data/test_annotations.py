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
TABLE = pd.read_csv(io.StringIO(LONG))
WIDE = "item,ann,bob,cy\nb,dog,dog;cat,\na,cat,,Unsure\n"
RUN = LabelledExamples("runs/a", np.array(["a", "b", "c"]), np.array([0, 1, 1]), ("cat", "dog", "1"))


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def read(folder: Path, text: str, of: LabelledExamples | None = None, name: str = "votes.csv") -> Annotations:
    return read_annotations(written(folder / name, text.replace("|", "\n")), of)


def task(item: str, *people: tuple[Any, Any], question: str = "label") -> dict[str, Any]:
    """A task of Label Studio; each answer is by somebody: choices, or None of who skipped it."""
    annotations = [
        {
            **{"completed_by": by, "was_cancelled": choices is None, "updated_at": f"2026-11-28 06:{at:02}"},
            "result": [{"from_name": question, "value": {"choices": choices}}] if choices else [],
        }
        for at, (by, choices) in enumerate(people)
    ]
    return {"id": 17, "data": {"id": item}, "annotations": annotations}


def answers(found: Annotations) -> list[tuple[Any, str, str, float]]:
    """Who names what of which item, with which share."""
    names, rows = [*found.classes, "unsure"], found.votes.itertuples(index=False)
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
    "TSV": lambda at: written(at / "a.tsv", LONG.replace(",", "\t")),
    "other names": lambda at: written(at / "a.csv", LONG.replace("item,by", "example,worker")),
    "gzip": lambda at: written(at / "a.csv.gz", gzip.compress(LONG.encode())),
    "JSON lines": lambda at: TABLE.to_json(at / "a.jsonl", orient="records", lines=True) or at / "a.jsonl",
    "a list in JSON": lambda at: TABLE.to_json(at / "a.json", orient="records") or at / "a.json",
    "Parquet": lambda at: TABLE.to_parquet(at / "a.parquet") or at / "a.parquet",
    "a data frame": lambda _: TABLE.astype({"by": "category"}),
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
    assert [*map(str, found.votes.dtypes)] == ["int64", "int64", "int64", "float64"]
    assert [*found.votes] == ["item", "by", "label", "share"]
    assert any(note.startswith("empty answers, left out: ") for note in found.notes)


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
    frame = pd.DataFrame({"item": [1.0, 2], "by": [1, 1], "label": [3, np.nan]})
    assert answers(read_annotations(frame)) == [(1, "1", "3", 1)]


def test_ids_and_labels_are_found_as_in_files_of_labels(tmp_path):
    of = LabelledExamples("runs/n", np.array([3, 7]), np.array([0, 1]), ("cat", "dog"))
    found = read(tmp_path, "item,by,label| 3.0 ,ann,1.0|7,ann,cat |7,bob,dog; 0", of)
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
    rows[-1] = ("=1 1", "=1 2", "=1")  # as `to_cell` has written it
    for found in (read_annotations(frame), read_annotations(tmp_path / "a.csv")):
        assert [row[:3] for row in answers(found)] == rows


def test_the_same_answer_twice_is_one_vote(tmp_path):
    found = read(tmp_path, "item,by,label|1,ann,a;b|1,ann,b;a|1,bob,a|1,ann, a;b")
    assert len(found.votes) == 3
    assert found.notes[0] == "texts that name several classes: 'a;b', 'b;a'"
    assert found.notes[1] == "answers that a person gave to an item again, of which one counts: 2"


def test_words_for_missing_cells_are_no_votes_unless_a_class_has_the_name(tmp_path):
    of = LabelledExamples("r", np.arange(3), np.zeros(3, int), ("a", "NA"))
    text = "item,by,label|1,ann,NA|1,bob,a|2,bob,a"
    assert [len(read(tmp_path, text, one).votes) for one in (None, of)] == [2, 3]


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
    assert found.notes == (
        *("answers that an item is of no class, taken for unsure: 1", "empty answers, left out: 1"),
    )
    two = read(tmp_path, DECISIONS.replace("b,1,dog,0,relabel,ann", "b,1,dog,0,relabel,cy"), of, "bob.csv")
    assert two.people == ("ann", "cy", "bob")
    assert read_annotations(pd.read_csv(tmp_path / "bob.csv"), of).people == ("ann", "cy", "annotations")


def test_the_cell_that_was_edited_alone_counts(tmp_path):
    text = "id,label,class,was,action,by|a,1,cat,0,relabel,ann|b,0,dog,0,relabel,ann|c,0,cat,0,keep,ann"
    of = LabelledExamples("r", RUN.ids, RUN.labels, ("cat", "dog"))
    assert [row[2] for row in answers(read(tmp_path, text, of))] == ["dog", "dog", "cat"]


def test_tasks_of_our_own_name_classes_by_their_index(tmp_path):
    tasks = [task("a", (ANN, ["class 2"]), (4, ["drop"]), (None, ["unsure"]), question="decision")]
    found = read(tmp_path, json.dumps(tasks), RUN, "a.json")
    assert [row[1:3] for row in answers(found)] == [("ann", "1"), ("user 4", "unsure"), ("user", "unsure")]
    assert found.notes == ("answers that an item is of no class, taken for unsure: 1",)
    assert answers(read(tmp_path, json.dumps(tasks), None, "a.json"))[0][2] == "class 2"
    tasks[0]["data"] = {"text": "x"}
    assert read(tmp_path, json.dumps(tasks), None, "a.json").ids.tolist() == [17]


# a file, with bars between its rows, and what is said of it
REFUSED = """
item,by,label|1,ann,a|2,ann,a|1,ann,b => row 4: 'ann' says 'b' of item '1', and 'a' in row 2; keep one
item,by,label|1,ann,unsure|1,ann,a => row 3: 'ann' says 'a' of item '1', and 'unsure' in row 2
item,ann,bob|1,a,b|1,a,a => row 3: 'bob' says 'a' of item '1', and 'b' in row 2
item,by,label|1,ann,|2,bob, => no votes; give columns item, by and label
item,by,label|1,ann,unsure => nobody names a class
item,label2|1,a => no columns of people beside item
x|1 => no columns of people beside x; give columns item, by
item,by,lable|1,ann,a => no column label (did you mean lable?)
item,label,note|1,a,b => no column by; its columns are item, label, note; give columns item, by and label
by,label|ann,b => no column item; its columns are by, label
item,by,by,label|1,ann,bob,a => column by occurs more than once
item,by,label|1,ann,a|1, ,a => row 3: the by is empty; fill it in
item,by,label|,ann,a => row 2: the item is empty
q,note,a,b|1,a1,x,|2,b1,x,|3,c1,x,|4,d1,x,|5,e1,,x|6,f1,x,|7,g1,x,|8,h1,x,|9,i1,,|0,j1,x, => column note holds
id,label,action|1,a,kep => row 2: the action 'kep' is unknown; write keep
id,label,action,split|1,a,keep,train|1,a,keep,held_out => decisions on held_out, train; give
id,label,class,was,action|a,1,cat,0,relabel|c,0,cat,0,keep => labels stand beside other classes in some rows
"""
REFUSED_OF_RUN = """
item,by,label|a,ann,dgo => row 2: 'ann' says 'dgo' of item 'a', and 'dgo' is no class (did you mean dog?)
item,by,label|a,ann,dog;4 => row 2: 'ann' says 'dog;4' of item 'a', and '4' is no class; give the name
item,ann,bob|a,dog,a text => row 2: 'bob' says 'a text' of item 'a', and 'a text' is no class
item,by,label|a,ann,dog|bb,ann,dog => row 3: runs/a has no training example with the id 'bb' (did you mean b?)
id,label,action,was|a,cat,keep,dog => row 2: the action is keep, but the label is 'cat' and was 'dog'
"""


@pytest.mark.parametrize("case", f"{REFUSED}{REFUSED_OF_RUN[1:]}".split("\n")[1:-1])
def test_what_is_no_votes_is_refused_in_one_line(tmp_path, case):
    text, message = case.split(" => ")
    with pytest.raises(BadInput) as refusal:
        read(tmp_path, text, RUN if case in REFUSED_OF_RUN else None)
    assert str(refusal.value).startswith(f"{tmp_path / 'votes.csv'}: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([task("a", (ANN, "dog"))], "is not as expected at 0.annotations.0.result.0.value.choices (Input"),
        (
            [{"annotations": [], "data": {}}],
            "is not as expected at 0.data.id (Field required); give the JSON",
        ),
        ([task("a")], "no votes"),
        ([task("a", (ANN, ["x"])), task("b", (4, ["y"]), question="q")], "task 2: answers to label, q; give"),
        (
            [task("a", (4, ["x"]))] * 2 + [task("a", (4, ["y"]))],
            "task 3: 'user 4' says 'y' of item 'a', and 'x'",
        ),
        ({"item": 1}, "JSON that is no list"),
        ("a" * 10**6, "JSON that is no list"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    with pytest.raises(BadInput) as refusal:
        read(tmp_path, json.dumps(content), None, "a.json")
    assert str(refusal.value).startswith(f"{tmp_path / 'a.json'}: {message}")


def test_other_things_are_refused(tmp_path):
    with pytest.raises(BadInput, match="annotations: dict is no table"):
        read_annotations({"item": [1]})
    with pytest.raises(BadInput, match=r"none\.json: cannot be read"):
        read_annotations(tmp_path / "none.json")
    with pytest.raises(BadInput, match=r"votes\.csv: people: one of 5000 bytes"):
        read(tmp_path, f"item,by,label|1,{'a' * 5000},b")
