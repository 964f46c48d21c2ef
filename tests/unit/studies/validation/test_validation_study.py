from __future__ import annotations

import math

import numpy as np
import pytest

from easiness.scores.easiness_score import easiness_interval
from easiness.studies.validation.study import HARDEST, Tally, easiness_view
from easiness.studies.validation.validation import EasinessView, FinalModels, Validation

# two training examples, then eight validation examples; at most 4 of 5 trials are right about any
COUNTS = [4, 0, 0, 0, 1, 1, 2, 3, 4, 4]
WRONG = [2, 1, 1, 0, 1, 0, 0, 0]  # of two final models, for each validation example


def _tally(counts: list[int] = COUNTS, p_label: list[float] | None = None, trials: int = 5) -> Tally:
    num = len(counts)
    p = np.zeros(num) if p_label is None else np.array(p_label)
    return Tally(np.array(counts), p, np.arange(num, dtype=np.uint64), trials)


def test_the_curve_has_a_point_for_each_level_of_the_validation_examples() -> None:
    view = easiness_view("net", _tally(), np.array(WRONG), 2)
    assert [point.count for point in view.curve] == [0, 1, 2, 3, 4]
    assert [point.num_examples for point in view.curve] == [2, 2, 1, 1, 2]
    by_count = {point.count: point for point in view.curve}
    # two examples at no trial: wrong by 2 and by 1 of 2 models
    assert by_count[0].right == 0.25
    assert by_count[1].right == 0.75
    assert by_count[2].right == 0.5
    assert by_count[4].right == 1
    # on the scale of Eq. 1 the largest count of all merged examples is 1
    assert [point.easiness for point in view.curve] == [0, 0.25, 0.5, 0.75, 1]
    low, high = easiness_interval(0.5, 2, 2)
    assert by_count[0].interval == (low, high)  # type: ignore[comparison-overlap]
    for point in view.curve:
        assert point.interval[0] <= point.right <= point.interval[1]
        assert point.interval[0] < point.interval[1]


def test_the_misclassified_are_looked_for_among_the_hardest() -> None:
    view = easiness_view("net", _tally(), np.array(WRONG), 2)
    shares = {one.fraction: one for one in view.hardest}
    assert tuple(shares) == HARDEST
    # of five wrong pairs: the two examples at no trial have three
    assert shares[0.25].num_hardest == 2
    assert shares[0.25].value == shares[0.25].expected == 0.6
    assert shares[0.25].most == 0.6
    assert shares[0.25].tie_mass == 0
    # four examples: those at one trial have one pair more
    assert shares[0.5].value == 0.8
    assert shares[0.5].most == 1
    low, high = shares[0.5].interval
    assert 0 <= low < 0.8 < high <= 1


def test_ties_are_refined_by_probability_or_shared() -> None:
    # all of the validation examples tie; the first is the surest, so the easiest
    tally = _tally([4] + [2] * 8, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    view = easiness_view("net", tally, np.array([0, 0, 0, 0, 0, 0, 0, 3]), 3)
    shares = {one.fraction: one for one in view.hardest}
    assert shares[0.25].value == 1
    assert shares[0.25].expected == 0.25
    assert shares[0.25].tie_mass == 1
    view = easiness_view("net", tally, np.array([3, 0, 0, 0, 0, 0, 0, 0]), 3)
    shares = {one.fraction: one for one in view.hardest}
    assert shares[0.5].value == 0
    assert shares[0.5].expected == 0.5


def test_nothing_wrong_has_no_share() -> None:
    view = easiness_view("net", _tally(), np.zeros(8, np.int64), 2)
    for one in view.hardest:
        assert math.isnan(one.value)
        assert math.isnan(one.expected)
        assert all(map(math.isnan, one.interval))
    assert all(point.right == 1 for point in view.curve)


def test_the_interval_narrows_with_the_number_of_examples() -> None:
    widths = []
    for times in (5, 50):
        tally = _tally([4, 4, *(COUNTS[2:] * times)])
        view = easiness_view("net", tally, np.array(WRONG * times), 2)
        low, high = view.hardest[1].interval
        assert low < view.hardest[1].value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


@pytest.fixture
def validation() -> Validation:
    views: list[EasinessView] = [
        easiness_view(name, _tally(trials=trials), np.array(WRONG), 2)
        for name, trials in (("few", 4), ("all", 9))
    ]
    return Validation(
        views=views,
        final=[FinalModels("few", np.array([0.625])), FinalModels("other", np.array([0.75]))],
        epoch=3,
        final_epoch=7,
        num_train=2,
        num_validation=8,
        num_classes=4,
        num_wrong=5,
    )


def test_tables_sections_and_figure(validation: Validation) -> None:
    from easiness.show.section import sections_text

    assert (validation.num_final, validation.chance) == (2, 0.25)
    assert not validation.decided
    assert validation.shares_in_hardest[0.25].value == 0.6
    table = validation.table()
    assert len(table) == 2 * (5 + 3)
    row = table[(table.easiness_of == "all") & (table.fraction == 0.5)].iloc[0]
    assert (row.value, row.chance, row.examples) == (0.8, 0.5, 4)
    sections = validation.sections()
    assert [len(section.rows) for section in sections] == [3, 7, 6, 6]
    text = sections_text(sections)
    assert "0.60?" in text  # four trials decide nothing
    assert "of all networks together" in text
    assert "Chance is 0.250" in text
    above, below = validation.figure().axes
    assert [bar.get_height() for bar in below.patches] == [p.num_examples for p in validation.views[0].curve]  # type: ignore[attr-defined]
    assert "of 4" in below.get_xlabel()
    (curve,) = [line for line in above.lines if line.get_marker() == "o"]
    assert list(curve.get_ydata()) == [point.right for point in validation.views[0].curve]  # type: ignore[arg-type]
