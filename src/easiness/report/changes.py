"""Changes since another version of the data, for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from easiness.errors import BadInput
from easiness.report.examples import Named
from easiness.runs import data_of
from easiness.show import Section, to_svg
from easiness.store import Run
from easiness.studies.versions import Difference, Matching, diff

_SHOWN = 6  # of those that became harder, and of those that became easier


@dataclass(frozen=True)
class ShownChange:
    """An example that changed; ``named`` is its split and id, ``was`` its class before if another."""

    named: Named
    class_name: str
    was: str
    before: float
    after: float


@dataclass(frozen=True)
class Changes:
    """``classes`` is the table by class; ``parts`` are "harder" or "easier", how many, and the surest."""

    text: str
    classes: Section
    figure: str
    parts: list[tuple[str, int, list[ShownChange]]]

    @property
    def named(self) -> Iterator[Named]:
        """The pictures of those shown."""
        return (one.named for _, _, shown in self.parts for one in shown)


@dataclass(frozen=True)
class Before:
    """The run on the version of the data before: ``by`` what examples are found in it, see `diff`.

    ``source`` says where its data are now, for ``by="pixels"``.
    """

    run: Run | None = None
    by: Matching = "ids"
    source: Any = None


def changes(runs: Sequence[Run], before: Before, at: dict[str, Any], source: Any) -> Changes | None:
    """Compare the one run of the page with the run ``before``; ``None`` without such a run.

    Args:
        runs: of the page.
        before: the run on the version before.
        at: ``epoch`` or ``share`` to read both at.
        source: where the data of the run are now, for ``by="pixels"``.
    """
    since, by = before.run, before.by
    if since is None:
        if by != "ids":
            raise BadInput(f"--by {by}: is how to find examples in the run before; name it with --since")
        if before.source is not None:
            raise BadInput("--old-source: is where the data of the run before are; name it with --since")
        return None
    if len(runs) != 1:
        raise BadInput(f"--since {since.path}: is compared with one run; give one instead of {len(runs)}")
    if by == "pixels":
        source = data_of(runs[0], source)
    found = diff(since, runs[0], by=by, **at, sources=(before.source, source))
    label = "Confidence of each example after the change against before; the table below has the counts."
    return Changes(
        text=found.text,
        classes=found.sections()[0],
        figure=to_svg(found.figure(), key="changes", label=label),
        parts=list(_parts(found, runs[0])),
    )


def _parts(found: Difference, new: Run) -> Iterator[tuple[str, int, list[ShownChange]]]:
    own = {str(one): one for one in new.ids.tolist()}  # the table may have them as text
    for change in ("harder", "easier"):
        rows = found.examples[found.examples["change"] == change]
        shown = [
            ShownChange(
                named=("train", own[str(row["id"])]),
                class_name=row["class"],
                was="" if row["old_class"] == row["class"] else row["old_class"],
                before=row["confidence_old"],
                after=row["confidence_new"],
            )
            for row in rows.head(_SHOWN).to_dict("records")
        ]
        if shown:
            yield change, len(rows), shown
