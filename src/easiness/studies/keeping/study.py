"""``keep``: which examples of a run to keep or to train on first; ``next``: which others to label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from easiness.engine import (
    At,
    Data,
    Later,
    OneRun,
    Seed,
    Study,
    changed_options,
    heading,
    option_flag,
    refuse_options,
)
from easiness.errors import BadInput
from easiness.show import SUFFIXES
from easiness.spec import Keep, read_band, read_numbers, setting
from easiness.store import Run
from easiness.studies.keeping.labelling import NextAnswers, NextLabels, next_answers
from easiness.studies.keeping.pruning import Pruning, prune
from easiness.studies.keeping.ranks import Curriculum, pace
from easiness.studies.keeping.worth import FEWEST_SEEDS, Worth


def _read_sizes(text: str) -> tuple[int, ...]:
    numbers = read_numbers("--sizes", text, "500,2000")
    if any(number % 1 for number in numbers):  # what is left of one that is not finite is not a number
        raise BadInput(f"--sizes {text!r}: give whole numbers with commas between them, such as 500,2000")
    return tuple(map(int, numbers))


@dataclass(frozen=True)
class KeepOptions:
    """Options of `keep`."""

    run: OneRun
    drop: float | None = setting("--drop", "Drop this share of the examples, such as 0.3.", within="[0, 1)")
    policy: str | None = setting(
        "--policy",
        "Drop mainly: easy, hard, random or beta:A,B. Drop exactly: worst (the hardest, or by a score of "
        "labels the least sound) or best. Keep by ccs[:CUT] (as many from each range of the score, the "
        "hardest cut away) or dual[:C_D] (Beta sampling by score and confidence).",
    )
    ids: Any = setting(
        "--ids",
        "Drop exactly these examples: a text file with an id a line, or FILE.csv with a column id.",
        metavar="FILE",
        typed=Path | None,
    )
    keep: Keep | None = setting(
        "--keep", "The end of the score to keep; the policy, if any, is then on ranks from there."
    )
    balanced: bool = setting("--balanced", "Drop the same share of each class.", default=False)
    steps: int | None = setting(
        "--steps", "Pace a training of so many steps; in Python the result is a batch sampler."
    )
    batch_size: int | None = setting("--batch-size", "Examples of a step; 128, or all of fewer.")
    start: float = setting(
        "--start", "Share of the examples that the first step is on.", within="(0, 1]", default=0.2
    )
    whole_after: float = setting(
        "--whole-after",
        "Share of the steps after which all examples have their turn.",
        within="(0, 1]",
        default=0.5,
    )
    score: str | None = setting("--score", "Score to rank by: difficulty to drop some, easiness to pace.")
    at: At = None
    sizes: Sequence[int] | None = setting(
        "--sizes",
        "How many labelled examples to try; a twentieth, a fifth, a half and all by default.",
        metavar="N,N,..",
        read=_read_sizes,
    )
    keep_shares: Sequence[float] = setting(
        "--keep-shares",
        "Shares of them to keep in these trials.",
        metavar="S,S,..",
        read=partial(read_numbers, "--keep-shares", example="0.2,0.4,0.8"),
        default=(0.1, 0.2, 0.4, 0.6, 0.8),
    )
    seeds: int = setting("--seeds", "Draws of each size, at least five.", least=FEWEST_SEEDS, default=5)
    margin: float = setting(
        "--margin",
        "Loss of accuracy that you accept, in 0..1. Decide before you look.",
        within="(0, 1)",
        default=0.01,
    )
    details: bool = setting("--details", "Show the whole grid.", python=False, default=False)
    between: tuple[float, float] | None = setting(
        "--between",
        "Of outcomes: keep the items whose true rate probably lies between two numbers, such as 0.2,0.8.",
        metavar="LOW,HIGH",
        read=read_band,
    )
    data: Data = None
    seed: Seed = 0


_PRUNES, _PACES, _TRIES = "drops some", "paces a training", "tries what is worth keeping"
_BAND = "keeps items by their rate"
_OF_CLASSES = {_PACES: "keep --steps", _TRIES: "keep without --drop"}
_OPTIONS = {
    _PRUNES: ("drop", "policy", "ids", "keep", "balanced"),
    _PACES: ("steps", "batch_size", "start", "whole_after"),
    _TRIES: ("sizes", "keep_shares", "seeds", "margin", "details", "data"),
    _BAND: ("between",),
}
"""Options by what is done with them; the others are for two of these, or for all."""


def _task(values: Mapping[str, Any]) -> str:
    changes = changed_options(KeepOptions, values)
    of_tasks = {task: [name for name in changes if name in own] for task, own in _OPTIONS.items()}
    tasks = [(task, option_flag(own[0])) for task, own in of_tasks.items() if own]
    if len(tasks) > 1:
        (one, flag), (other, second), *_ = tasks
        raise BadInput(f"{flag} and {second}: one {one}, the other {other}; leave one of them out")
    [(task, flag)] = tasks or [(_TRIES, "")]
    if task == _PACES and "steps" not in changes:
        raise BadInput(f"{flag}: {_PACES}; say of how many steps (--steps)")
    if task in (_TRIES, _BAND) and (
        ranks := [option_flag(name) for name in changes if name in ("score", "at")]
    ):
        raise BadInput(f"{ranks[0]}: ranks what is dropped or paced; give --drop or --steps, too")
    return task


def keep(options: KeepOptions) -> Worth | Pruning | Curriculum:
    """Find what is worth keeping, or which examples to keep, or those of each step of a training."""
    task = _task(vars(options))
    if task == _BAND:
        raise BadInput("--between: is of outcomes (`easiness record`); leave it out")
    if task == _PACES:
        return pace(options)
    if task == _PRUNES:
        return prune(options)
    from easiness.studies.keeping.grid import advise  # which loads torch

    return advise(options)


KEEP = Study(
    *heading("keep"),
    KeepOptions,
    keep,
    about=(
        "With --drop (or --ids) it writes the examples to keep, FILE.txt their ids alone. With --steps it "
        "says which to train on at each step. Of outcomes (`easiness record`) it keeps the items whose true "
        "rate lies --between two numbers.\n\n"
        "Else it says what is worth keeping of a run on features: at several sizes it fits heads to the "
        "easiest, the hardest and random examples, with and without suspects, and tests them on the held-out "
        "split, or on a fifth; minutes on one core. -o FILE.csv has labels for --labels and `verify`."
    ),
    suffixes=lambda values: (*([".txt"] if _task(values) in (_PRUNES, _BAND) else []), *SUFFIXES),
    trusts=True,
    not_of_tags=lambda options: _OF_CLASSES.get(_task(vars(options)), ""),
    outcomes=Later("easiness.studies.outcomes:keep_between"),
)


@dataclass(frozen=True)
class NextOptions:
    """Options of `next`."""

    run: Run | None = setting("", "Folder of a run.", argument=True, opens=True)
    pool: Any = setting(
        "--pool",
        "Examples without labels: a folder, a table without labels, an .npz file with x, an .npy file of "
        "vectors where the run has vectors of your own, or in Python an array. Labels there are not "
        "looked at.",
        metavar="SOURCE",
        typed=str | None,
    )
    rollouts: int | None = setting(
        "--rollouts", "Of outcomes: how many further rollouts to allot to items.", least=1
    )
    between: tuple[float, float] | None = setting(
        "--between",
        "Allot rollouts to tell which true rates lie between two numbers, such as 0.2,0.8. By default, to "
        "know the rates themselves.",
        metavar="LOW,HIGH",
        read=read_band,
    )
    hard: bool = setting("--hard", "Allot rollouts to tell which items are the hardest tenth.", default=False)
    annotations: Any = setting(
        "--annotations",
        "Votes of people or models, as for `labels`. It says whom of them to ask about what.",
        metavar="FILE",
        typed=Path | None,
    )
    looks: int | None = setting(
        "--looks", "With --annotations: how many answers to ask for; 200 by default.", least=1
    )
    picks: int = setting("--picks", "How many to pick, by each rule.", default=100)
    seeds: int = setting("--seeds", "Draws of a replay, at least five.", least=FEWEST_SEEDS, default=20)
    data: Data = None
    seed: Seed = 0


def label_next(options: NextOptions) -> NextLabels | NextAnswers:
    """Which examples of a pool to label next, and how far that beats random ones; or whom to ask again."""
    if options.annotations is not None:
        own = ("run", "annotations", "looks")
        refuse_options(options, "does not go with --annotations; leave one of them out", but=own)
        return next_answers(options)
    refuse_options(options, "goes with --annotations; leave it out", among=("looks",))
    if options.run is None:
        raise BadInput("run: is missing; give the folder of a run, or votes by --annotations FILE")
    of_outcomes = "is of outcomes (`easiness record`); give --pool SOURCE alone"
    refuse_options(options, of_outcomes, among=("rollouts", "between", "hard"))
    if options.pool is None:
        raise BadInput("--pool: is missing; name the examples without labels")
    from easiness.studies.keeping.replay import pick_next  # which loads torch

    return pick_next(options.run, options)


NEXT = Study(
    *heading("next"),
    NextOptions,
    label_next,
    about=(
        "Of outcomes (`easiness record`): how many of so many --rollouts each item is to have. Of votes "
        "(--annotations): which of the people to ask about which items, the most useful answers first.\n\n"
        "--pool needs a run on features. Picks are what is rare and uncertain (together they cover most of "
        "what is uncertain and has no label near by), what has the smallest margin, and random ones. Replays "
        "on the run's own examples say which to follow, tested on the held-out split, or on a fifth that is "
        "set aside. A rule is recommended only where its gain over random is shown with an interval, where "
        "most are labelled: half of those that there are."
    ),
    trusts=True,
    outcomes=Later("easiness.studies.outcomes:next_rollouts"),
    not_of_tags=lambda _: "next",
)
