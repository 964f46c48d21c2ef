from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.data.holdout import hold_out
from easiness.errors import BadInput
from easiness.scores import SCORES
from easiness.spec import Loading
from easiness.studies.training_sets.ranks import aligned, order_of, ranking, scored_data
from pixels import images_of


@pytest.fixture(scope="module")
def scored(measured: Path) -> ez.Run:
    """100 digits, nothing held out."""
    return ez.open_run(measured)


def test_scores_are_turned_so_that_high_is_easy(scored):
    table = scored.scores(1)
    np.testing.assert_array_equal(ranking(scored, "easiness", 1), table["easiness"])
    np.testing.assert_array_equal(ranking(scored, "el2n", 1), -table["el2n"])
    np.testing.assert_array_equal(ranking(scored, "confidence"), scored.scores()["confidence"])


def test_other_scores_are_turned_so_that_low_is_what_to_keep(scored):
    entropy = scored.scores()["entropy"]
    np.testing.assert_array_equal(ranking(scored, "entropy", keep="bottom"), entropy)
    np.testing.assert_array_equal(ranking(scored, "entropy", keep="top"), -entropy)
    with pytest.raises(BadInput, match=r"high means unsure, .*--keep bottom"):
        ranking(scored, "entropy")


def test_a_score_that_is_undefined(scored):
    with pytest.raises(
        BadInput, match=r"memorization is undefined for 100 of 100 .* epoch 2; .*--train-share"
    ):
        ranking(scored, "memorization")


# after epochs 1, 2 and 3 of the only trial; the columns are examples
LEARNED = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0]])


@pytest.fixture
def learned(record):
    """Four examples: always right, never, forgotten once and learned again, and forgotten for good."""
    labels = np.array([0, 1, 1, 0])
    epochs = [np.eye(2)[np.where(right, labels, 1 - labels)] for right in LEARNED]
    return record([epochs], labels, ids=[3, 1, 4, 2], classes=["a", "b"])


@pytest.mark.parametrize(
    ("score", "in_table", "ranked"),
    [
        ("forgetting_events", [0, np.nan, 1, 1], [0, -3, -1, -1]),
        ("first_learned_epoch", [1, np.nan, 1, 2], [-1, -4, -1, -2]),
        ("iteration_learned", [1, np.nan, 3, np.nan], [-1, -4, -3, -4]),
    ],
)
def test_the_never_learned_are_the_hardest(learned, score, in_table, ranked):
    np.testing.assert_array_equal(learned.scores()[score], in_table)
    np.testing.assert_array_equal(ranking(learned, score), ranked)


SMALL: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "precision": "float32"}


def test_an_epoch_that_was_not_observed_gives_no_ranking(tmp_path):
    run = ez.measure("digits", limit=60, epochs=4, observe="every:2", **SMALL, out=tmp_path / "run")
    for epoch in (2, 4):
        told = f"forgetting_events is undefined for 60 of 60 examples after epoch {epoch}; .*--observe all"
        with pytest.raises(BadInput, match=told):
            ranking(run, "forgetting_events", epoch)


def test_an_epoch_that_is_not_recorded(scored):
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded; choose 1 to 2"):
        ranking(scored, epoch=3)


def test_the_limit_is_that_of_the_run(scored):
    data = scored_data(scored, "digits", Loading(holdout=0.2))
    assert data.held_out is not None
    assert (len(data), len(data.held_out)) == (80, 20)
    assert set(data.ids) | set(data.held_out.ids) == set(scored.ids)
    # a limit comes after a part held out when a source is loaded, so this is not found there again
    assert data.ref().source is None
    assert scored_data(scored, "digits", Loading(limit=100, holdout=0.2)).fingerprint == data.fingerprint
    with pytest.raises(BadInput, match=r"limit 50: .* 100 examples"):
        scored_data(scored, "digits", Loading(limit=50, holdout=0.2))


def test_values_go_with_their_examples(scored):
    data = scored_data(scored, "digits", Loading(holdout=0.2))
    values = aligned(scored, ranking(scored, "el2n"), data)
    by_id = -scored.scores().set_index("id")["el2n"]
    np.testing.assert_array_equal(values, by_id.loc[data.ids])


@pytest.mark.parametrize("holdout", [None, 0])
def test_a_split_to_test_on_is_needed(scored, holdout):
    with pytest.raises(BadInput, match=r"digits: .*held-out split .* \(--holdout 0\.2\)"):
        scored_data(scored, "digits", Loading(holdout=holdout))


def test_other_data(scored):
    with pytest.raises(BadInput, match="not the data"):
        scored_data(scored, ez.load_dataset("digits", limit=100, seed=1), Loading(holdout=0.2))


def test_a_part_that_was_held_out_from_the_first(tmp_path):
    run = ez.measure("digits", holdout=0.2, limit=100, epochs=1, **SMALL, out=tmp_path / "run")
    data = scored_data(run, "digits")
    assert data.held_out is not None
    assert (len(data), len(data.held_out)) == (100, 100)
    assert data.ref() == run.spec.data
    assert scored_data(run, "digits", Loading(holdout=0.2)).ref() == run.spec.data
    with pytest.raises(BadInput, match=r"holdout 0\.3: .* measured with 0\.2"):
        scored_data(run, "digits", Loading(holdout=0.3))


def test_a_split_of_the_source_is_not_replaced(tmp_path):
    digits = hold_out(ez.load_dataset("digits"), 0.2)
    assert digits.held_out is not None
    pair, other = ((images_of(one).numpy(), one.labels) for one in (digits, digits.held_out))
    data = ez.load_dataset(pair, held_out=other).limit(100)
    run = ez.measure(data, epochs=1, **SMALL, out=tmp_path / "run")
    assert scored_data(run, data).held_out is not None
    for holdout in (0.2, 0):
        with pytest.raises(BadInput, match="holdout"):
            scored_data(run, data, Loading(holdout=holdout))


def test_a_recorded_run_goes_by_ids_labels_and_classes(record):
    data = ez.load_dataset("digits", limit=100)
    run = record([[np.eye(10)[data.labels]]], data.labels, ids=data.ids, classes=data.classes)
    found = scored_data(run, data, Loading(holdout=0.2))
    assert len(found) == 80
    assert (aligned(run, ranking(run), found) == 1).all()
    assert scored_data(run, "digits", Loading(holdout=0.2)).ids.tolist() == found.ids.tolist()
    others = replace(data, labels=(data.labels + 1) % 10)
    with pytest.raises(BadInput, match=r"digits: .*the data of .* \(ids, labels"):
        scored_data(run, others, Loading(holdout=0.2))


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_every_score_ranks_one_way_or_with_an_end_to_keep(score):
    if score.high_means in ("easy", "hard"):
        order = order_of(score.name)
        assert order.sign == (1 if score.high_means == "easy" else -1)
        assert list(order.policies) == ["easy", "hard", "random"]
        for keep in ("top", "bottom"):
            with pytest.raises(BadInput, match=f"keep {keep}: high {score.name} means {score.high_means}"):
                order_of(score.name, keep)
        return
    with pytest.raises(BadInput, match=f"high means {score.high_means}, neither"):
        order_of(score.name)
    for keep, drawn, sign in (("top", "bottom", -1), ("bottom", "top", 1)):
        order = order_of(score.name, keep)  # type: ignore[arg-type]
        assert order.sign == sign  # the largest values after turning are those mainly drawn
        assert order.policies == {drawn: (3, 1), "random": (1, 1)}


def test_the_scores_without_easy_and_hard():
    neither = [score.name for score in SCORES if score.high_means not in ("easy", "hard")]
    assert neither == [
        *("variability", "aleatoric", "dyn_unc", "dual", "entropy"),
        *("self_confidence", "normalized_margin", "confident_learning_flag"),
    ]


def test_names_of_policies():
    ease, kept = order_of("easiness"), order_of("dual", "top")
    assert [ease.beta(name) for name in ("easy", "hard", "random", "beta:2,5")] == [
        *((3, 1), (1, 3), (1, 1), (2, 5)),
    ]
    assert [kept.beta(name) for name in ("bottom", "random", "beta:1,3")] == [(3, 1), (1, 1), (1, 3)]
    assert [ease.name(beta) for beta in ((3, 1), (1, 3), (0.5, 2))] == ["easy", "hard", "beta:0.5,2"]
    assert [kept.name(beta) for beta in ((3, 1), (1, 3), (1, 1))] == ["bottom", "beta:1,3", "random"]


@pytest.mark.parametrize(
    ("score", "keep", "message"),
    [
        ("easines", None, r"score 'easines': unknown \(did you mean easiness.*; choose easiness, "),
        ("foo", None, r"score 'foo': unknown; choose easiness, .*, confident_learning_flag"),
        ("entropy", "high", "keep 'high': unknown; choose top or bottom"),
        ("el2n", "high", "keep 'high': unknown; choose top or bottom"),
    ],
)
def test_what_gives_no_order(score, keep, message):
    with pytest.raises(BadInput, match=message):
        order_of(score, keep)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("easy", "policy 'easy': high dual means ambiguous, .*; give bottom, random or beta:A,B, or leave"),
        ("hard", "policy 'hard': high dual means ambiguous, .*; give bottom, random or beta:A,B, or leave"),
        ("top", "policy 'top': unknown.*; give bottom, random or beta:A,B"),
        ("beta:1,0", "give two positive numbers"),
    ],
)
def test_policies_that_contradict_the_end_to_keep(policy, message):
    with pytest.raises(BadInput, match=message):
        order_of("dual", "top").beta(policy)
