from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from easiness import BadInput, open_run
from easiness.analysis import Votes
from easiness.report.gallery_figure import Gallery, GalleryRow, Picture, class_extremes, draw_gallery, gallery
from easiness.runs.source import data_of
from pixels import images_of


def _votes(p_label: list[list[float]], labels: list[int], ids: list[int] | None = None) -> Votes:
    p = np.array(p_label)
    return Votes(p > 0.5, p, np.array(labels), np.arange(len(labels)) if ids is None else np.array(ids), 1)


def test_extremes_are_ordered_by_counts_then_by_probability() -> None:
    # counts 2, 2, 1, 0, 0 in class 0; the last one is the only example of class 1
    p = [[0.6, 0.9, 0.9, 0.1, 0.2, 0.7], [0.6, 0.9, 0.1, 0.1, 0.2, 0.1]]
    votes = _votes(p, [0, 0, 0, 0, 0, 1])
    (easy, hard), (lone_easy, lone_hard) = class_extremes(votes, [0, 1], per_side=2)
    assert easy.tolist() == [1, 0]
    assert hard.tolist() == [3, 4]
    assert lone_easy.tolist() == lone_hard.tolist() == [5]


def test_extremes_by_difficulty_ask_for_nothing_else() -> None:
    votes = _votes([[0.6, 0.9, 0.9, 0.1]], [0] * 4)
    ((easy, hard),) = class_extremes(votes, [0], 2, np.array([0.3, 0.2, 0.4, 0.1]))
    assert easy.tolist() == [3, 1]
    assert hard.tolist() == [2, 0]


def test_what_still_ties_goes_by_the_id_and_not_by_the_position() -> None:
    ids = [10, 11, 12, 13, 14, 15]
    votes = _votes([[0.9] * 6], [0] * 6, ids)
    backwards = _votes([[0.9] * 6], [0] * 6, ids[::-1])
    (easy, hard), (again, _) = class_extremes(votes, [0], 3)[0], class_extremes(backwards, [0], 3)[0]
    assert {*easy.tolist(), *hard.tolist()} == set(range(6))
    assert votes.ids[easy].tolist() == backwards.ids[again].tolist()


def test_a_measured_run_has_pictures_of_its_own_examples(measured: Path) -> None:
    run = open_run(measured)
    data = data_of(run)
    shown = gallery(run, data, per_side=2, classes=["7", "1"])
    assert [row.name for row in shown.rows] == ["7", "1"]
    assert (shown.num_trials, shown.epoch) == (3, 2)
    counts = run.votes().correct.sum(axis=0)
    for row in shown.rows:
        assert [len(row.easiest), len(row.hardest)] == [2, 2]
        for one in (*row.easiest, *row.hardest):
            assert run.classes[run.labels[one.position]] == row.name
            assert one.num_right == counts[one.position]
            assert np.array_equal(one.pixels[..., 0], images_of(data)[one.position, 0].numpy())
        assert row.easiest[0].num_right >= row.hardest[0].num_right


def test_bad_classes_are_refused(measured: Path) -> None:
    run = open_run(measured)
    data = data_of(run)
    for options, problem in (
        ({"classes": ["eight"]}, "has no class 'eight'"),
        ({"classes": []}, "classes: none was given"),
        ({"per_side": 0}, "per_side 0: must be at least 1"),
    ):
        with pytest.raises(BadInput, match=problem):
            gallery(run, data, **options)


def _picture(position: int, shape: tuple[int, int, int]) -> Picture:
    return Picture(position, position % 3, np.full(shape, 40 * position % 256, np.uint8))


def test_grey_and_color_of_any_name_are_drawn() -> None:
    rows = [
        GalleryRow("cost_in_$", [_picture(i, (8, 8, 1)) for i in range(3)], [_picture(4, (8, 8, 1))]),
        GalleryRow(
            "woodworking plane", [_picture(5, (112, 112, 3))], [_picture(i, (9, 9, 3)) for i in (6, 7)]
        ),
    ]
    figure = draw_gallery(Gallery("mlp", 1, 3, rows))
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
    from easiness.report.gallery_figure import _square

    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 200
    assert _square(wide).shape == (100, 100, 3)
    assert (_square(wide) == 200).all()
    assert _square(np.zeros((400, 250, 1), np.uint8)).shape == (112, 112, 1)
