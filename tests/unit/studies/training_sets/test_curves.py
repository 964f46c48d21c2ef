from __future__ import annotations

import csv
import math
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from easiness.errors import BadInput
from easiness.studies.training_sets.trained_sets import (
    AccuracyCurve,
    breakdown,
    contrast,
    differences,
    mean_accuracy,
    steps,
)

A = np.array([0.81, 0.84, 0.79, 0.83, 0.80])
B = np.array([0.70, 0.76, 0.64, 0.73, 0.71])


def curve(*accuracies: list[float], rates: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9)) -> AccuracyCurve:
    return AccuracyCurve(rates, tuple(np.array(values) for values in accuracies))


def around(mean: float, spread: float = 0.01) -> list[float]:
    """Five accuracies with this mean and ``spread`` as standard deviation."""
    return [mean + spread * x for x in (-math.sqrt(2), 0, 0, 0, math.sqrt(2))]


def test_a_difference_has_the_interval_of_a_paired_t_test():
    found = contrast([(1, A), (-1, B)])
    expected = stats.ttest_rel(A, B).confidence_interval(0.95)
    assert found.value == pytest.approx(A.mean() - B.mean())
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert (found.repetitions, found.decided) == (5, True)


def test_a_mean_has_students_interval():
    found = mean_accuracy(curve([0.9] * 5, A.tolist(), [0.1] * 5, [0.1] * 5), 0.3)
    expected = stats.ttest_1samp(A, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(A.mean())
    assert found.interval == pytest.approx((expected.low, expected.high))


def test_the_interval_scales_with_the_weights():
    one, three = contrast([(1, A), (-1, B)]), contrast([(3, A), (-3, B)])
    assert three.value == pytest.approx(3 * one.value)
    assert three.interval == pytest.approx(tuple(3 * end for end in one.interval))


def test_the_interval_covers_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        groups = [random.normal(0, spread, 5) for spread in (1, 3, 2)]
        low, high = contrast(zip((1, -3, 2), groups, strict=True)).interval
        covered += low <= 0 <= high
    assert 0.935 < covered / 2000 < 0.975


def test_few_repetitions_decide_nothing():
    four = contrast([(1, A[:4]), (-1, B[:4])])
    assert (four.repetitions, four.decided) == (4, False)
    assert not any(map(math.isnan, four.interval))
    one = contrast([(1, A[:1]), (-1, B[:1])])
    assert one.value == pytest.approx(0.81 - 0.70)
    assert all(map(math.isnan, one.interval))


def test_what_repetitions_have_in_common_drops_out():
    common = np.array([0.1, -0.2, 0.3, 0.05, -0.1])
    assert contrast([(1, A + common), (-1, A + common - 0.25)]).interval == pytest.approx((0.25, 0.25))


def test_differences_at_common_rates_above_zero():
    a = curve([0.9] * 5, around(0.8), around(0.7), rates=(0.0, 0.3, 0.6))
    b = curve([0.9] * 5, around(0.85), around(0.5), rates=(0.0, 0.3, 0.9))
    found = differences(a, b)
    assert list(found) == [0.3]
    assert found[0.3].value == pytest.approx(-0.05)


def test_steps_from_each_rate_to_the_next():
    falling = steps(curve(around(0.9), around(0.85), around(0.7), around(0.72)))
    assert list(falling) == [(0.0, 0.3), (0.3, 0.6), (0.6, 0.9)]
    assert [round(one.value, 6) for one in falling.values()] == [-0.05, -0.15, 0.02]
    assert [one.interval[1] < 0 for one in falling.values()] == [True, True, False]


def test_a_breakdown():
    # 0.1 lost over 0.6 of rate, then 0.3 over 0.3
    found = breakdown(curve([0.9] * 5, [0.5] * 5, around(0.8, 0.03), [0.5] * 5), 0.6)
    assert found.before.value == pytest.approx(1 / 6)
    assert found.after.value == pytest.approx(1)
    assert found.excess.value == pytest.approx(2 / 3)
    # the accuracy at the breakpoint has the weight 1 / 0.3 + 2 / 0.6 and alone varies
    margin = stats.t.ppf(0.975, 4) * (1 / 0.3 + 2 / 0.6) * 0.03 / math.sqrt(5)
    assert found.excess.interval == pytest.approx((2 / 3 - margin, 2 / 3 + margin))
    assert breakdown(curve([0.9] * 5, [0.5] * 5, [0.8] * 5, [0.5] * 5), 0.6, factor=7).excess.value < 0


def test_a_straight_line_does_not_break_down():
    found = breakdown(curve(around(0.9), around(0.8), around(0.7), around(0.6)), 0.3)
    assert found.before.value == pytest.approx(found.after.value)
    assert found.excess.interval[1] < 0


@pytest.mark.parametrize(
    ("at", "message"),
    [(0.5, r"rate 0\.5: .* 0, 0\.3, 0\.6, 0\.9"), (0.0, "rate 0: needs"), (0.9, r"rate 0\.9: needs")],
)
def test_breakpoints_that_tell_nothing(at, message):
    with pytest.raises(BadInput, match=message):
        breakdown(curve(*[[0.5] * 5] * 4), at)


SCRIPT = Path(__file__).parents[4] / "benchmarks" / "science" / "amount_of_data.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
    return runpy.run_path(str(SCRIPT))


@pytest.mark.long
def test_sizes_that_are_finished_are_on_the_page(script, planted, tmp_path, monkeypatch, capsys):
    sizes = [script["Size"](num, 32, 2, 2) for num in (100, 200)]
    preset = replace(script["PRESET"], ablation_model="mlp_2_w8", trials=2, repetitions=2)
    given = {"--data": planted[0], "--runs": tmp_path / "runs", "--largest": tmp_path, "--docs": tmp_path}
    monkeypatch.setattr(
        sys, "argv", ["amount_of_data", *(str(one) for pair in given.items() for one in pair)]
    )
    script["main"](sizes, preset)
    assert f"{tmp_path / 'trials'}: not finished; left out" in capsys.readouterr().err
    assert "examples of\nCIFAR-10 than of 100:" in (tmp_path / "amount-of-data.md").read_text()
    files = [tmp_path / "amount-of-data" / f"{name}.csv" for name in ("accuracies", "changes")]
    rows, changes = (list(csv.reader(file.read_text().splitlines())) for file in files)
    assert [row[0] for row in rows] == ["examples", "100", "100", "200", "200"]
    assert [row[0] for row in changes] == ["dropped", "30%", "60%"]
    assert (tmp_path / "amount-of-data.svg").read_bytes().startswith(b"<?xml")
    # by hand: what the first row says is in the runs
    found, _ = script["accuracies"](tmp_path / "runs" / "100", preset)
    gap = found["hard", 0.3] - found["random", 0.3]
    assert rows[1][4:7] == [f"{100 * found[one, 0.3].mean():.1f}" for one in ("easy", "random", "hard")]
    assert rows[1][7].startswith(f"{100 * gap.mean():+.1f} (")
    margin = 12.7062 * gap.std(ddof=1) / np.sqrt(2)
    assert f"({100 * (gap.mean() - margin):+.1f} to" in rows[1][7]


def test_verdicts_go_by_the_side_of_zero_that_an_interval_is_on(script):
    texts = [
        "**+4.6 (+1.6 to +7.6)**",
        "**-1.2 (-2.3 to -0.1)**",
        "+0.8 (-0.3 to +1.8)",
        "**+0.9 (+0.1 to +1.7)**",
    ]
    rows = [[size, "", "", "60%", "", "", "", text] for size, text in zip("1234", texts, strict=True)]
    lines = script["by_verdict"](rows).splitlines()
    assert lines == ["- It helps: 60% of 1, 60% of 4", "- It hurts: 60% of 2", "- Undecided: 60% of 3"]
    assert script["by_verdict"](rows[:1]) == "- It helps: 60% of 1"
    said = [script["answer"](["60%", text]).partition(". The")[0] for text in texts[:3]]
    assert said == [
        f"- 60% dropped: it {verdict}"
        for verdict in ("does not hold: the opposite does", "holds", "is undecided")
    ]
