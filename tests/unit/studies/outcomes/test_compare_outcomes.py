"""What models have in common on the same items, how far one model's trials are enough, and what changed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.studies.outcomes import OutcomeComparison, RolloutsAhead
from recording import counted

NUM = 120
PLACES = np.arange(NUM)


def compared(runs):
    result = ez.compare(runs)
    assert isinstance(result, OutcomeComparison)
    return result


def difference(runs):
    names = ["difference", "difference_low", "difference_high"]
    return compared(runs).pairs.loc[0, names].tolist()


def drawn(seed, rates):
    return np.random.default_rng(seed).binomial(20, rates)


RATES = np.linspace(0.02, 0.99, NUM)
BEFORE = drawn(0, RATES)
AFTER = np.where(PLACES < 10, 20, np.where(PLACES >= 110, 0, drawn(1, RATES)))  # ten turned on either side


def test_two_models_are_beside_each_other(tmp_path):
    result = compared(counted(tmp_path, a=BEFORE, b=AFTER))
    (pair,) = result.pairs.itertuples()
    assert result.rates["rate"].tolist() == pytest.approx([BEFORE.mean() / 20, AFTER.mean() / 20])
    assert pair.difference == pytest.approx((AFTER - BEFORE).mean() / 20)
    # those turned are named, and which has them
    items = result.table()
    named = items[items["p_adjusted"] <= 0.05]
    assert {*range(8), *range(112, 120)} <= {*named["id"]}
    assert (named["difference"][named["id"] < 10] > 0).all()
    assert (named["difference"][named["id"] >= 110] < 0).all()
    assert pair.only_a == (named["difference"] < 0).sum()
    assert pair.only_b == (named["difference"] > 0).sum()
    assert [*items] == ["id", "a", "b", "rate_a", "rate_b", "difference", "p", "p_adjusted"]
    assert items["p_adjusted"].is_monotonic_increasing
    assert result.answers()[-1].startswith("trials are rollouts of each model")


def test_json_has_the_cells_of_matching(tmp_path, command):
    counted(tmp_path / "runs", a=BEFORE, b=AFTER, c=drawn(2, RATES), d=drawn(3, RATES))
    finished = command("compare", tmp_path / "runs", "-o", tmp_path / "a.json", "-o", tmp_path / "a.csv")
    assert finished.code == 0
    document = json.loads((tmp_path / "a.json").read_text())
    cells = document["matching"]
    assert len(cells) == 2 * 6
    assert {(one["side"], one["ties"]) for one in cells} == {("easy", "expected"), ("hard", "expected")}
    alike = next(one for one in cells if (one["side"], one["a"], one["b"]) == ("hard", "c", "d"))
    assert alike["chance"] == 0.1
    assert alike["class_chance"] is None
    assert alike["low"] < alike["rate"] < alike["high"]
    # their rates are equal
    assert alike["agreement_low"] <= alike["agreement"] <= alike["agreement_high"] == 1
    turned = next(one for one in cells if (one["side"], one["a"], one["b"]) == ("hard", "a", "b"))
    assert turned["agreement_high"] < 0.9
    assert pd.read_csv(tmp_path / "a.csv")["p"].max() <= 0.05
    assert "4 models are right on average: " in finished.out


def test_models_with_other_items_are_compared_on_common_ones(tmp_path):
    (a,) = counted(tmp_path / "a", a=BEFORE)
    (b,) = counted(tmp_path / "b", ids=range(20, 140), b=AFTER)
    result = compared([a, b])
    assert result.num_items == 100
    assert result.notices == ["on the 100 items that all have, of up to 120"]
    means = [BEFORE[20:].mean() / 20, AFTER[:100].mean() / 20]
    assert result.rates["rate"].tolist() == pytest.approx(means)


def test_groups_of_items_vary_as_one():
    counts: dict[str, Any] = {"a": BEFORE, "b": np.clip(BEFORE + PLACES // 30 * 2, 0, 20)}
    by_item, by_group, task = (
        difference(counted(None, **counts, group=group)) for group in (None, PLACES // 30, "task")
    )
    assert by_group[0] == pytest.approx(by_item[0])
    assert by_group[2] - by_group[1] > 2 * (by_item[2] - by_item[1])
    assert task == by_item


@pytest.mark.long
def test_shuffled_tables_name_an_item_in_one_of_twenty():
    names = 0.0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        counts: dict[str, Any] = {name: rng.binomial(20, RATES) for name in "abcd"}
        names += (ez.compare(counted(None, **counts), fraction=0.05).table()["p_adjusted"] <= 0.05).any()
    assert names <= 5 + 2 * np.sqrt(100 * 0.05 * 0.95)


def test_one_model_alone_is_told_what_more_trials_would_tell(tmp_path):
    few, many = (
        ez.compare(counted(tmp_path / str(num), num=num, a=np.random.default_rng(5).binomial(num, RATES)))
        for num in (4, 64)
    )
    assert isinstance(few, RolloutsAhead)
    assert isinstance(many, RolloutsAhead)
    for result in (few, many):
        table = result.table()
        assert all(shares.is_monotonic_increasing for _, shares in table.groupby("side")["share"])
        assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    now, then = (one.table().query("side == 'hard'").iloc[0] for one in (few, many))
    assert now["share"] + 0.1 < then["share"]
    assert now["low"] < then["share"] - 0.1
    assert few.table()["trials"].tolist() == [4.0, 8, 16, 32] * 2
    assert few.headline.endswith("trials are rollouts of a: how hard items are for it, and for no other")


def test_very_many_trials_of_one_model_are_foretold_in_seconds(tmp_path):
    """Everything is known of them already: the numbers of further trials that are told apart are few."""
    result = ez.compare(counted(tmp_path, num=10_000, a=drawn(5, RATES) * 500))
    assert isinstance(result, RolloutsAhead)
    assert result.table()["share"].min() > 0.9
    assert result.enough == {"easy": 1.0, "hard": 1.0}


def test_changes_between_versions(tmp_path, command):
    (old,) = counted(tmp_path / "old", a=BEFORE[:-1])
    (new,) = counted(tmp_path / "new", ids=range(1, NUM), a=AFTER[1:])
    result = ez.diff(old, new, at_least=0.0)
    table = result.table().set_index("id")
    assert (table.loc[110:118, "change"] == "harder").all()
    assert (table.loc[1:8, "change"] == "easier").all()
    assert table["change"][0] == "went"
    assert table["change"][119] == "came"
    assert np.isnan(table["rate_old"][119])
    assert (table.loc[15:105, "change"] != "unchanged").sum() <= 2
    # a change of more than .1 is surer than one of any size only where it is large
    coarse = ez.diff(old, new).table().set_index("id")
    both = coarse.loc[1:118].index
    assert (coarse["p"][both] >= table["p"][both] - 1e-12).all()
    assert (coarse.loc[1:6, "change"] == "easier").all()
    assert command("diff", old.path, new.path, "--fail-above", "0.05").code == 1
    assert command("diff", old.path, new.path, "--fail-above", "0.5").code == 0


def test_one_trial_of_each_version_leaves_changes_unknown(tmp_path, command):
    (old,) = counted(tmp_path / "old", num=1, a=np.zeros(NUM))
    (new,) = counted(tmp_path / "new", num=1, a=np.ones(NUM))
    assert set(ez.diff(old, new).table()["change"]) == {"unknown"}
    finished = command("diff", old.path, new.path, "--fail-above", "0")
    assert finished.code == 2
    assert "too few trials to tell whether 120 items changed; record more" in finished.err


def test_what_outcomes_do_not_have_is_refused_by_name(tmp_path, refused):
    a, b = (counted(tmp_path / name, **{name: BEFORE})[0].path for name in "ab")
    (other,) = counted(tmp_path / "other", ids=range(500, 620), c=BEFORE)
    (models,) = counted(tmp_path / "models", trials_are="models", d=BEFORE, e=AFTER)
    for arguments, text in [
        (("compare", a, b, "--at", "2"), "--at"),
        (("compare", a, b, "--ties", "strict"), "--ties: is for runs of `measure`"),
        (("compare", a, other.path), "have no common item"),
        (("compare", a, models.path), "its trials are models"),
        (("compare", a, a), "given twice"),
        (("compare", a, b, "--fraction", "0.001"), "fraction 0.001: too small"),
        (("diff", a, b, "--by", "pixels"), "--by: is for runs of"),
        (("diff", a, b, "--at", "2"), "--at: is for runs of"),
        (("diff", a, a), "is the same run twice"),
        (("diff", a, b, "--rate", "1.5"), "rate"),
    ]:
        assert text in refused(*arguments), arguments


def test_many_models_are_told_of_together(tmp_path):
    counts = {f"m{at:02}": drawn(at, np.clip(RATES + at / 50, 0, 1)) for at in range(18)}
    result = compared(counted(tmp_path, **counts))
    assert len(result.pairs) == 153
    assert "left out of more than 16 models" in result.notices[0]
    assert result.matching["agreement_reason"].notna().all()
    assert result.answers()[0].startswith("18 models are right on average: ")
