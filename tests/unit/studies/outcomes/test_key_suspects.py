"""Which answer keys look wrong by what models say instead, and how many are, by an audit."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from recording import answered, counted, recorded

ANSWERS = {
    "m1": ["YY", "YY", "XX", "YY"],
    "m2": ["YX", "YY", "XX", "YZ"],
    "m3": ["XZ", "ZZ", "XX", "ZW"],
}


def test_items_are_in_the_order_of_the_share_of_models_on_one_other_answer():
    result = ez.suspects(answered(None, ANSWERS, "XXXX", id="abcd", text=["1?", "2?", "3?", "4?"]))
    table = result.table().set_index("id")
    # of a: (1 + 1/2 + 0) / 3 on Y; of b (1 + 1 + 0) / 3; of d as many as of a, and none on the key
    assert table.index.tolist() == ["b", "d", "a"]
    assert table["suggested"].tolist() == ["Y"] * 3
    assert table["suggested_share"].tolist() == pytest.approx([2 / 3, 1 / 2, 1 / 2])
    assert table["key_share"].tolist() == table["rate"].tolist() == pytest.approx([0, 0, 1 / 3])
    assert table["models"].tolist() == [3] * 3
    assert table["text"].tolist() == ["2?", "4?", "1?"]
    assert table["reason"]["b"] == "66.7\xa0% of 3 models on 'Y', 0.0\xa0% on the key"
    assert list(result.table()) == [
        *("id", "label", "suggested", "suggested_share", "key_share", "rate", "models", "reason", "text")
    ]
    assert result.document()["num_examples"] == 4


def test_no_number_of_wrong_keys_is_given(command, tmp_path):
    answered(tmp_path / "runs", ANSWERS, "XXXX")
    finished = command("suspects", tmp_path / "runs", "-o", tmp_path / "keys.json")
    document = json.loads((tmp_path / "keys.json").read_text())
    assert (document["share"], document["low"], document["high"]) == (None, None, None)
    assert not [name for row in document["suspects"] for name in row if "p_wrong" in name]
    text = " ".join(finished.out.split())
    assert "experts checked 2 % were wrong, and taking the models as independent makes 13 to 20 %" in text
    assert "only an audit can count: easiness audit" in text


@pytest.mark.parametrize("runs", ["runs", "runs/m1", "runs/m1 runs/m2"])
def test_the_command_printed_draws_an_audit(command, tmp_path, monkeypatch, runs):
    monkeypatch.chdir(tmp_path)
    answered(tmp_path / "runs", ANSWERS, "XXXX")
    text = " ".join(command("suspects", *runs.split()).out.split())
    (line,) = re.findall(r"easiness (audit .* -o audit\.csv)", text)
    words = shlex.split(line)
    assert words[1:-4] == runs.split()
    assert command(*words).code == 0
    assert sorted(pd.read_csv("audit.csv")["id"]) == [0, 1, 2, 3]


def test_models_that_are_trials_count_as_runs_of_them_do():
    first = {name: [one[0] for one in of] for name, of in ANSWERS.items()}
    runs = ez.suspects(answered(None, first, "XXXX")).table()
    together = ez.suspects(answered(None, first, "XXXX", trials_are="models")).table()
    pd.testing.assert_frame_equal(runs, together)
    assert runs["models"].tolist() == [3] * 3


@pytest.mark.parametrize(
    ("answers", "keys", "right", "expected"),
    [
        # a model counts once, however often it was asked
        ({"often": ["Y" * 98, "X" * 98], "once": ["X", "X"]}, "XX", None, [[0, "X", "Y", 1 / 2, 1 / 2]]),
        # an answer that is right counts as the key, however it is written
        (
            {"a": [["x = 1"], "2"], "b": ["1", "3"]},
            "12",
            [["x = 1", "1"], "2"],
            [[1, "2", "3", 1 / 2, 1 / 2]],
        ),
        # the answer that is right is the key where none is named: the first of equals by its name
        (
            {"a": [["one"], "A", "C"], "b": ["1", "A", "C"], "c": ["2", "B", "D"]},
            *(None, [["one", "1"], "B", ["none"]]),
            [[2, "", "C", 2 / 3, 0], [1, "B", "A", 2 / 3, 1 / 3], [0, "1", "2", 1 / 3, 2 / 3]],
        ),
    ],
)
def test_models_stand_by_the_key_or_not(answers, keys, right, expected):
    table = ez.suspects(answered(None, answers, keys, **({} if right is None else {"right": right}))).table()
    columns = table[["id", "label", "suggested", "suggested_share", "key_share"]].fillna({"label": ""})
    assert columns.round(9).to_numpy().tolist() == pd.DataFrame(expected).round(9).to_numpy().tolist()


def test_a_model_without_answers_does_not_count(tmp_path):
    runs = answered(None, ANSWERS, "XXXX") + counted(tmp_path, num=1, silent=[0, 1, 1, 0])
    assert set(ez.suspects(runs).table()["models"]) == {3}


LABELS = np.arange(20) % 2
REFUSALS = {
    "silent: has no answers, by which keys look right or wrong; record a": lambda out: ez.suspects(
        counted(out, num=1, silent=[0, 1, 1, 0])
    ),
    "item '1': has another key in another run; record them anew": lambda out: ez.suspects(
        answered(out, ANSWERS, "XXXX") + answered(out / "b", {"m": "XYXX"}, "XYXX")
    ),
    "has no keys to audit; record a table with the columns answer and key": lambda out: ez.audit(
        answered(out, {"a": "AB"}, right=["", ""])
    ),
    "b: is a second run, and labels are audited by one; leave it out": lambda out: ez.audit(
        [recorded(out / name, np.zeros((2, 20, 2)), LABELS) for name in "ab"]
    ),
}


@pytest.mark.parametrize("says", REFUSALS)
def test_what_has_no_answer_is_refused(tmp_path, says):
    with pytest.raises(BadInput, match=says):
        REFUSALS[says](tmp_path)


@pytest.mark.parametrize("options", [{"at": 3}, {"split": "held_out"}, {"above": 0.5}, {"decided": "a.csv"}])
def test_options_of_probabilities_are_refused_by_name(options):
    (name,) = options
    with pytest.raises(BadInput, match=rf"without classes.*--{name}.* needs them"):
        ez.suspects(answered(None, ANSWERS, "XXXX"), **options)


def benchmark(seed, num=400, wrong=20, models=12):
    """Answers of models that err together, and which keys are wrong.

    Each item has a distractor that some models share; where the key is wrong, models that can do the item
    give the true answer.
    """
    rng = np.random.default_rng(seed)
    keys, lure = rng.choice(list("ABCD"), num), rng.choice(list("EFGH"), num)
    is_wrong = np.isin(np.arange(num), rng.permutation(num)[:wrong])
    ease = rng.beta(2, 1, num)
    answers = {}
    for model in range(models):
        skill = 0.4 + 0.6 * model / models
        knows = rng.random(num) < ease * skill + 0.2
        truth = np.where(is_wrong, "T", keys)
        other = np.where(rng.random(num) < 0.5, lure, rng.choice(list("ABCDEFGH"), num))
        answers[f"m{model}"] = [[one] for one in np.where(knows, truth, other).tolist()]
    return answers, keys.tolist(), is_wrong


@pytest.mark.long
def test_wrong_keys_stand_first():
    precision = []
    for seed in range(10):
        answers, keys, is_wrong = benchmark(seed)
        top = ez.suspects(answered(None, answers, keys, trials_are="models")).table()["id"][: is_wrong.sum()]
        precision.append(is_wrong[top].mean())
    assert np.mean(precision) > 0.5  # one in twenty is wrong


def filled(drawn, is_wrong, file, by=""):
    """The file with what is true as actions, and a correction that is no other key."""
    table = drawn.table().assign(action="keep", by=by)
    table.loc[is_wrong[table["id"]], ["label", "action"]] = "T", "relabel"
    table.to_csv(file, index=False)
    return file


def test_an_audit_of_all_keys_counts_them(tmp_path):
    answers, keys, is_wrong = benchmark(0, num=60, wrong=7)
    runs = answered(tmp_path / "runs", answers, keys, text=[f"{at}?" for at in range(60)])
    drawn = ez.audit(runs, looks=200)
    table = drawn.table()
    assert list(table)[:5] == ["id", "label", "text", "was", "action"]
    assert {"suggested", "suggested_share"} <= {*table}
    assert not {"p_wrong", "class"} & {*table}
    assert not re.search("expected|p_wrong", drawn.in_words())
    found = ez.audit(runs, decided=filled(drawn, is_wrong, tmp_path / "audit.csv"))
    document = found.document()
    assert [document[name] for name in ("wrong", "low", "high", "num_examples")] == [7, 7, 7, 60]
    assert not re.search("expected|p_wrong", found.in_words())


def test_keys_decided_before_are_not_drawn_again(tmp_path):
    answers, keys, is_wrong = benchmark(1, num=80, wrong=9)
    runs = answered(tmp_path / "runs", answers, keys)
    first = filled(ez.audit(runs, looks=30), is_wrong, tmp_path / "first.csv", by="ann")
    known = pd.read_csv(first)
    drawn = ez.audit(runs, looks=20, known=first, blind=True)
    assert not {"suggested", "suggested_share"} & {*drawn.table()}
    table = drawn.table().assign(action=lambda table: table["action"].where(table["action"] != "", "keep"))
    assert table["was"].tolist() == [keys[at] for at in table["id"]]
    table.to_csv(tmp_path / "second.csv", index=False)
    found = ez.audit(runs, decided=tmp_path / "second.csv").document()
    assert (found["known"], found["known_wrong"]) == (30, int(is_wrong[known["id"]].sum()))
    assert found["looked_at"] == 20


def test_items_without_a_key_are_not_audited():
    runs = answered(None, {"a": [["A"], ["B"], ["C"]], "b": [["A"], ["C"], ["D"]]}, right=["A", "B", "none"])
    assert sorted(ez.audit(runs, looks=9).table()["id"]) == [0, 1]


def test_a_changed_key_and_another_benchmark_are_refused(tmp_path):
    drawn = ez.audit(answered(None, ANSWERS, "XXXX"))
    file = filled(drawn, np.zeros(4, bool), tmp_path / "audit.csv")
    with pytest.raises(BadInput, match="was 'X' when the file was made, and is 'Y' here"):
        ez.audit(answered(None, ANSWERS, "YYYY"), decided=file)
    with pytest.raises(BadInput, match=r"is of items@[0-9a-f]{12}, and not of items@"):
        ez.audit(answered(None, ANSWERS, "XXXX", id="abcd"), decided=file)


@pytest.mark.long
@pytest.mark.parametrize(("wrong", "models"), [(0, 12), (8, 12), (40, 3), (200, 12)])
def test_the_range_of_an_audit_holds(tmp_path, wrong, models):
    holds = []
    for seed in range(25):
        answers, keys, is_wrong = benchmark(seed, wrong=wrong, models=models)
        runs = answered(None, answers, keys, trials_are="models")
        drawn = ez.audit(runs, looks=100, seed=seed)
        found = ez.audit(runs, decided=filled(drawn, is_wrong, tmp_path / f"{seed}.csv")).document()
        holds.append(found["low"] <= wrong <= found["high"])
    assert np.mean(holds) >= 0.9
