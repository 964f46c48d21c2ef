"""Classes that are too small to judge are named, by the sentence and by the study."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

import easiness as ez
from easiness.studies.suspects import too_few


def test_one_class_several_and_none():
    sizes = [300, 300, 10, 300]
    labels = np.repeat(np.arange(4), sizes)
    one = too_few(labels, ["dog", "cow", "cat", "hen"])
    assert one.startswith("Class 'cat' (10) has fewer than 20 labels")
    labels = np.repeat(np.arange(20), [5] * 7 + [300] * 13)
    several = too_few(labels, [f"c{at}" for at in range(20)])
    assert several.startswith(
        "Classes 'c0' (5), 'c1' (5), 'c2' (5), 'c3' (5), 'c4' (5) and 2 more have fewer"
    )
    assert too_few(np.repeat([0, 1], [20, 300]), ["a", "b"]) == ""


def test_suspects_names_it_and_condemns_none(tmp_path):
    x, y = load_digits(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 8)[:10], np.flatnonzero(y != 8)]
    run = ez.measure((x[rows].astype(np.float32), y[rows]), features="inputs", trials=5, out=tmp_path / "run")
    found = ez.suspects(run, pictures=False)
    assert any("'8' (10)" in note for section in found.sections() for note in section.notices)
    assert (found.ranked.loc[found.ranked["class"] == "8", "p_wrong"] < 0.5).all()
