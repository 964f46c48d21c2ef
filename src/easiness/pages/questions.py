"""The tags beside each example, as pages of a run of tags show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.data import MARK
from easiness.runs import has_held_out
from easiness.spec import Split
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.pages.data_map import Name


@dataclass(frozen=True)
class TagsBeside:
    """The tags that examples are said to have, by split and id, for the names of their questions."""

    by_example: Mapping[tuple[Split, str], tuple[str, ...]]

    def example(self, name: Name) -> str:
        return str(name[1]).rpartition(MARK)[0]

    def tag(self, name: Name) -> str:
        """The tag that a question is about."""
        return str(name[1]).rpartition(MARK)[2]

    def of(self, name: Name) -> tuple[str, ...]:
        return self.by_example.get((name[0], self.example(name)), ())


def tags_beside(run: Run) -> TagsBeside | None:
    """The tags of the examples of both splits of a run; ``None`` where they have classes."""
    if run.tags is None:
        return None
    by_example: dict[tuple[Split, str], tuple[str, ...]] = {}
    splits: tuple[Split, ...] = ("train", "held_out")
    for split in splits[: 1 + has_held_out(run)]:
        ids, labels = run.examples(split)
        for one in ids[labels == 1].tolist():
            example, _, tag = one.rpartition(MARK)
            by_example[split, example] = (*by_example.get((split, example), ()), tag)
    return TagsBeside(by_example)
