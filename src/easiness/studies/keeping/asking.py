"""The result of `next` with votes: whom to ask about which items, the most useful answers first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from easiness import show
from easiness.analysis import useful_questions
from easiness.lazy import Figure, pd
from easiness.spec import command_line
from easiness.studies.labels import Consensus, consensus

if TYPE_CHECKING:
    from easiness.studies.keeping.study import NextOptions

_LOOKS, _NUM_SHOWN = 200, 20
_REMEDY = "ask a new person, or look at labels drawn by chance (easiness audit)"


@dataclass(frozen=True, eq=False)
class NextAnswers(show.Result):
    """The ``questions`` to ask people beside their votes for ``labels``, at most so many ``looks``."""

    labels: Consensus = field(repr=False)
    looks: int
    questions: pd.DataFrame = field(repr=False)
    listing = "questions"

    def table(self) -> pd.DataFrame:
        """A row for each question, the most useful first.

        ``id``, how often to ask, ``more`` (once), ``by`` whom, the ``gain`` in the probability of the
        likeliest label that is expected, this label's ``class`` and probability ``p_label`` now, ``votes``.
        """
        return self.questions

    @property
    def headline(self) -> str:
        num, gain = len(self.questions), self.questions["gain"].sum()
        if not num:
            return f"No further answer of these people is expected to put a label right; {_REMEDY}"
        items, people = self.questions[["id", "by"]].nunique()
        who = f"{people:,} {'person' if people == 1 else 'people'} on {show.quantity(items, 'item')}"
        return f"{show.quantity(num, 'question')} to {who}: expected to put {gain:,.1f} labels right"

    @property
    def notices(self) -> Sequence[str]:
        texts, num, doubt = [*self.labels.notices], len(self.questions), self.labels.posterior.doubt
        if 0 < num < self.looks:
            texts.append(f"{self.looks - num:,} more questions to these people would gain nothing; {_REMEDY}")
        return (
            [*texts, f"how many labels answers put right is uncertain: {doubt}"] if num and doubt else texts
        )

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        again = command_line("labels", *self.labels.words, "-o", "consensus.csv")
        files = [one for one in outputs if one.suffix == ".csv" and len(self.questions)]
        return [f"ask as {one} says, add the answers to the votes, then {again}" for one in files]

    def figure(self) -> Figure:
        """How many labels are expected to be put right by so many questions."""
        gain = np.append(0, self.questions["gain"].cumsum())
        curve = show.Curve(np.arange(len(gain)), gain, color=show.TRAIN, marker="")
        return show.curves({"": [curve]}, (5.2, 2.7), x="questions", y="labels put right, expected")

    def frames(self) -> list[show.Frame]:
        columns = {name: show.names() for name in ("id", "by", "class")}
        columns |= {"gain": show.numbers(3), "p_label": show.probabilities(), "votes": show.counts()}
        note = f"{self.headline}. Gain is how much likelier the likeliest class is expected to be."
        return [show.Frame("Whom to ask about what", note, self.questions[:_NUM_SHOWN], columns)]


def next_answers(options: NextOptions) -> NextAnswers:
    """Whom of the people of votes to ask about which items of a run, or else of those that votes name."""
    of = consensus(options.run, options.annotations)
    rows, looks = of.csv_rows(), _LOOKS if options.looks is None else options.looks
    item, by = (of.votes.votes[name].to_numpy() for name in ("item", "by"))
    item, by, gain = useful_questions(of.posterior, item, by, rows["votes"].to_numpy(np.float64), looks)
    people = np.array(of.votes.people, object)[by]
    rows = rows.loc[item].reset_index(drop=True).assign(more=1, by=people, gain=gain)
    return NextAnswers(of, looks, rows[["id", "more", "by", "gain", "class", "p_label", "votes"]])
