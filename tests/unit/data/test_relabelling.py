from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness import BadInput, load_dataset
from easiness.data import LabelledExamples, part_of, read_decisions
from easiness.engine import make_value
from easiness.paper.options import ABLATE
from easiness.paper.training_sets import plan_sets
from easiness.spec import DatasetRef, Loading, SplitRef
from easiness.store import Run
from pixels import images_of

CLASSES = ["cat", "dog", "owl"]


def data(classes: list[str] = CLASSES):
    pixels = np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4)
    return load_dataset((pixels, np.arange(6) % 3), classes=classes)


def read(tmp_path: Path, text: str | bytes, classes: list[str] = CLASSES):
    file = tmp_path / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return part_of(data(classes), Loading(labels=file))


def labels_of(found: Any) -> dict[int, int]:
    return dict(zip(found.ids.tolist(), found.labels.tolist(), strict=True))


def test_labels_by_index_or_name_and_what_is_not_named_is_left_out(tmp_path: Path):
    found = read(tmp_path, "was,label,id,action\n0,2,0,relabel\n,cat,4,\n2,dog,5,relabel\n0,0,3,keep\n")
    assert found.ids.tolist() == [0, 3, 4, 5]
    assert found.labels.tolist() == found.true_labels.tolist() == [2, 0, 0, 1]
    np.testing.assert_array_equal(images_of(found).numpy(), images_of(data()).numpy()[[0, 3, 4, 5]])
    assert found.fingerprint != data().fingerprint
    assert found.ref().labels == str(tmp_path / "labels.csv")


@pytest.mark.parametrize("form", ["csv.gz", "tsv", "parquet", "jsonl", "json"])
def test_labels_in_every_form_of_table(tmp_path: Path, form: str):
    def write(labels: list[int]) -> Path:
        cells = {"id": [0, 4, 5, 3], "label": labels, "was": [0, None, 2, 0], "pixels": [[0.5, 1.5]] * 4}
        table = pd.DataFrame(cells | {"class": [*CLASSES[2:], None, *CLASSES[1::-1]]})
        if form == "parquet":
            table.to_parquet(tmp_path / f"labels.{form}", index=False)
        elif "json" in form:
            table.to_json(tmp_path / f"labels.{form}", orient="records", lines=form == "jsonl")
        else:
            table.to_csv(tmp_path / f"labels.{form}", index=False, sep="\t" if form == "tsv" else ",")
        return tmp_path / f"labels.{form}"

    found = part_of(data(), Loading(labels=write([2, 0, 1, 0])))
    assert labels_of(found) == {0: 2, 3: 0, 4: 0, 5: 1}
    row = "row 3" if "sv" in form else "row 1"
    with pytest.raises(BadInput, match=rf"labels\.{form}: {row}: the label '7'"):
        part_of(data(), Loading(labels=write([2, 7, 1, 0])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\n0,0\n9,1\n", "row 3: .* no training example with the id '9'"),
        ("id,label\n0,0\n1,1\n0,2\n", "row 4: the id '0' stands there twice"),
        ("id,label\n0,3\n", "row 2: the label '3' is no class; .* from 0 to 2$"),
        ("id,label\n0,doc\n", r"row 2: the label 'doc' is no class \(did you mean dog"),
        ("id,label\n0,-1\n", "row 2: the label '-1' is no class"),
        ("id,label\n0,\n", "row 2: the label '' is no class; .* from 0 to 2, or write drop"),
        ("id,label,class,was,action\n0,1,owl,0,relabel\n", "row 2: .* 'dog', .* says 'owl'"),
        ("id,label,class,was,action\n0,0,owl,0,keep\n", "row 2: the action is keep, .* 'owl' and was 'cat'"),
        ("id,label,class,was\n0,0,eagle,0\n", "row 2: the label 0 is the class 'cat', .* class says 'eagle'"),
        ("id,label,class\n0,1,cat\n", "row 2: the label 1 is the class 'dog', .* class says 'cat'"),
        ("id,label\n0,0\n1,1\n", "no example has the label 'owl' any more"),
        ("id,label,split\n0,0,held_out\n", "names no example"),
        ("id,label,action\n0,0,keep\n1,1,delete\n", "row 3: the action 'delete' is unknown; write keep, rel"),
        ("id,label,was\n0,0,0\n1,1,2\n", "row 3: the example '1' was '2' .*, and is 'dog' here"),
        (f"id,label,was\n0,0,{'9' * 5000}\n", "row 2: the example '0' was '9{79}..."),
        ("id,label,was,action\n0,0,owl,drop\n", "row 2: the example '0' was 'owl' when"),
        ("id,label,was,action\n1,2,1,keep\n", "row 2: the action is keep, .* 'owl' and was 'dog'"),
        ("id,class\n0,cat\n", "no column label.*; give a table with the columns id and label"),
        ("label,Id\n0,0\n", r"no column id \(did you mean Id"),
        ("id,label,draw,draw\n0,0,0,\n", "column draw occurs more than once"),
        ('id,label,note\n0,0,"two\nlines"\n\n1,1,\n2,7,\n', "row 5: .*'7' is no"),  # as a spreadsheet counts
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(BadInput, match=f"labels.csv: {message}"):
        read(tmp_path, text)


def test_rows_to_drop_are_left_out_and_can_be_taken_back(tmp_path: Path):
    rows = "id,label,class,was,action\n0,0,cat,0,keep\n1,1,dog,1,drop\n2,2,owl,2,\n3,1,dog,0,relabel\n"
    assert labels_of(read(tmp_path, rows)) == {0: 0, 2: 2, 3: 1}
    assert read(tmp_path, rows.replace("drop", " Keep ")).ids.tolist() == [0, 1, 2, 3]
    kept = rows.replace("1,dog,0,relabel", "0,cat,0,keep").replace("drop", "")
    assert read(tmp_path, kept).labels.tolist() == [0, 1, 2, 0]
    # what a dropped row is labelled as does not matter
    assert read(tmp_path, rows.replace("1,1,dog", "1,?,dig")).ids.tolist() == [0, 2, 3]


def test_the_label_or_the_class_may_be_edited_alone(tmp_path: Path):
    """The column was says which of the two is new."""
    rows = "id,label,class,was,action\n0,2,cat,0,relabel\n1,dog,owl,dog,\n2,2,cat,2,relabel\n4,1,dog,1,keep\n"
    assert read(tmp_path, rows).labels.tolist() == [2, 2, 0, 1]


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_what_a_spreadsheet_makes_of_it(tmp_path: Path, separator: str):
    rows = ["id, label,class,was,action,", "0,0.0, cat ,cat,keep,", "", ",,,,,", "4.0,2,owl, 1.0,relabel,"]
    text = "\r\n".join([*rows, "5,owl", "1, 1 ,,,,,,"]).replace(",", separator)
    assert labels_of(read(tmp_path, b"\xef\xbb\xbf" + text.encode())) == {0: 0, 1: 1, 4: 2, 5: 2}


def test_names_that_are_numbers(tmp_path: Path):
    """A name goes before an index; the column class says which was meant."""
    classes = ["1", "2", "3.0"]
    assert read(tmp_path, "id,label\n0,1\n1,2\n2,3.0\n", classes).labels.tolist() == [0, 1, 2]
    rows = "id,label,class,was\n0,0,1,0\n1,1,2,1\n2,2,3.0,2\n"
    assert read(tmp_path, rows, classes).labels.tolist() == [0, 1, 2]


@pytest.fixture
def digits_labels(tmp_path: Path) -> Path:
    """Of 120 digits less those held out: one dropped, one relabelled."""
    ids = load_dataset("digits", limit=100, holdout=0.2)
    rows = [f"{i},{label}" for i, label in zip(ids.ids.tolist(), ids.labels.tolist(), strict=True)][1:]
    number, label = rows[0].split(",")
    rows[0] = f"{number},{(int(label) + 1) % 10}"
    (tmp_path / "labels.csv").write_text("id,label\n" + "\n".join(rows) + "\n")
    return tmp_path / "labels.csv"


def test_a_run_by_such_labels_goes_on_and_finds_its_data_again(tmp_path: Path, digits_labels: Path):
    where: dict[str, Any] = {
        "model": "mlp_2_w8",
        "epochs": 1,
        "precision": "float32",
        "out": tmp_path / "run",
    }
    data = load_dataset("digits", limit=100, holdout=0.2, labels=digits_labels)
    run = ez.measure(data, trials=1, **where)
    assert len(run.ids) == 99
    assert len(ez.measure(data, trials=2, **where).trials) == 2
    with pytest.raises(BadInput, match="with other settings"):
        ez.measure(load_dataset("digits", limit=100, holdout=0.2), trials=2, **where)
    again = Run(tmp_path / "run").spec.data
    assert (again.limit, again.holdout, again.labels) == (100, 0.2, str(digits_labels))
    study = dict[str, Any](model="mlp_2_w8", epochs=1, repetitions=1, rates=(0.3,), policies=("random",))
    ablated = ez.paper.ablate("digits", scores=run, **study, out=tmp_path / "ablated", precision="float32")
    assert ablated.num_examples == 99
    asked = make_value(
        ABLATE.asks, {"data": "digits", "scores": run, "labels": "other.csv", "out": tmp_path, **study}
    )
    with pytest.raises(BadInput, match=r"labels other\.csv: .* leave --labels out"):
        plan_sets(asked)
    digits_labels.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        ez.paper.ablate("digits", scores=run, **study, out=tmp_path / "gone", precision="float32")


def test_decisions_on_other_data_are_refused(tmp_path: Path):
    version = data().ref().version
    assert version == f"data@{data().fingerprint[:12]}"
    rows = "id,label,action,was,by,data\n0,dog,relabel,0,me,"
    # the data, those of which another part was held out, and those under another name
    for of in (version, "data@0123456789ab", f"mine@{data().fingerprint[:12]}"):
        assert read(tmp_path, rows + of).labels[0] == 1
    with pytest.raises(BadInput, match=f"row 2: is of cars@0123456789ab, and not of {version}; give a file"):
        read(tmp_path, f"{rows}cars@0123456789ab")


OF = LabelledExamples("pets", np.arange(7), np.arange(7) % 3, tuple(CLASSES))


def decided(tmp_path: Path, text: str):
    (tmp_path / "labels.csv").write_text(text)
    return read_decisions(tmp_path / "labels.csv", OF, "train", "pets@abc")


def test_each_action_and_what_it_says_of_the_label(tmp_path: Path):
    found = decided(
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
    assert found.blanks == (6,)
    assert found.times[0] == "2026-11-28T10:00:00Z"


def test_a_label_that_was_changed_is_a_decision_without_an_action(tmp_path: Path):
    found = decided(tmp_path, "id,label,was\n0,dog,0\n1,1,1\n")
    assert (found.at.tolist(), found.actions.tolist(), found.labels.tolist()) == ([0], ["relabel"], [1])


def test_the_table_is_read_back_as_it_was(tmp_path: Path):
    found = decided(tmp_path, "id,label,was,action,by\n0,0,0,keep,ann\n1,2,1,relabel,ann\n2,2,2,drop,ann\n")
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
        ("id,label,action,split\n0,0,keep,test\n", "row 2: the split 'test'"),
        ("id,label,action,split\n0,0,keep,held_out\n", "--split held_out"),
    ],
)
def test_what_is_not_of_this_run_is_refused_by_its_row(tmp_path: Path, text: str, message: str):
    with pytest.raises(BadInput, match=message):
        decided(tmp_path, text)


def test_training_takes_decisions_over_the_labels_of_the_source(tmp_path: Path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "id,label,was,action,by,split\n"
        "1,owl,1,relabel,ann,train\n2,2,2,drop,ann,train\n3,0,0,unsure,ann,train\n0,2,0,relabel,ann,held_out\n"
        "5,2,2,relabel,ann,train\n"  # wrong, but what is right is not said
    )
    x = np.arange(112, dtype=np.uint8).reshape(7, 4, 4)
    found = load_dataset((x, OF.labels), classes=CLASSES, labels=file)
    assert found.ids.tolist() == [0, 1, 3, 4, 6]
    assert found.labels.tolist() == [0, 2, 0, 1, 0]


def test_the_version_of_the_data_is_that_of_the_held_out_labels_too():
    def of(held_out: str | None) -> str:
        train = SplitRef(fingerprint="a" * 64, num_examples=9)
        other = None if held_out is None else SplitRef(fingerprint=held_out, num_examples=9)
        return DatasetRef(source="x/pets", train=train, held_out=other, classes=tuple(CLASSES)).version

    assert of(None) == "pets@aaaaaaaaaaaa"
    assert len({of(None), of("b" * 64), of("c" * 64)}) == 3
