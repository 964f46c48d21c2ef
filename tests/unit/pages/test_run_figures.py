from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.patches import Rectangle

from easiness import BadInput, open_run
from easiness.pages.paper_study import Picture, draw_gallery, gallery
from easiness.pages.run_part import class_extremes
from easiness.runs.source import data_of
from easiness.store import Recorder, Row
from easiness.studies.scores import accuracy_by_split, draw_accuracy, draw_levels, easiness_levels
from pixels import images_of
from plans import votes_of


def test_curves_are_read_from_the_trials_that_have_them(tmp_path: Path) -> None:
    labels = np.array([0, 1, 0, 1])
    right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    half = np.where(np.arange(4)[:, None] < 2, right, wrong)
    recorder = Recorder(tmp_path / "run", ids=np.arange(4), labels=labels)
    with recorder.trial(seed=0) as trial:
        for logits in (wrong, half, right):
            trial.update(np.arange(4), logits)
            trial.end_epoch(held_out_accuracy=0.25)
    with recorder.trial(seed=1, trained_on=[0, 1]) as trial:
        for logits in (half, right):
            trial.update(np.arange(4), logits)
            trial.end_epoch()
    accuracy = accuracy_by_split(recorder.run)
    assert list(accuracy) == ["train", "left_out", "held_out"]
    # the second trial has two epochs, so that is all that the run has
    assert accuracy["train"].to_dict() == {0: {1: 0, 2: 0.5}, 1: {1: 1, 2: 1}}
    assert accuracy["left_out"].to_numpy().tolist() == [[0], [1]]
    assert accuracy["held_out"].to_numpy().tolist() == [[0.25], [0.25]]


def test_every_trial_has_a_line_and_so_has_their_mean() -> None:
    run: Any = SimpleNamespace(observed=(1, 2), shares=(), classes=range(10))
    train = pd.DataFrame([[0.1, 0.3], [0.3, 0.5]])
    (axes,) = draw_accuracy(run, {"train": train}, Row(2)).axes
    drawn = [np.asarray(line.get_ydata()).tolist() for line in axes.lines]
    assert drawn[:2] == [[0.1, 0.3], [0.3, 0.5]]
    assert np.allclose(drawn[2], [0.2, 0.4])
    assert drawn[3] == [0.1, 0.1]  # chance
    assert list(axes.lines[4].get_xdata()) == [2, 2]  # type: ignore[arg-type]  # the epoch that is read


def test_levels_by_hand() -> None:
    # counts 2 2 2 1 0 1 0 2 1 1; a fifth are two examples
    correct = [[1, 1, 1, 1, 0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1]]
    levels = easiness_levels(votes_of(correct, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]), num_classes=3, fraction=0.2)
    assert levels.num_trials == 2
    assert levels.num_examples.tolist() == [2, 4, 4]
    assert levels.by_class.tolist() == [[1, 2, 3], [1, 2, 1], [0, 0, 0]]
    assert levels.shares.tolist() == [0.2, 0.4, 0.4]
    # two of the four at the top are easy; the two at the bottom are just the hard ones
    assert levels.members["easy"].tolist() == [0, 0, 2]
    assert levels.members["hard"].tolist() == [2, 0, 0]
    assert levels.cut == {"easy": 2, "hard": 0}
    assert levels.tie_mass == {"easy": 0.4, "hard": 0}
    assert np.allclose(levels.class_easiness[:2], [(0 + 1 + 1 + 2 + 2 + 2) / 6 / 2, (0 + 1 + 1 + 2) / 4 / 2])
    assert np.isnan(levels.class_easiness[2])


def test_the_bars_are_the_shares_and_their_colored_parts_the_members() -> None:
    correct = [[1, 1, 1, 1, 0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1]]
    levels = easiness_levels(votes_of(correct, [0] * 10), num_classes=1, fraction=0.2)
    (axes,) = draw_levels(levels).axes
    bars, hard, easy = (
        [bar.get_height() for bar in container if isinstance(bar, Rectangle)] for container in axes.containers
    )
    assert bars == [20, 40, 40]
    assert hard == [20, 0, 0]
    assert easy == [0, 0, 20]


def test_nothing_learned_is_refused() -> None:
    with pytest.raises(BadInput, match="easiness is undefined"):
        easiness_levels(votes_of([[0] * 10], [0] * 10), num_classes=1)


@given(
    correct=st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=10, max_size=30)
    )
)
@settings(deadline=None, max_examples=50)
def test_sets_have_their_size_and_levels_all_examples(correct: list[list[bool]]) -> None:
    correct[0][0] = True
    votes = votes_of(np.array(correct).T, [0] * len(correct))
    levels = easiness_levels(votes, num_classes=1, fraction=0.2)
    assert levels.num_examples.sum() == len(correct)
    for members in levels.members.values():
        assert np.isclose(members.sum(), int(0.2 * len(correct) + 0.5))
        assert (members <= levels.num_examples + 1e-9).all()


def in_the_paper(votes):
    return [-votes.mean_p_label, -votes.num_right]


def test_extremes_are_ordered_by_counts_then_by_probability() -> None:
    # counts 2, 2, 1, 0, 0 in class 0; the last one is the only example of class 1
    p = [[0.6, 0.9, 0.9, 0.1, 0.2, 0.7], [0.6, 0.9, 0.1, 0.1, 0.2, 0.1]]
    votes = votes_of(np.array(p) > 0.5, [0, 0, 0, 0, 0, 1], p)
    (easy, hard), (lone_easy, lone_hard) = class_extremes(votes, [0, 1], 2, in_the_paper(votes))
    assert easy.tolist() == [1, 0]
    assert hard.tolist() == [3, 4]
    assert lone_easy.tolist() == lone_hard.tolist() == [5]


def test_what_still_ties_goes_by_the_id_and_not_by_the_position() -> None:
    ids = [10, 11, 12, 13, 14, 15]
    votes = votes_of([[1] * 6], [0] * 6, [[0.9] * 6], ids=np.array(ids))
    backwards = votes_of([[1] * 6], [0] * 6, [[0.9] * 6], ids=np.array(ids[::-1]))
    (easy, hard), (again, _) = (
        class_extremes(one, [0], 3, in_the_paper(one))[0] for one in (votes, backwards)
    )
    assert {*easy.tolist(), *hard.tolist()} == set(range(6))
    assert votes.ids[easy].tolist() == backwards.ids[again].tolist()


def test_a_measured_run_has_pictures_of_its_own_examples(measured: Path) -> None:
    run = open_run(measured)
    data = data_of(run)
    shown = gallery(run, data, per_side=2)
    assert list(shown) == list(run.classes)
    counts = run.votes().correct.sum(axis=0)
    for name, (easiest, hardest) in shown.items():
        assert [len(easiest), len(hardest)] == [2, 2]
        for one in (*easiest, *hardest):
            assert run.classes[run.labels[one.position]] == name
            assert one.num_right == counts[one.position]
            assert np.array_equal(one.pixels[7::14, 7::14, 0], images_of(data)[one.position, 0].numpy())
        assert easiest[0].num_right >= hardest[0].num_right


def test_classes_of_any_name_are_drawn() -> None:
    pictures = [Picture(at, at % 3, np.full((112, 112, 4), 40 * at % 256, np.uint8)) for at in range(7)]
    rows = {
        "cost_in_$": [pictures[:3], pictures[3:4]],
        "woodworking plane": [pictures[4:5], pictures[5:]],
    }
    figure = draw_gallery(rows, 3)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert {"cost_in_$", "woodworking\nplane", "easiest", "hardest"} <= set(texts)
    assert sum(text.endswith("/3") for text in texts) == len(axes.images) == 7
    low, high = axes.get_xlim()
    for image in axes.images:
        left, right, *_ = image.get_extent()
        assert low < left < right < high
    figure.savefig(io.BytesIO(), format="png")
    figure.savefig(io.BytesIO(), format="svg")


def test_photos_are_cut_to_their_centre_square() -> None:
    from easiness.pages.paper_study import _square

    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 200
    assert (_square(wide)[..., :3] == 200).all()
    assert _square(np.zeros((400, 250, 1), np.uint8)).shape == (112, 112, 4)
