"""How many labels are wrong and how many are left, from what was seen of those drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from easiness import show
from easiness.studies.audit.drawing import CONFIDENCE
from easiness.studies.audit.estimates import Estimate, Estimates
from easiness.studies.audit.reading import Answers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Audited(show.Result):
    """What an audit says of the labels of a split, by the ``estimates`` from its answers."""

    estimates: Estimates = field(repr=False)

    @property
    def num_examples(self) -> int:
        """How many labels the split has."""
        return self.estimates.num_examples

    @property
    def wrong(self) -> float | None:
        """How many of them are estimated to be wrong; ``None`` where nobody was sure of any."""
        return self.estimates.whole.wrong

    @property
    def low(self) -> int:
        """With `high` an interval that holds the number of wrong labels with 95 % confidence."""
        return self.estimates.low

    @property
    def high(self) -> int:
        """See `low`."""
        return self.estimates.high

    @property
    def at_most(self) -> int:
        """No more labels are wrong, with 95 % confidence: a bound from one side."""
        return self.estimates.at_most

    @property
    def left_at_most(self) -> int:
        """No more are left wrong when those seen are mended, with 95 % confidence."""
        return self.estimates.left_at_most

    def first(self, num: int) -> tuple[Estimate, Estimate] | None:
        """How many labels are wrong among the first ``num`` suspects, and among the others.

        ``None`` where the list of suspects is another than that of which the examples were drawn.
        """
        return self.estimates.first(num)

    @property
    def _answers(self) -> Answers:
        return self.estimates.answers

    def table(self) -> pd.DataFrame:
        """A row for all labels, for each stratum, and for the first suspects and all others at a few cuts.

        ``part``, ``examples``, ``looked_at``, ``wrong_seen``, ``wrong`` (empty where nothing sure was seen),
        ``low``, ``high``.
        """
        import pandas as pd

        columns = {"num": "examples"}
        return pd.DataFrame([vars(part) for part in self.estimates.parts()]).rename(columns=columns)

    def document(self) -> dict[str, Any]:
        """The value of the JSON file."""
        design, more = self._answers.design, self.estimates.more_looks
        return {
            "split": self._answers.split,
            "num_examples": self.num_examples,
            "wrong": self.wrong,
            "low": self.low,
            "high": self.high,
            "confidence": CONFIDENCE,
            "at_most": self.at_most,
            "looked_at": self.estimates.looked_at,
            "wrong_seen": self.estimates.wrong_seen,
            "unsure": self.estimates.unsure,
            "known": len(self._answers.known_at),
            "known_wrong": self.estimates.known_wrong,
            "left": {"wrong": self.estimates.left, "at_most": self.left_at_most},
            "drawn": design.looks,
            "seed": design.seed,
            "sequential": design.at_most is not None,
            "asked_at_most": design.at_most,
            "enough": self.estimates.enough,
            "more_looks": None if design.at_most is None else more,
            "parts": [show.defined(row) for row in self.table().to_dict("records")],
        }

    def figure(self) -> Figure:
        """The share of wrong labels in each part, with its interval."""
        parts = [part for part in self.estimates.parts() if part.num]
        figure, axes = show.new_axes(5.2, 1.0 + 0.28 * len(parts))
        for row, part in enumerate(parts):
            color = show.HARD if row == 0 else show.TRAIN
            if part.low is not None and part.high is not None:
                axes.hlines(
                    row, 100 * part.low / part.num, 100 * part.high / part.num, color=color, linewidth=3
                )
            if part.wrong is not None:
                axes.plot(100 * part.wrong / part.num, row, "o", color=show.INK, markersize=4)
        axes.set_yticks(range(len(parts)), [part.part for part in parts])
        axes.invert_yaxis()
        axes.set(xlabel="labels that are wrong (%), with 95 % confidence")
        axes.set_xlim(left=0)
        return figure

    def sections(self) -> list[show.Section]:
        """The answer in words, above its parts."""
        rows = [["part", "labels", "looked at", "wrong seen", "wrong", "low", "high"]]
        for part in self.estimates.parts():
            bounds = ["" if one is None else show.count(one) for one in (part.low, part.high)]
            counts = [show.count(one) for one in (part.num, part.looked_at, part.wrong_seen)]
            middle = "–" if part.wrong is None else show.count(round(part.wrong))
            rows.append([part.part, *counts, middle, *bounds])
        return [show.Section("How many labels are wrong", self._note(), rows, tuple(self._notices()))]

    def summary(self) -> str:
        """The numbers to publish, in a sentence or two."""
        of = "labels" if self._answers.split == "train" else "held-out labels"
        about = "nobody can say how many are wrong"
        if self.wrong is not None:
            share, verb = (
                show.percent(self.wrong / self.num_examples),
                "is" if round(self.wrong) == 1 else "are",
            )
            about = f"about {show.count(round(self.wrong))} ({share}) {verb} wrong"
        said = (
            f"Of {show.count(self.num_examples)} {of} {about}: "
            f"{show.count(self.low)} to {show.count(self.high)} with 95 % confidence, and at most "
            f"{show.count(self.at_most)} ({show.percent(self.at_most / self.num_examples)}) from one side."
        )
        if self.estimates.corrected:
            left = show.percent(self.left_at_most / self.num_examples)
            said += (
                f" After your {show.counted(self.estimates.corrected, 'correction')} at most "
                f"{show.count(self.left_at_most)} ({left}) are left (95 %)."
            )
        return said

    def _note(self) -> str:
        found, num_known = self.estimates, len(self._answers.known_at)
        by = (
            f" From {show.counted(found.looked_at, 'look')} at labels drawn by chance, "
            f"{show.count(found.wrong_seen)} of them wrong"
        )
        if num_known:
            by += f", and {show.count(num_known)} known before, {show.count(found.known_wrong)} of them wrong"
        return f"{self.summary()}{by}. It holds whatever p_wrong is worth."

    def _notices(self) -> list[str]:
        found, seen, said = self.estimates, self._answers, []
        if found.enough is not None:
            said.append(self._whether_to_go_on())
        elif seen.undecided:
            said.append(
                f"{show.count(found.looked_at)} of the {show.count(seen.design.looks)} drawn were looked at, "
                "the first ones. The interval is wider, and right unless what was seen made you stop."
            )
        if seen.behind:
            said.append(
                f"{show.counted(seen.behind, 'answer')} behind the first undecided row ({seen.undecided}) "
                "do not count; decide that one, with unsure where you cannot tell."
            )
        if found.unsure:
            said.append(
                f"Of {show.count(found.unsure)} nobody is sure: the low number counts them right, the high "
                "ones wrong."
            )
        if found.rank is None:
            said.append(
                "The list of suspects is another than when the examples were drawn, so there is nothing on "
                "its first ones."
            )
        return said

    def _whether_to_go_on(self) -> str:
        target = show.chosen_percent(self._answers.design.at_most or 0)
        holds = "The bounds hold at every look."
        if self.estimates.enough:
            return f"At most {target} are left: you can stop. {holds}"
        more, rows = self.estimates.more_looks, self._answers.design.looks - self.estimates.looked_at
        if more is None or more > self.num_examples:
            return (
                f"More than {target} may be left, and what was seen makes it likely that more are: mend the "
                f"suspects first, and draw anew with what you decided (--known). {holds}"
            )
        go_on = (
            f"about {show.counted(more, 'more look')} are likely needed, and {show.count(rows)} rows are left"
        )
        if more > rows:
            go_on += "; after those, draw anew with what you decided (--known)"
        return f"More than {target} may be left, go on: {go_on}. {holds}"
