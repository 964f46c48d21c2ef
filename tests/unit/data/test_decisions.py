from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easiness import BadInput, load_dataset
from easiness.data import Labelled, read_decisions
from easiness.spec import DatasetRef, SplitRef

CLASSES = ("cat", "dog", "owl")
OF = Labelled("pets", np.arange(7), np.arange(7) % 3, CLASSES)


def read(tmp_path: Path, text: str, split="train"):
    file = tmp_path / "labels.csv"
    file.write_text(text)
    return read_decisions(file, OF, split, "pets@abc")


def test_each_action_and_what_it_says_of_the_label(tmp_path: Path):
    found = read(
        tmp_path,
        "id,label,class,was,action,by,time,split,data\n"
        "0,0,cat,0,keep,ann,2026-11-28T10:00:00Z,train,pets@abc\n"
        "1,2,owl,1,relabel,ann,,train,\n"
        "2,2,owl,2,drop,,,,animals@abc\n"  # a folder that was renamed
        "3,0,cat,0,unsure,bob,,train,pets@abc\n"
        "4,1,dog,1,,,,train,pets@abc\n"  # not looked at
        "5,2,owl,2,relabel,bob,,train,pets@abc\n"  # wrong, but what is right is not said
        "6,0,cat,0,,ann+bob,,train,pets@abc\n"  # looked at, and not decided
        "1,0,cat,1,relabel,ann,,held_out,pets@abc\n",
    )
    assert found.at.tolist() == [0, 1, 2, 3, 5]
    assert found.actions.tolist() == ["keep", "relabel", "drop", "unsure", "relabel"]
    assert found.labels.tolist() == [0, 2, -1, 0, -1]
    assert found.wrong.tolist() == [False, True, True, False, True]
    assert found.sure.tolist() == [True, True, True, False, True]
    assert found.by.tolist() == ["ann", "ann", "", "bob", "bob"]
    assert found.undecided == (6,)
    assert found.times[0] == "2026-11-28T10:00:00Z"


def test_a_label_that_was_changed_is_a_decision_without_an_action(tmp_path: Path):
    found = read(tmp_path, "id,label,was\n0,dog,0\n1,1,1\n")
    assert (found.at.tolist(), found.actions.tolist(), found.labels.tolist()) == ([0], ["relabel"], [1])


def test_the_table_is_read_back_as_it_was(tmp_path: Path):
    found = read(tmp_path, "id,label,was,action,by\n0,0,0,keep,ann\n1,2,1,relabel,ann\n2,2,2,drop,ann\n")
    file = tmp_path / "again.csv"
    found.table().to_csv(file, index=False)
    found.table().to_parquet(file.with_suffix(".parquet"), index=False)
    for path in (file, file.with_suffix(".parquet")):
        again = read_decisions(path, OF, "train", "pets@abc")
        pd.testing.assert_frame_equal(again.table(), found.table())
    assert found.table().columns.tolist() == (
        ["id", "label", "class", "was", "action", "by", "time", "split", "data"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label,action,data\n0,0,keep,cars@def\n", "row 2: is of cars@def, and not of pets@abc"),
        ("id,label,action,split\n0,0,keep,test\n", "row 2: the split 'test'"),
        ("id,label,action,split\n0,0,keep,held_out\n", "--split held_out"),
        ("id,label,action\n0,0,delete\n", "row 2: the action 'delete'"),
        ("id,label,was,action\n0,1,0,unsure\n", "row 2: the action is unsure, but the label is 'dog'"),
        ("id,label,was,action\n0,1,2,relabel\n", "row 2: the example '0' was '2'"),
        ("id,label,action\n0,0,keep\n0,1,relabel\n", "row 3: the id '0'"),
        ("id,label,action\n9,0,keep\n", "row 2: pets has no training example with the id '9'"),
    ],
)
def test_what_is_not_of_this_run_is_refused_by_its_row(tmp_path: Path, text: str, message: str):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


def test_training_takes_decisions_over_the_labels_of_the_source(tmp_path: Path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "id,label,was,action,by,split\n"
        "1,owl,1,relabel,ann,train\n2,2,2,drop,ann,train\n3,0,0,unsure,ann,train\n0,2,0,relabel,ann,held_out\n"
        "5,2,2,relabel,ann,train\n"  # wrong, but what is right is not said
    )
    x = np.arange(112, dtype=np.uint8).reshape(7, 4, 4)
    found = load_dataset((x, OF.labels), classes=list(CLASSES), labels=file)
    assert found.ids.tolist() == [0, 1, 3, 4, 6]
    assert found.labels.tolist() == [0, 2, 0, 1, 0]


def test_the_version_of_the_data_is_that_of_the_held_out_labels_too():
    def of(held_out: str | None) -> str:
        train = SplitRef(fingerprint="a" * 64, num_examples=9)
        other = None if held_out is None else SplitRef(fingerprint=held_out, num_examples=9)
        return DatasetRef(source="x/pets", train=train, held_out=other, classes=CLASSES).version

    assert of(None) == "pets@aaaaaaaaaaaa"
    assert len({of(None), of("b" * 64), of("c" * 64)}) == 3
