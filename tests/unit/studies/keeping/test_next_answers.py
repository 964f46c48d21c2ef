"""Whom of the people of votes to ask next, by command and in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.show import file_bytes
from recording import believing, recorded

NUM = 60
TRUE = np.arange(NUM) % 3
CLASSES = np.array(["=owl, <b>", "cat", "dog"])
COLUMNS = ["id", "more", "by", "gain", "class", "p_label", "votes"]


def votes_of(people: dict[str, tuple[range, int]]) -> pd.DataFrame:
    """Votes of people on some items, each wrong in the first of them, so many."""
    rows = [
        (item, by, CLASSES[(TRUE[item] + (place < wrong)) % 3])
        for by, (items, wrong) in people.items()
        for place, item in enumerate(items)
    ]
    return pd.DataFrame(rows, columns=["item", "by", "label"])


@pytest.fixture
def votes() -> pd.DataFrame:
    return votes_of({"ann, a": (range(50), 2), "=bob": (range(10, NUM), 25), "eve <b>": (range(NUM), 9)})


def test_each_question_is_a_row_with_whom_to_ask(votes: pd.DataFrame) -> None:
    result: Any = ez.next(annotations=votes, looks=12)
    table = result.table()
    assert list(table) == COLUMNS
    assert (table["more"] == 1).all()
    assert table["gain"].is_monotonic_decreasing
    before = set(votes[["item", "by"]].itertuples(index=False, name=None))
    assert before.isdisjoint(table[["id", "by"]].itertuples(index=False, name=None))
    assert table["votes"].tolist() == [(votes["item"] == one).sum() for one in table["id"]]
    assert f"about {table['gain'].sum():.1f} more labels of {NUM}" in result.headline
    assert (table["gain"] <= 1 - table["p_label"]).all()
    rows = json.loads(file_bytes(result, ".json"))
    assert [row["by"] for row in rows] == table["by"].tolist()
    assert b"<b>" not in file_bytes(result, ".html").replace(b"&lt;b>", b"")


def test_answers_join_the_votes_and_are_not_asked_for_again(votes: pd.DataFrame, tmp_path: Path) -> None:
    votes.to_csv(tmp_path / "votes.csv", index=False)
    result: Any = ez.next(annotations=tmp_path / "votes.csv", looks=9)
    [step] = result.next_steps([tmp_path / "next.csv"])
    assert step.endswith(f"labels --annotations {tmp_path / 'votes.csv'} -o consensus.csv")
    asked = result.table()
    answers = asked.assign(item=asked["id"], label=CLASSES[TRUE[asked["id"]]])[["item", "by", "label"]]
    again = ez.next(annotations=pd.concat([votes, answers]), looks=1000).table()
    pairs = [set(one[["id", "by"]].itertuples(index=False, name=None)) for one in (asked, again)]
    assert pairs[0].isdisjoint(pairs[1])


def test_a_run_has_a_voice_and_items_of_its_own(tmp_path: Path) -> None:
    run = recorded(
        tmp_path / "run", believing(TRUE, 3, sure=np.linspace(1, 3, NUM)), TRUE, classes=[*CLASSES]
    )
    votes = votes_of({"ann": (range(40), 3), "bob": (range(40), 5)})
    table = ez.next(run, annotations=votes, looks=30).table()
    assert table["id"].max() >= 40  # of which nobody has said anything
    assert (table["votes"] == 0).any()


def test_where_no_answer_helps_it_says_what_does() -> None:
    alone: Any = ez.next(annotations=votes_of({"ann": (range(NUM), 0)}))
    assert alone.table().empty
    assert list(alone.table()) == COLUMNS
    assert "each has answered every item; ask a new person" in alone.headline
    assert alone.next_steps([Path("next.csv")]) == []
    assert file_bytes(alone, ".csv").decode().strip() == ",".join(COLUMNS)
    assert len(alone.figure().axes) == 1
    few: Any = ez.next(annotations=votes_of({"ann": (range(NUM), 0), "bob": (range(9, NUM), 20)}), looks=50)
    *_, fewer, doubt = few.notices
    assert f"{50 - len(few.table())} more questions to these people would gain nothing" in fewer
    assert "nobody has looked at labels drawn by chance" in doubt


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"annotations": "v.csv", "pool": "x.csv"}, "--pool: does not go with --annotations"),
        ({"annotations": "v.csv", "rollouts": 3}, "--rollouts: does not go with --annotations"),
        ({"annotations": "v.csv", "picks": 3}, "--picks: does not go with --annotations"),
        ({"looks": 3}, "--looks: goes with --annotations"),
        ({"decided": "audit.csv"}, "--decided: goes with --annotations"),
        ({"annotations": "v.csv", "looks": 0}, "--looks"),
        ({"annotations": "gone.csv"}, "gone.csv"),
        ({"pool": "x.csv"}, "run: is missing"),
    ],
)  # fmt: skip
def test_other_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        ez.next(**options)
