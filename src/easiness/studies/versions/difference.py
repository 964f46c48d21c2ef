"""What changed between two versions of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from easiness import show
from easiness.errors import BadInput, RunFailed
from easiness.regular_file import in_words
from easiness.store import Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Change = Literal["harder", "easier", "unchanged", "unknown", "came", "went"]

CHANGES: tuple[Change, ...] = ("harder", "easier", "came", "went", "unknown", "unchanged")
"""In the order of the table; unknown where the trials are too few to tell."""

Matching = Literal["ids", "pixels"]
MATCHED: dict[Matching, str] = {"ids": "ids", "pixels": "their values"}
"""What examples are matched by, to people."""

AT_LEAST = 0.1
"""Smallest change of confidence that counts, unless another is asked for."""

_MOST_CLASSES = 20
_MOST_EXAMPLES = 10  # of each kind
_DRAWN = 2_000  # examples of each kind: more make a file of megabytes and cover each other
_DOTS = (
    ("unknown", show.FAINT, 4.0),
    ("unchanged", show.FAINT, 4.0),
    ("harder", show.HARD, 14.0),
    ("easier", show.EASY, 14.0),
)


@dataclass(frozen=True, eq=False)
class Difference(show.Result):
    """The examples of two versions, and how each changed.

    ``examples`` are the rows that `table` describes. ``num_trials`` are those of the old and of the new
    run, both read in this ``row`` (after an epoch, or at a share). Of the examples said to have changed a
    share of ``rate`` at most is expected not to have; one counts as changed where its confidence moved by
    more than ``at_least``. ``overall`` is the difference in mean confidence over the examples in both, with
    its 95 % interval over trials. ``needed`` are the trials of each that would tell whether those that are
    unknown changed, where these are too few.
    """

    examples: pd.DataFrame
    names: tuple[str, str]
    model: str
    by: Matching
    row: Row
    num_trials: tuple[int, int]
    rate: float
    at_least: float
    overall: tuple[float, float, float]
    notes: tuple[str, ...] = ()
    needed: tuple[int, int] | None = None
    fail_above: float | None = field(default=None, repr=False)

    def check(self) -> None:
        """Fail where more changed than was allowed, or where the trials do not tell."""
        if self.fail_above is None:
            return
        if self.share_changed > self.fail_above:
            changed, most = show.percent(self.share_changed), show.chosen_percent(self.fail_above)
            raise RunFailed(f"--fail-above {most}: {changed} of the examples changed")
        if self.share_unknown > self.fail_above:
            raise BadInput(f"--fail-above {self.fail_above:g}: {self.unknown}")

    @property
    def changes(self) -> tuple[Change, ...]:
        """Those that there can be, in the order of the table."""
        return tuple(one for one in CHANGES if one != "unknown" or self.needed is not None)

    @property
    def unknown(self) -> str:
        """Why some are unknown, and how many trials it takes; empty where none is."""
        if self.needed is None:
            return ""
        (old, new), (more_old, more_new) = self.num_trials, self.needed
        examples = show.counted(self.num("unknown"), "example")
        return (
            f"{old} and {new} trials do not tell whether {examples} changed, as chance alone makes trials "
            f"differ as much; measure {more_old} and {more_new} trials at least"
        )

    @property
    def what(self) -> str:
        """What confidence is, over the epochs read or at a share."""
        over = self.row.at if self.row.share is not None else f"over epochs 1 to {self.row.number}"
        return f"Mean probability of the label {over}"

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
    def share_unknown(self) -> float:
        """Share of the examples in both versions of which the trials are too few to tell, 0..1."""
        return self.num("unknown") / self.num_common

    @property
    def text(self) -> str:
        """``12 of 1,797 examples became harder and 3 easier (0.8 %); 20 came, 4 went``."""
        harder, easier = (show.count(self.num(one)) for one in ("harder", "easier"))
        came, went = (show.count(self.num(one)) for one in ("came", "went"))
        both = show.count(self.num_common)
        changed = (
            f"{harder} of {both} examples became harder and {easier} easier "
            f"({show.percent(self.share_changed)})"
        )
        if self.needed is not None:
            unknown = show.count(self.num("unknown"))
            changed = f"Whether {unknown} of {both} examples changed is unknown from so few trials"
        return f"{changed}; {came} came, {went} went"

    def by_class(self) -> pd.DataFrame:
        """A row a class, those that changed most first: ``class``, then how many changed in each way, and
        ``difference``, the mean of the examples in both.

        An example counts for its class in the new version, one that went for that in the old one.
        """
        import pandas as pd

        one = self.examples
        table = pd.crosstab(one["class"], one["change"]).reindex(columns=list(self.changes), fill_value=0)
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

    def document(self) -> Any:
        """The rows of the table; where some are unknown, why, the trials ``needed``, and the ``rows``."""
        rows = super().document()
        if self.needed is None:
            return rows
        return {"unknown": self.unknown, "needed": list(self.needed), "rows": rows}

    def figure(self) -> Figure:
        """Confidence after over confidence before, a point an example, those that changed above the others.

        Of more examples than can be told apart those drawn are spread evenly over the table.
        """
        figure, axes = show.new_axes(4.6, 4.6)
        axes.axline((0, 0), slope=1, color=show.FAINT, linewidth=0.8)
        for kind, color, size in _DOTS:
            rows = self.examples[self.examples["change"] == kind]
            step = max(-(-len(rows) // _DRAWN), 1)
            shown = rows.iloc[::step]
            name = f"{kind} ({len(rows):,})"
            if not len(rows):
                continue
            axes.scatter(
                shown["confidence_old"],
                shown["confidence_new"],
                s=size,
                color=color,
                label=name,
                linewidths=0,
                clip_on=False,
            )
        axes.set(
            xlabel="confidence before", ylabel="confidence after", xlim=(0, 1), ylim=(0, 1), aspect="equal"
        )
        show.legend_above(axes, 2)
        return figure

    def frames(self) -> list[show.Frame]:
        """The changes in each class, then the examples that changed most surely."""
        changed: tuple[Change, ...] = ("harder", "easier")
        return [_classes(self), *(_surest(self, change) for change in changed if self.num(change))]


def _classes(found: Difference) -> show.Frame:
    import pandas as pd

    whole: dict[str, Any] = {one: found.num(one) for one in found.changes}
    whole |= {"class": "all", "difference": found.overall[0]}
    data = pd.concat([pd.DataFrame([whole]), found.by_class().head(_MOST_CLASSES)], ignore_index=True)
    unknown = [f"{found.unknown}."] if found.unknown else []
    columns: dict[str, show.Column] = {
        "class": show.names(),
        **{change: show.counts() for change in found.changes},
        "difference": show.numbers(3, title="mean difference", signed=True),
    }
    return show.Frame(found.text, " ".join([*unknown, _how(found), *found.notes]), data, columns)


def _how(found: Difference) -> str:
    least = f" by more than {found.at_least:g}" if found.at_least else ""
    more = len(found.by_class()) - _MOST_CLASSES
    rest = f" {show.count(more)} more classes are not shown." if more > 0 else ""
    before, after = map(in_words, found.names)
    return (
        f"{found.what} of {found.model}, "
        f"{found.num_trials[0]} trials of {before} against {found.num_trials[1]} of "
        f"{after}, examples matched by {MATCHED[found.by]}; an example counts where it moved{least} "
        "beyond the noise of the trials, at a false-discovery rate of "
        f"{show.chosen_percent(found.rate)} (Benjamini-Hochberg). All examples together moved by "
        f"{show.with_interval(*found.overall, 3, signed=True)}. Classes with the most changed examples come "
        f"first.{rest}"
    )


def _surest(found: Difference, change: Change) -> show.Frame:
    data = found.examples[found.examples["change"] == change].head(_MOST_EXAMPLES)
    was = data["old_class"].where(data["old_class"] != data["class"], "")
    columns = {
        "id": show.names(),
        "class": show.names(),
        "was": show.names(),
        "confidence_old": show.numbers(3, title="before"),
        "confidence_new": show.numbers(3, title="after"),
        "q": show.Column("{:.2g}".format),
    }
    return show.Frame(
        f"Became {change}",
        f"The {len(data)} surest of {show.count(found.num(change))}: mean probability of the label before "
        "and after, and the adjusted p-value; `was` is the class before, where it was another.",
        data.assign(was=was),
        columns,
    )
