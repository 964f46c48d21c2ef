"""Runs of earlier formats open, and what a later version wrote is refused by its name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from easiness.errors import BadInput
from easiness.exports import open_card
from easiness.spec import content_hash
from easiness.store import LaterVersion, later, open_run, own_version, verify
from easiness.store.trial import read_trial_document as read_trial
from easiness.store.writer import damaged_trials

EARLIER = Path(__file__).parent / "earlier"
# a folder each: 20 digits, two trials of mlp_1 of two epochs; how many of the trials are right about each
RIGHT = {
    "first": "01100000000100100000",  # the first that was ever written
    "before-versions": "11101000000100100010",  # before run.json named the version that wrote it
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_run_of_an_earlier_format_opens(name: str) -> None:
    run = open_run(EARLIER / name)
    assert (len(run.trials), run.epochs, run.model) == (2, 2, "mlp_1")
    votes = run.votes(2)
    assert votes.num_right.tolist() == [int(digit) for digit in RIGHT[name]]
    assert len(run.scores()) == 20
    assert verify(run) == []


def test_outcomes_of_an_earlier_format_open() -> None:
    run = open_run(EARLIER / "outcomes")
    assert (run.model, run.trials_are, run.ids.tolist()) == ("org/m 1", "rollouts", ["a", "b", "c"])
    assert run.outcomes.trials.tolist() == [3, 3, 3]
    assert run.outcomes.right.tolist() == [3, 1, 0]
    assert run.outcomes.items["text"].fillna("").tolist() == ["2 + 2", "1 + 1", ""]
    assert {*run.outcomes.rows["answer"]} == {"4", "2", "3", "5", "6"}
    assert verify(run) == []


@pytest.fixture
def of_later(tmp_path: Path) -> Path:
    """A run to be changed."""
    return Path(shutil.copytree(EARLIER / "before-versions", tmp_path / "run"))


def changed(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def refused(file: Path, number: int) -> str:
    ours = f"this is {own_version()}, which reads format 1: update easiness"
    return re.escape(f"{file}: was written by easiness 9.1.0, format {number}; {ours}")


@pytest.mark.parametrize(
    ("number", "values"), [(2, {"format": 2}), (1, {"new": True})], ids=["format", "field"]
)
def test_a_run_of_a_later_version_is_refused_by_name(of_later: Path, number: int, values: Any) -> None:
    file = of_later / "run.json"
    changed(file, version="9.1.0", **values)
    for read in (open_run, verify):
        with pytest.raises(LaterVersion, match=refused(file, number)):
            read(of_later)


def test_a_trial_of_a_later_version_is_refused_by_name(of_later: Path) -> None:
    folder = next((of_later / "trials").iterdir())
    file = folder / "trial.json"
    trial = json.loads(file.read_text())["trial"]
    trial |= {"new": True, "ran": {"easiness": "9.1.0"}}
    file.write_text(json.dumps({"trial": trial, "sha256": content_hash(trial)}))
    with pytest.raises(BadInput, match=refused(file, 1)):
        read_trial(folder)
    with pytest.raises(LaterVersion):  # else --retrain-damaged would take its place
        damaged_trials(of_later)


def test_a_card_of_a_later_version_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    file.write_text(json.dumps({"format": 3, "versions": {"easiness": "9.1.0"}}))
    with pytest.raises(BadInput, match=refused(file, 3)):
        open_card(tmp_path)


@pytest.mark.parametrize(
    ("document", "refused_as"),
    [
        (b"{", None),
        ([], None),
        ({"version": own_version()}, None),
        ({"version": "0.0.1"}, None),
        ({"format": True, "version": "x" * 99, "ran": []}, None),  # no versions of ours
        ({"version": "999999.0"}, "easiness 999999.0, format 1"),
        ({"ran": {"easiness": "10.0.dev1"}}, "easiness 10.0.dev1, format 1"),
        (b'{"versions": {"easiness": "0.2"}}', "easiness 0.2, format 1"),
        ({"format": 2}, "a later easiness, format 2"),
        ({"format": 2, "version": "\x1b[2J"}, "a later easiness, format 2"),
    ],
)
def test_later_is_said_of_versions_after_this_one(document: Any, refused_as: str | None) -> None:
    error = later(Path("run.json"), document)
    assert (None if error is None else str(error).split(": was written by ")[1].split(";")[0]) == refused_as
