"""Comparing runs over the same data: the matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from easiness import analysis
from easiness.analysis import Match, Side, Ties
from easiness.engine import SEVERAL_RUNS, At, Fraction, Later, Policies, Study, heading
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.spec import Option, setting
from easiness.store import Run, check_opened
from easiness.studies.matching.comparison import Cell, Comparison
from easiness.studies.matching.reliability import run_reliability

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
class CompareOptions:
    """Options of `compare`."""

    runs: Annotated[
        tuple[Run, ...],
        Option("", "Runs over the same data; one alone gives its noise ceiling.", **SEVERAL_RUNS),
    ]
    at: At = None
    fraction: Fraction = 0.1
    ties: Policies = ("expected", "refine")
    details: bool = setting(
        "--details", "Show every table: ceilings, ties, reliability, drift.", python=False, default=False
    )
    seed: int = setting("", "Seed of the choices of groups and of the bootstrap.", default=0)


def compare(options: CompareOptions, *, rates_alone: bool = False) -> Comparison:
    """Match every run with every other and with itself, easy and hard, under each policy for ties.

    With ``rates_alone`` it leaves out the agreement of pairs and the reliability of runs, which take longest.
    """
    runs, fraction, policies = options.runs, options.fraction, tuple(options.ties)
    trials = [(run.path.resolve(), [trial.index for trial in run.trials]) for run in runs]
    for at, run in enumerate(runs):
        if trials[at] in trials[:at]:
            raise BadInput(
                f"{run.path}: given twice, and a run agrees with itself; give it once, which says how far "
                "groups of its own trials agree"
            )
    check_comparable(runs)
    rows = rows_of(runs, options.at)
    votes = [run.votes(row, analysis.MOST_COMPARED) for run, row in zip(runs, rows, strict=True)]
    share_drawn = votes[0].num_examples / len(runs[0].ids)
    sides = analysis.SIDES
    rules = [
        analysis.Rule(side, fraction, policy, options.seed, share_drawn)
        for policy in dict.fromkeys(policies)
        for side in sides
    ]
    cells, reliability = _cells(votes, run_names(runs), rules, rates_alone), []
    for count, (run, one) in enumerate(zip(runs, votes, strict=True)):
        if not rates_alone:
            tell("judging runs alone", count, len(runs))
            reliability.append(run_reliability(run, one, fraction=fraction, seed=options.seed))
    return Comparison(
        names=run_names(runs),
        rows=tuple(run.row(row) for run, row in zip(runs, rows, strict=True)),
        fraction=fraction,
        num_examples=votes[0].num_examples,
        ties=policies,
        cells=cells,
        resolution=[
            {
                "num_trials": one.num_trials,
                "right_in_all": float((one.num_right == one.num_trials).mean()),
                "right_in_none": float((one.num_right == 0).mean()),
                "tie_mass": {side: analysis.tie_mass(one.num_right, fraction, side) for side in sides},
            }
            for one in votes
        ],
        reliability=reliability,
        note=_note(runs, rows, votes[0].num_examples),
        details=options.details,
    )


COMPARE = Study(
    *heading("compare"),
    CompareOptions,
    compare,
    about="With the rates of chance, and the ceilings that the noise of each run sets. Of outcomes also "
    "which items one model has and another has not.",
    outcomes=Later("easiness.studies.outcomes:compare_outcomes"),
)


def check_comparable(runs: Sequence[Run]) -> None:
    """Make sure that all runs are over the same data."""
    first = runs[0]
    first.check_course("matching of runs")
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

    Trainings are read after an epoch, else the last that all have; runs on features at a share, else the
    largest.
    """
    trainings, of_trainings = [run for run in runs if not run.shares], at is None or at >= 1
    if not trainings if of_trainings else len(trainings) == len(runs):
        return [run.resolve_at(at) for run in runs]  # where none has such a row, it says so
    after = common_epoch(trainings, at if of_trainings else None) if trainings else 0
    return [run.resolve_at(None if of_trainings else at) if run.shares else after for run in runs]


def _note(runs: Sequence[Run], rows: Sequence[int], num: int) -> str | None:
    notes = []
    if augmented := [str(run.path) for run in runs if run.augmented]:
        notes = [f"observations of {', '.join(augmented)} are augmented (made during training, not clean)"]
        if len(augmented) < len(runs):
            notes[0] += ", those of the others clean; part of what differs is how they were observed"
    ends = ((run, run.unfinished(row)) for run, row in zip(runs, rows, strict=True))
    notes += [f"{run.path}: {text}" for run, text in ends if text]
    if num < len(runs[0].ids):
        notes.append(
            f"on {num:,} examples drawn at random of {len(runs[0].ids):,}, for which intervals allow"
        )
    return "; ".join(notes) or None


def run_names(runs: Sequence[Run]) -> list[str]:
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
        agreement, every = analysis.Agreement(), None if i == j else rule.match_all(votes[i], other)
        if i != j and pair is not None:
            agreement = analysis.Agreement(reason=_NOT_FITTED)
            if not rates_alone:
                both = ((at, cells[rule, at, at].groups) for at in (i, j))
                a, b = (analysis.RunInPair(names[at], votes[at], own) for at, own in both if own is not None)
                agreement = analysis.agreement(a, b, pair, rule)
        cells[rule, i, j] = Cell(i, j, rule.side, rule.ties, pair, agreement, every)

    places = range(len(votes))
    pairs = [(i, j) for i in places for j in places[i + 1 :]]
    for i in places:
        for rule in rules:
            add(i, i, rule)
    for count, (i, j) in enumerate(pairs, 1):
        for rule in rules:
            add(i, j, rule)
        tell("comparing pairs of runs", count, len(pairs))
    return [cells[rule, i, j] for rule in rules for i in places for j in places[i:]]
