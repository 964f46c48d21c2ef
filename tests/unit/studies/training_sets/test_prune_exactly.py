from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from recording import recorded

# p of the label of ten examples: five of class a, then five of class b; right above 1/2
P = np.array([0.9, 0.8, 0.4, 0.3, 0.7, 0.95, 0.2, 0.1, 0.6, 0.85])
LABELS = np.repeat([0, 1], 5)


def made(path: Path, p: np.ndarray, **options) -> ez.Run:
    of_class = np.where(LABELS[:, None] == np.arange(2), p[:, None], 1 - p[:, None])
    return recorded(path, [np.log(of_class)], LABELS, ids=np.arange(10, 20), classes=["a", "b"], **options)


@pytest.fixture
def run(tmp_path) -> ez.Run:
    return made(tmp_path / "run", P)


def dropped(pruned) -> list[int]:
    return pruned.ids[~pruned.kept].tolist()


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        # of two classes difficulty is 1 - p, so the least p goes first
        ({"policy": "worst"}, [13, 16, 17]),
        # wrong are 12, 13, 16, 17, which tie in easiness
        ({"policy": "worst", "score": "easiness"}, [13, 16, 17]),
        ({"policy": "worst", "drop": 0.5}, [12, 13, 16, 17, 18]),
        ({"policy": "best"}, [10, 15, 19]),
        ({"policy": "worst", "drop": 0.2, "score": "loss"}, [16, 17]),
        ({"policy": "best", "drop": 0.2, "score": "loss"}, [10, 15]),
        ({"policy": "worst", "drop": 0.2, "balanced": True}, [13, 17]),
        # entropy is the largest at p nearest to 1/2 and the smallest at 0.95
        ({"policy": "worst", "drop": 0.2, "score": "entropy", "keep": "bottom"}, [12, 18]),
        ({"policy": "worst", "drop": 0.1, "score": "entropy", "keep": "top"}, [15]),
    ],
)
def test_exactly_the_worst_and_the_best(run, options, gone):
    pruned = ez.prune(run, **options)
    assert dropped(pruned) == gone
    assert pruned.policy == options["policy"]
    assert f"Dropped are exactly the {options['policy']}, by " in pruned.sections()[0].note


def test_what_ties_in_all_goes_by_the_hash_of_ids(tmp_path):
    run = made(tmp_path / "alike", np.full(10, 0.7))
    ids = [dropped(ez.prune(run, policy="worst", seed=seed)) for seed in (0, 0, 1)]
    values = np.zeros(10)
    expected = ez.select(values, 0.3, ties="refine", ids=run.ids, seed=0)
    assert ids[0] == ids[1] == run.ids[expected == 1].tolist()
    assert ids[2] != ids[0]


def test_the_worst_labels(tmp_path):
    run = made(tmp_path / "left_out", P, trained_on=[[]])
    for score in ("self_confidence", "normalized_margin"):
        worst = ez.prune(run, policy="worst", score=score)
        assert (dropped(worst), worst.keep) == ([13, 16, 17], "top")
        assert dropped(ez.prune(run, policy="best", score=score)) == [10, 15, 19]


def test_those_named(run, tmp_path):
    text, table = tmp_path / "wrong.txt", tmp_path / "wrong.csv"
    text.write_text("17\n12\n\n17\n")
    table.write_text("label;id\n0;12\n\n1;17\n")
    pd.DataFrame({"id": [12, 17]}).to_parquet(tmp_path / "wrong.parquet")
    for ids in (text, str(table), tmp_path / "wrong.parquet", [17, 12], np.array([12, 17])):
        pruned = ez.prune(run, ids=ids)
        assert dropped(pruned) == [12, 17]
        assert pruned.policy == "ids"
        assert "Dropped are exactly those named." in pruned.sections()[0].note
    assert len(ez.prune(run, ids=[12], score="variability").sections()) == 1  # for the summary alone
    ez.prune(run, ids=[12, 17]).table().to_csv(tmp_path / "kept.csv", index=False)
    assert dropped(ez.prune(run, ids=tmp_path / "kept.csv")) == np.setdiff1d(run.ids, [12, 17]).tolist()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "12\n99\nx\n", r"--ids .*a\.txt: the run has no example with id 99, x;"),
        ("a.txt", "\n", r"a\.txt: names no example; give a text file"),
        ("a.txt", "PAR1\0", r"a\.txt: is not text"),
        ("a.txt", "10\n11\n12\n13\n14\n", "--ids: takes all 5 examples of class 'a'; name fewer"),
        ("a.csv", "name;label\n1;2\n", r"a\.csv: no column id.*columns are name, label"),
        ("a.csv", "id,label\n12,1\n17\n", r"a\.csv: row 3: 1 values for 2 columns"),
        ("a.csv", "id,id\n12,17\n", r"a\.csv: column id occurs more than once"),
        ("a.csv", 'id,label\n12,"1\n', r"a\.csv: line 2: .* not CSV"),
    ],
)
def test_ids_that_cannot_be_dropped(run, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(BadInput, match=message):
        ez.prune(run, ids=tmp_path / name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": "none.txt"}, r"--ids none\.txt: cannot be read \(No such file or directory\)"),
        ({"ids": [99]}, "ids: the run has no example with id 99"),
        ({"ids": []}, "ids: names no example"),
        ({"ids": [10**5000]}, "ids: has one that has no text; give ids of the run"),
        ({"ids": [12], "drop": 0.3, "policy": "worst"}, "--ids: .*; leave --drop, --policy out"),
        ({"ids": [12], "score": "lose"}, "score 'lose': unknown"),
        ({"policy": "best", "score": "entropy", "keep": "top"}, "policy 'best': --keep top keeps that end"),
        ({"policy": "worst", "score": "self_confidence"}, "self_confidence is undefined for 10 of 10"),
    ],
)
def test_what_is_refused(run, options, message):
    with pytest.raises(BadInput, match=message):
        ez.prune(run, **options)


def test_the_worst_may_not_be_a_whole_class(tmp_path):
    run = made(tmp_path / "run", np.where(LABELS == 0, 0.3, 0.8))
    with pytest.raises(BadInput, match=r"all 5 .*class 'a'; .*\(--balanced\)"):
        ez.prune(run, policy="worst", drop=0.5)
