"""Comparing runs over the same data: the matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from easiness import analysis
from easiness.analysis import Match, Side, Ties
from easiness.engine import SEVERAL_RUNS, At, Fraction, Policies, Study
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.spec import Option
from easiness.store import Run, check_opened
from easiness.studies.matching.comparison import Cell, Comparison
from easiness.studies.matching.reliability import Reliability, run_reliability

_NOT_FITTED = "it was not fitted for so many pairs; `easiness compare` does"


def matching_rate(
    run_a: Run,
    run_b: Run,
    side: Side = "easy",
    fraction: float = 0.1,
    at: float | None = None,
    ties: Ties = "expected",
) -> Match:
    """Eq. 2 between the easy (or hard) sets of two runs, each from all of its trials.

    Read ``.rate`` beside ``.tie_mass`` (a pair) and ``.chance``; `compare` adds ceilings and intervals.

    Raises:
        BadInput: the runs are over different data, or the epoch is not recorded in both.
    """
    check_opened(run_a=run_a, run_b=run_b)
    check_comparable([run_a, run_b])
    rows = rows_of([run_a, run_b], at)
    votes = [run.votes(row) for run, row in zip((run_a, run_b), rows, strict=True)]
    return analysis.Rule(side, fraction, ties).match_all(*votes)


@dataclass(frozen=True)
class Compared:
    """Options of `compare`."""

    runs: Annotated[
        tuple[Run, ...],
        Option("", "Runs over the same data; one alone gives its noise ceiling.", **SEVERAL_RUNS),
    ]
    at: At = None
    fraction: Fraction = 0.1
    ties: Policies = ("expected", "refine")
    details: Annotated[
        bool,
        Option("--details", "Show every table: ceilings, ties, reliability, drift.", python=False),
    ] = False
    seed: Annotated[int, Option("", "Seed of the choices of groups and of the bootstrap.")] = 0


def compare(asked: Compared, *, rates_alone: bool = False) -> Comparison:
    """Match every run with every other and with itself, easy and hard, under each policy for ties.

    With ``rates_alone`` neither the agreement of each pair is fitted nor each run judged, which take longest.
    """
    runs, fraction, policies = asked.runs, asked.fraction, tuple(asked.ties)
    _check_each_once(runs)
    check_comparable(runs)
    rows = rows_of(runs, asked.at)
    votes = [run.votes(row, analysis.MOST_COMPARED) for run, row in zip(runs, rows, strict=True)]
    drawn = votes[0].num_examples / len(runs[0].ids)
    rules = [
        analysis.Rule(side, fraction, policy, asked.seed, drawn)
        for policy in dict.fromkeys(policies)
        for side in analysis.SIDES
    ]
    return Comparison(
        names=_names(runs),
        rows=tuple(run.row(row) for run, row in zip(runs, rows, strict=True)),
        fraction=fraction,
        num_examples=votes[0].num_examples,
        ties=policies,
        cells=_cells(votes, _names(runs), rules, rates_alone),
        resolution=[_resolution(one, fraction) for one in votes],
        reliability=[] if rates_alone else list(_reliability(runs, votes, fraction, asked.seed)),
        note=_note(runs, rows, votes[0].num_examples),
        detailed=asked.details,
    )


COMPARE = Study(
    "compare",
    "Look",
    "Say how far runs agree on the easy and hard examples.",
    Compared,
    compare,
    about="With the rates of chance, and the ceilings that the noise of each run sets.",
)


def _check_each_once(runs: Sequence[Run]) -> None:
    """Refuse the same trials under two names, whose agreement says nothing."""
    seen: set[tuple[Path, tuple[int, ...]]] = set()
    for run in runs:
        one = run.path.resolve(), tuple(trial.index for trial in run.trials)
        if one in seen:
            raise BadInput(
                f"{run.path}: given twice, and a run agrees with itself; give it once, which says how far "
                "groups of its own trials agree"
            )
        seen.add(one)


def check_comparable(runs: Sequence[Run]) -> None:
    """Make sure that all runs are over the same data."""
    first = runs[0]
    for run in runs[1:]:
        ours, theirs = first.spec.data, run.spec.data
        if ours.train.fingerprint != theirs.train.fingerprint or not run.shares_ids(first):
            raise BadInput(
                f"{first.path} and {run.path}: are over different data "
                f"({ours.train.num_examples} and {theirs.train.num_examples} examples, fingerprints "
                f"{ours.train.fingerprint[:8]} and {theirs.train.fingerprint[:8]}); "
                "compare runs over the same examples, or two versions of the data by `easiness diff`"
            )


def common_epoch(runs: Sequence[Run], epoch: float | None) -> int:
    """``epoch``, if all runs were observed after it; the last such one for ``None``."""
    if epoch is None:
        for run in runs:
            run.resolve_at(None)
        common = set.intersection(*(set(run.observed) for run in runs))
        if not common:
            raise BadInput(
                f"{' and '.join(str(run.path) for run in runs)}: were observed after no common epoch; "
                "measure one of them again with other --epochs or --observe"
            )
        return max(common)
    return max(run.resolve_at(epoch) for run in runs)


def rows_of(runs: Sequence[Run], at: float | None = None) -> list[int]:
    """The row of observations that each run is read at.

    An epoch is of trainings, which are else read after the last that all of them have, and a share of runs
    on features, each of which is else read at its largest.
    """
    trainings = [run for run in runs if not run.shares]
    of_trainings = at is None or at >= 1
    if (not of_trainings and len(trainings) == len(runs)) or (of_trainings and not trainings):
        return [
            run.resolve_at(at) for run in runs
        ]  # where a share is asked, or an epoch of heads, it says so
    after = common_epoch(trainings, at if of_trainings else None) if trainings else 0
    return [run.resolve_at(None if of_trainings else at) if run.shares else after for run in runs]


def _note(runs: Sequence[Run], rows: Sequence[int], num: int) -> str | None:
    pairs = zip(runs, rows, strict=True)
    notes = [f"{run.path}: {text}" for run, row in pairs if (text := run.warning(row)) is not None]
    made = _how_observed(runs)
    if num < len(runs[0].ids):
        notes.append(
            f"on {num:,} examples drawn at random of {len(runs[0].ids):,}, for which intervals allow"
        )
    return "; ".join(notes if made is None else [made, *notes]) or None


def _how_observed(runs: Sequence[Run]) -> str | None:
    augmented = [str(run.path) for run in runs if run.augmented]
    if not augmented:
        return None
    made = f"observations of {', '.join(augmented)} are augmented (made during training, not clean)"
    if len(augmented) == len(runs):
        return made
    return f"{made}, those of the others clean; part of what differs is how they were observed"


def _names(runs: Sequence[Run]) -> list[str]:
    """The models where they differ, else the folders."""
    for names in ([run.network for run in runs], [run.path.resolve().name for run in runs]):
        if len(set(names)) == len(runs):
            return names
    return [str(run.path) for run in runs]


def _cells(
    votes: list[analysis.Votes], names: list[str], rules: Sequence[analysis.Rule], rates_alone: bool
) -> list[Cell]:
    """The upper triangle for each rule, made pair by pair: what rules have in common is made once."""
    # one group size on and off the diagonal: larger groups match better for being larger
    size = min(one.num_trials for one in votes) // 2
    cells: dict[tuple[analysis.Rule, int, int], Cell] = {}

    def add(i: int, j: int, rule: analysis.Rule) -> None:
        # a ceiling is that of a run and its copy, so that its groups and replicates are those of every pair
        other = copy.copy(votes[j]) if i == j else votes[j]
        pair = analysis.match_groups(votes[i], other, rule, group_size=size) if size else None
        agreed, every = analysis.Agreement(), None if i == j else rule.match_all(votes[i], other)
        if i != j and pair is not None:
            agreed = analysis.Agreement(reason=_NOT_FITTED)
            if not rates_alone:
                both = ((at, cells[rule, at, at].groups) for at in (i, j))
                a, b = (analysis.Measured(names[at], votes[at], own) for at, own in both if own is not None)
                agreed = analysis.agreement(a, b, pair, rule)
        cells[rule, i, j] = Cell(i, j, rule.side, rule.ties, pair, agreed, every)

    places = range(len(votes))
    pairs = [(i, j) for i in places for j in places[i + 1 :]]
    for i in places:
        for rule in rules:
            add(i, i, rule)
    for done, (i, j) in enumerate(pairs, 1):
        for rule in rules:
            add(i, j, rule)
        tell("comparing pairs of runs", done, len(pairs))
    return [cells[rule, i, j] for rule in rules for i in places for j in places[i:]]


def _reliability(
    runs: Sequence[Run], votes: list[analysis.Votes], fraction: float, seed: int
) -> Iterator[Reliability]:
    for done, (run, one) in enumerate(zip(runs, votes, strict=True)):
        tell("judging runs alone", done, len(runs))
        yield run_reliability(run, one, fraction=fraction, seed=seed)


def _resolution(votes: analysis.Votes, fraction: float) -> dict[str, Any]:
    """How far the N + 1 levels of easiness tell one run's examples apart at the epoch compared."""
    counts = votes.num_right
    return {
        "num_trials": votes.num_trials,
        "right_in_all": float((counts == votes.num_trials).mean()),
        "right_in_none": float((counts == 0).mean()),
        "tie_mass": {side: analysis.tie_mass(counts, fraction, side) for side in analysis.SIDES},
    }
