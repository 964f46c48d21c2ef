from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness import BadInput, load_dataset
from easiness.store import Run
from pixels import images_of

CLASSES = ["cat", "dog", "owl"]


def data(num: int = 6):
    pixels = np.arange(num * 16, dtype=np.uint8).reshape(num, 4, 4)
    return load_dataset((pixels, np.arange(num) % 3), classes=CLASSES)


def labels(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    return file


def test_labels_by_index_or_name_and_what_is_not_named_is_left_out(tmp_path: Path):
    file = labels(tmp_path, "was,label,id,action\n0,2,0,relabel\n,cat,4,\n2,dog,5,relabel\n0,0,3,keep\n")
    found = load_dataset((data().array, np.arange(6) % 3), classes=CLASSES, labels=file)
    assert found.ids.tolist() == [0, 3, 4, 5]
    assert found.labels.tolist() == [2, 0, 0, 1]
    assert found.true_labels.tolist() == found.labels.tolist()
    np.testing.assert_array_equal(images_of(found).numpy(), images_of(data()).numpy()[[0, 3, 4, 5]])
    assert found.fingerprint != data().fingerprint
    assert found.ref().labels == str(file)


def test_the_same_labels_for_all_change_nothing_but_the_reference(tmp_path: Path):
    own = data()
    rows = "".join(f"{i},{label}\n" for i, label in zip(own.ids, own.labels, strict=True))
    found = ez.load_dataset(
        (own.array, own.labels),
        classes=CLASSES,
        labels=labels(tmp_path, "id,label\n" + rows),
    )
    assert found.fingerprint == own.fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\n0,0\n9,1\n", "row 3: .* has no training example with the id '9'"),
        ("id,label\n0,0\n1,1\n0,2\n", "row 4: the id '0' stands there twice; keep one of its rows"),
        (
            "id,label\n0,3\n",
            "row 2: the label '3' is no class; give the name of a class, or its index from 0 to 2",
        ),
        ("id,label\n0,doc\n", r"row 2: the label 'doc' is no class \(did you mean dog"),
        ("id,label\n0,-1\n", "row 2: the label '-1' is no class"),
        (
            "id,label\n0,\n",
            "row 2: the label '' is no class; .* from 0 to 2, or write drop in the column action",
        ),
        (
            "id,label,class,was,action\n0,1,owl,0,relabel\n",
            "row 2: the label 1 is the class 'dog', but the column class says 'owl'; correct one of them",
        ),
        (
            "id,label,class,was,action\n0,0,owl,0,keep\n",
            "row 2: the action is keep, but the label is 'owl' and was 'cat'; write relabel, or the label",
        ),
        (
            "id,label,class,was\n0,0,eagle,0\n",
            "row 2: the label 0 is the class 'cat', but the column class says",
        ),
        ("id,label,class\n0,1,cat\n", "the label 1 is the class 'dog', but the column class says 'cat'"),
        ("id,label\n0,0\n1,1\n", "no example has the label 'owl' any more; keep some of each class"),
        ("id,class\n0,cat\n", "has no column 'label'; give a CSV with a header"),
        ("id,label\n", "names no example; give a row for each that is to be kept"),
        ("", "has no column 'id'; give a CSV with a header"),
        (
            "id,label,action\n0,0,keep\n1,1,delete\n",
            "row 3: the action 'delete' is unknown; write keep, relabel, ",
        ),
        (
            "id,label,action\n0,0,dorp\n",
            "row 2: the action 'dorp' is unknown; write keep, relabel, drop, unsure, or",
        ),
        (
            "id,label,was\n0,0,0\n1,1,2\n",
            "row 3: the example '1' was '2' when the file was made, and is 'dog' here; give the data that",
        ),
        (f"id,label,was\n0,0,{'9' * 5000}\n", "row 2: the example '0' was '9{79}... when the file was made"),
        ("id,label,was,action\n0,0,owl,drop\n", "row 2: the example '0' was 'owl' when"),
        (
            "id,label,was,action\n1,2,1,keep\n",
            "row 2: the action is keep, but the label is 'owl' and was 'dog'; write relabel, or the label",
        ),
        ("id,label,action\n9,0,drop\n", "row 2: .* has no training example with the id '9'"),
        ("id,label,action\n0,0,drop\n1,1,\n0,0,drop\n", "row 4: the id '0' stands there twice"),
        ("id,label,label\n0,0,0\n", "has the column 'label' twice; keep one of them"),
        ("id,label\n0,0,1\n", "row 2: has 3 cells for the 2 columns; mend the quotes"),
        ('id,label\n0,"0\n', "line 2: the file of labels is not CSV .*; mend the quotes"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str):
    own = data()
    with pytest.raises(BadInput, match=f"labels.csv: .*{message}|labels.csv: {message}"):
        load_dataset((own.array, own.labels), classes=CLASSES, labels=labels(tmp_path, text))


def read(tmp_path: Path, text: str | bytes, classes: list[str] = CLASSES):
    own = data()
    file = tmp_path / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_dataset((own.array, own.labels), classes=classes, labels=file)


def test_rows_to_drop_are_left_out_and_can_be_taken_back(tmp_path: Path):
    rows = "id,label,class,was,action\n0,0,cat,0,keep\n1,1,dog,1,drop\n2,2,owl,2,\n3,1,dog,0,relabel\n"
    assert read(tmp_path, rows).ids.tolist() == [0, 2, 3]
    assert read(tmp_path, rows).labels.tolist() == [0, 2, 1]
    assert read(tmp_path, rows.replace("drop", " Keep ")).ids.tolist() == [0, 1, 2, 3]
    assert read(
        tmp_path, rows.replace("1,dog,0,relabel", "0,cat,0,keep").replace("drop", "")
    ).labels.tolist() == [*(0, 1, 2, 0)]
    # what a dropped row is labelled as does not matter
    assert read(tmp_path, rows.replace("1,1,dog", "1,?,dig")).ids.tolist() == [0, 2, 3]


def test_the_label_or_the_class_may_be_edited_alone(tmp_path: Path):
    """The column was says which of the two is new."""
    rows = "id,label,class,was,action\n0,2,cat,0,relabel\n1,dog,owl,dog,\n2,2,cat,2,relabel\n4,1,dog,1,keep\n"
    assert read(tmp_path, rows).labels.tolist() == [2, 2, 0, 1]


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_what_a_spreadsheet_makes_of_it(tmp_path: Path, separator: str):
    rows = [
        "id,label,class,was,action,",
        "0,0.0, cat ,cat,keep,",
        "",
        ",,,,,",
        "4.0,2,owl, 1.0,relabel,",
        "5,owl",
    ]
    text = "\r\n".join([*rows, "1, 1 ,,,,"]).replace(",", separator)
    found = read(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert found.ids.tolist() == [0, 1, 4, 5]
    assert found.labels.tolist() == [0, 1, 2, 2]


def test_it_counts_rows_as_a_spreadsheet_does(tmp_path: Path):
    with pytest.raises(BadInput, match=r"row 5: .*'7' is no"):
        read(tmp_path, 'id,label,note\n0,0,"two\nlines"\n\n1,1,\n2,7,\n')


def test_a_file_in_another_encoding(tmp_path: Path):
    with pytest.raises(BadInput, match="not UTF-8"):
        read(tmp_path, "id,label\n0,caf\u00e9\n".encode("latin-1"))


def test_names_that_are_numbers(tmp_path: Path):
    """A name goes before an index; the column class says which was meant."""
    classes = ["1", "2", "3.0"]
    assert read(tmp_path, "id,label\n0,1\n1,2\n2,3.0\n", classes).labels.tolist() == [0, 1, 2]
    rows = "id,label,class,was\n0,0,1,0\n1,1,2,1\n2,2,3.0,2\n"
    assert read(tmp_path, rows, classes).labels.tolist() == [0, 1, 2]


def test_an_example_that_is_held_out_here(tmp_path: Path):
    held = load_dataset("digits", limit=100, holdout=0.2).held_out
    assert held is not None
    file = labels(tmp_path, f"id,label\n{held.ids[0]},0\n")
    with pytest.raises(BadInput, match=r"row 2: the example '\d+' is held out \(--holdout 0.2"):
        load_dataset("digits", limit=100, holdout=0.2, labels=file)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(BadInput, match=r"no\.csv: .*No such file"):
        load_dataset("digits", labels=tmp_path / "no.csv")


@pytest.fixture
def digits_labels(tmp_path: Path) -> Path:
    """Of 120 digits less those held out: one dropped, one relabelled."""
    ids = load_dataset("digits", limit=100, holdout=0.2)
    rows = [f"{i},{label}" for i, label in zip(ids.ids.tolist(), ids.labels.tolist(), strict=True)][1:]
    number, label = rows[0].split(",")
    rows[0] = f"{number},{(int(label) + 1) % 10}"
    return labels(tmp_path, "id,label\n" + "\n".join(rows) + "\n")


def test_a_run_by_such_labels_goes_on_and_finds_its_data_again(tmp_path: Path, digits_labels: Path):
    options = {"model": "mlp_2_w8", "limit": 100, "holdout": 0.2, "epochs": 1, "precision": "float32"}
    where: dict[str, Any] = {**options, "labels": digits_labels, "out": tmp_path / "run"}
    run = ez.measure("digits", trials=1, **where)
    assert len(run.ids) == 99
    assert len(ez.measure("digits", trials=2, **where).trials) == 2
    with pytest.raises(BadInput, match="with other settings"):
        ez.measure("digits", trials=2, **{**where, "labels": None})
    again = Run(tmp_path / "run").spec.data
    assert (again.limit, again.holdout, again.labels) == (100, 0.2, str(digits_labels))
    study = dict[str, Any](model="mlp_2_w8", epochs=1, repetitions=1, rates=(0.3,), policies=("random",))
    ablated = ez.ablate("digits", run, **study, out=tmp_path / "ablated", precision="float32")
    assert ablated.num_examples == 99
    with pytest.raises(BadInput, match=r"labels other\.csv: .* leave --labels out"):
        ez.ablate("digits", run, **study, labels="other.csv", out=tmp_path / "other")
    digits_labels.unlink()
    with pytest.raises(BadInput, match="labels cannot be read"):
        ez.ablate("digits", run, **study, out=tmp_path / "gone", precision="float32")


def test_the_command_takes_them(command, tmp_path: Path, digits_labels: Path):
    size = ["--model", "mlp_2_w8", "--limit", 100, "--holdout", 0.2, "--trials", 1, "--epochs", 1]
    size += ["--precision", "float32"]
    done = command("measure", "digits", *size, "--labels", digits_labels, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "over 99 examples" in done.out
    refused = command(
        "measure", "digits", *size, "--labels", tmp_path / "no.csv", "--out", tmp_path / "other"
    )
    assert refused.code == 2
    assert "(No such file or directory); give" in refused.err.splitlines()[-1]


def _decided(tmp_path: Path, of: str) -> Path:
    return labels(tmp_path, f"id,label,action,was,by,data\n0,{CLASSES[1]},relabel,0,me,{of}\n")


def test_decisions_on_other_data_are_refused(tmp_path: Path):
    own = data()
    version = own.ref().version
    assert version == f"data@{own.fingerprint[:12]}"
    assert load_dataset_with(own, _decided(tmp_path, version)).labels[0] == 1
    with pytest.raises(BadInput, match=f"row 2: is of cars@0123456789ab, and not of {version}; give a file"):
        load_dataset_with(own, _decided(tmp_path, "cars@0123456789ab"))
    # the same data, of which another part was held out
    assert load_dataset_with(own, _decided(tmp_path, "data@0123456789ab")).labels[0] == 1
    # the same data under another name
    assert load_dataset_with(own, _decided(tmp_path, f"mine@{own.fingerprint[:12]}")).labels[0] == 1


def load_dataset_with(own: Any, file: Path) -> Any:
    from easiness.data import part_of
    from easiness.spec import Loading

    return part_of(own, Loading(labels=file))


def test_every_command_that_takes_labels_refuses_them(refused, measured: Path, tmp_path: Path):
    file = labels(tmp_path, "id,label,action,was,by,data\n0,1,relabel,0,me,cars@0123456789ab\n")
    told = f"{file}: row 2: is of cars@0123456789ab, and not of digits@"
    size = ("--model", "mlp_1", "--limit", 100, "--trials", 1, "--epochs", 1, "--out", tmp_path / "run")
    assert told in refused("measure", "digits", "--labels", file, *size)
    assert told in refused("verify", "digits", "--labels", file, "--holdout", 0.2, *size)
    assert told in refused("suspects", measured, "--decided", file)
    assert told in refused("clean", measured, "--decided", file)
    assert not (tmp_path / "run").exists()
