from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from torch.utils.data import DataLoader

import easiness as ez
from easiness.analysis import draw_by_beta, draw_for_coverage
from easiness.errors import BadInput
from recording import believing, recorded


@pytest.fixture(scope="module")
def run(measured: Path) -> ez.Run:
    """100 digits, ten of each class."""
    return ez.open_run(measured)


def prune(run: ez.Run, **asked: Any) -> Any:
    return ez.keep(run, **({} if "ids" in asked else {"drop": 0.3}) | asked)


def dropped(pruned) -> list[int]:
    return np.flatnonzero(~pruned.kept_mask).tolist()


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("easiness", None, 1), (None, None, -1), ("entropy", "top", -1), ("aleatoric", "bottom", 1)],
)
@pytest.mark.parametrize("beta", [(3, 1), (1, 3), (1, 1), (2, 5)])
def test_the_draw_is_that_of_the_studies(run, score, keep, sign, beta):
    policy = {(3, 1): None if keep else "easy", (1, 1): "random"}.get(beta, f"beta:{beta[0]},{beta[1]}")
    pruned = prune(run, policy=policy, seed=2, score=score, keep=keep)
    values = run.scores()[score or "difficulty"].to_numpy()
    drawn = ez.draw_by_rank(sign * values, 0.3, beta, 2)
    assert dropped(pruned) == drawn.tolist()
    np.testing.assert_array_equal(pruned.values, values)
    np.testing.assert_array_equal(pruned.table()["id"], np.delete(run.ids, drawn))
    if keep:
        end = "bottom" if keep == "top" else "top"
        assert pruned.policy == (end if beta == (3, 1) else policy)
        assert f", by {score}, from the {keep} (to keep) to the {end}." in pruned.sections()[0].note


@pytest.fixture
def half_learned(record) -> ez.Run:
    """Sixty examples of two classes: thirty of them, every second, are learned in no epoch."""
    labels = np.arange(60) // 2 % 2
    logits = np.eye(2)[np.where(np.arange(60) % 2, 1 - labels, labels)]
    return record([[logits, logits]], labels, classes=["a", "b"])


def test_what_was_never_learned_is_the_hardest(half_learned):
    pruned = prune(half_learned, drop=0.5, policy="beta:1,1000000", score="forgetting_events")
    np.testing.assert_array_equal(~pruned.kept_mask, np.arange(60) % 2)  # the thirty, and no other
    np.testing.assert_array_equal(pruned.values, np.where(np.arange(60) % 2, np.nan, 0))
    assert "30 examples that no trial learned" in pruned.sections()[0].note
    means = pruned.by_class()
    assert (means["forgetting_events_kept"] == 0).all()
    assert means["forgetting_events_dropped"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": 1}, "--drop 1"),
        ({"drop": None, "policy": "worst"}, "--drop"),
        ({}, "--policy"),
        ({"drop": 0.97, "policy": "easy"}, "takes all 10 examples"),
        ({"policy": "wrost"}, "did you mean worst"),
        ({"policy": "daul"}, "did you mean dual"),
        ({"score": "variability", "policy": "easy"}, "--keep top"),
        ({"score": "variability", "keep": "top", "policy": "hard"}, "policy 'hard'"),
        ({"keep": "top", "policy": "easy"}, "leave --keep out"),
        ({"keep": "up"}, "keep 'up'"),
        ({"score": "normalized_margin", "keep": "top"}, "undefined for 100 of 100"),
        *(({"policy": f"ccs:{one}"}, f"policy 'ccs:{one}'") for one in ("x", "-1", "nan", "0.4")),
        *(({"policy": f"dual:{one}"}, f"policy 'dual:{one}'") for one in ("0", "inf")),
        ({"ids": [12], "drop": 0.3, "policy": "worst"}, "leave --drop, --policy out"),
        ({"policy": "best", "score": "entropy", "keep": "top"}, "policy 'best'"),
    ],
)
def test_what_cannot_be_drawn(run, options, message):
    with pytest.raises(BadInput, match=message):
        prune(run, **options)


@pytest.mark.parametrize(
    ("score", "keep", "policy"),
    [("easiness", "top", "hard"), ("easiness", "bottom", "easy"), ("loss", "top", "easy")],
)
def test_an_end_to_keep_is_the_policy_that_drops_the_other(run, score, keep, policy):
    by_end = prune(run, score=score, keep=keep)
    by_policy = prune(run, score=score, policy=policy)
    assert by_end.policy == policy
    assert (by_end.kept_mask == by_policy.kept_mask).all()


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("aum", None, 1), ("el2n", None, -1), ("variability", "top", -1), ("variability", "bottom", 1)],
)
@pytest.mark.parametrize(
    ("policy", "number"), [("ccs", 0.0), ("ccs:0.1", 0.1), ("dual", 4.0), ("dual:5.5", 5.5)]
)
def test_samplers_by_any_score(run, score, keep, sign, policy, number):
    pruned = prune(run, drop=0.4, policy=policy, score=score, keep=keep, seed=3)
    values, loss, confidence = (run.scores()[name].to_numpy() for name in (score, "loss", "confidence"))
    asked: dict[str, Any] = {"ids": run.ids, "seed": 3}
    name = policy[:4].strip(":")
    if name == "ccs":
        expected = draw_for_coverage(sign * values, 0.4, refine_by=loss, cut=number, **asked)
    else:
        expected = draw_by_beta(-sign * values, confidence, 0.4, exponent=number, **asked)
    assert f"{name}:{number:g} leaves out, by {score}" in pruned.sections()[0].note
    assert (dropped(pruned), pruned.policy) == (expected.tolist(), f"{name}:{number:g}")


@pytest.mark.parametrize(("policy", "full"), [("hard", "hard"), ("ccs", "ccs:0.1"), ("dual", "dual:4")])
def test_balanced_over_classes(run, policy, full):
    pruned = prune(run, drop=0.7, policy=policy, balanced=True)
    assert (pruned.by_class()[["kept", "dropped"]] == [3, 7]).all(axis=None)
    assert pruned.policy == full
    assert dropped(pruned) != dropped(prune(run, drop=0.7, policy=policy, balanced=True, seed=1))


def test_beta_sampling_needs_every_epoch(tmp_path):
    data = ez.load_dataset("digits", limit=30)
    last = ez.measure(data, model="mlp_3", trials=1, epochs=2, observe="last", out=tmp_path / "run")
    with pytest.raises(BadInput, match="'dual' needs the confidence"):
        prune(last, policy="dual", score="el2n")


# p of the label of ten examples: five of class a, then five of class b; right above 1/2
P = np.array([0.9, 0.8, 0.4, 0.3, 0.7, 0.95, 0.2, 0.1, 0.6, 0.85])
LABELS = np.repeat([0, 1], 5)


def made(path: Path, p: np.ndarray, **options) -> ez.Run:
    of_class = np.where(LABELS[:, None] == np.arange(2), p[:, None], 1 - p[:, None])
    return recorded(path, [np.log(of_class)], LABELS, ids=np.arange(10, 20), classes=["a", "b"], **options)


@pytest.fixture
def ten(tmp_path) -> ez.Run:
    return made(tmp_path / "run", P)


def dropped_ids(pruned) -> list[int]:
    return pruned.run.ids[~pruned.kept_mask].tolist()


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
def test_exactly_the_worst_and_the_best(ten, options, gone):
    pruned = prune(ten, **options)
    assert dropped_ids(pruned) == gone


def test_what_ties_in_all_goes_by_the_hash_of_ids(tmp_path):
    ten = made(tmp_path / "alike", np.full(10, 0.7))
    ids = [dropped_ids(prune(ten, policy="worst", seed=seed)) for seed in (0, 0, 1)]
    values = np.zeros(10)
    expected = ez.select(values, 0.3, ties="refine", ids=ten.ids, seed=0)
    assert ids[0] == ids[1] == ten.ids[expected == 1].tolist()
    assert ids[2] != ids[0]


def test_the_worst_labels(tmp_path):
    ten = made(tmp_path / "left_out", P, trained_on=[[]])
    for score in ("self_confidence", "normalized_margin"):
        worst = prune(ten, policy="worst", score=score)
        assert (dropped_ids(worst), worst.keep) == ([13, 16, 17], "top")
        assert dropped_ids(prune(ten, policy="best", score=score)) == [10, 15, 19]


def test_those_named(ten, tmp_path):
    text, table = tmp_path / "wrong.txt", tmp_path / "wrong.csv"
    text.write_text("17\n12\n\n17\n")
    table.write_text("label;id\n0;12\n\n1;17\n")
    pd.DataFrame({"id": [12, 17]}).to_parquet(tmp_path / "wrong.parquet")
    for ids in (text, str(table), tmp_path / "wrong.parquet", [17, 12], np.array([12, 17])):
        assert dropped_ids(prune(ten, ids=ids)) == [12, 17]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "12\n99\nx\n", r"a\.txt: .* 99, x"),
        ("a.txt", "\n", r"a\.txt: names no"),
        ("a.txt", "PAR1\0", r"a\.txt: is not text"),
        ("a.txt", "10\n11\n12\n13\n14\n", "--ids: takes all 5"),
        ("a.csv", "name;label\n1;2\n", r"a\.csv: no column id"),
        ("none.txt", None, r"none\.txt: cannot be read"),
        ([99], None, "ids: .* 99"),
        ([], None, "ids: names no"),
    ],
)
def test_ids_that_cannot_be_dropped(ten, tmp_path, name, content, message):
    if content is not None:
        name = tmp_path / name
        name.write_text(content)
    with pytest.raises(BadInput, match=message):
        prune(ten, ids=name)


TAUGHT, KINDS = 60, 3
CLASS_OF = np.arange(TAUGHT) % KINDS


@pytest.fixture
def taught(record) -> ez.Run:
    return record(believing(CLASS_OF, 4, 1), CLASS_OF)


def test_the_easiest_of_every_class_are_first_and_all_have_their_turn(taught):
    found = ez.keep(taught, steps=40, batch_size=6, start=0.2, whole_after=0.5)
    easiness = taught.scores()["easiness"].to_numpy()
    first = found.order[:12]
    assert np.bincount(CLASS_OF[first]).tolist() == [4, 4, 4]
    for label in range(KINDS):
        own = label == CLASS_OF
        assert sorted(easiness[first[CLASS_OF[first] == label]]) == sorted(np.sort(easiness[own])[-4:])
    batches = list(found)
    assert len(batches) == len(found) == 40
    assert {len(set(batch)) for batch in batches} == {6}
    assert set(batches[0]) <= set(first.tolist())
    for step in range(20):
        assert set(batches[step]) <= set(found.order[: int(TAUGHT * (0.2 + 0.04 * step))].tolist())
    assert sorted(np.concatenate(batches[20:30])) == list(range(TAUGHT))  # a pass over all
    assert [found.pool(step) for step in (0, 10, 20, 39)] == [12, 36, 60, 60]


def test_it_is_the_same_whenever_it_is_gone_through(taught):
    found, again, other = (ez.keep(taught, steps=10, batch_size=6, seed=seed) for seed in (0, 0, 1))
    assert list(found) == list(found) == list(again)
    assert list(found) != list(other)
    seen = [batch.tolist() for batch in DataLoader(range(TAUGHT), batch_sampler=found)]  # type: ignore[arg-type]
    assert seen == list(found)


def test_the_table_names_the_examples_of_each_step(taught):
    found = ez.keep(taught, steps=8, batch_size=6, seed=3)
    table = found.table()
    assert table["step"].tolist() == np.repeat(np.arange(1, 9), 6).tolist()
    assert table["id"].tolist() == taught.ids[np.concatenate(list(found))].tolist()
    with pytest.raises(BadInput, match="rows of a file"):
        ez.keep(taught, steps=10**9, batch_size=6).table()


def test_the_command_writes_ids_to_keep_and_says_the_rest_beside_them(command, refused, run, tmp_path):
    asked = ("keep", run.path, "--drop", 0.3, "--policy", "hard", "--seed", 2)
    kept, file = prune(run, policy="hard", seed=2).table(), tmp_path / "kept.txt"
    assert command(*asked).out == kept.to_csv(index=False)
    told = command(*asked, "-o", file).err
    assert told.startswith("70 of 100 examples kept\n")
    assert told.endswith(f"\nwrote {file}\n")
    assert file.read_text().split() == kept["id"].astype(str).tolist()
    for task in (("--steps", 8), ("--margin", 0.1)):  # which keep no list of ids
        assert f"{file}: cannot tell the format" in refused("keep", run.path, *task, "-o", file)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--drop", 0.3, "--steps", 8), "--drop and --steps"),
        (("--ids", "a.txt", "--margin", 0.1), "--ids and --margin"),
        (("--batch-size", 8), "--batch-size: paces"),
        (("--score", "loss"), "--score"),
    ],
)
def test_options_of_two_tasks_are_refused_by_name(refused, run, options, said):
    assert said in refused("keep", run.path, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "--steps 0"),
        ({"batch_size": 10**20}, "--batch-size 100000000000000000000"),
        ({"batch_size": TAUGHT + 1}, "--batch-size 61"),
        ({"start": float("nan")}, "--start nan"),
        ({"score": "variability"}, "neither easy nor hard"),
    ],
)
def test_what_no_curriculum_can_be_of(taught, options, message):
    with pytest.raises(BadInput, match=message):
        ez.keep(taught, **{"steps": 10, "batch_size": 6, **options})
