from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.scores import SCORES
from easiness.studies.training_sets.ranks import order_of


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
        (
            "foo",
            None,
            r"score 'foo': unknown; choose easiness, .*, normalized_margin, confident_learning_flag",
        ),
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
        (
            "easy",
            "policy 'easy': high dual means ambiguous, so neither end is easy; give bottom, random or beta",
        ),
        ("hard", "neither end is hard; give bottom, random or beta:A,B, or leave the policy out"),
        ("top", "policy 'top': unknown.*; give bottom, random or beta:A,B"),
        ("beta:1,0", "give two positive numbers"),
    ],
)
def test_policies_that_contradict_the_end_to_keep(policy, message):
    with pytest.raises(BadInput, match=message):
        order_of("dual", "top").beta(policy)
