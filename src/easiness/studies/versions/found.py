"""What changed between two versions of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from easiness.show import count, percent

if TYPE_CHECKING:
    import pandas as pd

Change = Literal["harder", "easier", "unchanged", "came", "went"]

CHANGES: tuple[Change, ...] = ("harder", "easier", "came", "went", "unchanged")
"""In the order of the table."""

Matching = Literal["ids", "pixels"]

AT_LEAST = 0.1
"""Smallest change of confidence that counts, unless another is asked for."""


@dataclass(frozen=True, eq=False)
class ChangedExamples:
    """The examples of two versions, and how each changed.

    ``examples`` are the rows that `table` describes. ``num_trials`` are those of the old and of the new
    run, both read after ``epoch`` epochs. Of the examples said to have changed a share of ``rate`` at most
    is expected not to have; one counts as changed where its confidence moved by more than ``at_least``.
    ``overall`` is the difference in mean confidence over the examples in both, with its 95 % interval over
    trials.
    """

    examples: pd.DataFrame
    names: tuple[str, str]
    model: str
    by: Matching
    epoch: int
    num_trials: tuple[int, int]
    rate: float
    at_least: float
    overall: tuple[float, float, float]
    notes: tuple[str, ...] = ()

    def num(self, change: Change) -> int:
        """How many examples changed so."""
        return int((self.examples["change"] == change).sum())

    @property
    def num_common(self) -> int:
        """Examples that are in both versions."""
        return len(self.examples) - self.num("came") - self.num("went")

    @property
    def share_changed(self) -> float:
        """Share of the examples in both versions that became harder or easier, 0..1."""
        return (self.num("harder") + self.num("easier")) / self.num_common

    @property
    def text(self) -> str:
        """``12 of 1,797 examples became harder and 3 easier (0.8 %); 20 came, 4 went``."""
        harder, easier = (count(self.num(one)) for one in ("harder", "easier"))
        came, went = (count(self.num(one)) for one in ("came", "went"))
        return (
            f"{harder} of {count(self.num_common)} examples became harder and {easier} easier "
            f"({percent(self.share_changed)}); {came} came, {went} went"
        )

    def by_class(self) -> pd.DataFrame:
        """A row a class, those that changed most first: ``class``, then how many changed in each way, and
        ``difference``, the mean of the examples in both.

        An example counts for its class in the new version, one that went for that in the old one.
        """
        import pandas as pd

        one = self.examples
        table = pd.crosstab(one["class"], one["change"]).reindex(columns=list(CHANGES), fill_value=0)
        table["difference"] = one.groupby("class")["difference"].mean()
        order = (table["harder"] + table["easier"]).sort_values(ascending=False, kind="stable").index
        return table.loc[order].rename_axis(columns=None).reset_index()

    def table(self) -> pd.DataFrame:
        """A row an example: those that became harder, easier, came, went, and the others; surest first.

        Columns: ``id`` in the new version (in the old one of those that went), ``old_id``, ``label`` and
        ``class`` (in the version of the ``id``), ``old_class``, ``change``, ``confidence_old`` and
        ``confidence_new`` (mean probability of the label over trials and the epochs observed, 0..1),
        ``difference`` (new less old), ``p`` (two-sided) and ``q`` (adjusted for all examples, Benjamini and
        Hochberg 1995). Blank is what one version alone does not have.
        """
        return self.examples
