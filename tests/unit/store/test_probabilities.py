from __future__ import annotations

import numpy as np
import pytest

from easiness import BadInput
from recording import recorded

P = np.array(
    [  # two trials of two epochs of three examples
        [[[0.5, 0.5], [0.25, 0.75], [0.2, 0.8]], [[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]]],
        [[[0.1, 0.9], [0.75, 0.25], [0.4, 0.6]], [[0.7, 0.3], [0.1, 0.9], [1e-30, 1.0]]],
    ]
)


def test_the_mean_over_trials_of_each_epoch(record):
    run = record(np.log(P), [0, 1, 1], keep_logits=True)
    np.testing.assert_allclose(run.probabilities(), P[:, 1].mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(run.probabilities(1), P[:, 0].mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(run.probabilities().sum(axis=1), 1, rtol=1e-12)
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded"):
        run.probabilities(3)
    with pytest.raises(BadInput, match="no held-out split"):
        run.probabilities(split="held_out")


def _left_out(path, keep_logits: bool):
    """The trials train on examples 0, 1 and on 0, 2."""
    return recorded(
        path, np.log(P), [0, 1, 1], ids=[7, 8, 9], trained_on=[[7, 8], [7, 9]], keep_logits=keep_logits
    )


@pytest.mark.parametrize("keep_logits", [False, True])
def test_of_the_trials_that_left_the_example_out(tmp_path, keep_logits):
    run = _left_out(tmp_path / "run", keep_logits)
    found = run.probabilities(left_out=True)
    assert np.isnan(found[0]).all()  # every trial trained on it
    np.testing.assert_allclose(found[1:], [P[1, 1, 1], P[0, 1, 2]], atol=1e-7)


def test_logits_that_were_not_kept_are_asked_for_in_a_line(record, tmp_path):
    run = record(np.log(P), [0, 1, 1])
    with pytest.raises(BadInput, match=r"recorded: not all logits.*keep_logits=True"):
        run.probabilities()
    with pytest.raises(BadInput, match=r"left an example out .*train_share"):
        run.probabilities(left_out=True)
    with pytest.raises(BadInput, match="left_out=True takes those"):
        _left_out(tmp_path / "part", keep_logits=False).probabilities()


def test_of_the_held_out_split(held_out_run):
    from easiness import open_run

    with pytest.raises(BadInput, match="keep_logits=True"):
        open_run(held_out_run).probabilities(split="held_out")
