from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import card, open_run, prune
from easiness.report.left_out import left_out
from easiness.report.page import render_report
from easiness.store import Run
from recording import believing

Record = Callable[..., Run]


def _right(right: Any, labels: Any) -> Any:
    """Logits [trials, epochs, K, 2] that are right where they are told to be."""
    chosen = np.where(np.array(right, bool), labels, 1 - np.array(labels))
    return 3.0 * np.eye(2)[chosen]


def test_how_many_are_right_in_all_trials_and_since_when(record: Record) -> None:
    labels = np.array([0, 1, 0, 1, 0, 1])
    #          example  0  1  2  3  4  5
    first = [[1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1]]
    second = [[1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0]]
    run = record(_right([first, second], labels), labels)
    found = left_out(run, 3)
    assert found is not None
    # at the end all but 5; from epoch 2 on also not 3, which the first has wrong then; from 1 on only 0
    assert (found.num_examples, found.num_right) == (6, 5)
    assert found.since == [("epoch 2", 4), ("epoch 1", 1)]
    earlier = left_out(run, 1)
    assert earlier is not None
    assert (earlier.num_right, earlier.since) == (2, [])  # 0 and 3


def test_what_would_be_dropped_is_what_prune_drops(record: Record) -> None:
    labels = np.arange(100) % 2
    run = record(believing(labels, 4, 2), labels)
    found = left_out(run, 2)
    assert found is not None
    assert [(one.share, one.num) for one in found.dropped] == [(0.1, 10), (0.3, 30), (0.5, 50)]
    votes = run.votes(2)
    for one in found.dropped:
        kept = prune(run, drop=one.share, policy="easy", epoch=2).kept
        assert one.num_right == int(votes.correct[:, ~kept].all(axis=0).sum())
        p_label = votes.p_label.mean(axis=0)
        assert one.confidence == pytest.approx((p_label[~kept].mean(), p_label[kept].mean()))
        assert one.confidence[0] > one.confidence[1]  # mainly easy ones go


def test_nothing_is_said_by_one_trial_or_where_none_is_right(record: Record) -> None:
    labels = np.arange(20) % 2
    one = record(_right(np.ones((1, 1, 20)), labels), labels, name="one")
    disagreeing = record(_right([np.ones((1, 20)), np.zeros((1, 20))], labels), labels, name="two")
    for run in (one, disagreeing):
        assert left_out(run, 1) is None
        assert "What can be left out" not in render_report([run])


@pytest.mark.long
def test_of_two_examples_one_is_called_easiest(record: Record, tmp_path: Path) -> None:
    run = record(_right(np.ones((4, 1, 2)), np.array([0, 1])), np.array([0, 1]))
    assert "easiest 25" in render_report([run])
    assert card(run, tmp_path / "card").path.is_dir()


def test_a_share_that_takes_a_whole_class_is_left_out(record: Record) -> None:
    labels = np.array([0] * 19 + [1])
    logits = _right(np.ones((2, 1, 20)), labels)
    found = left_out(record(logits, labels), 1)
    assert found is not None
    for one in found.dropped:  # the others are refused
        assert 19 in np.flatnonzero(prune(record(logits, labels, name=f"{one.share}"), drop=one.share).kept)


def test_the_commands_are_ones_that_can_be_typed(
    measured: Path, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = left_out(open_run(measured), 1)
    assert found is not None
    assert found.ablate is not None
    words = shlex.split(found.prune)
    monkeypatch.chdir(tmp_path)
    assert words[0] == "easiness"
    assert command(*words[1:]).code == 0
    assert (tmp_path / "kept.csv").read_text().count("\n") == 1 + 70
    words = shlex.split(found.ablate)
    assert words[:3] == ["easiness", "ablate", "digits"]
    assert words[words.index("--epoch") :][:2] == ["--epoch", "1"]
    assert words[words.index("--holdout") :][:2] == ["--holdout", "0.2"]
    page = render_report([open_run(measured)], epoch=1)
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert found.prune in text
    assert found.ablate in text


@pytest.mark.long
def test_a_run_recorded_in_python_has_no_data_to_train_on_again(record: Record) -> None:
    labels = np.arange(20) % 2
    run = record(_right(np.ones((2, 1, 20)), labels), labels)
    found = left_out(run, 1)
    assert found is not None
    assert found.ablate is None
    page = render_report([run])
    assert "easiness ablate</code> trains without some" in page
