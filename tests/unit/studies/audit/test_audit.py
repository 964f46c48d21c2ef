from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness import show
from easiness.errors import BadInput
from easiness.store import Run
from easiness.studies.audit import Audit, AuditDraw, study
from easiness.studies.audit.estimate import parse
from easiness.studies.suspects import Suspects
from recording import recorded

NUM = 400
WRONG = set(range(0, 40)) | {300}
"""Ids of wrong labels: networks see 40 of them, and overlook the last."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """400 examples of three classes, kept by a recorder."""
    path = tmp_path_factory.mktemp("audit") / "run"
    said = np.arange(NUM) % 3
    labels = np.where(np.arange(NUM) < 40, (said + 1) % 3, said)
    logits = 5 * np.eye(3)[said] + np.random.default_rng(0).normal(0, 0.9, (3, NUM, 3))
    return recorded(path, logits, labels, classes=("ant", "bee", "cat"))


@pytest.fixture(scope="module")
def listed(run: Run) -> Suspects:
    return ez.suspects(run, pictures=False)


@pytest.fixture(autouse=True)
def judged_once(monkeypatch: pytest.MonkeyPatch, listed: Suspects) -> None:
    """The list of suspects takes longer than all else here."""
    monkeypatch.setattr(study, "suspects", lambda *_, **__: listed)


def filled(
    drawn: AuditDraw,
    path: Path,
    num: int | None = None,
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
    **actions: str,
) -> Path:
    """The file with the truth as actions, of the first rows, and others in some rows (``r60="keep"``)."""
    table = drawn.table()
    first = np.arange(len(table)) < (len(table) if num is None else num)
    truth = np.where([one in WRONG for one in table["id"]], "relabel", "keep")
    table["action"] = np.where((table["action"] == "") & first, truth, table["action"])
    for row, action in actions.items():
        table.loc[int(row[1:]), "action"] = action
    change(table).to_csv(path, index=False)
    return path


def drawn_from(run: Run, **options: Any) -> AuditDraw:
    drawn = ez.audit(run, **options)
    assert isinstance(drawn, AuditDraw)
    return drawn


def answered(run: Run, file: Path) -> Audit:
    found = ez.audit(run, decided=file)
    assert isinstance(found, Audit)
    return found


def interval(found: Audit) -> tuple[int, int]:
    return found.whole["low"], found.whole["high"]


def known(path: Path, run: Run, num: int, **columns: Any) -> Path:
    """Decisions of ann on the first labels: 40 are wrong."""
    first = np.arange(num)
    table = pd.DataFrame({"id": first, "label": run.labels[:num], "by": "ann"})
    table["action"] = np.where(first < 40, "relabel", "keep")
    table.assign(**columns).to_csv(path, index=False)
    return path


def test_draw_fill_in_and_read(run: Run, tmp_path: Path):
    drawn = drawn_from(run, looks=80)
    table = drawn.table()
    assert list(table)[:9] == ["id", "label", "class", "was", "action", "by", "time", "split", "data"]
    assert len(table) == table["id"].nunique() == 80
    assert drawn_from(run, looks=80).table().equals(table)
    assert not drawn_from(run, looks=80, seed=1).table()["id"].equals(table["id"])
    assert not {"suggested", "suggested_class", "p_wrong"} & {*drawn_from(run, looks=9, blind=True).table()}
    found = answered(run, filled(drawn, tmp_path / "audit.csv"))
    document = json.loads(show.file_bytes(found, ".json"))
    seen = sum(one in WRONG for one in table["id"])
    assert document["low"] <= min(len(WRONG), document["wrong"])
    assert max(len(WRONG), document["wrong"]) <= document["high"]
    told = {"confidence": 0.95, "looked_at": 80, "num_examples": NUM, "split": "train", "wrong_seen": seen}
    assert {name: document[name] for name in told} == told
    assert document["left"]["at_most"] == document["at_most"] - seen
    rows = found.table().set_index("part")
    parts = rows.loc[["first 100 suspects", "all others"]]
    assert parts["examples"].tolist() == [100, NUM - 100]
    assert parts["wrong"].sum() == pytest.approx(rows.loc["all", "wrong"], rel=0.15)
    assert parts["wrong"].iloc[0] > 30
    assert f"After your {seen} corrections at most" in found.sections()[0].note


def test_the_first_rows_do_where_others_are_undecided(run: Run, tmp_path: Path):
    drawn = drawn_from(run, looks=80)
    found = answered(run, filled(drawn, tmp_path / "half.csv", 40, r60="keep"))
    assert found.whole["looked_at"] == 40
    notices = " ".join(found.sections()[0].notices)
    assert "40 of the 80 drawn were looked at" in notices
    assert "1 answer behind the first undecided row" in notices
    whole = answered(run, filled(drawn, tmp_path / "whole.csv"))
    (low, high), (least, most) = interval(whole), interval(found)
    assert high - low < most - least
    with pytest.raises(BadInput, match="the first one drawn, has no action"):
        answered(run, filled(drawn, tmp_path / "empty.csv", 0))


def test_unsure_widens_the_interval_to_both_sides(run: Run, tmp_path: Path):
    drawn = drawn_from(run, looks=80)
    sure = answered(run, filled(drawn, tmp_path / "sure.csv"))
    actions = pd.read_csv(tmp_path / "sure.csv")["action"].tolist()
    doubts: dict[str, Any] = {f"r{actions.index(one)}": "unsure" for one in ("relabel", "keep")}
    found = answered(run, filled(drawn, tmp_path / "unsure.csv", **doubts))
    assert found.unsure == 2
    (low, high), (least, most) = interval(sure), interval(found)
    assert least < low < high < most
    assert "Of 2 nobody is sure" in " ".join(found.sections()[0].notices)


def test_what_is_known_is_not_drawn_and_counts(run: Run, tmp_path: Path):
    file = known(tmp_path / "labels.csv", run, 50)
    drawn = drawn_from(run, looks=60, known=file)
    table = drawn.table()
    assert set(table["id"][:60]).isdisjoint(range(50))
    assert table["stratum"].tolist()[60:] == ["known"] * 50
    found = answered(run, filled(drawn, tmp_path / "audit.csv"))
    assert found.known_wrong == 40
    assert interval(found)[0] >= 40
    assert found.left_at_most < 40


@pytest.mark.parametrize("options", [{"looks": 60}, {"at_most": 0.02, "looks": 60}])
def test_of_what_nobody_is_sure_nothing_is_said(run: Run, tmp_path: Path, options: dict[str, Any]):
    drawn = drawn_from(run, **options)
    found = answered(run, filled(drawn, tmp_path / "audit.csv", 1, r0="unsure"))
    assert (found.whole["wrong"], *interval(found)) == (None, 0, NUM)
    assert "nobody can say how many are wrong: 0 to 400 with 95 % confidence" in found.summary()
    document = json.loads(show.file_bytes(found, ".json"))
    assert (document["wrong"], document["left"]["wrong"], document["parts"][0]["wrong"]) == (None,) * 3
    assert {row[4] for row in found.sections()[0].rows[1:]} == {"–"}
    assert found.figure().axes
    half = answered(run, filled(drawn, tmp_path / "half.csv", 2))
    unseen = [part for part in half.parts if not part["looked_at"]]
    assert unseen
    assert all(part["wrong"] is None for part in unseen)
    assert half.whole["wrong"] is not None


def test_what_is_known_needs_no_name(run: Run, tmp_path: Path):
    actions = np.where(np.arange(50) == 9, "unsure", "keep")
    file = known(tmp_path / "labels.csv", run, 50, action=actions, by="")
    assert drawn_from(run, looks=10, known=file).design.num_known == 49
    # what an audit drew, filled in by action alone
    first = filled(drawn_from(run, looks=30), tmp_path / "audit.csv")
    assert drawn_from(run, looks=10, known=first).design.num_known == 30
    ez.labels(run).table().assign(by="").to_csv(file, index=False)
    with pytest.raises(BadInput, match="without a name"):
        drawn_from(run, known=file)


def test_one_may_stop_when_the_bound_is_low_enough(run: Run, tmp_path: Path):
    drawn = drawn_from(run, at_most=0.03, known=known(tmp_path / "labels.csv", run, 60))
    assert "looks are likely to do" in drawn.sections()[0].note
    early = answered(run, filled(drawn, tmp_path / "early.csv", 20))
    assert early.enough is False
    more = early.more_looks
    assert more is not None
    assert 20 < more < 200
    assert f"about {more} more looks are likely needed" in early.sections()[0].notices[0]
    found = answered(run, filled(drawn, tmp_path / "audit.csv"))
    assert found.enough is True
    assert found.left_at_most <= 0.03 * NUM
    assert interval(found)[0] <= len(WRONG) <= interval(found)[1]
    assert "you can stop" in found.sections()[0].notices[0]
    assert found.document()["sequential"] is True


def altered(what: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        drawn, label = set(table["id"]), table.loc[7, "label"]
        other = next(one for one in range(40, NUM) if one not in drawn and one % 3 == label)
        if what == "removed":
            return table.drop(index=table.index[7])
        if what == "not drawn":
            row = {"id": other, "label": other % 3, "action": "relabel", "split": "train"}
            added = pd.DataFrame([dict.fromkeys(table, "") | row]).astype(object)
            return pd.concat([table.astype(object), added])
        if what == "sealed":  # by somebody who knows how rows are
            data, split, name, draw = (str(table.loc[7, one]) for one in ("data", "split", "id", "draw"))
            design = parse(draw)
            assert design is not None
            cells = {"order": "9", "stratum": "99"}
            table.loc[7, [*cells, "draw"]] = [*cells.values(), design.cell(data, split, name, **cells)]
        else:
            table.loc[7, "id"] = other
        return table

    return change


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("removed", r"1 row that .*look 8 \(ID\)"),
        ("other id", "row 9: .* as look 8"),
        ("not drawn", "row 42: .* take the row out"),
        ("sealed", "row 9: the example 'ID' .* as look 9"),
    ],
)
def test_a_file_with_other_rows_is_refused_by_name(run: Run, tmp_path: Path, what: str, said: str):
    drawn = drawn_from(run, looks=40)
    file = filled(drawn, tmp_path / "audit.csv", None, altered(what))
    with pytest.raises(BadInput, match=said.replace("ID", str(drawn.table()["id"][7]))):
        answered(run, file)


@pytest.mark.parametrize("number", ["", "x", "-1", "nan", "1e300", "9" * 30, "1+1"])
@pytest.mark.parametrize("name", ["sizes", "shares", "expected", "looks", "known", "check"])
def test_a_draw_that_is_told_otherwise_is_refused(run: Run, tmp_path: Path, name: str, number: str):
    table = drawn_from(run, looks=5).table().assign(action="keep")
    table["draw"] = table["draw"].str.replace(rf"{name}=\S*", f"{name}={number}", regex=True)
    table.to_csv(tmp_path / "audit.csv", index=False)
    with pytest.raises(BadInput, match=r"how it was drawn|was not drawn like this|was drawn from"):
        answered(run, tmp_path / "audit.csv")


def test_what_is_no_audit_of_this_run_is_refused(run: Run, tmp_path: Path):
    labels = tmp_path / "labels.csv"
    ez.labels(run).table().to_csv(labels, index=False)
    with pytest.raises(BadInput, match="no audit, without the column 'order'"):
        answered(run, labels)
    with pytest.raises(BadInput, match="says itself"):
        ez.audit(run, decided=labels, looks=10)


def test_all_labels_can_be_looked_at(run: Run, tmp_path: Path):
    found = answered(run, filled(drawn_from(run, looks=1000), tmp_path / "audit.csv"))
    assert (*interval(found), found.whole["wrong"], found.at_most) == (41, 41, 41, 41)
    assert found.left_at_most == 0


def test_a_bound_may_be_in_percent(command, run: Run):
    shown = command("audit", run.path, "--at-most", "5%", "--looks", 12)
    assert shown.out.count("at_most=0.05") == 12
