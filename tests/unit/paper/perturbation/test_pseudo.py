from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from easiness import BadInput, load_dataset, paper
from easiness.paper.perturbation.panel import draw_patterns
from easiness.paper.perturbation.study import PseudoPatterns, count_levels
from easiness.show.result import sections_text
from plans import votes_of
from recording import small_run


def test_counts_and_chances_by_hand():
    # accuracies 4/8 and 6/8; right in both: 0, 1, 2
    correct = [[1, 1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0, 1, 1]]
    (level,) = count_levels([votes_of(correct, [0, 0, 0, 0, 1, 1, 1, 1])], [0.5])
    assert (level["count"], level["num_examples"]) == (3, 8)
    assert [level[f"accuracy{end}"] for end in ("", "_least", "_most")] == [0.625, 0.5, 0.75]
    assert level["chance"] == 8 * 0.625**2
    assert level["chance_product"] == 8 * 0.5 * 0.75
    # mean accuracy 7/8 in the first class, 3/8 in the second
    assert level["class_chance"] == pytest.approx(4 * (7 / 8) ** 2 + 4 * (3 / 8) ** 2)
    assert [level["low"], level["high"]] == pytest.approx(8 * beta.ppf([0.025, 0.975], 3.5, 5.5))
    everything, nothing = count_levels(
        [votes_of(np.ones((3, 50)), [0] * 50), votes_of(np.eye(50)[:3], [0] * 50)], [1, 2]
    )
    assert (everything["high"], nothing["low"], nothing["count"]) == (50, 0, 0)


def test_networks_that_see_one_class_in_everything_are_right_by_chance_within_classes():
    correct = np.zeros((4, 20), np.bool_)
    correct[:, :10] = True
    (level,) = count_levels([votes_of(correct, [0] * 10 + [1] * 10)], [1])
    assert level["count"] == level["class_chance"] == 10
    assert level["chance"] == 20 / 16


def patterns(labels, p_label):
    n = len(labels)
    return PseudoPatterns(
        run="run", model="m", epoch=1, kind="radial", axis="radius", probe="train", seed=0, num_trials=2,
        classes=("a", "b", "c"), level=1, levels=[], positions=np.arange(n), ids=np.arange(n),
        labels=np.array(labels), p_label=np.array(p_label),
    )  # fmt: skip


def test_shown_are_the_best_of_each_class_in_turn():
    found = patterns([0, 0, 0, 2, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert found.shown(3).tolist() == [0, 5, 3]
    assert found.shown(4).tolist() == [0, 1, 5, 3]
    assert found.shown(100).tolist() == [0, 1, 2, 4, 5, 3]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("pseudo") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=3, epochs=15, recipe={"batch_size": 16})


def found_in(run, **options):
    return paper.perturb(run, kind="radial", num_replicates=5, **options).patterns


@pytest.mark.long
def test_a_run_on_digits_from_end_to_end(run):
    found = found_in(run, pattern_level=3)
    assert found.table()["level"].tolist() == [6, 4, 3, 2, 1]
    assert found.probe == "held_out"
    assert found.level == found.at_level["level"] == 3
    assert len(found.positions) == found.at_level["count"] > 0
    assert (np.diff(found.p_label) <= 0).all()
    labels = run.trials[0].columns(1, ["label"], "held_out")["label"]
    by_hand = np.all(
        [t.columns(15, ["prediction"], "held_out")["prediction"] == labels for t in run.trials], axis=0
    )
    assert found.levels[0]["count"] == by_hand.sum()
    assert str(found.at_level["count"]) in sections_text(found.sections())
    data = load_dataset("digits", limit=200, holdout=0.25)
    assert data.held_out is not None
    figure = draw_patterns(found, data, run.spec.recipe, num=5)
    assert len(figure.axes[0].images) == 10
    first = data.held_out.array[found.positions[found.shown(5)[0]]] / np.float32(255)
    np.testing.assert_array_equal(np.asarray(figure.axes[0].images[0].get_array())[..., :1], first)


def test_the_level_is_chosen_beforehand(run):
    assert found_in(run).level == 2  # of 6, 4, 2, 1
    assert found_in(run, levels=[1]).level == 1
    assert found_in(run, probe="train").levels[0]["num_examples"] == 200


def test_nothing_found_is_drawn_and_no_held_out_split_refused(run, tmp_path):
    nothing = np.zeros(0, np.int64)
    found = replace(found_in(run, pattern_level=0), positions=nothing, labels=nothing)
    figure = draw_patterns(found, load_dataset("digits", limit=200, holdout=0.25), run.spec.recipe)
    assert "there is none to show" in [text.get_text() for text in figure.axes[0].texts]
    plain = small_run(tmp_path / "plain")
    with pytest.raises(BadInput, match="no held-out split"):
        found_in(plain, probe="held_out")
    assert found_in(plain).probe == "train"
