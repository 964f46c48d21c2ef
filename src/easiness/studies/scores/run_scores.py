"""The scores of a run as a result: their table, how far easiness spreads, and summaries to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from easiness.analysis import usual_fraction
from easiness.engine import SEVERAL_RUNS, At, HeldOutToo, Study
from easiness.errors import BadInput
from easiness.scoring import SCORES as ALL_SCORES
from easiness.show import Frame, Result, Section, counts, names, numbers
from easiness.spec import ALL, Option, Split, observe_text
from easiness.store import Run
from easiness.studies.scores.combined import CombinedScores, combined_scores
from easiness.studies.scores.run_figures import draw_levels, easiness_levels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ERROR = "_se"
_LEAVE_OUT = "measure another run with --train-share below 1, such as 0.7"


@dataclass(frozen=True, eq=False)
class RunScores(Result):
    """The ``scores`` of ``run`` after ``epoch`` epochs; ``fraction`` is that of the easy and the hard set.

    ``split`` says of which examples.
    """

    run: Run
    epoch: int
    fraction: float
    scores: pd.DataFrame = field(repr=False)
    split: Split = "train"
    listing = "scores"

    def __repr__(self) -> str:
        return f"RunScores({self.run!r}, {self.run.row_text(self.epoch)}, examples={len(self.scores)})"

    def in_full(self) -> str:
        """The run, its data and what was asked."""
        data = self.run.spec.data.train.fingerprint
        return (
            f"RunScores({self.run!r}, data={data!r}, epoch={self.epoch}, fraction={self.fraction:g}, "
            f"split={self.split!r})"
        )

    def table(self) -> pd.DataFrame:
        """A row for each example, see `Run.scores`."""
        return self.scores

    @property
    def notices(self) -> list[str]:
        """How the examples were observed, whether the training was unfinished, and which scores are empty."""
        run = self.run
        found: list[str | None] = []
        if run.spec.observe != ALL and not (self.split == "held_out" and run.augmented):  # that is seen clean
            found.append(f"observations: {observe_text(run.spec.observe)}")
        found += [self.scores.attrs.get("unfinished"), self.left_empty()]
        return [f"{run.path}: {one}" for one in found if one]

    def printed(self) -> list[Section]:
        """The table is long enough."""
        return []

    def left_empty(self) -> str | None:
        """Name the scores that are undefined since no trial left examples out, and what would fill them."""
        if self.run.shares:
            return self._empty_of_heads()
        needing = [score.name for score in ALL_SCORES if "trials without x" in score.needs]
        if self.split != "train" or not self.scores[needing].isna().all(axis=None):
            return None
        how = "record trials with trained_on=" if self.run.spec.measured is None else _LEAVE_OUT
        return f"{', '.join(needing)} are empty: they need trials that left examples out; {how}"

    def _empty_of_heads(self) -> str | None:
        """Name the scores that heads on growing shares have no value for."""
        table = self.scores
        empty = [score.name for score in ALL_SCORES if score.name in table and table[score.name].isna().all()]
        if not empty:
            return None
        return (
            f"{', '.join(empty)} are empty: they follow the course of one training, and heads on "
            "shares have none"
        )

    def figure(self) -> Figure:
        """The examples by how many trials are right, and where the two sets are cut off."""
        votes = self.run.votes(self.epoch, split=self.split)
        return draw_levels(easiness_levels(votes, len(self.run.classes), self.fraction))

    def frames(self) -> list[Frame]:
        """Summaries of each score over all examples, then easiness by class."""
        return [self._by_score(), self._by_class()]

    def _by_score(self) -> Frame:
        import pandas as pd

        scored = [str(one).removesuffix(_ERROR) for one in self.scores if str(one).endswith(_ERROR)]
        values = self.scores[scored]
        within = [(self.scores[f"{one}_high"] - self.scores[f"{one}_low"]).mean() / 2 for one in scored]
        data = pd.DataFrame(
            {
                "score": scored,
                "mean": values.mean().to_numpy(),
                "sd": values.std().to_numpy(),
                "least": values.min().to_numpy(),
                "most": values.max().to_numpy(),
                "95 % within": within,
                "undefined": values.isna().sum().to_numpy(),
            }
        )
        of = "examples" if self.split == "train" else "held-out examples"
        columns = {str(name): numbers(3) for name in data} | {"score": names(), "undefined": counts()}
        return Frame(
            f"Scores of {len(self.scores)} {of} {self.run.at(self.epoch)}",
            f"{self.run.network}, {len(self.run.trials)} trials. Over all examples that have the "
            "score. 95 % within: half the width of an example's interval, on average.",
            data,
            columns,
        )

    def _by_class(self) -> Frame:
        own = self.scores.groupby("label", sort=True)
        data = own[["easiness", "p_easy", "p_hard"]].mean()
        data.insert(0, "class", [self.run.classes[int(label)] for label in data.index])
        data.insert(1, "examples", own.size())
        data["never learned"] = own["never_learned"].sum()
        columns = {
            "class": names(),
            "examples": counts(),
            "easiness": numbers(3),
            "p_easy": numbers(3, title="p easy"),
            "p_hard": numbers(3, title="p hard"),
            "never learned": counts(),
        }
        return Frame(
            "Easiness by class",
            "Means over the examples of a class; p easy and p hard are the probabilities to be among the "
            f"truly easiest and hardest {100 * self.fraction:g} % of all examples.",
            data,
            columns,
        )


def run_scores(
    run: Run, at: float | None = None, fraction: float | None = None, split: Split = "train"
) -> RunScores:
    """Every score of every example of a split ``at`` an epoch or a share; as `Run.scores`."""
    epoch = run.resolve_at(at)
    table = run.scores(at, fraction=fraction, split=split)
    asked = usual_fraction(len(table)) if fraction is None else fraction
    return RunScores(run, epoch, asked, table, split)


@dataclass(frozen=True)
class Scored:
    """Options of `scores`."""

    run: Annotated[
        tuple[Run, ...],
        Option(
            "",
            "Folder of a run. Several on the same data give one common order of difficulty.",
            **SEVERAL_RUNS,
        ),
    ]
    at: At = None
    fraction: Annotated[
        float | None,
        Option(
            "--fraction",
            "Share of the examples that are easy, and hard, for p_easy and p_hard; 0.1 by default.",
        ),
    ] = None
    split: HeldOutToo = "train"


def scores(asked: Scored) -> RunScores | CombinedScores:
    """The scores of a run, or the order of difficulty of several together."""
    if len(asked.run) == 1:
        return run_scores(asked.run[0], asked.at, asked.fraction, asked.split)
    for option, value in (("--at", asked.at), ("--fraction", asked.fraction)):
        if value is not None:
            raise BadInput(f"{option} {value:g}: of several runs each is read at its end; leave it out")
    return combined_scores(asked.run, split=asked.split)


SCORES = Study(
    "scores",
    "Look",
    "Write every score of every example, with standard errors.",
    Scored,
    scores,
    about="Also how probably each example is among the easiest or the hardest.",
)
