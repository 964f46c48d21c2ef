"""Outcomes that others have measured: what is read of each form of table, and what is refused how."""

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

from easiness.data import OutcomeTable, check_models, read_outcomes
from easiness.errors import BadInput
from recording import harness, instance

CSV = "item,model,trial,right,answer,key\nb,x,1,1,4,4\na,x,1,0,5,7\nb,y,1,true,4,4\na,y,1,FALSE,6,7\n"
TIME = "2026-11-30T10-11-12.131415"


def read(table: Any, columns: dict[str, str] | None = None, errors: Any = "leave-out") -> OutcomeTable:
    return read_outcomes(table, columns=columns or {}, errors=errors)


def written(file: Path, content: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def choice(doc_id: int, likelihoods: list[float]) -> dict[str, Any]:
    """A row of a task of multiple choice, whose numbers the harness writes as texts."""
    return harness(doc_id, target="1", filter="none", metrics=["acc", "acc_norm"], acc_norm=0.0) | {
        "arguments": {f"gen_args_{at}": {"arg_0": "Q", "arg_1": f" {at}"} for at in range(len(likelihoods))},
        "filtered_resps": [[str(one), "False"] for one in likelihoods],
        "acc": float(np.argmax(likelihoods) == 1),
    }


TABLE = pd.read_csv(io.StringIO(CSV), dtype={"right": str, "answer": float})
TABLE["right"] = TABLE["right"].str.lower().isin(["1", "true"])
ROWS = lines(*TABLE.to_dict("records"))


def check_csv(found: OutcomeTable) -> None:
    assert found.items[["id", "key"]].to_numpy().tolist() == [["b", "4"], ["a", "7"]]
    assert found.rows[["item", "model", "trial", "count", "correct", "answer"]].to_numpy().tolist() == [
        *([0, "x", "1", 1, 1, "4"], [1, "x", "1", 1, 0, "5"]),
        *([0, "y", "1", 1, 1, "4"], [1, "y", "1", 1, 0, "6"]),
    ]
    assert (found.num_errors, found.notes) == (0, ())


FORMS: dict[str, Callable[[Path], Any]] = {
    "CSV": lambda at: written(at / "a.csv", CSV),
    "a name without an end": lambda at: written(at / "outcomes", CSV),
    "TSV": lambda at: written(at / "a.tsv", CSV.replace(",", "\t")),
    "gzip": lambda at: written(at / "a.csv.gz", gzip.compress(CSV.encode())),
    "JSON lines": lambda at: written(at / "a.jsonl", ROWS),
    "JSON lines, gzip": lambda at: written(at / "a.jsonl.gz", gzip.compress(ROWS.encode())),
    "Parquet": lambda at: TABLE.to_parquet(at / "a.parquet") or at / "a.parquet",
    "categories": lambda at: (
        TABLE.astype({"item": "category"}).to_parquet(at / "a.parquet") or at / "a.parquet"
    ),
    "a folder": lambda at: (
        written(at / "t" / "b" / "2.csv", CSV[:30] + "".join(CSV[30:].splitlines(True)[2:]))
        and written(at / "t" / "a.csv", "".join(CSV.splitlines(True)[:3])).parent
    ),
    "a data frame": lambda _: TABLE.set_index(np.array([7, 7, 8, 9])),
    "a frame of polars": lambda _: pytest.importorskip("polars").from_pandas(TABLE),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_table_says_the_same(tmp_path, form):
    check_csv(read(FORMS[form](tmp_path)))


# the rows of a table, and the item, number and right ones of each that is read
MEASURES = {
    "right": ("item,right|1,1|2,0", [[0, 1, 1], [1, 1, 0]]),
    "correct": ("item,correct|1,1|2,0", [[0, 1, 1], [1, 1, 0]]),
    "scores": ("item,score|1,1.0|2,0|2,.25", [[0, 1, 1], [1, 1, 0], [1, 1, 0.25]]),
    "counts": ("example_id,count,correct|7,1000,250|8,0,0|9,2,2", [[0, 1000, 250], [1, 2, 2]]),
    "answers": ("item,answer,key|1, c,c|2,C,c", [[0, 1, 1], [1, 1, 0]]),
    "a key that nobody answers": ("item,answer,key|1,a,b|2,c,c", [[0, 1, 0], [1, 1, 1]]),
    "again after an error": ("item,trial,right|1,1,|1,1,1|2,1,0", [[0, 1, 1], [1, 1, 0]]),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_each_way_to_say_what_is_right(tmp_path, measure):
    text, expected = MEASURES[measure]
    found = read(written(tmp_path / "a.csv", text.replace("|", "\n")))
    assert found.rows[["item", "count", "correct"]].to_numpy().tolist() == expected
    assert {*found.rows["model"]} == {"model"}
    assert ("trial" in text) == found.rows["trial"].notna().any()
    assert found.items["id"].dtype == np.int64


def test_what_errored_is_left_out_and_counted_unless_it_is_wrong(tmp_path):
    rows = ("1,1,", "1,,", "2,0,timeout", "2,1,", "3,NaN,", "2,1,false", "4,1,none")
    file = written(tmp_path / "a.csv", "\n".join(["item,right,error", *rows, ""]))
    found = read(file)
    assert found.num_errors == 3
    assert found.items["id"].tolist() == [1, 2, 4]
    assert found.rows["item"].tolist() == [0, 1, 1, 2]
    assert found.notes == ("items left out, without a trial that did not error: 1",)
    found = read(file, errors="wrong")
    assert found.num_errors == 0
    assert found.rows["correct"].tolist() == [1, 0, 0, 1, 0, 1, 1]
    assert found.notes == ("trials that errored and count as wrong: 3",)


def test_columns_by_other_names_and_metadata(tmp_path):
    header = "q,who,right,score,question,level,seconds,lists,id\n"
    text = header + "1,m,1,.5,what?,3,.1,a,x\n1,n,0,.5,,3,.2,b,y\n2,m,1,.5,why?,,.3,c,z\n"
    file = written(tmp_path / "a.csv", text)
    found = read(file, {"item": "q", "model": "who", "right": "right"})
    assert found.rows["model"].tolist() == ["m", "n", "m"]
    assert found.items["text"].tolist() == ["what?", "why?"]
    assert np.array_equal(found.items["level"], [3, np.nan], equal_nan=True)
    assert "score" in found.items
    left, unequal = found.notes
    assert all(name in left for name in ("seconds", "lists", "id"))
    assert unequal == "1 of 2 models have not all of the 2 items (n has 1)"


def test_files_of_models_without_a_column_of_them(tmp_path):
    for model in ("org/a", "b"):
        written(tmp_path / f"{model}.csv", "item,right\n1,1\n2,0\n")
    found = read(tmp_path)
    assert sorted({*found.rows["model"]}) == ["b", "org/a"]
    assert found.notes == ("no column model: each file is a model",)


def test_samples_of_the_harness(tmp_path):
    for model, right in (("org__a", 1.0), ("org__b", 0.0)):
        rows = [
            harness(at, right * at, filter=name)
            for at in range(2)
            for name in ("strict-match", "flexible-extract")
        ]
        for row in rows[: 0 if right else None]:
            del row["metrics"]  # as older versions wrote them
        written(tmp_path / model / f"samples_gsm8k_{TIME}.jsonl", lines(*rows))
        written(tmp_path / model / f"results_{TIME}.json", "{}")
    found = read(tmp_path)
    assert found.items[["id", "text", "key", "group", "level"]].to_numpy().tolist() == [
        *(["gsm8k/0", "0 + 1?", "1", "gsm8k", 0], ["gsm8k/1", "1 + 1?", "2", "gsm8k", 1])
    ]
    assert found.rows[["model", "trial", "correct", "answer"]].to_numpy().tolist() == [
        [f"org__{model}", TIME, right, "3"] for model, right in (("a", 0), ("a", 1), ("b", 0), ("b", 0))
    ]
    assert found.notes[0].startswith("strict-match counts, of strict-match, flexible-extract; name another")
    chosen = read(tmp_path, {"filter": "flexible-extract", "right": "exact_match"})
    assert len(chosen.rows) == 4
    assert not any("counts" in note for note in chosen.notes)


def test_tasks_of_multiple_choice_stand_beside_others(tmp_path):
    choices = lines(choice(0, [-2, 0.0, -3]), choice(1, [-1, -2]))
    easy = written(tmp_path / "m" / f"samples_arc_easy_{TIME}.jsonl", choices)
    large = lines(harness(0, resps=[["x" * 2**21]]))
    written(tmp_path / "m" / f"samples_gsm8k_{TIME}.jsonl.gz", gzip.compress(large.encode()))
    found = read(tmp_path)
    assert found.items["id"].tolist() == ["arc_easy/0", "arc_easy/1", "gsm8k/0"]
    assert found.rows["answer"].tolist() == ["1", "0", "3"]
    assert found.rows["correct"].tolist() == [1, 0, 1]
    assert read(easy, {"right": "acc_norm"}).rows["correct"].sum() == 0


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        (["2", "1"], "1 + 0?\nA. 2\nB. 1"),
        ({"text": ["2", "1"], "label": [1, 2]}, "1 + 0?\n1. 2\n2. 1"),
        ({"text": None}, "1 + 0?"),
        (7, "1 + 0?"),
    ],
)
def test_a_question_is_followed_by_its_choices(tmp_path, choices, text):
    question = harness(0, doc={"question": "1 + 0?", "choices": choices})
    found = read(written(tmp_path / "samples_a.jsonl", lines(question)))
    assert found.items["text"].tolist() == [text]


def test_a_metric_that_is_null_at_first_stays_the_first(tmp_path):
    rows = [choice(0, [-1, -2]) | {"acc": None, "acc_norm": 1.0}, choice(1, [-2, -1]) | {"acc_norm": 0.0}]
    found = read(written(tmp_path / "m" / "samples_a.jsonl", lines(*rows)))
    assert (found.items["id"].tolist(), found.rows["correct"].tolist()) == (["a/1"], [1])
    assert found.num_errors == 1
    assert found.notes[0].startswith("acc counts, of acc, acc_norm; name another")


def test_instances_of_every_eval_ever(tmp_path):
    again = {"metadata": {"epoch": "2", "subject": "sums"}}
    rows = [instance("a", 1.0), instance("b", 0.0), instance("a", 0.5, **again)]
    rows.append(instance("b", None, error="timeout", **again))
    file = written(tmp_path / "data" / "gsm8k" / "org" / "m" / "u_samples.jsonl", lines(*rows))
    found = read(file)
    assert found.items.drop(columns="group").to_numpy().tolist() == [
        ["gsm8k/a", "what is a?", "4", "sums"],
        ["gsm8k/b", "what is b?", "4", "sums"],
    ]
    assert found.rows[["model", "trial", "correct"]].to_numpy().tolist() == [
        ["org/m", f"gsm8k/org/m/17 {epoch}", right] for epoch, right in ((1, 1), (1, 0), (2, 0.5))
    ]
    assert found.num_errors == 1
    assert read(file, {"right": "is_correct"}).rows["correct"].tolist() == [1, 0, 1]


def test_a_sample_with_several_metrics_counts_by_one(tmp_path):
    rows = [
        instance("a", right, evaluation_result_id=name, evaluation_name=task)
        for task in ("law", "sums")
        for name, right in (("exact", 1.0), ("f1", 0.5))
    ]
    file = written(tmp_path / "a.jsonl", lines(*rows))
    found = read(file)
    assert found.items["id"].tolist() == ["law/a", "sums/a"]
    assert found.rows["correct"].tolist() == [1, 1]
    assert found.notes[0].startswith("exact counts, of exact, f1")
    assert read(file, {"filter": "f1"}).rows["correct"].tolist() == [0.5, 0.5]


# the rows of a CSV, and what the one line says that refuses it
BAD_CSV = r"""
item,right,score|1,1,1 -> both right and score; .*--columns right=right
item,right,count,correct|1,1,1,1 -> both right and count
item,score|1,1|2,1.2 -> row 3: the score is '1.2'; write a number from 0 to 1
item,score|1,-.1 -> row 2: the score is '-.1'
item,score|1,1e999 -> row 2: the score is '1e999'
item,right|1,2 -> row 2: the right is '2'; write 0 or 1$
item,right|1,1|2,yes -> row 3: the right is 'yes'; write 0 or 1$
item,count,correct|1,3,4 -> row 2: the correct is '4'; .*at most the count
item,count,correct|1,-3,0 -> row 2: the count is '-3'; write a whole number
item,count,correct|1,3,-1 -> row 2: the correct is '-1'
item,count,correct|1,2.5,1 -> row 2: the count is '2.5'; write a whole number
item,count,correct|1,2,.5 -> row 2: the correct is '.5'
item,count,correct|1,,1 -> row 2: the count is empty; write a whole number
item,count,correct|1,1e30,1 -> row 2: the count is '1e30'
item,count|1,2 -> no column right, .* nor both count and correct, .*; name them by --columns
item,key|1,2 -> nor both answer and key; name them by --columns
item,answer|1,2 -> nor both answer and key; .*its columns are item, answer
item,model|1,2 -> no column right, nor score, .*its columns are item, model
item,trial,right|1,a,1|2,a,0|1,a,0 -> row 4: item '1', trial 'a' is in row 2 too; keep one, or number
item,count,correct|1,2,1|1,2,1 -> row 3: item '1' is in row 2 too; add their counts up
item,right|,1 -> row 2: the item is empty; fill it in, or leave the row out
item,right|1,1|  ,1 -> row 3: the item is empty
item,model,right|1,,1 -> row 2: the model is empty; fill it in
question,right|1,1 -> no column item .*its columns are question, right; .*--columns item=NAME
item,answer,key|1,,b|2,,c -> no answer is a key, such as 'b'
item,answer,key|1,a,A|2,b,B -> no answer is a key, such as 'A'; write both in the same form
item,answer,key|1,a,a|2,b, -> row 3: the key is empty; fill it in
item,answer,key|1,a,a|1,b,b -> row 3: item '1' has another key than before
item,right,text|1,1,a|2,1,a|1,1,b -> row 4: item '1' has another text than before; give other ids
item,right,group|1,1,a|1,1,b -> row 3: item '1' has another group
item,right|1,|2,nan -> all 2 trials errored; .*--errors wrong
item,count,correct|1,7,|2,5, -> all 12 trials errored
item,count,correct|1,3,1|2,0,0 -> row 3: the count is '0'; write how many trials there were
item,right,right|1,1,0 -> column right occurs more than once; leave one out
item,right|1,1,7 -> row 2: 3 values for 2 columns
item,right|1,"1 -> line 2: the table is not CSV
item,right -> no rows; give one
"""
BAD_ROWS = [line.partition(" -> ")[::2] for line in BAD_CSV.strip().splitlines()]
SAMPLE, INSTANCE = lines(harness(0)), lines(instance("a", 1.0))
GZIP = gzip.compress(b"item,right\n" + bytes(f"{list(range(9999))}", "ascii"))
# the name of a file, its content, and what the one line says
BAD_FILES: tuple[tuple[str, str | bytes, str], ...] = (
    ("a.csv", "", "no header; name the columns"),
    ("a.csv", f"item,right\n{'x' * 5000},1\n", "items: one of 5000 bytes"),
    ("a.csv", bytes(range(256)) * 9, "UTF-8|not CSV|no header"),
    ("a.csv.gz", GZIP[:-20], "cannot be read .*damaged"),
    ("a.csv.gz", CSV, "cannot be read"),
    ("a.parquet", b"PAR1" + bytes(99), "not a Parquet file that can be read"),
    ("a.jsonl", ROWS[:-9], 'line 4: no JSON that can be read .*of outcomes {"item": "q1", "right": 1}'),
    ("a.XLSX", b"PK", "a workbook; save its sheet as a file that ends in .parquet, .csv, "),
    ("a.jsonl", "[1]\n[2]\n", "row 0 is no object"),
    ("a.json", '{"item": 1}', "JSON that is no list of objects"),
    ("a.jsonl", lines({"item": {"a": 1}, "right": 1}), "column item holds struct.*; give texts or numbers"),
    ("a.jsonl", lines({"item": 1, "right": [1, 0]}), "column right holds list"),
    ("samples_a.jsonl", lines(harness(0, metrics=[])), "no number to take as right; .*there are none"),
    ("samples_a.jsonl", lines(harness(0), harness(1, 43.2)), "row 1: the score is '43.2'"),
    ("samples_a.jsonl", lines(harness(0), {"doc": {}}), "row 1: the item is empty; fill"),
    (f"samples_a_{TIME}.jsonl", SAMPLE + SAMPLE, "row 1: item 'a/0', model .*, trial .* is in row 0 too"),
    ("a.jsonl", lines(instance("a", 1.0, evaluation=1)), "row 0: evaluation is no object"),
    ("a.jsonl", lines(instance("a", 1.0, model_id=None)), "row 0: the model is empty"),
    ("a.jsonl", INSTANCE + SAMPLE, "row 1: the item is empty"),
)


def refused(table: Any, says: str, columns: dict[str, str] | None = None) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        read(table, columns)
    said = str(refusal.value)
    assert len(said.splitlines()) == 1
    assert "; " in said
    assert said.startswith(("--columns", "table: ")) or str(table) in said


BAD_COLUMNS: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("a.csv", CSV, {"itm": "item"}, r"--columns itm: unknown \(did you mean item, .*\); name item, model"),
    ("a.csv", CSV, {"item": "itm"}, r"no column itm \(did you mean item.*--columns item=NAME"),
    ("a.csv", CSV, {"item": "model", "model": "model"}, "=model: named for two roles"),
    ("a.csv", CSV, {"filter": "none"}, "--columns filter: unknown"),
    ("samples_a.jsonl", SAMPLE, {"right": "acc"}, "no acc to take as right; .*there are exact_match"),
    ("samples_a.jsonl", SAMPLE, {"filter": "b"}, "no b to take as filter; .*there are strict-match"),
    ("b.jsonl", INSTANCE, {"filter": "f1"}, "no f1 to take as filter; .*there are none"),
)
BAD_FOLDERS = (
    ({"a.csv": CSV, "b.jsonl": ROWS}, r"files of several forms: csv \(a.csv\), json \(b.jsonl\); record"),
    ({"samples_a.jsonl": SAMPLE, "b.jsonl": INSTANCE}, "forms: Every Eval Ever .*, lm-evaluation-harness"),
    ({"a.txt": "a", ".hidden.csv": CSV}, "no tables below it; give files that end in .parquet, .csv"),
    ({"a.csv": CSV, "b.csv": CSV}, "b.csv: row 2: item 'b', model 'x', trial '1' is in .*a.csv: row 2 too"),
    ({"a.csv": CSV, "b.csv": CSV.replace("1,0", "2,7")}, "b.csv: row 3: the right is '7'"),
)


@pytest.mark.parametrize(
    ("files", "columns", "says"),
    [
        *(({"a.csv": rows.replace("|", "\n")}, {}, says) for rows, says in BAD_ROWS),
        *(({file: content}, {}, says) for file, content, says in BAD_FILES),
        *(({file: content}, columns, says) for file, content, columns, says in BAD_COLUMNS),
        *((files, {}, says) for files, says in BAD_FOLDERS),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, files, columns, says):
    for name, content in files.items():
        path = written(tmp_path / name, content)
    refused(tmp_path if len(files) > 1 else path, says, columns)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("nothing.csv", "cannot be read .*No such file"),
        ([1, 2], "table: list is no table; give a path, or a data frame"),
        (pd.DataFrame({"item": [], "right": []}), "table: no rows"),
        (pd.DataFrame({"item": [1, "a"], "right": [1, 0]}), "table: .*item.*; give each column"),
        (pd.DataFrame([[1, 1, 0]], columns=["item", "right", "right"]), "table: .*[Dd]uplicate"),
        (pd.DataFrame({"item": [5, 6], "right": [1, 3]}), "table: row 1: the right is '3'"),
    ],
)
def test_what_is_no_table_is_refused(table, says):
    refused(table, says)


def test_what_is_odd_and_allowed(tmp_path):
    text = "item,model,right\n007,../a b/ü,1\n1,../a b/ü,0\n'=1+1,<b>,1\n"
    found = read(written(tmp_path / "a.csv", text))
    assert found.items["id"].tolist() == ["007", "1", "=1+1"]
    assert found.rows["model"].tolist() == ["../a b/ü", "../a b/ü", "<b>"]
    text = "item,answer,key\n1,a,b\n2,c,c\n"  # the key of item 1 is the answer of nobody
    found = read(written(tmp_path / "b.csv", text))
    assert found.rows["correct"].tolist() == [0, 1]
    assert found.notes == ("1 item has a key that nobody answered (1: 'b')",)


def test_a_run_a_model_is_not_for_10_000():
    num = 10_000
    many = read(pd.DataFrame({"item": [1, 2] * num, "model": np.arange(2 * num) // 2, "right": 1}))
    with pytest.raises(BadInput, match=r"a\.csv: 10,000 models, .*at most 1,000 .*--trials-are models"):
        check_models(many, "a.csv")
