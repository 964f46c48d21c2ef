"""Altered runs: thousands of them, each ends in a result or in one clear line."""

from __future__ import annotations

import fuzzing
import pytest


def test_a_sample_of_altered_runs(whole_run):
    counts = fuzzing.check("of_runs:any_of_them", whole_run, 200)
    assert counts["refused"] > counts["result"] > 0


@pytest.mark.long
def test_altered_runs(whole_run):
    counts = fuzzing.check("of_runs:any_of_them", whole_run, 6000)
    assert counts["refused"] > counts["result"] > 0


@pytest.mark.long
def test_altered_runs_by_slow_commands(whole_run):
    fuzzing.check("of_runs:by_slow_commands", whole_run, 60)
