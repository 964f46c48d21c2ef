"""Several people on the labels of one run: who says what, how far they agree, and the file of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import easiness as ez
from easiness import BadInput, Run
from easiness.runs import data_version, decisions_on
from recording import recorded

NUM = 12
CLASSES = ("cat", "dog", "=owl")
LABELS = np.arange(NUM) % 3
HEADER = "id,label,was,action,by,time,split,data"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("runs") / "run"
    return recorded(path, [np.eye(3)[LABELS]] * 2, LABELS, classes=CLASSES)


def _files(run: Run, folder: Path, said: dict[str, str], **options: str) -> list[Path]:
    return [_file(run, folder / f"{name}.csv", one, **options) for name, one in said.items()]


def _file(run: Run, file: Path, said: str, by: str | None = None, more: str = "") -> Path:
    """A file with what is said of the first examples: ``k``, ``d``, ``u``, ``-``, or the label to be."""
    rows = [HEADER + (",stratum" if more else "")]
    for at, one in enumerate(said.split()):
        action = {"k": "keep", "d": "drop", "u": "unsure", "-": ""}.get(one, "relabel")
        label = int(one) if action == "relabel" else LABELS[at]
        name = file.stem if by is None else by
        when = f"2026-11-28T10:00:{at:02}Z"
        cells = (at, label, LABELS[at], action, name, when, "train", data_version(run))
        rows.append(",".join(map(str, cells)) + (f",{more}" if more else ""))
    file.write_text("\n".join(rows))
    return file


@pytest.fixture
def three(run: Run, tmp_path: Path) -> list[Path]:
    said = {"ann": "k k d u 0 k", "bob": "k k 1 k k", "eve": "k 2 u u 0"}
    return _files(run, tmp_path, said, more="7")


def test_the_majority_decides_and_where_people_differ_comes_first(run: Run, three: list[Path]):
    found = ez.labels(run, three)
    table = found.table()
    # 2: three say three things; 3: two are unsure; then outvoted; then all agree (of 5 there is but one)
    assert table["id"].tolist() == [2, 3, 1, 4, 0, 5]
    assert table["action"].tolist() == ["", "", "keep", "relabel", "keep", "keep"]
    assert table["label"].tolist() == [2, 0, 1, 0, 0, 2]
    assert table["by"].tolist() == ["ann+bob+eve"] * 5 + ["ann"]
    assert table["said"][0] == "ann: drop; bob: dog; eve: unsure"
    assert table["stratum"].tolist() == ["7"] * 6
    assert found.text == "4 of 6 examples are decided, 2 of them against somebody; 2 are undecided"


def test_doubt_of_all_who_looked_is_an_answer(run: Run, tmp_path: Path):
    files = _files(run, tmp_path, {"ann": "k u u", "bob": "k u k"})
    found = ez.labels(run, files)
    table = found.table().set_index("id")
    assert table["action"].to_dict() == {1: "unsure", 2: "", 0: "keep"}
    assert found.text.endswith("; 2 are undecided")
    alone = ez.labels(run, [*files[:1], _file(run, tmp_path / "eve.csv", "-")]).table().set_index("id")
    assert alone["action"].to_dict() == {0: "keep", 1: "unsure", 2: "unsure"}


def test_the_file_of_all_is_read_as_decisions(run: Run, three: list[Path], tmp_path: Path):
    ez.labels(run, three).table().to_csv(tmp_path / "merged.csv", index=False)
    found = decisions_on(run, tmp_path / "merged.csv")
    assert found.at.tolist() == [1, 4, 0, 5]
    assert found.wrong.tolist() == [False, True, False, False]
    assert list(found.other_cells) == [2, 3, 1, 4, 0, 5]  # undecided ones are listed, and first
    assert found.blanks == (2, 3)


def test_people_agree_on_what_they_are_sure_of(run: Run, three: list[Path]):
    found = ez.labels(run, three)
    wrong, label = (found.between[found.between["on"] == on] for on in ("wrong", "label"))
    assert wrong["people"].tolist() == [("ann", "bob"), ("ann", "eve"), ("bob", "eve"), ("ann", "bob", "eve")]
    # of 0, 1, 2 and 4 the first two agree that 2 is wrong, and not on its class
    assert wrong["num"].tolist()[::3] == [4, 3]
    assert (wrong["agreed"].iloc[0], label["agreed"].iloc[0]) == (0.75, 0.5)
    assert wrong["kappa"].iloc[0] == pytest.approx(0.5)  # chance: 2/4 * 1/4 + 2/4 * 3/4 = 1/2


def test_kappa_is_undefined_where_all_say_the_same_and_empty_where_nobody_does(run: Run, tmp_path: Path):
    files = _files(run, tmp_path, {"a": "k k k", "b": "k k k"})
    found = ez.labels(run, files)
    assert (found.between["agreed"].iloc[0], found.document()["agreement"][0]["wrong"]["kappa"]) == (1, None)
    assert "undefined" in found.markdown()
    found = ez.labels(run, [files[0], _file(run, tmp_path / "c.csv", "- - - k k")])
    assert found.document()["agreement"] == [{"people": ["a", "c"], "wrong": None, "label": None}]
    assert "| 0 |" in found.markdown()


def test_a_name_is_a_person_in_whatever_files(run: Run, tmp_path: Path):
    a = _file(run, tmp_path / "a.csv", "k d", by="ann")
    b = _file(run, tmp_path / "b.csv", "k d k", by="ann")
    assert ez.labels(run, [a, b]).people == ("ann",)
    _file(run, b, "k 0", by="ann")
    with pytest.raises(BadInput, match=r"b\.csv: 'ann' says relabel of the example '1', and drop in another"):
        ez.labels(run, [a, b])
    b.write_text(f"{HEADER}\n0,0,0,keep,ann,,,\n1,1,1,keep,bob,,,\n2,2,2,keep,,,,\n")
    assert ez.labels(run, [b]).people == ("ann", "bob", "b")


def test_who_is_unsure_in_one_file_has_decided_in_the_other(run: Run, tmp_path: Path):
    said = {"a": "u k u - u", "b": "2 u u k -", "c": "2 k - k d"}
    files = _files(run, tmp_path, said, by="ann")
    for given in (files[:2], files[1::-1]):
        found = ez.labels(run, given)
        table = found.table().set_index("id")
        assert found.people == ("ann",)
        expected = {0: "relabel", 1: "keep", 2: "unsure", 3: "keep", 4: "unsure"}
        assert table["action"].to_dict() == expected
        assert table["label"][0] == 2
    assert ez.labels(run, files).table().set_index("id")["action"][4] == "drop"


def test_columns_that_differ_between_files_are_left_out_by_name(run: Run, tmp_path: Path):
    found = ez.labels(run, [_file(run, tmp_path / f"{name}.csv", "k k", more=name) for name in "ab"])
    assert "stratum" not in found.table()
    assert "left out: stratum" in found.markdown()


def test_what_cannot_be_merged_is_refused(run: Run, tmp_path: Path):
    file = _file(run, tmp_path / "a.csv", "k k")
    with pytest.raises(BadInput, match=r"a\.csv: is given twice"):
        ez.labels(run, files=[file, tmp_path / "." / "a.csv"])
    with pytest.raises(BadInput, match="files: none is given"):
        ez.labels(run, files=[])
    with pytest.raises(BadInput, match=r"b\.csv: nothing is decided there"):
        ez.labels(run, [_file(run, tmp_path / "b.csv", "- -")])
    file.write_text(file.read_text().replace(data_version(run), "pets@0123456789ab"))
    with pytest.raises(BadInput, match=r"a\.csv: row 2: is of pets@0123456789ab"):
        ez.labels(run, [file])


@pytest.mark.parametrize(
    "options",
    [["--relabel-above", "0.9"], ["--drop-above", "0"], ["--decided", "a.csv"], ["--only-decided"]],
)
def test_options_of_the_rule_do_not_go_with_files(run: Run, tmp_path: Path, refused, options: list[str]):
    file = _file(run, tmp_path / "a.csv", "k k")
    assert f"{options[0]}: is of the rule" in refused("labels", run.path, file, *options)
    assert "--split held_out: " in refused("labels", run.path, "--split", "held_out")
