"""The result of `next` with votes: whom to ask about which items, the most useful answers first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from easiness import show
from easiness.analysis import Questions, useful_questions
from easiness.lazy import Figure, Floats, pd
from easiness.spec import command_line
from easiness.studies.labels import Consensus, consensus

if TYPE_CHECKING:
    from easiness.studies.keeping.study import NextOptions

_LOOKS = 200
_NUM_SHOWN = 20
_REMEDY = "ask a new person, or look at labels drawn by chance (easiness audit)"


@dataclass(frozen=True, eq=False)
class NextAnswers(show.Result):
    """Whom to ask about which items of ``labels``: ``questions``, at most ``looks`` of them."""

    labels: Consensus = field(repr=False)
    questions: Questions = field(repr=False)
    looks: int
    listing = "questions"

    def table(self) -> pd.DataFrame:
        """A row for each question, the most useful first.

        ``id``, how often to ask, ``more`` (once), ``by`` whom, the ``gain`` in the probability of the
        likeliest label that is expected, this label's ``class`` and probability ``p_label`` now, ``votes``.
        """
        item, by, gain = self.questions
        rows = self.labels.csv_rows().loc[item].reset_index(drop=True)
        rows = rows.assign(more=1, by=np.array(self.labels.votes.people, object)[by], gain=gain)
        return rows[["id", "more", "by", "gain", "class", "p_label", "votes"]]

    @property
    def headline(self) -> str:
        item, by, gain = self.questions
        if not len(item):
            return (
                f"No further answer of these people is expected to put a label right: {self._why}; {_REMEDY}"
            )
        text, items = show.quantity(len(item), "question"), show.quantity(len(np.unique(item)), "item")
        people = len(np.unique(by))
        who = f"{people:,} {'person' if people == 1 else 'people'}"
        what = f"about {gain.sum():,.1f} more labels of {len(self.labels.label):,} are expected to be right"
        return f"{text} to {who} on {items}: {what}"

    @property
    def _why(self) -> str:
        votes = self.labels.votes
        if len(votes.votes.drop_duplicates(["item", "by"])) == len(votes.ids) * len(votes.people):
            return "each has answered every item"
        return "every label is sure by what is known of them"

    @property
    def notices(self) -> Sequence[str]:
        texts, num = [*self.labels.notices], len(self.questions.item)
        if 0 < num < self.looks:
            texts.append(f"{self.looks - num:,} more questions to these people would gain nothing; {_REMEDY}")
        if num and self.labels.posterior.doubt:
            texts.append(
                f"how many labels these answers put right is uncertain: {self.labels.posterior.doubt}"
            )
        return texts

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        file = next((one for one in outputs if one.suffix == ".csv"), None)
        if file is None or not len(self.questions.item):
            return []
        again = command_line("labels", *self.labels.words, "-o", "consensus.csv")
        return [f"ask as {file} says, add the answers to the votes (item, by, label), then {again}"]

    def figure(self) -> Figure:
        """How many more labels are expected to be right after so many questions."""
        gain = np.append(0, self.questions.gain.cumsum())
        curve = show.Curve(np.arange(len(gain)), gain, color=show.TRAIN, marker="")
        return show.curves({"": [curve]}, (5.2, 2.7), x="questions", y="labels put right, expected")

    def frames(self) -> list[show.Frame]:
        table = self.table()
        people = table.groupby("by", sort=False).agg(questions=("more", "sum"), gain=("gain", "sum"))
        people = people.sort_values("gain", ascending=False, kind="stable").reset_index()
        of = self.labels.people().set_index("by").loc[people["by"], ["accuracy", "low", "high"]]
        people = people.join(of.reset_index(drop=True))
        columns = {
            "by": show.names(),
            "questions": show.counts(),
            "gain": show.numbers(1, "Labels more that are expected to be right."),
            "accuracy": show.shares(low="low", high="high"),
        }
        who = show.Frame("Whom to ask", f"{self.headline}.", people[:_NUM_SHOWN], columns)
        columns = {
            "id": show.names(),
            "by": show.names(),
            "gain": show.numbers(3, "In the probability of the likeliest label, expected."),
            "class": show.names("The likeliest now."),
            "p_label": show.probabilities(),
            "votes": show.counts(),
        }
        note = f"The most useful of {len(table):,}."
        return [who, show.Frame("What to ask", note, table[:_NUM_SHOWN], columns)] if len(table) else [who]


def next_answers(options: NextOptions) -> NextAnswers:
    """Whom of the people of votes to ask about which items of a run, or else of those that votes name."""
    of = consensus(options.run, options.annotations, decided=options.decided)
    rows, looks = of.votes.votes, _LOOKS if options.looks is None else options.looks
    shares = rows["share"].where(rows["label"] >= 0, 0.0)
    num_votes: Floats = np.bincount(rows["item"], shares, len(of.votes.ids)).astype(np.float64)
    item, by = (rows[name].to_numpy() for name in ("item", "by"))
    questions = useful_questions(of.posterior, item, by, num_votes, looks)
    return NextAnswers(of, questions, looks)
