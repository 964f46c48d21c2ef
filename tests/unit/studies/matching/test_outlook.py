"""What is said of a run: what its sets hold, what more trials would give, and whether they still change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, open_run
from easiness.analysis import MOST_EXAMPLES, Drift, Interval
from easiness.analysis.true_agreement import Agreement
from easiness.studies.matching.outlook import (
    Outlook,
    outermost,
    outlook,
    outlook_lines,
    seconds_per_trial,
    tail_text,
)
from recording import recorded

NUM = 200
RISING = np.linspace(-2, 2, NUM)


class Foretold:
    """A forecast by hand: what the set holds, and the trials that a larger share needs."""

    def __init__(self, side: str, share: Interval, needs: dict[float, int | None], fraction: float = 0.1):
        self.side, self.fraction, self.num_trials, self.farthest = side, fraction, 20, 200
        self._share, self._needs = share, needs

    def share(self) -> Interval:
        return self._share

    def trials_for(self, share: float) -> int | None:
        return self._needs[share]


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
        (Interval(0.9, 0.88, 0.92), {0.95: 60}, "90 % (88 to 92)", "95 % needs about 60 trials"),
        (Interval(0.96, 0.94, 0.97), {0.99: 199}, "96 % (94 to 97)", "99 % needs about 199 trials"),
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
    assert ahead(one, seconds=30.0, fraction=0.05).sentences() == [
        "the easy set holds about 70 % (60 to 80) of the true easiest 5 %; 90 % needs about 57 trials, "
        "18 min more here"
    ]
    beyond = Foretold("easy", Interval(0.7, 0.6, 0.8), {0.9: None})
    assert "here" not in ahead(beyond, seconds=30.0).sentences()[0]


def test_a_sentence_a_side() -> None:
    needs: dict[float, int | None] = {0.9: 40}
    sides = [Foretold(side, Interval(0.7, 0.6, 0.8), needs) for side in ("easy", "hard")]
    assert [text[:13] for text in ahead(*sides).sentences()] == ["the easy set ", "the hard set "]


def test_too_few_trials_to_tell() -> None:
    assert ahead(num_trials=1).sentences() == [
        "how much of the true easiest and hardest tenth the sets hold cannot be told from 1 trial: "
        "10 are needed"
    ]
    assert ahead(num_trials=7, seconds=60.0, fraction=0.2).sentences() == [
        "how much of the true easiest and hardest 20 % the sets hold cannot be told from 7 trials: "
        "10 are needed, 3 min more here"
    ]
    assert ahead(num_trials=10, reason="nothing is learned").sentences() == [
        "how much of the true easiest and hardest tenth the sets hold cannot be told: nothing is learned"
    ]


def test_an_interval_over_half_of_all_says_nothing() -> None:
    vague = Foretold("hard", Interval(0.4, 0.1, 0.7), {})
    assert ahead(vague).sentences() == [
        "the hard set holds 10 to 70 % of the true hardest tenth, and 20 trials cannot narrow it down"
    ]


def test_what_one_epoch_leaves_open_is_said() -> None:
    one = Foretold("easy", Interval(0.7, 0.6, 0.8), {0.9: 40})
    assert ahead(one, num_observed=1).sentences()[1] == (
        "whether more epochs would change the sets is unknown, since only one was observed"
    )


def test_sets_that_still_change_are_warned_of() -> None:
    changing = Drift("hard", 6, 8, Agreement(0.617, 0.549, 0.702), True)
    staying = Drift("easy", 6, 8, Agreement(0.95, 0.9, 1.0), True)
    start = "the hard sets after epoch 6 and after epoch 8 agree on 0.62 (0.55 to 0.70), without noise: "
    assert ahead(epoch=8, drifts=(staying, changing)).warnings() == [
        f"{start}training still changes them, so more epochs may too"
    ]
    assert ahead(epoch=6, drifts=(staying, changing)).warnings() == [
        f"{start}training after epoch 6 changed them"
    ]


def test_how_tails_are_called() -> None:
    assert tail_text("easy", 0.1) == "easiest tenth"
    assert tail_text("hard", 0.025) == "hardest 2.5 %"
    assert outermost(0.1) == "easiest and hardest tenth"


def test_a_ranking_that_flips_in_the_last_epoch_is_warned_of(tmp_path: Path) -> None:
    run = made(tmp_path / "flips", [RISING, RISING, RISING, -RISING], 12)
    found = outlook(run)
    assert (found.num_trials, found.epoch, found.fraction) == (12, 4, 0.1)
    assert [(one.epoch, one.last) for one in found.drifts] == [(3, 4)] * 2
    warned = found.warnings()
    assert [text.split(" agree ")[0] for text in warned] == [
        "the easy sets after epoch 3 and after epoch 4",
        "the hard sets after epoch 3 and after epoch 4",
    ]
    assert all(text.endswith("training still changes them, so more epochs may too") for text in warned)
    assert outlook_lines(run) == [*found.sentences(), *(f"warning: {text}" for text in warned)]
    assert len(found.sentences()) == 2
    # whoever reads the epoch before reads other sets than those of the last
    assert [text.split(": ")[1] for text in outlook(run, 3).warnings()] == [
        "training after epoch 3 changed them"
    ] * 2


@pytest.mark.long
def test_a_ranking_that_stays_is_not(tmp_path: Path) -> None:
    run = made(tmp_path / "stays", [RISING] * 4, 12)
    assert outlook(run).warnings() == []
    assert not any("warning" in line for line in outlook_lines(run))


def test_one_epoch_has_nothing_to_change_from(tmp_path: Path) -> None:
    run = made(tmp_path / "one", [RISING], 10)
    assert outlook(run).drifts == ()
    assert len(outlook(run).forecasts) == 2


def test_nine_trials_foretell_nothing_but_are_compared_over_epochs(tmp_path: Path) -> None:
    run = made(tmp_path / "nine", [RISING, -RISING], 9)
    found = outlook(run)
    assert found.forecasts == ()
    assert "cannot be told from 9 trials: 10 are needed" in found.sentences()[0]
    assert len(found.drifts) == 2
    assert found.warnings() == []  # groups of four decide nothing


def test_where_nothing_is_learned_the_reason_is_said(tmp_path: Path) -> None:
    run = made(tmp_path / "wrong", [np.full(NUM, -50.0)] * 2, 10)
    found = outlook(run)
    assert (found.forecasts, found.drifts) == ((), ())
    (line,) = outlook_lines(run)
    assert "epoch 2: no example" in line


def test_a_damaged_trial_leaves_a_line_with_the_reason(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [RISING], 2)
    next((run.path / "trials").glob("*/train.parquet")).write_bytes(b"PAR1")
    (line,) = outlook_lines(run)
    assert line.startswith("what its sets hold")


def test_an_epoch_or_a_fraction_that_is_not_there(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [RISING], 2)
    with pytest.raises(BadInput, match=r"epoch 2 .*recorded"):
        outlook(run, 2)
    for fraction, text in ((2.0, "fraction 2.0: not in"), (1e-6, "fraction 1e-06: too small")):
        with pytest.raises(BadInput, match=text):
            outlook(run, fraction=fraction)


def test_of_the_set_of_all_examples_there_is_nothing_to_say(tmp_path: Path) -> None:
    found = outlook(made(tmp_path / "run", [RISING] * 2, 10), fraction=1.0)
    assert found.sentences() == found.warnings() == []


def test_what_a_trial_takes_here(measured: Path, tmp_path: Path) -> None:
    """The median of the trials, by as many as ran side by side; a recorder does not know."""
    run = open_run(measured)
    assert run.spec.kind == "measured"
    assert run.spec.resolved.jobs == 1
    took = sorted(trial.document.ran["seconds"] for trial in run.trials)
    assert seconds_per_trial(run) == pytest.approx(took[1])
    assert outlook(run).seconds == seconds_per_trial(run)
    spec = run.spec.model_copy(update={"resolved": run.spec.resolved.model_copy(update={"jobs": 2})})
    assert seconds_per_trial(SimpleNamespace(trials=run.trials, spec=spec)) == pytest.approx(took[1] / 2)  # type: ignore[arg-type]
    assert seconds_per_trial(made(tmp_path / "own", [RISING], 2)) is None


def test_of_very_many_examples_some_are_drawn() -> None:
    from easiness.analysis import Votes

    many = MOST_EXAMPLES + 500
    right = np.tile(np.arange(many) % 3 > 0, (2, 1))
    votes = Votes(right, np.where(right, 0.9, 0.1), np.zeros(many, np.int64), np.arange(many), 1)
    some = votes.at_most(MOST_EXAMPLES)
    assert some.num_examples == MOST_EXAMPLES
    assert (np.diff(some.ids) > 0).all()
    assert np.array_equal(some.correct, votes.correct[:, some.ids])
    assert np.array_equal(some.ids, votes.at_most(MOST_EXAMPLES).ids)
    assert not np.array_equal(some.ids, votes.at_most(MOST_EXAMPLES, seed=1).ids)
    assert votes.at_most(many) is votes
    assert replace(votes).at_most(many + 1).num_examples == many
