from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from easiness.show.in_short import in_a_line, in_short


@dataclass
class Found:
    name: Any = "a"
    other: Any = 1
    hidden: int = field(default=3, repr=False)


def test_numbers_and_names_are_said():
    assert in_short(Found(None, True)) == "Found(name=None, other=True)"
    assert in_short(Found(np.float64(1) / 3, 2.0)) == "Found(name=0.333333, other=2)"
    assert in_short(Found(("a",), [1, float("nan")])) == "Found(name=('a',), other=[1, nan])"


def test_what_is_larger_is_left_out_and_a_long_text_cut():
    assert in_short(Found(np.zeros(3), {"a": 1})) == "Found()"
    assert in_short(Found([np.zeros(3)], list(range(40)))) == "Found()"
    assert in_short(Found(Found(np.zeros(3), {}), 2)) == "Found(other=2)"
    assert in_short(Found(Found(2), Found("x" * 50))) == "Found(name=Found(name=2, other=1))"
    assert in_short(Found("x" * 61, 1)) == f"Found(name='{'x' * 60}...', other=1)"


def test_values_that_one_holds_show_themselves(measured, tmp_path):
    import easiness as ez

    data = ez.load_dataset("digits", limit=100, holdout=0.2)
    assert repr(data) == f"Dataset('digits', examples=100, classes=10, held_out={len(data.held_out)})"  # type: ignore[arg-type]
    recorder = ez.Recorder(tmp_path / "run", ids=[1, 2], labels=[0, 1])
    assert repr(recorder) == f"Recorder({str(tmp_path / 'run')!r}, examples=2, classes=2)"
    assert repr(recorder.trial(seed=4)) == f"TrialRecorder({str(tmp_path / 'run')!r}, seed=4)"
    run = ez.open_run(measured)
    assert repr(run.trials[0]) == f"StoredTrial({str(run.trials[0].path)!r}, index=0, epochs=2)"
    assert "np." not in repr(ez.matching_rate(run, run, side="easy", fraction=0.3))


def test_a_line_leaves_out_what_is_empty_and_ends_where_it_is_long():
    assert in_a_line(Found(None, True)) == "Found(other=True)"
    assert in_a_line(Found("", ())) == "Found()"
    assert in_a_line(Found(0, Found("a", None))) == "Found(name=0, other=Found(name='a'))"
    assert in_a_line(Found("a" * 50, "b" * 50)) == f"Found(name='{'a' * 50}', ...)"
