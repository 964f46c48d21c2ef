"""Sentences on a comparison, and on the sets of a run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, compare, open_run
from easiness.analysis import Agreement, Interval, Match
from easiness.store import Row
from easiness.studies.matching.comparison import Cell, Comparison
from easiness.studies.matching.reliability import Outlook, outlook, outlook_lines
from plans import group_match
from recording import believing, recorded

GROUPS = group_match(0.412, size=20, interval=(0.37, 0.46), class_chance=0.13)
AGREED = Agreement(0.621, 0.551, 0.694)
EVERY = Match(rate=0.35, tie_mass=(0.0, 0.0), chance=0.1, class_chance=0.13, sizes=(100.0, 100.0))
UNDECIDED = replace(GROUPS, group_size=3, decided=False)


def pair(groups: Any = GROUPS, agreed: Any = AGREED, side: Any = "hard", a: int = 0, b: int = 1) -> Cell:
    return Cell(a, b, side, "refine", groups, agreed, EVERY)


def ceiling(groups: Any = GROUPS, side: Any = "hard", a: int = 0) -> Cell:
    return Cell(a, a, side, "refine", groups)


def comparison(*cells: Cell, names: tuple[str, ...] = ("wrn", "mlp"), fraction: float = 0.1) -> Comparison:
    rows = (Row(6),) * len(names)
    return Comparison(list(names), rows, fraction, 1000, ("expected", "refine"), list(cells), [], [])


CHANCE = "0.10 would be chance"
FEW = "undecided, since groups of fewer than 5 trials decide nothing"
NARROW = "more trials would narrow that down"
ALONE = "with one trial of each, noise cannot be told from disagreement"
EMPTY = Agreement(reason="some sets are empty")
UNTOLD = "cannot be told (some sets are empty); "


@pytest.mark.parametrize(
    ("cell", "said", "more"),
    [
        (pair(), "agree on 0.62 (0.55 to 0.69) of the hardest tenth", "would hardly change that"),
        (pair(agreed=Agreement(0.621, 0.5, 0.75)), "agree on 0.62 (0.50 to 0.75) of", NARROW),
        (pair(agreed=Agreement(0.621)), "agree on 0.62 of", NARROW),
        (pair(UNDECIDED, side="easy"), "agree on 0.62 (0.55 to 0.69) of the easiest tenth", FEW),
        (pair(None, Agreement()), "match in 0.35 of the hardest tenth", ALONE),
        (pair(agreed=EMPTY), "agree on", f"{UNTOLD}groups of 20 trials match in 0.41; {CHANCE}"),
        (pair(replace(GROUPS, rate=math.nan), EMPTY), "agree on", f"{UNTOLD}there is nothing"),
        (pair(UNDECIDED, EMPTY), "agree on", f"groups of 3 trials match in 0.41; {CHANCE}; {FEW}"),
    ],
)
def test_what_is_said_of_two_runs(cell: Cell, said: str, more: str) -> None:
    (told,) = comparison(ceiling(), cell, ceiling(a=1)).pair_answers()
    assert f"wrn and mlp {said}" in told
    assert more in told


AGAIN = "wrn finds 0.41 (0.37 to 0.46) of its hardest tenth again with"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (ceiling(), f"{AGAIN} 20 other trials; {CHANCE}"),
        (ceiling(UNDECIDED), f"{AGAIN} 3 other trials; {CHANCE}; {FEW}"),
        (ceiling(None), "wrn: one trial cannot say how much of its hardest tenth another would find"),
    ],
)
def test_what_is_said_of_a_run_alone(cell: Cell, said: str) -> None:
    assert comparison(cell, names=("wrn",)).pair_answers() == [said]


def test_many_pairs_share_a_sentence() -> None:
    told = {(0, 1): Agreement(0.3, 0.25, 0.35), (2, 4): Agreement(0.7, 0.65, 0.75)}
    cells = [
        pair(GROUPS, told.get(at, AGREED if at[0] else EMPTY), side, *at)
        for side in ("easy", "hard")
        for at in itertools.combinations(range(5), 2)
    ]
    of_five = comparison(*cells, names=("v", "w", "x", "y", "z"))
    assert of_five.pair_answers() == [
        f"7 of 10 pairs of runs agree on 0.30 (v and w) to 0.70 (x and z) of the {tail} tenth"
        for tail in ("easiest", "hardest")
    ]
    assert "w and y agree on 0.62 (0.55 to 0.69)" in of_five.pair_answers((1, 3))[0]


def test_what_holds_of_several_runs_is_said_once(record: Callable[..., Any]) -> None:
    labels = np.arange(40) % 2
    runs = [record(believing(labels, 9, 1), labels, name=name) for name in ("a", "b")]
    assert sum("10 are needed" in text for text in compare(runs).answers()) == 1


NUM = 200
RISING = np.linspace(-2, 2, NUM)


class Foretold:
    """A forecast by hand: what the set holds, and the trials that a larger share needs."""

    def __init__(self, side: str, share: Interval, needs: dict[float, int | None], fraction: float = 0.1):
        self.side, self.fraction, self.num_trials, self.farthest = side, fraction, 20, 200
        self.share, self.trials_for = lambda: share, needs.__getitem__


def ahead(*forecasts: Any, num_trials: int = 20, seconds: float | None = None, **options: Any) -> Outlook:
    plain: dict[str, Any] = {"epoch": 4, "fraction": 0.1, "drifts": (), "num_observed": 4} | options
    return Outlook(num_trials=num_trials, forecasts=forecasts, seconds=seconds, **plain)


def made(path: Path, ease_by_epoch: Any, num_trials: int, *, seed: int = 0) -> Run:
    """Trials of two classes, right the more often the greater the ease [epochs, K]."""
    labels, ease = np.arange(NUM) % 2, np.array(ease_by_epoch)
    favor = ease + np.random.default_rng(seed).normal(size=(num_trials, *ease.shape))
    return recorded(path, favor[..., None] * np.eye(2)[labels], labels)


HALF = Interval(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("share", "needs", "held", "more"),
    [
        (Interval(0.714, 0.634, 0.79), {0.9: 57}, "71 % (63 to 79)", "90 % needs about 57 trials"),
        (Interval(0.995, 0.99, 0.999), {}, "100 % (99 to 100)", "more trials would hardly change it"),
        (HALF, {0.9: 200}, "50 % (40 to 60)", "90 % needs about 200 trials"),
        (HALF, {0.9: None}, "50 % (40 to 60)", "90 % needs more than 200 trials, or cannot be reached"),
    ],
)
def test_what_a_set_holds_and_what_more_would_need(
    share: Interval, needs: dict[float, int | None], held: str, more: str
) -> None:
    assert ahead(Foretold("hard", share, needs)).sentences() == [
        f"the hard set holds about {held} of the true hardest tenth; {more}"
    ]


def test_what_more_trials_cost_is_said_where_it_is_known() -> None:
    """37 trials of 30 s are 18.5 min; no other sentence names a cost."""
    one = Foretold("easy", Interval(0.7, 0.6, 0.8), {0.9: 57}, fraction=0.05)
    [text] = ahead(one, seconds=30.0, fraction=0.05).sentences()
    assert text.endswith("(60 to 80) of the true easiest 5 %; 90 % needs about 57 trials, 18 min more here")
    beyond = Foretold("easy", Interval(0.7, 0.6, 0.8), {0.9: None})
    assert "here" not in ahead(beyond, seconds=30.0).sentences()[0]
    [vague] = ahead(Foretold("hard", Interval(0.4, 0.1, 0.7), {})).sentences()
    assert "20 trials cannot narrow it down" in vague


def test_too_few_trials_to_tell() -> None:
    assert "from 1 trial: 10 are needed" in ahead(num_trials=1).sentences()[0]
    assert "3 min more here" in ahead(num_trials=7, seconds=60.0, fraction=0.2).sentences()[0]
    assert "nothing is learned" in ahead(num_trials=10, reason="nothing is learned").sentences()[0]


def test_a_ranking_that_flips_in_the_last_epoch_is_warned_of(tmp_path: Path) -> None:
    run = made(tmp_path / "flips", [RISING, RISING, RISING, -RISING], 12)
    found = outlook(run)
    assert (found.num_trials, found.epoch, found.fraction) == (12, 4, 0.1)
    assert [(one.epoch, one.last) for one in found.drifts] == [(3, 4)] * 2
    warned = found.warnings()
    assert [text.split(" agree ")[0] for text in warned] == [
        f"the {side} sets after epoch 3 and after epoch 4" for side in ("easy", "hard")
    ]
    assert all(text.endswith("training still changes them, so more epochs may too") for text in warned)
    assert outlook_lines(run) == [*found.sentences(), *(f"warning: {text}" for text in warned)]
    # whoever reads the epoch before reads other sets than those of the last
    assert all("training after epoch 3 changed them" in text for text in outlook(run, 3).warnings())


def test_where_nothing_is_learned_the_reason_is_said(tmp_path: Path) -> None:
    run = made(tmp_path / "wrong", [np.full(NUM, -50.0)] * 2, 10)
    found = outlook(run)
    assert (found.forecasts, found.drifts) == ((), ())
    (line,) = outlook_lines(run)
    assert "epoch 2: no example" in line
    next((run.path / "trials").glob("*/train.parquet")).write_bytes(b"PAR1")
    (line,) = outlook_lines(open_run(run.path))
    assert line.startswith("what its sets hold")


def test_an_epoch_or_a_fraction_that_is_not_there(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [RISING], 2)
    with pytest.raises(BadInput, match=r"epoch 2 .*recorded"):
        outlook(run, 2)
    for fraction, text in ((2.0, "fraction 2: not in"), (1e-6, "fraction 1e-06: too small")):
        with pytest.raises(BadInput, match=text):
            outlook(run, fraction=fraction)


def test_what_a_trial_takes_here(measured: Path, tmp_path: Path) -> None:
    """The median of the trials, by as many as ran side by side; a recorder does not know."""
    run = open_run(measured)
    assert run.spec.kind == "measured"
    assert run.spec.resolved.jobs == 1
    took = sorted(trial.document.ran["seconds"] for trial in run.trials)
    assert outlook(run).seconds == pytest.approx(took[1])
    assert outlook(made(tmp_path / "own", [RISING], 2)).seconds is None
