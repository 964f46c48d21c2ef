"""Suspects and a file of labels after decisions: what leaves the list, and what they say of the others."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.store import Run
from pixels import write_pictures
from recording import believing, recorded

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
    truth, num = WRONG / NUM, int((seen < WRONG).sum())
    assert abs(after.share - truth) < abs(before.share - truth)
    assert after.low <= truth <= after.high
    assert after.share == pytest.approx(after.ranked["p_wrong"].mean())
    left = old.index.difference(seen.tolist())
    likely = int((new[left] >= 1 / 2).sum())
    audit = f"easiness audit {run.path} --known {file} -o audit.csv"
    low, high = max(np.floor(after.low * NUM - num), 0), np.ceil(after.high * NUM - num)
    for said in (
        f" 30 are decided: {num} were found wrong, where ",
        f"Left are 370 that are not decided: {likely} are more likely wrong than right, and about "
        f"{round(new[left].sum())} (",
        f"; {f'{low:.0f} to' if low else 'up to'} {high:.0f} fit the data. Decisions are from the top of the "
        f"list, and say little of those below; an audit tells: {audit}.",
    ):
        assert said in after.headline
    made = json.loads(json.dumps(after.document(), allow_nan=False))["decisions"]
    assert (made["decided"], made["found_wrong"], made["unsure"], made["audit"]) == (30, num, 0, audit)
    assert made["left"] == {
        "num_examples": 370, "num_likely": likely, "expected_wrong": pytest.approx(new[left].sum())
    }  # fmt: skip
    assert made["foretold_wrong"] == pytest.approx(old[seen.tolist()].sum())
    assert {one["action"] for one in made["examples"]} == {"keep", "relabel"}


def test_an_audit_is_asked_for_unless_looks_are_spread(run: Run, command, tmp_path: Path):
    order = ez.suspects(run, pictures=False).ranked["id"].to_numpy()

    def audit(ids, action: str) -> str | None:
        file = decide(tmp_path / "labels.csv", run, ids, action)
        found = ez.suspects(run, decided=file, pictures=False).document()["decisions"]["audit"]
        assert found is None or isinstance(found, str)
        return found

    asked = audit(order[:3], "drop")
    assert asked is not None
    assert command(*asked.split()[1:-1], tmp_path / "audit.csv").code == 0
    assert audit(np.append(order[:60], NUM - 1), "drop") == asked
    assert audit(np.arange(0, NUM, 8), "keep") is None


def test_unsure_says_nothing_and_a_class_of_ones_own_is_what_is_suggested(run: Run, tmp_path: Path):
    before = ez.suspects(run, pictures=False)
    file = decide(tmp_path / "labels.csv", run, [0, 1, 2, 3], "unsure")
    after = ez.suspects(run, decided=file, pictures=False)
    assert after.share == pytest.approx(before.share)
    assert "Left are 400 that are not decided: " in after.headline
    assert (after.low, after.high) == (before.low, before.high)
    assert len(after.ranked) == NUM
    assert not {0, 1, 2, 3} & set(after.table()["id"])
    assert "0 are decided, 4 left unsure are still open and not listed: 0 were found" in after.headline
    third = (LABELS[0] + 2) % 4  # neither the label nor what the networks say
    file = decide(tmp_path / "labels.csv", run, [0, 1], ["relabel", "drop"], [third, LABELS[1]])
    ranked = ez.suspects(run, decided=file, pictures=False).ranked.set_index("id")
    assert ranked["suggested"][0] == third
    assert ranked["suggested_class"][0] == CLASSES[third]
    assert np.isnan(ranked["suggested_share"][0])
    assert ranked["suggested"][1] == SAID[1]


def test_a_file_that_names_all_is_said_to_be_looked_at(run: Run, tmp_path: Path):
    file = tmp_path / "labels.csv"
    ez.labels(run).table().to_csv(file, index=False)
    found = ez.suspects(run, decided=file)
    assert (len(found.table()), found.num_listed) == (0, 0)
    assert f"{file} has an action for each of the 400 examples" in found.sections()[-1].notices[-1]
    assert found.decided is not None
    wrong = found.decided.num_wrong
    assert "Left are" not in found.headline
    assert found.share == found.low == found.high == pytest.approx(wrong / NUM)


def test_cleaning_does_what_is_decided_and_goes_on_by_the_rule(run: Run, tmp_path: Path):
    actions = ["keep", "relabel", "relabel", "drop", "unsure"]
    third = (LABELS[1] + 2) % 4
    labels = [LABELS[0], third, LABELS[2], LABELS[3], LABELS[4]]  # of the third nothing else is said
    file = decide(tmp_path / "decided.csv", run, [0, 1, 2, 3, 4], actions, labels)
    table = ez.labels(run, decided=file).table()
    assert table["action"].tolist()[:5] == ["keep", "relabel", "drop", "drop", "keep"]
    assert table["label"][1] == third
    assert (table["action"][5:] == "relabel").sum() > 20
    assert table["was"].tolist() == LABELS.tolist()
    only = ez.labels(run, decided=file, only_decided=True)
    assert only.headline == "relabels 1 and drops 2 of 400, with 4 decided by hand"
    assert set(only.table()["action"][5:]) == {"keep"}
    rows = pd.read_csv(file).astype({"action": object})
    rows.loc[0, "action"] = rows.loc[3, "action"] = None  # people looked at them, and do not agree
    rows.assign(by=[*["ann+bob"] * 4, ""]).to_csv(file, index=False)
    merged = ez.labels(run, decided=file)
    assert merged.table()["action"].tolist()[:4] == ["keep", "relabel", "drop", "keep"]
    assert merged.headline.endswith("with 2 decided by hand; 2 that people did not agree on stay as they are")
    rows.loc[4, "action"] = None  # to be filled in: as if it were not there
    rows.assign(by=None).to_csv(file, index=False)
    assert set(ez.labels(run, decided=file).table()["action"][[0, 3, 4]]) == {"relabel"}
    with pytest.raises(ez.BadInput, match="--only-decided: there is nothing decided"):
        ez.labels(run, only_decided=True)


TEXTS, SWAPPED = 120, 12
CONTRACT = ["id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share", "kind"]
HOSTILE = ("=1+1", "<b>bold</b>\nand a line", 'with "quotes", commas', "\x1b[31mred\u202e", "x " * 100)


def texts() -> list[str]:
    return [f"{HOSTILE[at % len(HOSTILE)]} {at}" for at in range(TEXTS)]


def record_texts(folder: Path, data: ez.Dataset) -> Run:
    """Four sure trials, by which the first labels are one class further than they should be."""
    said = np.where(np.arange(TEXTS) < SWAPPED, (data.labels + 1) % 3, data.labels)
    return recorded(folder, believing(said, 4, 2, sure=8), data=data)


@pytest.fixture
def data() -> ez.Dataset:
    return ez.load_dataset((texts(), np.arange(TEXTS) % 3))


def test_a_notebook_has_pictures_and_a_table_paths(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (TEXTS, 6, 6), np.uint8)
    names = [f"{'abc'[at % 3]}/{at:03d}.png" for at in range(TEXTS)]
    data = ez.load_dataset(write_pictures(tmp_path / "in", zip(names, noise, strict=True)))
    found = ez.suspects(record_texts(tmp_path / "run", data), data=data)
    assert "path" not in found.table()  # the ids are paths
    assert found._repr_html_().count("data:image/png;base64,") == SWAPPED
    data = dataclasses.replace(data, ids=np.arange(TEXTS), source=None)
    table = ez.suspects(record_texts(tmp_path / "other", data), data=data).table()
    assert list(table)[:10] == [*CONTRACT, "reason", "path"]
    assert all(Path(one).is_file() for one in table["path"])
