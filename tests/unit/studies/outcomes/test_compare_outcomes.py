"""What models have in common on the same items, how far one model's trials are enough, and what changed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.studies.outcomes import OutcomeComparison, RolloutsAhead
from recording import recorded

NUM = 120
PLACES = np.arange(NUM)


def counted(out, *, ids=PLACES, trials_are="rollouts", num=20, **right):
    """Runs of models by name, from how many of ``num`` trials of each item are right."""
    rows = [
        pd.DataFrame({"item": ids, "model": name, "count": num, "correct": counts[: len(ids)]})
        for name, counts in right.items()
    ]
    runs = ez.record(pd.concat(rows), out=out, trials_are=trials_are)
    return list(runs) if isinstance(runs, tuple) else [runs]


def compared(runs):
    result = ez.compare(runs)
    assert isinstance(result, OutcomeComparison)
    return result


def drawn(seed, rates):
    return np.random.default_rng(seed).binomial(20, rates)


RATES = np.linspace(0.02, 0.99, NUM)
BEFORE = drawn(0, RATES)
AFTER = np.where(PLACES < 10, 20, np.where(PLACES >= 110, 0, drawn(1, RATES)))  # ten turned on either side


def test_two_models_are_beside_each_other(tmp_path):
    result = compared(counted(tmp_path, a=BEFORE, b=AFTER))
    (pair,) = result.pairs
    assert [one.value for one in result.rates] == pytest.approx([BEFORE.mean() / 20, AFTER.mean() / 20])
    assert pair.difference.value == pytest.approx((AFTER - BEFORE).mean() / 20)
    # those turned are named, and which has them
    items = result.table()
    named = items[items["p_adjusted"] <= 0.05]
    assert {*range(8), *range(112, 120)} <= {*named["id"]}
    assert (named["difference"][named["id"] < 10] > 0).all()
    assert (named["difference"][named["id"] >= 110] < 0).all()
    assert pair.only == (int((named["difference"] < 0).sum()), int((named["difference"] > 0).sum()))
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
    assert (
        alike["agreement_low"] <= alike["agreement"] <= alike["agreement_high"] == 1
    )  # their rates are equal
    turned = next(one for one in cells if (one["side"], one["a"], one["b"]) == ("hard", "a", "b"))
    assert turned["agreement_high"] < 0.9
    assert pd.read_csv(tmp_path / "a.csv")["p"].max() <= 0.05
    assert "4 models are right on average: " in finished.out


def test_models_with_other_items_are_compared_on_common_ones(tmp_path):
    (a,) = counted(tmp_path / "a", a=BEFORE)
    (b,) = counted(tmp_path / "b", ids=np.arange(20, 140), b=AFTER)
    result = compared([a, b])
    assert result.num_items == 100
    assert result.notices == ["on the 100 items that all have, of up to 120"]
    assert result.rates[0].value == pytest.approx(BEFORE[20:].mean() / 20)
    assert result.rates[1].value == pytest.approx(AFTER[:100].mean() / 20)


def test_groups_of_items_vary_as_one(tmp_path):
    rows = [
        pd.DataFrame({"item": PLACES, "model": name, "count": 20, "correct": counts, "group": PLACES // 30})
        for name, counts in (("a", BEFORE), ("b", np.clip(BEFORE + PLACES // 30 * 2, 0, 20)))
    ]
    runs = ez.record(pd.concat(rows), out=tmp_path)
    by_group = compared(runs).pairs[0].difference
    alone = counted(tmp_path / "alone", a=BEFORE, b=rows[1]["correct"].to_numpy())
    by_item = compared(alone).pairs[0].difference
    assert by_group.value == pytest.approx(by_item.value)
    assert by_group.high - by_group.low > 2 * (by_item.high - by_item.low)
    task = ez.record(pd.concat(rows).assign(group="task"), out=tmp_path / "task")
    assert compared(task).pairs[0].difference == by_item


@pytest.mark.long
def test_shuffled_tables_name_an_item_in_one_of_twenty(tmp_path):
    names = 0.0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        counts = {name: rng.binomial(20, RATES) for name in "abcd"}
        runs = counted(tmp_path / str(seed), **counts)
        names += (ez.compare(runs, fraction=0.05).table()["p_adjusted"] <= 0.05).any()
    assert names <= 5 + 2 * np.sqrt(100 * 0.05 * 0.95)


def test_one_model_alone_is_told_what_more_trials_would_tell(tmp_path):
    few, many = (
        ez.compare(counted(tmp_path / str(num), num=num, a=np.random.default_rng(5).binomial(num, RATES)))
        for num in (4, 64)
    )
    assert isinstance(few, RolloutsAhead)
    assert isinstance(many, RolloutsAhead)
    for result in (few, many):
        for shares in result.shares.values():
            values = [one.value for one in shares]
            assert values == sorted(values)
            assert all(one.low <= one.value <= one.high for one in shares)
    assert few.shares["hard"][0].value + 0.1 < many.shares["hard"][0].value
    assert few.shares["hard"][0].low < many.shares["hard"][0].value - 0.1
    assert few.table()["trials"].tolist() == [4.0, 8, 16, 32] * 2
    assert few.headline.endswith("trials are rollouts of a: how hard items are for it, and for no other")


def test_changes_between_versions(tmp_path, command):
    (old,) = counted(tmp_path / "old", ids=np.arange(NUM - 1), a=BEFORE)
    (new,) = counted(tmp_path / "new", ids=np.arange(1, NUM), a=AFTER[1:])
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
    (other,) = counted(tmp_path / "other", ids=np.arange(500, 620), c=BEFORE)
    (models,) = counted(tmp_path / "models", trials_are="models", d=BEFORE, e=AFTER)
    measured = recorded(tmp_path / "measured", np.zeros((2, 8, 2)), np.arange(8) % 2)
    for arguments, text in [
        (("compare", a, b, "--at", "2"), "--at"),
        (("compare", a, b, "--ties", "strict"), "--ties: is for runs of `measure`"),
        (("compare", a, other.path), "have no common item"),
        (("compare", a, models.path), "its trials are models"),
        (("compare", a, a), "given twice"),
        (("compare", a, measured.path), "give runs of one kind"),
        (("compare", a, b, "--fraction", "0.001"), "fraction 0.001: too small"),
        (("diff", a, b, "--by", "pixels"), "--by: is for runs of"),
        (("diff", a, b, "--at", "2"), "--at: is for runs of"),
        (("diff", a, a), "is the same run twice"),
    ]:
        assert text in refused(*arguments), arguments


def test_many_models_are_told_of_together(tmp_path):
    counts = {f"m{at:02}": drawn(at, np.clip(RATES + at / 50, 0, 1)) for at in range(18)}
    result = compared(counted(tmp_path, **counts))
    assert len(result.pairs) == 153
    assert "left out of more than 16 models" in result.notices[0]
    assert all(pair.agreements["hard"].reason for pair in result.pairs)
    assert result.answers()[0].startswith("18 models are right on average: ")


def test_a_share_of_changes_has_to_be_named(tmp_path):
    with pytest.raises(BadInput, match="rate"):
        ez.diff(*counted(tmp_path, a=BEFORE, b=AFTER), rate=1.5)
