"""What we write, altered: each of thousands of runs, cards and checkpoints ends in a result or one line."""

from __future__ import annotations

import fuzzing
import pytest

SAMPLE = 120


def test_a_sample_of_what_we_write(start, whole_run):
    counts = fuzzing.check(start, "of_written:any_of_them", whole_run, SAMPLE)
    assert min(counts["refused"], counts["result"]) > 15


@pytest.mark.long
def test_what_we_write(start, whole_run):
    counts = fuzzing.check(start, "of_written:any_of_them", whole_run, 2000, SAMPLE)
    assert min(counts["refused"], counts["result"]) > 300


@pytest.mark.long
def test_altered_runs_by_commands_that_take_long(start, whole_run):
    fuzzing.check(start, "of_runs:by_slow_commands", whole_run, 40)
