"""Which version of which data a run is of, and the decisions of people on its labels."""

from __future__ import annotations

import os

from easiness.data import Decisions, Labelled, decisions_by_person, read_decisions
from easiness.spec import Split
from easiness.store import Run


def data_version(run: Run) -> str:
    """The name of the data of a run, and the version of the labels of its splits: ``photos@3fa2c0d1e5b7``."""
    return run.spec.data.version


def labelled_examples(run: Run, split: Split) -> Labelled:
    """The examples of a split of the run, with the labels that they have there."""
    ids, labels = run.examples(split)
    noun = "training example" if split == "train" else "held-out example"
    return Labelled(str(run.path), ids, labels, run.classes, noun=noun)


def decisions_on(run: Run, file: str | os.PathLike[str], split: Split = "train") -> Decisions:
    """The decisions on the labels of a run in a file that the page, `audit` or a person has written.

    It may be the JSON that Label Studio exports, with the answers of one person.
    """
    return read_decisions(file, labelled_examples(run, split), split, data_version(run))


def decisions_of_people(
    run: Run, file: str | os.PathLike[str], split: Split = "train"
) -> dict[str, Decisions]:
    """The decisions on the labels of a run in a file, by the name of who decided."""
    return decisions_by_person(file, labelled_examples(run, split), split, data_version(run))
