"""Whom of the people of votes to ask next, and what is refused."""

from __future__ import annotations

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


def votes_of(**people: tuple[range, int]) -> pd.DataFrame:
    """Votes of people on some items, of which each has the first wrong, so many."""
    rows = [
        (item, by, CLASSES[(TRUE[item] + (place < wrong)) % 3])
        for by, (items, wrong) in people.items()
        for place, item in enumerate(items)
    ]
    return pd.DataFrame(rows, columns=["item", "by", "label"])


def test_each_question_is_a_row_and_nobody_is_asked_again(tmp_path: Path) -> None:
    votes = votes_of(ann=(range(50), 2), bob=(range(10, NUM), 25), eve=(range(NUM), 9))
    votes.to_csv(tmp_path / "votes.csv", index=False)
    result: Any = ez.next(annotations=tmp_path / "votes.csv", looks=9)
    table = result.table()
    assert list(table) == COLUMNS
    assert (table["more"] == 1).all()
    assert table["gain"].is_monotonic_decreasing
    assert (table["gain"] <= 1 - table["p_label"]).all()
    assert table["votes"].tolist() == [(votes["item"] == one).sum() for one in table["id"]]
    assert f"expected to put {table['gain'].sum():.1f} labels right" in result.headline
    [step] = result.next_steps([tmp_path / "next.csv"])
    assert step.endswith(f"labels --annotations {tmp_path / 'votes.csv'} -o consensus.csv")
    pairs = pd.concat([votes[["item", "by"]], table[["id", "by"]].set_axis(["item", "by"], axis=1)])
    assert not pairs.duplicated().any()


def test_a_run_has_a_voice_and_items_of_its_own(tmp_path: Path) -> None:
    logits = believing(TRUE, 3, sure=np.linspace(1, 3, NUM))
    run = recorded(tmp_path / "run", logits, TRUE, classes=[*CLASSES])
    table = ez.next(run, annotations=votes_of(ann=(range(40), 3), bob=(range(40), 5)), looks=30).table()
    assert (table["votes"][table["id"] >= 40] == 0).any()  # nobody has said anything of these


def test_where_no_answer_helps_it_says_what_does() -> None:
    alone: Any = ez.next(annotations=votes_of(ann=(range(NUM), 0)))
    assert "ask a new person, or look at labels drawn by chance" in alone.headline
    assert alone.next_steps([Path("next.csv")]) == []
    assert file_bytes(alone, ".csv").decode().strip() == ",".join(COLUMNS)
    few: Any = ez.next(annotations=votes_of(ann=(range(NUM), 0), bob=(range(9, NUM), 20)), looks=50)
    *_, fewer, doubt = few.notices
    assert f"{50 - len(few.table())} more questions to these people would gain nothing" in fewer
    assert "nobody has looked at labels drawn by chance" in doubt


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"annotations": "v.csv", "pool": "x.csv"}, "--pool: does not go with --annotations"),
        ({"annotations": "v.csv", "rollouts": 3}, "--rollouts: does not go with --annotations"),
        ({"annotations": "v.csv", "picks": 3}, "--picks: does not go with --annotations"),
        ({"annotations": "v.csv", "looks": 0}, "--looks"),
        ({"looks": 3}, "--looks: goes with --annotations"),
        ({"pool": "x.csv"}, "run: is missing"),
    ],
)
def test_other_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        ez.next(**options)
