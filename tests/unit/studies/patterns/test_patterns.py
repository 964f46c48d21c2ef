from __future__ import annotations

import re
from copy import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import easiness as ez
from easiness import BadInput, Run
from easiness.analysis.rank_regression import reliability
from easiness.scoring import find_score
from easiness.show import file_bytes
from easiness.studies.patterns import Patterns, least_explained, neighbourhood, study
from easiness.studies.patterns.neighbourhood import TOO_EASY, TOO_HARD
from easiness.studies.patterns.study import outcome_of

NUM = 240


def explain(run: Run, **options: Any) -> Patterns:
    """The part of an explanation that is about patterns."""
    patterns = ez.explain(run, **options).patterns
    assert patterns is not None
    return patterns


@pytest.fixture(scope="module")
def data() -> ez.Dataset:
    """Digits, some of which are there twice."""
    x, y = load_digits(return_X_y=True)
    x = x.astype(np.float32)
    x[1:20:2], y[1:20:2] = x[:20:2], y[:20:2]
    return ez.load_dataset((x[:NUM], y[:NUM]), holdout=0.25)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Run:
    """Four short trainings on three quarters of the digits."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return ez.measure(data, model="mlp_3", trials=4, epochs=3, out=out)


@pytest.fixture(scope="module")
def found(run, data) -> Patterns:
    return explain(run, features="inputs", nearest=10, data=data)


def test_it_is_of_every_example(found, run):
    table = found.table()
    assert table["id"].tolist() == run.ids.tolist()
    np.testing.assert_array_equal(table["easiness"], run.scores()["easiness"])
    assert list(table)[3:] == ["easiness", "frequency", "contradiction", "explained", "left_over"]
    hardest, least = table.sort_values("left_over", kind="stable").index, found.leftover[TOO_HARD]
    assert least.tolist() == hardest[: len(least)].tolist()
    assert found.around.num_copies == len(run.ids) - found.around.num_among > 0


def test_halves_of_three_trials_are_of_one_each(run, data):
    part = copy(run)
    part.trials = run.trials[:3]
    outcome = outcome_of(part, find_score("easiness"), part.resolve_at(None), "train")
    assert outcome.times == 3
    most = explain(part, features="inputs", nearest=10, data=data).over_all.most
    assert most == pytest.approx(reliability(outcome.halves, times=3))
    assert most > reliability(outcome.halves) + 0.02


def test_contradicted_digits_are_harder(found):
    assert found.over_all.second.value < -0.1
    assert 0 < found.within.r_squared.value < found.over_all.most <= 1
    assert "clean" in found.evidence
    assert found.ways["common 10"].first == found.over_all.first
    assert all(way.first.low < way.first.value < way.first.high for way in found.ways.values())
    assert found.document()["effects"][0]["value"] == found.over_all.first.value


def test_held_out_examples_and_other_scores(run, data, monkeypatch):
    held_out = explain(run, features="inputs", split="held_out", nearest=10, data=data)
    assert held_out.table()["id"].tolist() == run.examples("held_out")[0].tolist()
    assert "no trial was trained" in held_out.evidence
    monkeypatch.setattr("easiness.studies.patterns.study.AT_MOST", 100)
    hard = explain(run, features="inputs", score="difficulty", nearest=10, data=data)
    assert any("among 100 of the examples" in note for note in hard.notes)
    assert hard.is_turned
    assert hard.over_all.second.value < 0


def test_features_of_more_than_a_few_of_these_labels_are_refused(run, data, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="trained on 179 of these"):
        explain(run, features=f"run:{run.path}", data=data)
    part = data.limit(60)
    few = ez.measure(part, model="mlp_3", trials=1, epochs=1, out=tmp_path / "few")
    with pytest.raises(BadInput, match=r"trained on 6\d of these"):
        explain(run, features=f"run:{few.path}", data=data)
    # where their data are found, the examples themselves and the names of their classes decide
    found = {"few": replace(part, ids=part.ids + 10_000)}
    monkeypatch.setattr(study, "find_data", lambda *_: (found["few"], ""))
    source: Any = SimpleNamespace(name="run:few", trained_on=few)
    with pytest.raises(BadInput, match=r"trained on 6\d of these"):
        study.notes_on_shared(source, data)
    found["few"] = replace(part, classes=tuple(f"digit {one}" for one in range(10)))
    assert study.notes_on_shared(source, data) == ()
    # two parts of one data set have an example in common now and then
    others = (part.labels + 1) % 10
    others[1:2] = part.labels[1:2]
    found["few"] = replace(part, labels=others)
    [note] = study.notes_on_shared(source, data)
    assert re.fullmatch(r"run:few was trained on [12] of these 240 labels\.", note)


def test_the_page_shows_the_examples(found):
    page = file_bytes(found, ".html").decode()
    assert page.count("<figcaption>") == 1 + sum(map(len, found.leftover.values()))


def test_left_out_examples_of_a_share(data, tmp_path):
    run = ez.measure(
        data, model="mlp_3", trials=4, epochs=1, train_share=0.5, out=tmp_path / "half", progress=False
    )
    left_out = explain(run, features="inputs", nearest=10, data=data)
    assert left_out.score == "consistency"
    assert left_out.evidence.startswith("examples left out")


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_near_copies_are_pictures_that_look_alike_not_vectors_that_do(split, tmp_path):
    rng = np.random.default_rng(0)
    x = np.kron(rng.integers(40, 216, (120, 8, 8, 3)), np.ones((1, 4, 4, 1))).astype(np.uint8)
    vectors = rng.normal(size=(120, 8)).astype(np.float32)
    for first in (0, 60):
        x[first + 1] = x[first] + rng.integers(0, 5, x[first].shape).astype(np.uint8)
        vectors[first + 3] = vectors[first + 2] + 0.05  # of features that do not tell these two apart
    np.save(tmp_path / "vectors.npy", vectors)
    train, held_out = (ez.load_dataset((some, np.repeat([0, 1], 30))) for some in (x[:60], x[60:]))
    data = replace(train, held_out=held_out)
    run = ez.measure(data, model="mlp_3", trials=3, epochs=1, out=tmp_path / "run")
    asked: dict[str, Any] = {"score": "difficulty", "nearest": 5, "data": data}
    around = explain(run, features=str(tmp_path / "vectors.npy"), split=split, **asked).around
    assert around.num_copies == 1
    assert around.picture[0] == around.picture[1]
    assert around.picture[2] != around.picture[3]


def test_of_copies_the_first_is_listed():
    left = np.array([-2.0, -3.0, -2.5, np.nan, 2.0, 2.0, *[0.1] * 20])
    found = least_explained(left, np.array([0, 1, 1, 2, 3, 3, *range(4, 24)]))
    assert {title: some.tolist() for title, some in found.items()} == {TOO_HARD: [1, 0], TOO_EASY: [5]}


def at(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_frequency_counts_its_class_within_the_usual_distance():
    # the distances to the nearest of any class are 1, 1, 2, 2, 20: the median is that of 2 degrees
    features, labels = at(0, 1, 10, 12, 32) * 3, np.array([0, 0, 0, 1, 1])
    found = neighbourhood(features, labels, nearest=1)
    assert found.frequency.tolist() == [1, 1, 0, 0, 0]
    assert found.contradiction.tolist() == [0, 0, 1, 1, 0]
    # by the mean of both scales (of squares: the product), 20 degrees are near to no one
    assert found.others["local 1"].tolist() == [1, 1, 0, 0, 0]
    assert (found.num_copies, found.num_among, found.nearest) == (0, 5, 1)


def test_copies_of_its_label_are_no_neighbours_and_count_once():
    found = neighbourhood(at(0, 0, 0, 1, 40, 41), np.array([0, 0, 1, 0, 1, 1]), nearest=2)
    # of the three at 0 degrees one a class
    assert (found.num_copies, found.num_among) == (2, 5)
    # the copies at 0 see the one of the other label and that at 1 degree, which sees each class once
    assert found.contradiction[[0, 1, 2, 3]].tolist() == [0.5, 0.5, 1, 0.5]
    assert found.frequency[:4].tolist() == [1, 1, 0, 1]
    assert len(set(found.picture[:3].tolist())) == len(set(found.regions[:3].tolist())) == 1


def test_where_it_is_told_which_are_the_same_others_that_are_near_are_no_copies():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 8))
    features[1] = features[0] + 1e-3  # a copy by its features
    labels, apart = np.zeros(60, np.int64), np.arange(60)
    assert neighbourhood(features, labels).num_copies == 1
    assert neighbourhood(features, labels, same=apart).num_copies == 0
    apart[2] = 1
    found = neighbourhood(features, labels, same=apart)
    assert found.num_copies == 1
    assert found.picture[1] == found.picture[2] != found.picture[0]


def test_held_out_examples_have_training_examples_as_neighbours():
    asked = at(0.5, 61, 0), np.array([1, 1, 0])
    found = neighbourhood(at(0, 1, 2, 60, 61), np.array([0, 0, 0, 1, 1]), asked, nearest=1)
    # the last one is a copy of the first, the second of the fifth
    assert found.frequency.tolist() == [0, 1, 1]
    assert found.contradiction.tolist() == [1, 0, 0]
    assert found.num_copies == 0


def test_planted_frequency_is_found_again():
    rng = np.random.default_rng(0)
    sizes = np.repeat([4, 16, 64], [16, 8, 4])
    pattern = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=(len(sizes), 24))
    features = centres[pattern] + 0.5 * rng.normal(size=(len(pattern), 24))
    found = neighbourhood(features, pattern % 4, nearest=30)
    means = [found.frequency[sizes[pattern] == one].mean() for one in (4, 16, 64)]
    assert means[0] < means[1] < means[2]
    assert means[2] > 8 * means[0]


def test_the_usual_number_of_neighbours_is_half_of_a_class_at_most():
    vectors = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    for num_classes, nearest in ((2, 50), (10, 15), (300, 1)):
        assert neighbourhood(vectors, np.arange(300) % num_classes).nearest == nearest
    with pytest.raises(BadInput, match="nearest 4: not between 1 and 3, the neighbours that 4 different"):
        neighbourhood(at(0, 1, 2, 3), np.array([0, 1, 0, 1]), nearest=4)
