from __future__ import annotations

from pathlib import Path

import numpy as np

from easiness.report.accuracy_figure import AccuracyCurves, accuracy_curves, draw_accuracy
from easiness.store import Recorder


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
    curves = accuracy_curves(recorder.run)
    assert curves.chance == 0.5
    assert list(curves.by_split) == ["train", "left_out", "held_out"]
    # the second trial has two epochs, so that is all that the run has
    assert np.array_equal(curves.by_split["train"], [[0, 0.5], [1, 1]])  # type: ignore[arg-type]
    assert np.array_equal(curves.by_split["left_out"], [[0, 1]])
    assert np.array_equal(curves.by_split["held_out"], [[0.25, 0.25]])
    assert np.array_equal(curves.mean("train"), [0.5, 0.75])
    deviation = curves.deviation("train")
    assert deviation is not None
    assert np.allclose(deviation, [np.sqrt(0.5), np.sqrt(0.125)])
    assert curves.deviation("held_out") is None


def test_every_trial_has_a_line_and_so_has_their_mean() -> None:
    curves = AccuracyCurves((1, 2), {"train": np.array([[0.1, 0.3], [0.3, 0.5]])}, chance=0.1)
    (axes,) = draw_accuracy(curves, epoch=2).axes
    drawn = [np.asarray(line.get_ydata()).tolist() for line in axes.lines]
    assert drawn[:2] == [[0.1, 0.3], [0.3, 0.5]]
    assert np.allclose(drawn[2], [0.2, 0.4])
    assert drawn[3] == [0.1, 0.1]  # chance
    assert list(axes.lines[4].get_xdata()) == [2, 2]  # type: ignore[arg-type]  # the epoch that is read


def test_one_trial_is_its_own_mean() -> None:
    (axes,) = draw_accuracy(AccuracyCurves((1,), {"train": np.array([[0.4]])}, chance=0.1), epoch=1).axes
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [0.4]
    assert len(axes.lines) == 3  # with chance and the epoch
