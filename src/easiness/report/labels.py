"""Which labels of a run the page shows to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from easiness.report.facts import epoch_option
from easiness.report.pictures import Named
from easiness.runs import has_held_out
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.suspects import ABOVE, suspects

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ShownLabel:
    """A suspect with what its caption says; ``share`` of the predictions name the ``suggested`` class.

    ``named`` is its split and id; ``kind`` is empty where nothing tells why it is hard.
    """

    named: Named
    given: str
    suggested: str
    p_wrong: float
    share: float
    kind: str
    reason: str


@dataclass(frozen=True)
class SuspectLabels:
    """The first of the ``num`` labels of a split that are wrong with a probability of `ABOVE` or more.

    ``summary`` says how many are likely wrong of its ``num_examples``, and ``doubt``, where the networks know
    too little, why not to believe that; ``command`` writes them all.
    ``ranked`` has a row for each example of the split, as `suspects` ranks them.
    """

    split: Split
    num_examples: int
    num: int
    summary: str
    doubt: str
    shown: list[ShownLabel]
    command: str
    ranked: pd.DataFrame = field(repr=False)

    @property
    def named(self) -> Iterator[Named]:
        """The pictures of those shown."""
        return (one.named for one in self.shown)


def suspect_labels(run: Run, epoch: int, most: int, most_held_out: int) -> list[SuspectLabels]:
    """The suspects among the examples of a run, and among those held out where they were observed.

    Empty where labels cannot be judged: with one trial, or one class.

    Args:
        run: whose trials judge.
        epoch: judge as after so many epochs.
        most: suspects to show.
        most_held_out: suspects to show of the held-out split.
    """
    if len(run.trials) < 2 or len(run.classes) < 2:
        return []
    parts = [_of_split(run, epoch, "train", most)]
    if has_held_out(run):
        parts.append(_of_split(run, epoch, "held_out", most_held_out))
    return parts


def _of_split(run: Run, epoch: int, split: Split, most: int) -> SuspectLabels:
    found = suspects(run, split=split, epoch=epoch, pictures=False)
    over = found.ranked[found.ranked["p_wrong"] >= ABOVE]
    doubt = found.doubt()
    listed = found.table() if doubt and not len(over) else over
    of_split = [] if split == "train" else ["--split", split]
    return SuspectLabels(
        split=split,
        num_examples=len(found.ranked),
        num=len(over),
        summary=found.summary(),
        doubt=doubt,
        shown=[
            ShownLabel(
                named=(split, one["id"]),
                given=one["class"],
                suggested=one["suggested_class"],
                p_wrong=one["p_wrong"],
                share=one["suggested_share"],
                kind=one["kind"],
                reason=one["reason"],
            )
            for one in listed.head(most).to_dict("records")
        ],
        command=command_line(
            "suspects", run.path, *epoch_option(run, epoch), *of_split, "-o", "suspects.csv"
        ),
        ranked=found.ranked,
    )
