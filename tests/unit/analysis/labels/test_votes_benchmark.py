"""What benchmarks/science/votes.py measures with, by hand."""

from __future__ import annotations

import numpy as np
import pytest


def test_what_other_methods_are_judged_by(monkeypatch, pytestconfig):
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath / "benchmarks"))
    from science import votes
    from science.votes_cells import Cell

    said = np.array([[5, 5, 7], [6, 7, 8], [7, -1, 7]])
    truth, key, order = np.array([5, 8, 7]), np.array([5, 6, 9]), np.tile([2, 0, 1], (3, 1))
    cell = Cell("answers", 0, 2, said, order, truth, 10, key=key)
    assert [one.tolist() for one in cell.asked()] == [[0, 0, 1, 1, 2, 2], [2, 0] * 3, [7, 5, 8, 6, 7, 7]]
    assert len(cell.asked(np.array([1, 0, 1]))[0]) == 7  # the last person said nothing of the third item
    assert cell.quality().tolist() == [2 / 3, 1 / 2, 2 / 3]
    assert cell.on_one_other() == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    of_key = cell.for_field(with_key=True)
    assert cell.answers()[of_key.item, of_key.label].reshape(3, 4)[:, -1].tolist() == key.tolist()
    # ten bins of one each are off by 0.1, or by nothing where it is sure
    assert votes.off(np.full(10, 0.9), np.ones(10)) == pytest.approx(0.1)
    assert votes.calibration(np.ones(10), np.ones(10)) == (0, 0)
