"""Several tags an example, what is known of each, and the questions that they ask, one an example and tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.lazy import Integers, Mask, Singles, pd
from easiness.records import ObservationLog, TagLog

TAG = "tag"
"""The column behind the ``id`` of an example in tables and files: the name of the tag that a row is on."""

TAG_STATES = ("absent", "present")
"""The classes of a question: is the tag there?"""

SUGGESTIONS = ("missing", "present")
"""The words for the state that a tag should have instead of its own, by label."""

MISSING = -1
"""The value of a tag of which nobody says whether it is there: it asks no question."""

MARK = "#"
"""The mark between the id of an example and the name of a tag in the id of a question."""

Ids = Integers | npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Questions:
    """The Q questions of a split, in the order of its examples: what a run records, scores and judges.

    Examples of one class each ask one question, which class it is. Examples with tags ask one a tag whose
    value is known. ``ids`` [Q], ``examples`` [Q] positions among the examples, ``tags`` [Q] their numbers, 0
    where there are none, and ``labels`` [Q], classes or `TAG_STATES`.
    """

    ids: Ids
    examples: Integers
    tags: Integers
    labels: Integers
    of_tags: bool = False

    def log(
        self, num_classes: int, *, trained_on: Mask, keep_logits: Mask | None = None, **more: Any
    ) -> ObservationLog:
        """A log of these questions; ``trained_on`` and ``keep_logits`` are masks [K] of examples."""
        about: dict[str, Any] = {
            "trained_on": trained_on[self.examples],
            "keep_logits": None if keep_logits is None else keep_logits[self.examples],
            **more,
        }
        if not self.of_tags:
            return ObservationLog(self.ids, self.labels, num_classes, **about)
        about |= {"examples": self.examples, "tags": self.tags}
        return TagLog(self.ids, self.labels, num_classes, **about)


@dataclass(frozen=True, eq=False)
class Tags:
    """Tags of K examples: ``names`` of T tags, and ``values`` int8 [K, T], 1 there, 0 not, or `MISSING`."""

    names: tuple[str, ...]
    values: npt.NDArray[np.int8]

    def take(self, positions: Integers) -> Tags:
        return Tags(self.names, self.values[positions])

    def of(self, some: Mask) -> Tags:
        """The tags in a mask [T] alone."""
        return Tags(tuple(np.array(self.names, object)[some]), self.values[:, some])

    def join(self, other: Tags) -> Tags:
        """The tags of examples, and of others behind them, by the same names."""
        return Tags(self.names, np.concatenate([self.values, other.values]))

    @cached_property
    def strata(self) -> Integers:
        """The rarest tag that each example has [K], T where it has none: what splits are balanced by."""
        present = self.values == 1
        by_size = np.argsort(present.sum(axis=0), kind="stable")
        first = present[:, by_size].argmax(axis=1)
        return np.where(present.any(axis=1), by_size[first], len(self.names)).astype(np.int64)

    @cached_property
    def targets(self) -> Singles:
        """Values to train towards [K, T], NaN where nobody says."""
        return np.where(self.values == MISSING, np.nan, self.values).astype(np.float32)

    def questions(self, ids: Ids) -> Questions:
        """The questions of examples with these ``ids`` [K]."""
        examples, tags = np.nonzero(self.values != MISSING)
        labels = self.values[examples, tags].astype(np.int64)
        own = np.array([f"{one}{MARK}" for one in ids.tolist()], object)
        return Questions(own[examples] + np.array(self.names, object)[tags], examples, tags, labels, True)


def check_tag_names(names: Sequence[str], where: str) -> None:
    """Refuse names that ids of questions cannot tell apart."""
    for name in names:
        if MARK in name or not name.strip():
            raise BadInput(f"{where}: the tag {name!r} is empty or has {MARK!r} in it; rename it")


def refusal_of_tags(where: object, what: str) -> BadInput:
    """An error that says of data ``where`` examples have several tags that ``what`` is for classes."""
    remedy = "give data with classes, such as one tag's absent and present"
    return BadInput(f"{where}: has several tags an example, and `{what}` is of one class each; {remedy}")


@dataclass(frozen=True, eq=False)
class RunTags:
    """The tags behind the questions of a run: ``names`` [T], and the tag ``of`` each question [Q].

    ``examples`` [Q] are ids of theirs: int64 where all are whole numbers, else strings.
    """

    names: tuple[str, ...]
    of: Integers
    examples: Ids

    @classmethod
    def read(cls, ids: Ids, names: tuple[str, ...]) -> RunTags:
        """The tags in the ``ids`` [Q] of questions; raises ValueError where one is no id of a question."""
        places = {name: at for at, name in enumerate(names)}
        parts = [one.rpartition(MARK) for one in ids.tolist()]
        if not all(mark and tag in places for _, mark, tag in parts):
            raise ValueError("ids are not those of questions")
        of = np.array([places[tag] for _, _, tag in parts], np.int64)
        examples = np.array([one for one, _, _ in parts], object)
        distinct = set(examples.tolist())
        if all(one.isdecimal() and str(int(one)) == one and len(one) < 19 for one in distinct):
            return cls(names, of, examples.astype(np.int64))
        return cls(names, of, examples)

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """``dog: absent``, ``dog: present`` and so on, of tag t and a label in the place 2 t + label."""
        return tuple(f"{name}: {state}" for name in self.names for state in TAG_STATES)


def unfold_tags(table: pd.DataFrame, tags: RunTags | None) -> pd.DataFrame:
    """Rows on questions as people read them: their ``id`` becomes that of the example, and a ``tag`` behind.

    A label that is ``suggested`` becomes the state that the tag should have. Without tags rows stay.
    """
    if tags is None:
        return table
    parts = [one.rpartition(MARK) for one in table["id"].tolist()]
    table = table.assign(id=np.array([one for one, _, _ in parts], object).astype(tags.examples.dtype))
    table.insert(list(table).index("id") + 1, TAG, np.array([tag for _, _, tag in parts], object))
    if "suggested" in table:
        states = dict(enumerate(SUGGESTIONS))
        table["suggested"] = table["suggested"].map(lambda one: states.get(one, one))
    return table
