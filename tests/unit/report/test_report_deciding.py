from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, audit, open_run
from easiness.data import splits_in
from easiness.report.labels import suspect_labels
from easiness.report.page import write_report
from easiness.report.to_decide import ToDecide, listed
from easiness.runs import data_version

HEADER = ["id", "label", "class", "was", "action", "by", "time", "split", "data", "stratum"]


@pytest.fixture(scope="module")
def run(measured: Path) -> Run:
    return open_run(measured)


def _values(run: Run, folder: Path, **asked: Any) -> Any:
    """What the script of the page reads."""
    write_report([run], folder / "page.html", **asked)
    text = (folder / "page.html").read_text("utf-8")
    return json.loads(re.findall(r'id="decide-values">(.*?)</script>', text, re.S)[0])


def _file(run: Run, path: Path, *rows: dict[str, Any]) -> Path:
    """A file of decisions: the ``rows`` name a position in the run and what else they say."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        for row in rows:
            at = row.pop("at")
            label = {"id": run.ids[at], "label": run.labels[at], "was": run.labels[at]}
            writer.writerow({"split": "train", "data": data_version(run), **label, **row})
    return path


def test_the_first_suspects_stand_beside_what_is_nearest_to_them(run: Run, tmp_path: Path) -> None:
    values = _values(run, tmp_path, suspects=7)
    assert [part["num"] for part in values["parts"]] == [7]
    labels, suggested = values["examples"]["labels"], values["suggested"]
    assert len(suggested) == 7
    assert sorted(values["pWrong"], reverse=True) == values["pWrong"]
    for place in range(7):
        own, others = values["near"][str(place)]
        assert {labels[one] for one in own} == {labels[place]}
        assert {labels[one] for one in others} == {suggested[place]}
        assert place not in own
    page = (tmp_path / "page.html").read_text("utf-8")
    for at, name in enumerate(values["examples"]["ids"]):  # each picture is there once
        assert (str(at) in values["pictures"]) != (f'data-example="{name}"' in page)
    assert values["data"] == data_version(run)
    way = os.path.relpath(run.path, tmp_path)
    assert values["command"] == f"easiness suspects {way} --decided labels.csv"


def test_what_shows_nothing_is_decided_on_after_the_suspects(run: Run) -> None:
    (part,) = suspect_labels(run, run.epochs, 1, 1)[:1]
    last = part.ranked["id"].tolist()[-1]
    (rows,) = listed(run, [part], ToDecide(), {("train", last): "blank"})
    assert rows.num_suspect == part.num + 1
    assert rows.rows["id"].tolist()[part.num] == last
    assert rows.rows["reason"].tolist()[part.num].startswith("blank")
    assert rows.rows["id"].tolist()[: part.num] == part.ranked["id"].tolist()[: part.num]


def test_a_file_says_what_is_decided_on_and_keeps_its_columns(run: Run, tmp_path: Path) -> None:
    decided = {"action": "drop", "by": "Bob", "time": "2026-01-02T03:04:05Z"}
    file = _file(run, tmp_path / "a.csv", {"at": 5, "stratum": "2"}, {"at": 2, "stratum": "", **decided})
    values = _values(run, tmp_path, decide=file)
    assert values["examples"]["ids"][:2] == [str(run.ids[5]), str(run.ids[2])]
    assert values["decided"] == {"1": ["drop", int(run.labels[2]), "Bob", "2026-01-02T03:04:05Z"]}
    assert (values["others"], values["cells"]) == (["stratum"], [["2"], [""]])
    assert np.isfinite(values["pWrong"]).all()
    assert (values["file"], values["audit"]) == ("a.csv", False)
    way = os.path.relpath(run.path, tmp_path)
    assert values["command"] == f"easiness suspects {way} --decided {file.name}"
    blind = _values(run, tmp_path, decide=file, blind=True)
    assert not {"suggested", "pWrong", "kinds", "reasons", "courses"} & set(blind)
    assert blind["cells"] == values["cells"]
    assert all(others == [] for _, others in blind["near"].values())


def test_the_page_of_an_audit_is_blind_unless_told(run: Run, tmp_path: Path) -> None:
    audit(run, looks=5).table().to_csv(tmp_path / "audit.csv", index=False)
    values = _values(run, tmp_path, decide=tmp_path / "audit.csv")
    assert (values["audit"], values["blind"]) == (True, True)
    assert not {"suggested", "pWrong"} & set(values)
    assert not {"suggested", "p_wrong"} & set(values["others"])
    asked = _values(run, tmp_path, decide=tmp_path / "audit.csv", blind=False)
    assert (asked["audit"], asked["blind"]) == (True, False)
    assert len(asked["pWrong"]) == 5


def test_what_cannot_be_decided_on_is_refused(run: Run, tmp_path: Path) -> None:
    theirs = _file(run, tmp_path / "theirs.csv", {"at": 1, "data": "cats@0123456789ab"})
    empty = _file(run, tmp_path / "empty.csv")
    version = data_version(run)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"decide": theirs}, f"theirs.csv: row 2: is of cats@0123456789ab, and not of {version}"),
        ({"decide": empty}, "empty.csv: no rows"),
        ({"blind": True}, "--blind: hides what is suggested of the examples of a file"),
        ({"suspects": -1}, "--suspects -1: give how many"),
        ({"pixels": 31}, "--pixels 31: give the longer side of a photo, 32 to 4096"),
    ]
    for asked, why in refused:
        with pytest.raises(BadInput, match=re.escape(why)):
            write_report([run], tmp_path / "page.html", **asked)
    with pytest.raises(BadInput, match="in the page of one run; give one"):
        write_report([run, run], tmp_path / "page.html", decide=empty)
    assert not (tmp_path / "page.html").exists()


def test_the_splits_of_a_file_are_those_of_its_rows(run: Run, tmp_path: Path) -> None:
    file = _file(run, tmp_path / "a.csv", {"at": 1, "split": "held_out"}, {"at": 2, "split": ""})
    assert splits_in(file) == ("train", "held_out")
