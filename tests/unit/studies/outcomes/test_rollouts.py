"""Outcomes are kept and asked again by their rates, by command and in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness
from easiness.errors import BadInput
from easiness.store import Run, open_run
from recording import believing, counted, recorded

COUNTS = np.repeat([0, 1, 2, 4, 6, 7, 8], [30, 10, 10, 20, 10, 10, 30])  # of 8 right
BAND = 0.2, 0.8


def run_of(out: Path, counts: Any = COUNTS, names: str = "q") -> Run:
    """A model of the name of its folder: how many of eight are right."""
    items = [f"{names}{at}" for at in range(len(counts))]
    return counted(out.parent, ids=items, num=8, **{out.name: counts})[0]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(tmp_path / "model")


def test_items_are_kept_that_lie_inside_more_probably_than_not(run: Run) -> None:
    kept: Any = easiness.keep(run, between=BAND)
    scores = easiness.scores(run, between=BAND).table()
    inside = scores["p_between"] >= 0.5
    columns = ["id", "trials", "rate", "p_between"]
    assert kept.table().equals(scores.loc[inside, columns].reset_index(drop=True))
    assert kept.own_file(".txt").decode().split() == scores.loc[inside, "id"].tolist()
    ours, usual = kept.choices().to_dict("records")
    assert ours["kept"] == inside.sum()
    assert ours["inside"] == pytest.approx(scores.loc[inside, "p_between"].sum())
    assert ours["left_out"] == pytest.approx(scores.loc[~inside, "p_between"].sum())
    assert usual["kept"] == 40  # 2 to 6 of 8 are 0.25 to 0.75
    right = [one["inside"] - one["outside"] for one in (ours, usual)]
    assert right[0] >= right[1]


def test_rollouts_are_allotted_and_foretold(run: Run) -> None:
    found: Any = easiness.next(run, rollouts=200, between=BAND)
    table = found.table()
    assert table.columns.tolist() == ["id", "more"]
    assert table["more"].sum() == 200
    assert table["more"].min() >= 1
    assert table["id"].is_unique
    now, then, alike = found.expected()["right"]
    assert len(COUNTS) > then > alike > now
    assert "0.2 to 0.8 or not" in found.headline
    items = run.ids[(COUNTS == 4)]
    assert not set(items) & set(table["id"])  # four of eight are inside, and stay so
    rates: Any = easiness.next(run, rollouts=200)
    now, then, alike = rates.expected()["error"]
    assert then <= alike < now
    assert "rates are off by" in rates.headline


def test_a_lump_wider_than_the_tenth_is_said(run: Run) -> None:
    found: Any = easiness.next(run, rollouts=50, hard=True)
    assert found.table()["more"].sum() == 50
    assert "hardly any number of rollouts tells which of them are the hardest" in found.notices[0]


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("next", {}, "--rollouts: is missing"),
        ("next", {"rollouts": 5, "pool": "x"}, "--pool: is for runs of `measure`"),
        ("next", {"rollouts": 5, "picks": 7}, "--picks: is for runs of `measure`"),
        ("next", {"rollouts": 5, "hard": True, "between": BAND}, "--between and --hard"),
        ("next", {"rollouts": 5, "between": (0.8, 0.2)}, "between 0.8,0.2"),
        ("next", {"rollouts": 0}, "rollouts 0: must be at least 1"),
        ("keep", {}, "--between: is missing"),
        ("keep", {"drop": 0.3}, "--drop: is for runs of `measure`"),
        ("keep", {"between": BAND, "seed": 4}, "--seed: is for runs of `measure`"),
        ("keep", {"between": (0.1, 1.2)}, "between 0.1,1.2"),
    ],
)
def test_what_is_not_of_outcomes_is_refused(run: Run, verb: str, options: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        getattr(easiness, verb)(run, **options)


def test_models_that_have_answered_are_asked_no_more(tmp_path: Path) -> None:
    table = pd.DataFrame({"item": [1, 2, 3] * 2, "model": list("aaabbb"), "right": [1, 0, 1, 1, 0, 0]})
    run: Any = easiness.record(table, out=tmp_path, trials_are="models")
    found: Any = easiness.next(run, rollouts=9)
    assert found.headline.startswith("9 answers of models not asked yet, for 3 of 3 items: ")
    assert f"NEW.csv --add --out {tmp_path} --trials-are models" in found.next_steps([])[0]


def test_several_models_give_one_order(tmp_path: Path) -> None:
    first = run_of(tmp_path / "first", np.array([0, 4, 8, 8]))
    second = run_of(tmp_path / "second", np.array([0, 8, 4]))
    found: Any = easiness.scores([first, second])
    table = found.table()
    columns = ["id", "models", "rate", "rank_1", "rank_2", "difficulty", "rate_2"]
    assert table[columns].to_numpy().tolist() == [
        *(["q0", 2, 0, 1, 1, 1, 0], ["q1", 2, 0.75, 0.5, 0, 0.25, 1], ["q2", 2, 0.75, 0, 0.5, 0.25, 0.5])
    ]
    assert table["rate_se"].tolist() == pytest.approx([0, 0.25, 0.25])  # sd of 0.5 and 1 over the root of 2
    assert found.notices == ["1 item that some of the models lack: left out"]
    assert "for models like these" in found.headline
    assert "correlate at 0.50" in found.headline
    with pytest.raises(BadInput, match="--between: several models"):
        easiness.scores([first, second], between=BAND)
    with pytest.raises(BadInput, match="no item is in all of these runs"):
        easiness.scores([first, run_of(tmp_path / "other", np.array([0, 4]), names="p")])


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("keep", {"between": BAND}, "^--between: is of outcomes"),
        ("keep", {"between": BAND, "drop": 0.3}, "^--drop and --between"),
        ("next", {"rollouts": 5}, "^--rollouts: is of outcomes"),
        ("next", {}, "^--pool: is missing"),
    ],
)
def test_a_run_that_was_measured_has_no_rollouts(
    tmp_path: Path, verb: str, options: Any, message: str
) -> None:
    run = recorded(tmp_path / "run", believing(np.arange(8) % 2, 2), np.arange(8) % 2)
    with pytest.raises(BadInput, match=message):
        getattr(easiness, verb)(run, **options)


def test_rounds_of_rollouts_are_recorded_and_asked_for_again(command: Any, tmp_path: Path) -> None:
    """By command: what comes of the rollouts is joined, and decided items get no more."""
    rng = np.random.default_rng(0)
    rates = rng.random(60)
    table = pd.DataFrame({"item": np.repeat(np.arange(60), 4)})
    run, file, out = tmp_path / "runs" / "m", tmp_path / "rows.csv", tmp_path / "next.csv"
    for total in (240, 360, 480):
        table = table.assign(model="m", right=(rng.random(len(table)) < rates[table["item"]]).astype(int))
        table.to_csv(file, index=False)
        command("record", file, "--out", tmp_path / "runs", "--add")
        assert open_run(run).outcomes.trials.sum() == total
        done = command("next", run, "--rollouts", 120, "--between", "0.2,0.8", "-o", out)
        assert "record NEW.csv --add" in done.err
        more = pd.read_csv(out)
        assert more["more"].sum() == 120
        table = pd.DataFrame({"item": np.repeat(more["id"], more["more"])}).reset_index(drop=True)
