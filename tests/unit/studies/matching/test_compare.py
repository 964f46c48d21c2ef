from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from easiness import BadInput, analysis, compare, matching_rate, scores
from easiness.analysis import Rule, RunInPair, agreement, match_groups
from easiness.show.rendering import file_bytes
from easiness.studies.matching.study import CompareOptions, compare as find_comparison
from recording import believing, recorded

NUM, CLASSES, EPOCHS = 60, 3, 2


def made(path, num_trials, *, seed=0, ids=None):
    """A run in which low ids are easy: their logits favour the label more."""
    labels = np.arange(NUM) % CLASSES
    logits = believing(labels, num_trials, EPOCHS, sure=np.linspace(3, -1, NUM), seed=seed)
    return recorded(path, logits, labels, ids=ids)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    return made(folder / "few", 4), made(folder / "many", 7, seed=1)


def test_every_group_of_a_table_has_the_size_of_the_smallest_runs_half(runs):
    comparison = compare(runs)
    assert {cell.groups.group_size for cell in comparison.cells} == {2}  # type: ignore[union-attr]
    assert {(cell.a, cell.b) for cell in comparison.cells} == {(0, 0), (0, 1), (1, 1)}
    assert len(comparison.cells) == 3 * 2 * 2  # pairs, sides, policies


def test_of_very_many_examples_some_are_drawn_and_intervals_allow_for_it(runs, monkeypatch):
    whole = compare(runs)
    monkeypatch.setattr(analysis, "MOST_COMPARED", NUM // 2)
    some = compare(runs)
    assert some.num_examples == NUM // 2
    assert some.notices == [f"on {NUM // 2:,} examples drawn at random of {NUM:,}, for which intervals allow"]
    groups = [[c.groups for c in found.cells if c.groups] for found in (some, whole)]
    widths = [[one.interval[1] - one.interval[0] for one in found] for found in groups]
    assert np.all(np.array(widths[0]) > 1.1 * np.array(widths[1]))
    assert len(some.reliability) == len(runs)
    alone = Rule("hard", 0.1, "refine", drawn_share=0.5).reach_of_draw(0.5, 1000)
    assert alone == pytest.approx(1.96 * (0.25 / 2 / 100) ** 0.5)


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_cells_hold_what_the_analysis_says(runs, side, ties):
    few, many = (run.votes(EPOCHS) for run in runs)
    cell = compare(runs).cell(1, 0, side, ties)
    rule = Rule(side, 0.1, ties)
    expected = match_groups(few, many, rule, group_size=2)
    assert cell.groups == expected
    ours, theirs = (
        RunInPair(name, votes, match_groups(votes, copy.copy(votes), rule, group_size=2))  # type: ignore[arg-type]
        for name, votes in (("few", few), ("many", many))
    )
    agreed = agreement(ours, theirs, expected, Rule(side, 0.1, ties))  # type: ignore[arg-type]
    assert repr(cell.agreement) == repr(agreed)  # it may have NaN
    assert cell.all_trials == Rule(side, ties=ties).match_all(few, many)


def test_matching_rate_reads_all_trials_of_the_last_common_epoch(runs):
    match = matching_rate(*runs, side="hard")  # type: ignore[misc]
    expected = Rule("hard").match_all(*(run.votes(EPOCHS) for run in runs))
    assert match == expected
    assert match.chance == pytest.approx(0.1)
    assert len(match.tie_mass) == 2


def test_reliability_covers_every_epoch_and_growing_groups(runs):
    reliability = compare([runs[1]]).reliability[0]
    assert [half.epoch for half in reliability.by_epoch] == [1, 2]
    assert [half.group_size for half in reliability.by_trials] == [1, 2, 3]
    resolution, counts = compare(runs).resolution[0], runs[0].votes(EPOCHS).correct.sum(axis=0)
    assert resolution["num_trials"] == 4
    assert resolution["right_in_all"] == np.mean(counts == 4)


def test_runs_over_other_examples_are_refused(runs, tmp_path):
    other = made(tmp_path / "other", 2, ids=np.arange(NUM) + 1000)
    for call in (compare, scores, lambda pair: matching_rate(*pair)):
        with pytest.raises(BadInput, match="over different data") as refused:
            call([runs[0], other])
        assert str(other.path) in str(refused.value)


@pytest.mark.parametrize("at", [0, 3, 2.5, float("nan")])
def test_an_epoch_that_is_not_recorded_is_refused(runs, at):
    with pytest.raises(BadInput, match=r"epoch"):
        compare(runs, at=at)


def test_one_trial_has_no_ceiling_but_chance_is_still_shown(runs, tmp_path):
    comparison = compare([made(tmp_path / "single", 1), runs[0]])
    assert all(cell.groups is None and np.isnan(cell.agreement.rate) for cell in comparison.cells)
    assert comparison.figure().axes
    entry = json.loads(file_bytes(comparison, ".json"))["matching"][1]
    assert entry["rate"] is None
    assert comparison.cells[1].all_trials is not None
    assert entry["all_trials_rate"] == comparison.cells[1].all_trials.rate
    assert entry["all_trials_chance"] == pytest.approx(0.1)


def test_rates_alone_are_those_of_the_whole_comparison_and_nothing_is_fitted(runs, monkeypatch):
    whole = compare(runs)

    def not_called(*_, **__):
        raise AssertionError

    monkeypatch.setattr("easiness.analysis.agreement", not_called)
    monkeypatch.setattr("easiness.studies.matching.study.run_reliability", not_called)
    found = find_comparison(CompareOptions(tuple(runs)), rates_alone=True)
    assert [cell.groups for cell in found.cells] == [cell.groups for cell in whole.cells]
    assert found.reliability == []
    assert "was not fitted" in " ".join(found.document()["answers"])


SIX = 6


def run_of(path, p_label):
    """A run of two trials in which the label has these probabilities [NUM] in both."""
    labels = np.arange(SIX) % 2
    logits = np.stack([np.log(p_label), np.log1p(-np.array(p_label))], axis=1)
    logits[labels == 1] = logits[labels == 1, ::-1]
    return recorded(path, [logits] * 2, labels, classes=("a", "b"))


def test_difficulty_is_the_mean_of_the_ranks(tmp_path):
    one = run_of(tmp_path / "one", [0.9, 0.8, 0.7, 0.6, 0.4, 0.2])  # ranks 0, .2, .4, .6, .8, 1
    other = run_of(tmp_path / "other", [0.9, 0.6, 0.7, 0.8, 0.1, 0.3])  # ranks 0, .6, .4, .2, 1, .8
    table = scores([one, other]).table()
    assert table["difficulty"].tolist() == pytest.approx([0, 0.4, 0.4, 0.4, 0.9, 0.9])
    assert table["difficulty_se"].tolist() == pytest.approx([0, 0.2, 0, 0.2, 0.1, 0.1])
    assert (table["difficulty_low"] >= 0).all()
    assert (table["difficulty_low"] < table["difficulty"])[1:].all()
    assert (table["difficulty_high"] <= 1).all()
    assert table["rank_2"].tolist() == pytest.approx([0, 0.6, 0.4, 0.2, 1, 0.8])
    assert table["easiness_1"].tolist() == [1, 1, 1, 1, 0, 0]
    equal = run_of(tmp_path / "equal", [0.9, 0.9, 0.7, 0.7, 0.4, 0.2])
    assert scores([equal, equal]).table()["rank_1"].tolist() == pytest.approx([0.1, 0.1, 0.5, 0.5, 0.8, 1])
