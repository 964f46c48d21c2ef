"""Tables as values: a DataFrame with a type for each column, from which the text of its cells follows."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from easiness.lazy import pd
from easiness.show.result import HtmlCell, Section
from easiness.show.text import (
    count,
    interval_text,
    number,
    percent,
    plus_minus,
    whole_percent,
    with_interval,
    with_mark,
)

_MEANINGS = {
    "id": "Id of the example.",
    "label": "Number of its class.",
    "class": "Name of its class.",
    "was": "Class before, where it was another.",
    "suggested_class": "Class that the trials say instead.",
    "suggested_share": "Share of the trials that say so.",
    "p_wrong": "Probability that the label is wrong.",
    "kind": "Kind of hard example that it looks like.",
    "tag": "Tag of the example that the row is on.",
    "reason": "Sentence on what the trials say.",
    "difficulty": "From 0, the easiest, to 1, the hardest.",
    "easiness": "Share of the trials that are right, over the largest such share.",
    "p_easy": "Probability to be among the truly easiest.",
    "p_hard": "Probability to be among the truly hardest.",
    "chance": "Matching rate of sets drawn at random.",
    "class_chance": "Matching rate of sets that share only how many of each class they hold.",
    "agreement": "Matching rate without the noise of few trials.",
    "rate": "Matching rate between groups of trials.",
    "q": "p-value, adjusted for all examples.",
    "examples": "Number of examples.",
    "harder": "Number of examples that became harder.",
    "easier": "Number of examples that became easier.",
    "came": "Number of examples in the new version alone.",
    "went": "Number of examples in the old version alone.",
    "unknown": "Number of examples of which the trials are too few to tell.",
    "confidence_old": "Mean probability of the label in the old version.",
    "confidence_new": "Mean probability of the label in the new version.",
    "stratum": "Part of the list of suspects, the most suspicious first.",
    "looks": "Number of labels drawn to be looked at.",
    "expected_wrong": "Number of wrong labels that the list foretells.",
    "looked_at": "Number of labels seen of those drawn.",
    "wrong_seen": "Number of those seen that are wrong.",
    "wrong": "Number of wrong labels, estimated.",
    "tie_mass_a": "Share of the examples that tie at the edge of the set of the first run.",
    "tie_mass_b": "Share of the examples that tie at the edge of the set of the second run.",
}
"""Meanings of columns of these names, wherever they stand."""


@dataclass(frozen=True)
class Column:
    """Type of a column: how its cells are written, and their meaning in a sentence.

    Args:
        text: the cell of a value.
        about: what the column means, where that is neither the meaning of its name nor that of its type.
        title: its name in tables to read; that of the column in the frame by default.
        low, high: columns of the interval that is written with the value.
        interval: the cell of a value with its interval.
        decisive: a column that says whether the value decides anything; a question mark follows those that
            do not.
        kind: what values of the type are.
    """

    text: Callable[[Any], str] = str
    about: str = ""
    title: str = ""
    low: str = ""
    high: str = ""
    interval: Callable[[Any, Any, Any], str] | None = None
    decisive: str = ""
    kind: str = "Text."

    def meaning(self, name: str) -> str:
        """The documentation of the column of this name."""
        parts = [self.about or _MEANINGS.get(name, self.kind)]
        if self.low:
            ends = f"`{self.low}`" if self.low == self.high else f"`{self.low}` to `{self.high}`"
            parts.append(f"Beside it {ends}.")
        if self.decisive:
            parts.append("A question mark: too few trials to decide anything.")
        return " ".join(parts)

    def cell(self, row: Mapping[Any, Any], name: str) -> str:
        """The text of the cell of a row; blank where there is no value."""
        value = row[name]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if self.low and self.interval is not None:
            ends = (math.nan if row[end] is None else row[end] for end in (self.low, self.high))
            text = self.interval(value, *ends)
        else:
            text = self.text(value)
        return f"{text}?" if self.decisive and not row[self.decisive] else text


def names(about: str = "", title: str = "") -> Column:
    """Names, ids, classes, verdicts and sentences, as they are."""
    return Column(str, about, title)


def counts(about: str = "", title: str = "") -> Column:
    """Whole numbers: ``12,345``."""
    return Column(lambda value: count(int(value)), about, title, kind="Whole number.")


def numbers(
    digits: int = 3,
    about: str = "",
    title: str = "",
    *,
    low: str = "",
    high: str = "",
    with_sign: bool = False,
    decisive: str = "",
) -> Column:
    """Numbers with so many digits, with the interval from ``low`` to ``high`` where these are columns."""
    text = partial(number, digits=digits, with_sign=with_sign)
    within = partial(with_interval, digits=digits, with_sign=with_sign)
    return Column(text, about, title, low, high, within, decisive, "Number.")


def means(error: str, digits: int = 3, about: str = "", title: str = "", *, decisive: str = "") -> Column:
    """Means with their deviation or standard error in the column ``error``: ``0.912 ± 0.004``."""

    def within(value: float, spread: float, _: float) -> str:
        return plus_minus(value, spread, digits)

    return Column(str, about, title, error, error, within, decisive, "Mean.")


def shares(about: str = "", title: str = "", *, low: str = "", high: str = "") -> Column:
    """Shares in [0, 1] as ``12.3 %``."""

    def within(value: float, least: float, most: float) -> str:
        return percent(value) + ("" if math.isnan(least) else f" ({percent(least)} to {percent(most)})")

    return Column(percent, about, title, low, high, within, kind="Share.")


def probabilities(about: str = "", title: str = "") -> Column:
    """Probabilities without needless digits: ``97 %``."""
    return Column(whole_percent, about, title, kind="Probability.")


def points(about: str = "", title: str = "", *, low: str = "", high: str = "") -> Column:
    """Differences of shares in [-1, 1] in points: ``+2.1 (+1.4 to +2.8)``."""

    def within(value: float, least: float, most: float) -> str:
        return with_interval(100 * value, 100 * least, 100 * most, 1, with_sign=True)

    def text(value: float) -> str:
        return number(100 * value, 1, with_sign=True)

    return Column(text, about, title, low, high, within, kind="Difference of shares, in points.")


def intervals(digits: int = 2, about: str = "", title: str = "", *, high: str) -> Column:
    """The lower ends of intervals, written with the column of the upper ends: ``0.12 to 0.34``."""
    kind = "Lower end of an interval."
    return Column(
        str, about, title, high, high, lambda low, _, high: interval_text(low, high, digits), kind=kind
    )


def id_columns(data: pd.DataFrame) -> dict[str, Column]:
    """The columns that say which example a row is on, and which tag where there is one."""
    return {name: names() for name in ("id", "tag") if name in data}


@dataclass(frozen=True, eq=False)
class Frame:
    """A table with a ``title`` and a ``note`` on how to read it; ``columns`` are those to read, in order.

    ``data`` may have more columns, such as the ends of intervals. ``notices`` are what one has to know before
    one believes it.
    """

    title: str
    note: str
    data: pd.DataFrame
    columns: Mapping[str, Column] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, str]:
        """The meaning of each column to read, by its name in tables."""
        return {column.title or name: column.meaning(name) for name, column in self.columns.items()}

    @cached_property
    def section(self) -> Section:
        """The table to read; the first row is its header, which explains itself in a notebook."""
        head: list[str] = []
        for name, column in self.columns.items():  # of which two may have one title
            title, meaning = column.title or name, html.escape(column.meaning(name))
            head.append(HtmlCell(title, f'<abbr title="{meaning}">{html.escape(title)}</abbr>'))
        rows = [
            [column.cell(row, name) for name, column in self.columns.items()]
            for row in self.data.to_dict("records")
        ]
        return Section(self.title, self.note, [head, *rows], self.notices)


def table(
    title: str, note: str, rows: Sequence[Mapping[str, Any]], digits: int = 3, *, with_sign: bool = False
) -> Frame:
    """A table whose columns are of the types of their values: text, whole numbers, numbers, or estimates.

    An estimate has a ``value`` and an ``interval``, and may say whether it is ``decided``.
    """

    def estimate_text(one: Any) -> str:
        low, high = one.interval
        text = with_interval(one.value, low, high, digits, with_sign=with_sign)
        return with_mark(text, getattr(one, "decided", True)) if text else ""

    types = {str: names(), int: counts(), float: numbers(digits)}
    columns = {name: types.get(type(value), Column(estimate_text)) for name, value in rows[0].items()}
    return Frame(title, note, pd.DataFrame(rows), columns)
