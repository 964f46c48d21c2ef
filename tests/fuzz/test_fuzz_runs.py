"""What we write, altered: each of thousands of runs, cards and checkpoints ends in a result or one line."""

from __future__ import annotations

import fuzzing
import pytest


def test_a_sample_of_what_we_write(whole_run):
    counts = fuzzing.check("of_written:any_of_them", whole_run, 120)
    assert min(counts["refused"], counts["result"]) > 15


@pytest.mark.long
def test_what_we_write(whole_run):
    counts = fuzzing.check("of_written:any_of_them", whole_run, 6500)
    assert min(counts["refused"], counts["result"]) > 1000


@pytest.mark.long
def test_altered_runs_by_commands_that_take_long(whole_run):
    fuzzing.check("of_runs:by_slow_commands", whole_run, 40)
