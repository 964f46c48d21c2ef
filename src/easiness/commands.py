"""The front door: every command, in the order and the groups of the help, and where it lives.

This is all that the help and ``import easiness`` load; a command itself is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

Group: TypeAlias = Literal["Measure", "Look", "Mend", "Choose", "Share", "Paper"]
"""Purpose of a command: ``easiness --help`` lists commands under these, in this order."""

ENTRY_POINTS = "easiness.studies"
"""The entry points by which other packages add studies: the name of the command, and the `Study`."""


class CommandEntry(NamedTuple):
    """A command by its name and group, with the first line of its help; ``home`` is its `Study` or `Verb`."""

    name: str
    group: Group
    home: str
    summary: str


def _entries(group: Group, *commands: tuple[str, str, str]) -> Iterator[CommandEntry]:
    return (CommandEntry(name, group, home, summary) for name, home, summary in commands)


COMMANDS: tuple[CommandEntry, ...] = (
    *_entries(
        "Measure",
        ("measure", "cli.measure:MEASURE", "Train a network several times and record what it gets right."),
        (
            "record",
            "studies.outcomes:RECORD",
            "Take in outcomes of items, or probabilities, from elsewhere.",
        ),
        ("status", "cli.status:STATUS", "Show which trials of a run are done, missing and in training."),
    ),
    *_entries(
        "Look",
        ("report", "cli.export:REPORT", "Write a page that shows what was measured."),
        ("scores", "studies.scores:SCORES", "Write every score of every example, with standard errors."),
        ("compare", "studies.matching:COMPARE", "Say how far runs agree on the easy and hard examples."),
        ("diff", "studies.versions:DIFF", "Say which examples changed between two versions of the data."),
        ("explain", "studies.explain:EXPLAIN", "Say what hardness goes along with."),
    ),
    *_entries(
        "Mend",
        (
            "suspects",
            "studies.suspects:SUSPECTS",
            "Say which labels are likely wrong, most suspicious first.",
        ),
        ("labels", "studies.labels:LABELS", "Write a file of labels: by rule, or as people say."),
        ("audit", "studies.audit:AUDIT", "Say how many labels are wrong, from a look at a few."),
        (
            "verify",
            "studies.verification:VERIFY",
            "Train on the labels before and after; say what was gained.",
        ),
    ),
    *_entries(
        "Choose",
        ("keep", "studies.keeping:KEEP", "Say which examples to keep, or to train on first."),
        ("next", "studies.keeping:NEXT", "Say which examples to label next, or which items to ask again."),
    ),
    *_entries(
        "Share",
        ("export", "cli.export:EXPORT", "Write scores, suspects and the examples for another tool."),
        ("card", "cli.export:CARD", "Publish scores, or find published ones for a copy of the data."),
    ),
)
"""The commands of the front door, in the order of the help."""

PAPER: tuple[CommandEntry, ...] = (
    *_entries(
        "Paper",
        ("paper all", "paper.options:ALL", "Reproduce the paper's tables, figures and claims."),
        ("paper perturb", "paper.options:PERTURB", "Show perturbed examples to the networks of a run."),
        ("paper ablate", "paper.options:ABLATE", "Train without some examples, and test."),
        ("paper corrupt", "paper.options:CORRUPT", "Train with random labels for some examples, and test."),
        (
            "paper validate",
            "paper.options:VALIDATE",
            "Check easiness by networks that never saw the examples.",
        ),
        ("paper hypothesis", "paper.options:HYPOTHESIS", "Test the paper's hypothesis on planted patterns."),
    ),
)
"""The paper's own experiments, which are commands below ``paper`` and functions of `easiness.paper`."""

OLD_NAMES = {
    "clean": "labels",
    "decisions": "labels",
    "worth": "keep",
    "prune": "keep",
    "curriculum": "keep",
    "to_label": "next",
    "patterns": "explain",
    "write_report": "report",
    "combined_scores": "scores",
    "perturb": "paper perturb",
    "ablate": "paper ablate",
    "corrupt": "paper corrupt",
    "validate": "paper validate",
    "hypothesis": "paper hypothesis",
    "perturbation_curve": "paper perturb",
    "pseudo_patterns": "paper perturb",
}
"""The commands and functions of before, and those that do now what they did."""

OLD_HOMES = {
    "TrialFailed": "errors.TrialFailed",
    "apply_card": "card",
    "learning_curve": "studies.learning.learning_curve",
    "similarity": "studies.similarity.similarity",
}
"""Names that only Python had, and where what they named is now."""

OLD_ARGUMENTS = {
    "epoch": "is at= now: the number of the epoch",
    "share": "is at= now: the share",
    "scores_run": "is scores= now",
    "source": "is data= now",
    "compiling": "is compile= now",
    "old_source": "is old_data= now",
    "new_source": "is new_data= now",
    "num_steps": "is steps= now",
    "batch_size": "is the recipe's now: recipe={'batch_size': ...}",
    "image_size": "is the recipe's now: recipe={'image_size': ...}",
    "pretrained": "is the recipe's now: recipe={'pretrained': True}",
    "reliability": "goes with trials now: trials={'reliability': ...}",
    "max_trials": "goes with trials now: trials={'max_trials': ...}",
    **dict.fromkeys(
        (
            *("limit", "skip_unreadable", "data_root", "download", "allow_outside", "holdout", "columns"),
            *("text", "sound", "inputs", "without", "label", "id", "encoding", "rate", "group", "tags"),
        ),
        "is what load_dataset takes: load the data first",
    ),
}
"""Arguments of before, and what says the same now."""

OLD_OPTIONS = {
    "--epoch": "--at EPOCH",
    "--share": "--at SHARE",
    "--source": "--data",
    "--old-source": "--old-data",
    "--new-source": "--new-data",
    "--page": "-o FILE.html",
    "--num-steps": "--steps",
    "--keep": "--keep-shares",
    "--pool": "`easiness next RUN --pool`",
}
"""Options of before, and those of now."""
