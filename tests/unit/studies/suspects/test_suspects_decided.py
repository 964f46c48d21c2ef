"""Suspects and a file of labels after decisions: what leaves the list, and what they say of the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.store import Run

NUM, WRONG, HARD = 400, 40, 40
CLASSES = ("ant", "bee", "cat", "dog")
SAID = np.arange(NUM) % 4
LABELS = np.where(np.arange(NUM) < WRONG + HARD, (SAID + 1) % 4, SAID)
"""Of the first 80 the networks see another class; those from 40 on are sound all the same."""


@pytest.fixture
def run(record) -> Run:
    rng = np.random.default_rng(0)
    sure = np.where(np.arange(NUM) < WRONG + HARD, 3, 6)
    base = (rng.normal(sure, 1, NUM))[:, None] * np.eye(4)[SAID]
    logits = base + rng.normal(0, 0.7, (4, 2, NUM, 4))
    return record(logits, LABELS, classes=list(CLASSES))


def decide(file: Path, run: Run, ids, actions, labels=None) -> Path:
    was = run.labels[ids]
    rows = {"id": ids, "label": was if labels is None else labels, "was": was, "action": actions}
    pd.DataFrame(rows | {"by": "ann"}).to_csv(file, index=False)
    return file


def test_decisions_leave_the_list_and_tell_of_the_others(run: Run, tmp_path: Path):
    before = ez.suspects(run)
    seen = before.ranked["id"].to_numpy()[:30]
    actions = np.where(seen < WRONG, "relabel", "keep")
    file = decide(
        tmp_path / "labels.csv", run, seen, actions, np.where(seen < WRONG, SAID[seen], LABELS[seen])
    )
    after = ez.suspects(run, decided=file)
    assert set(after.table()["id"]).isdisjoint(seen.tolist())
    assert "action" not in after.table()
    last = after.ranked.tail(30).set_index("id")
    assert set(last.index) == set(seen.tolist())
    assert (last["p_wrong"] == (last.index < WRONG)).all()
    assert (last["action"] == np.where(last.index < WRONG, "relabel", "keep")).all()
    # about half of those foretold to be wrong are: so are the next ones
    old, new = (one.ranked.set_index("id")["p_wrong"] for one in (before, after))
    rest = [one for one in range(WRONG + HARD) if one not in set(seen.tolist())]
    assert old[rest].mean() > 0.9
    assert new[rest].mean() == pytest.approx(0.5, abs=0.25)
    truth = WRONG / NUM
    assert abs(after.share - truth) < abs(before.share - truth)
    assert after.low <= truth <= after.high
    assert after.share == pytest.approx(after.ranked["p_wrong"].mean())
    num = int((seen < WRONG).sum())
    assert f" 30 are decided: {num} were found wrong, where " in after.summary()
    left = old.index.difference(seen.tolist())
    likely = int((new[left] >= 1 / 2).sum())
    said = f"Left are 370 that are not decided: {likely} are more likely wrong than right, and about "
    assert f"{said}{round(new[left].sum())} (" in after.summary()
    audit = f"easiness audit {run.path} --known {file} -o audit.csv"
    below = f"Decisions are from the top of the list, and say little of those below; an audit tells: {audit}."
    low, high = max(np.floor(after.low * NUM - num), 0), np.ceil(after.high * NUM - num)
    assert after.summary().endswith(
        f"; {f'{low:.0f} to' if low else 'up to'} {high:.0f} fit the data. " + below
    )
    document = json.loads(json.dumps(after.document(), allow_nan=False))
    made = document["decisions"]
    assert (made["decided"], made["found_wrong"], made["unsure"]) == (30, num, 0)
    assert (made["left"]["num_examples"], made["left"]["num_likely"]) == (370, likely)
    assert made["left"]["expected_wrong"] == pytest.approx(new[left].sum())
    assert made["audit"] == audit
    assert made["foretold_wrong"] == pytest.approx(old[seen.tolist()].sum())
    assert {one["action"] for one in made["examples"]} == {"keep", "relabel"}
    assert "decisions" not in before.document()


def test_the_audit_that_is_asked_for_can_be_drawn_and_spread_looks_ask_for_none(
    run: Run, command, tmp_path: Path
):
    first = ez.suspects(run, pictures=False).ranked["id"].to_numpy()[:3]
    file = decide(tmp_path / "labels.csv", run, first, "drop")
    audit = ez.suspects(run, decided=file, pictures=False).document()["decisions"]["audit"]
    assert command(*audit.split()[1:-1], tmp_path / "audit.csv").code == 0
    also = np.append(ez.suspects(run, pictures=False).ranked["id"].to_numpy()[:60], NUM - 1)
    few = ez.suspects(run, decided=decide(file, run, also, "drop"), pictures=False)
    spread = ez.suspects(run, decided=decide(file, run, np.arange(0, NUM, 8), "keep"), pictures=False)
    assert few.decided is not None
    assert spread.decided is not None
    assert few.decided.document()["audit"] == audit
    assert spread.decided.document()["audit"] is None


def test_unsure_says_nothing_and_a_class_of_ones_own_is_what_is_suggested(run: Run, tmp_path: Path):
    before = ez.suspects(run, pictures=False)
    file = decide(tmp_path / "labels.csv", run, [0, 1, 2, 3], "unsure")
    after = ez.suspects(run, decided=file, pictures=False)
    assert after.share == pytest.approx(before.share)
    assert "Left are 400 that are not decided: " in after.summary()
    assert (after.low, after.high) == (before.low, before.high)
    assert len(after.ranked) == NUM
    assert not {0, 1, 2, 3} & set(after.table()["id"])
    assert "0 are decided, 4 left unsure are still open and not listed: 0 were found" in after.summary()
    third = (LABELS[0] + 2) % 4  # neither the label nor what the networks say
    file = decide(tmp_path / "labels.csv", run, [0, 1], ["relabel", "drop"], [third, LABELS[1]])
    ranked = ez.suspects(run, decided=file, pictures=False).ranked.set_index("id")
    assert ranked["suggested"][0] == third
    assert ranked["suggested_class"][0] == CLASSES[third]
    assert np.isnan(ranked["suggested_share"][0])
    assert ranked["suggested"][1] == SAID[1]


def test_several_runs_and_a_file_of_other_labels(run: Run, record, command, refused, tmp_path: Path):
    file = decide(tmp_path / "labels.csv", run, [0, 1], "keep")
    both = command("suspects", run.path, run.path, "--decided", file)
    assert both.code == 0, both.err
    assert "2 are decided: 0 were found wrong" in " ".join(both.out.split())
    other = record(np.zeros((2, 1, 4, 4)), [0, 1, 2, 3], name="other", classes=list(CLASSES))
    line = refused("suspects", other.path, "--decided", file)
    assert f"{file}: row 2: " in line


def test_a_file_that_names_all_is_said_to_be_looked_at(run: Run, tmp_path: Path):
    file = tmp_path / "labels.csv"
    ez.clean(run).table().to_csv(file, index=False)
    found = ez.suspects(run, decided=file)
    assert (len(found.table()), found.num_listed) == (0, 0)
    assert f"{file} has an action for each of the 400 examples" in found.sections()[-1].notices[-1]
    assert found.decided is not None
    wrong = found.decided.num_wrong
    assert "Left are" not in found.summary()
    assert found.share == found.low == found.high == pytest.approx(wrong / NUM)


def test_cleaning_does_what_is_decided_and_goes_on_by_the_rule(run: Run, command, tmp_path: Path):
    actions = ["keep", "relabel", "relabel", "drop", "unsure"]
    third = (LABELS[1] + 2) % 4
    labels = [LABELS[0], third, LABELS[2], LABELS[3], LABELS[4]]  # of the third nothing else is said
    file = decide(tmp_path / "decided.csv", run, [0, 1, 2, 3, 4], actions, labels)
    table = ez.clean(run, decided=file).table()
    assert table["action"].tolist()[:5] == ["keep", "relabel", "drop", "drop", "keep"]
    assert table["label"][1] == third
    assert (table["action"][5:] == "relabel").sum() > 20
    assert table["was"].tolist() == LABELS.tolist()
    only = ez.clean(run, decided=file, only_decided=True)
    assert only.text == "relabels 1 and drops 2 of 400, with 4 decided by hand"
    assert set(only.table()["action"][5:]) == {"keep"}
    said = command("clean", run.path, "--decided", file, "--only-decided", "-o", tmp_path / "labels.csv").err
    assert "relabels 1 and drops 2 of 400, with 4 decided by hand; edit " in said
    rows = pd.read_csv(file).astype({"action": object})
    rows.loc[0, "action"] = rows.loc[3, "action"] = None  # people looked at them, and do not agree
    rows.assign(by=[*["ann+bob"] * 4, ""]).to_csv(file, index=False)
    merged = ez.clean(run, decided=file)
    assert merged.table()["action"].tolist()[:4] == ["keep", "relabel", "drop", "keep"]
    assert merged.text.endswith("with 2 decided by hand; 2 that people did not agree on stay as they are")
    rows.loc[4, "action"] = None  # to be filled in: as if it were not there
    rows.assign(by=None).to_csv(file, index=False)
    assert set(ez.clean(run, decided=file).table()["action"][[0, 3, 4]]) == {"relabel"}
    with pytest.raises(ez.BadInput, match="--only-decided: there is nothing decided"):
        ez.clean(run, only_decided=True)
