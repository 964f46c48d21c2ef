"""What is said of a comparison and of a run in sentences, and the one table beside them."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, compare, open_run
from easiness.analysis import MOST_EXAMPLES, Agreement, Drift, GroupMatch, Interval, Match
from easiness.show.rendering import rendered
from easiness.show.result import sections_text
from easiness.store import Row
from easiness.studies.matching.answers import answers, headline_ties, pair_answers
from easiness.studies.matching.comparison import Cell, Comparison, headline, shortened
from easiness.studies.matching.outlook import (
    Outlook,
    outermost,
    outlook,
    outlook_lines,
    seconds_per_trial,
    tail_text,
)
from plans import group_match
from recording import believing, recorded

GROUPS = group_match(0.412, size=20, interval=(0.37, 0.46), class_chance=0.13)
AGREED = Agreement(0.621, 0.551, 0.694)
EVERY = Match(rate=0.35, tie_mass=(0.0, 0.0), chance=0.1, class_chance=0.13, sizes=(100.0, 100.0))
UNDECIDED = replace(GROUPS, group_size=3, decided=False)


def pair(
    groups: GroupMatch | None = GROUPS,
    agreed: Agreement | None = AGREED,
    side: str = "hard",
    a: int = 0,
    b: int = 1,
) -> Cell:
    return Cell(a, b, side, "refine", groups, agreed, EVERY)  # type: ignore[arg-type]


def ceiling(groups: GroupMatch | None = GROUPS, side: str = "hard", a: int = 0) -> Cell:
    return Cell(a, a, side, "refine", groups, None, None)  # type: ignore[arg-type]


def comparison(*cells: Cell, names: tuple[str, ...] = ("wrn", "mlp"), **options: Any) -> Comparison:
    plain: dict[str, Any] = {
        "fraction": 0.1,
        "num_examples": 1000,
        "ties": ("expected", "refine"),
    }
    rest: dict[str, Any] = {"resolution": [], "reliability": []}
    return Comparison(
        names=list(names), rows=(Row(6),) * len(names), cells=list(cells), **plain | options, **rest
    )


CHANCE = "0.10 would be chance"
FEW = "undecided, since groups of fewer than 5 trials decide nothing"
NARROW = "more trials would narrow that down"
ALONE = "with one trial of each, noise cannot be told from disagreement"


@pytest.mark.parametrize(
    ("cell", "said", "more"),
    [
        (pair(), "agree on 0.62 (0.55 to 0.69) of the hardest", "more trials would hardly change that"),
        (pair(agreed=Agreement(0.621, 0.5, 0.75)), "agree on 0.62 (0.50 to 0.75) of the hardest", NARROW),
        (pair(agreed=Agreement(0.621)), "agree on 0.62 of the hardest", NARROW),
        (pair(UNDECIDED, side="easy"), "agree on 0.62 (0.55 to 0.69) of the easiest", FEW),
        (pair(None, None), "match in 0.35 of the hardest", ALONE),
    ],
)
def test_what_is_said_of_two_runs(cell: Cell, said: str, more: str) -> None:
    told = pair_answers(comparison(ceiling(), cell, ceiling(a=1)))
    assert told == [f"wrn and mlp {said} tenth; {CHANCE}; {more}"]


EMPTY = Agreement(reason="some sets are empty")
NO_CEILING = Agreement(reason="the ceiling of mlp is not shown to exceed chance")


@pytest.mark.parametrize(
    ("groups", "agreed", "said"),
    [
        (GROUPS, NO_CEILING, f"groups of 20 trials match in 0.41; {CHANCE}"),
        (replace(GROUPS, rate=math.nan), EMPTY, "there is nothing to match"),
        (UNDECIDED, EMPTY, f"groups of 3 trials match in 0.41; {CHANCE}; {FEW}"),
    ],
)
def test_why_an_agreement_cannot_be_told(groups: GroupMatch, agreed: Agreement, said: str) -> None:
    told = pair_answers(comparison(ceiling(), pair(groups, agreed), ceiling(a=1)))
    untold = "how far wrn and mlp agree on the hardest tenth cannot be told"
    assert told == [f"{untold} ({agreed.reason}); {said}"]


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
    assert pair_answers(comparison(cell, names=("wrn",))) == [said]


def test_sides_and_pairs_come_in_their_order_and_one_policy_speaks() -> None:
    cells = [
        replace(one, side=side, ties=ties)
        for ties in ("expected", "refine")
        for side in ("hard", "easy")
        for one in (ceiling(), pair(), pair(b=2), ceiling(a=1), pair(a=1, b=2), ceiling(a=2))
    ]
    said = pair_answers(comparison(*cells, names=("x", "y", "z"), fraction=0.05))
    tails = [(text.split(" agree")[0], text.split("of the ")[1][:12]) for text in said]
    pairs = ("x and y", "x and z", "y and z")
    assert tails == [(names, tail) for tail in ("easiest 5 %;", "hardest 5 %;") for names in pairs]


def test_many_pairs_share_a_sentence_where_the_same_can_be_said_of_them() -> None:
    names = ("v", "w", "x", "y", "z")
    told = {(0, 1): Agreement(0.3, 0.25, 0.35), (2, 4): Agreement(0.7, 0.65, 0.75)}
    unlike = replace(GROUPS, rate=0.203, chance=0.12)
    cells = [
        pair(unlike if at == (1, 3) else GROUPS, told.get(at, AGREED if at[0] else EMPTY), side, *at)
        for side in ("easy", "hard")
        for at in itertools.combinations(range(5), 2)
    ]
    of_five = comparison(*cells, names=names)
    assert pair_answers(of_five) == [
        text
        for tail in ("easiest", "hardest")
        for text in (
            f"7 pairs of runs agree on 0.30 (v and w) to 0.70 (x and z) of the {tail} tenth; 0.10 to 0.12 "
            "would be chance; more trials would hardly change that",
            f"how far 3 pairs of runs agree on the {tail} tenth cannot be told (some sets are empty); "
            f"groups of 20 trials match in 0.41; {CHANCE}",
        )
    ]
    assert [text.split(" of the ")[0] for text in pair_answers(of_five, (1, 3))] == [
        "w and y agree on 0.62 (0.55 to 0.69)"
    ] * 2
    of_four = comparison(*(one for one in cells if one.b < 4), names=names[:4])
    assert len(pair_answers(of_four)) == 12  # a sentence for each


def test_what_holds_of_several_runs_is_said_once(record: Callable[..., Any]) -> None:
    labels = np.arange(40) % 2
    runs = [record(believing(labels, 9, 1), labels, name=name) for name in ("a", "b")]
    assert sum("10 are needed" in text for text in answers(compare(runs))) == 1


def test_refined_sets_are_spoken_of_where_there_are_any() -> None:
    assert headline_ties(comparison(ties=("expected", "refine"))) == "refine"
    assert headline_ties(comparison(ties=("strict", "expected"))) == "strict"


def test_the_table_is_at_most_100_columns_wide_for_four_runs_of_long_names() -> None:
    names = tuple(f"resnext_29_4x64d_of_the_{kind}_kind" for kind in ("first", "second", "third", "fourth"))
    wide = replace(UNDECIDED, rate=0.9999, interval=(0.99, 1.0))
    cells = [
        ceiling(wide, side, a) if a == b else pair(wide, Agreement(1.0, 0.95, 1.0), side, a, b)
        for side in ("easy", "hard")
        for a in range(4)
        for b in range(a, 4)
    ]
    shown = headline(comparison(*cells, names=names)).section
    assert len(shown.rows) == 1 + 2 * 10
    lines = sections_text([shown]).splitlines()
    assert max(map(len, lines)) <= 100
    assert len({row[0] for row in shown.rows}) == len(shown.rows)  # no two names became one
    assert shown.rows[2] == [
        f"easy: {shortened(names[0])} - {shortened(names[1])}",
        "1.00 (0.99 to 1.00)?",
        "1.00 (0.95 to 1.00)?",
        "0.10",
        "0.13",
    ]


def test_rows_say_what_there_is() -> None:
    none = Cell(1, 1, "hard", "refine", None, None, None)
    shown = headline(
        comparison(
            ceiling(), pair(agreed=EMPTY), pair(None, None, a=1, b=2), none, names=("wrn", "mlp", "cnn")
        )
    ).section
    assert shown.rows[1:] == [
        ["hard: wrn - itself", "0.41 (0.37 to 0.46)", "", "0.10", "0.13"],
        ["hard: wrn - mlp", "0.41 (0.37 to 0.46)", "", "0.10", "0.13"],
        ["hard: mlp - cnn", "0.35 (all trials)", "", "0.10", "0.13"],
        ["hard: mlp - itself", "", "", "", ""],
    ]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("wrn_16_4", "wrn_16_4"),
        ("fourteen_chars", "fourteen_chars"),
        ("densenet_bc_100_12", "densen…_100_12"),
    ],
)
def test_long_names_lose_their_middle(name: str, short: str) -> None:
    assert shortened(name) == short
    assert len(short) <= 14


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two runs of twelve trials; after the last epoch the second ranks the other way round."""
    labels, favor = np.arange(150) % 3, np.linspace(0, 4, 150)
    runs = [
        recorded(
            tmp_path_factory.mktemp("answers") / name,
            believing(labels, 12, 2, sure=[favor, favor[::-1] if seed else favor], seed=seed),
            labels,
        )
        for seed, name in enumerate(("a_run_with_a_name_that_is_long", "short"))
    ]
    return compare(runs)


def test_every_format_begins_with_the_answers(compared: Comparison) -> None:
    said = answers(compared)
    assert said[:2] == pair_answers(compared)
    for name in compared.names:
        assert sum(text.startswith(f"{name}: ") for text in said) >= 2  # what its sets hold, a side each
    assert compared.in_words().split()[:6] == said[0].split()[:6]
    assert compared.markdown().startswith(f"- {said[0]}\n- {said[1]}\n")
    assert json.loads(rendered(compared, ".json"))["answers"] == said


def test_the_text_is_at_most_100_columns_wide_and_details_add_the_rest(compared: Comparison) -> None:
    brief, full = compared.in_words(), replace(compared, detailed=True).in_words()
    assert full.startswith(brief)
    assert max(map(len, brief.splitlines())) <= 100
    for part in ("what each rate must be read beside", "reliability by epoch", "drift", "tie mass"):
        assert part not in brief
        assert part in full
    assert brief.count("\n\n") == 2  # the answers, a title with its note, one table
    assert "by class" in brief


def test_cells_hold_the_agreement_or_why_there_is_none(compared: Comparison) -> None:
    document = json.loads(rendered(compared, ".json"))
    rows = list(csv.DictReader(io.StringIO(rendered(compared, ".csv").decode())))
    for entry, row, cell in zip(document["matching"], rows, compared.cells, strict=True):
        assert cell.groups is not None
        values = {
            "rate": cell.groups.rate,
            "agreement": cell.agreement,
            "agreement_low": cell.agreement_low,
            "agreement_high": cell.agreement_high,
        }
        for name, value in values.items():
            assert entry[name] == (None if math.isnan(value) else value)
            assert row[name] == "" if math.isnan(value) else float(row[name]) == value
        assert entry["agreement_reason"] == (cell.agreed and cell.agreed.reason)
        assert (cell.agreed is None) == entry["ceiling"]
    assert any(cell.agreed is not None and cell.agreed.reason is None for cell in compared.cells)


def test_runs_hold_their_outlook_and_drift(compared: Comparison) -> None:
    entries = json.loads(rendered(compared, ".json"))["runs"]
    for entry, reliability in zip(entries, compared.reliability, strict=True):
        for one in reliability.outlook.forecasts:
            found = entry["outlook"][one.side]
            value, low, high = one.share()
            assert (found["share"], found["low"], found["high"]) == (value, low, high)
            assert found["trials"] == 12
            assert found["trials_for_90_percent"] == one.trials_for(0.9)
        for side in ("easy", "hard"):
            assert entry["drift_by_epoch"][side]["2"] == 1.0
            early = reliability.drift[side][1]
            assert entry["drift_by_epoch"][side]["1"] == (None if math.isnan(early) else early)


def test_nine_trials_have_no_outlook_in_the_document(record: Callable[..., Any]) -> None:
    labels = np.arange(40) % 2
    comparison = compare([record(believing(labels, 9, 1), labels)])
    (entry,) = json.loads(rendered(comparison, ".json"))["runs"]
    assert entry["outlook"] == {}
    assert answers(comparison)[2:] == [
        "recorded: how much of the true easiest and hardest tenth the sets hold cannot be told from 9 "
        "trials: 10 are needed"
    ]


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
