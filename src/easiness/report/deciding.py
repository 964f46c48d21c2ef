"""The examples whose labels are decided in the page, as values for its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.report.data_map import SHARED
from easiness.report.examples import Named
from easiness.report.labels import Copy, SuspectLabels
from easiness.report.quantized import Document, encoded, trajectories
from easiness.report.template import Inlined, inert, inlined
from easiness.runs import data_version
from easiness.show import ShownExample
from easiness.spec import Split, command_line
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd

SUSPECTS = 1000
"""So many examples of each split can be decided on, the most suspicious ones."""

_SCRIPTS = (
    *SHARED,
    *("decide_values", "decide_csv", "decide_store", "decide_tally", "decide_example", "decide_classes"),
    *("decide_acts", "decide_overview", "decide_files", "decide"),
)
_PARTS: Mapping[Split, str] = {"train": "Training labels", "held_out": "Held-out labels"}
_COURSE_BYTES = (600_000, 600_000)  # of means, and of single trials
_MOST_COPIES = 6  # of an example
_DIGITS = 4  # of a probability


@dataclass(frozen=True)
class ToDecide:
    """The examples whose labels can be decided on: of each split so many ``suspects``."""

    suspects: int = SUSPECTS


@dataclass(frozen=True)
class Part:
    """A list to go through: ``num`` examples, of which the first ``num_suspect`` are suspects."""

    name: str
    num: int
    num_suspect: int


@dataclass(frozen=True, eq=False)
class Deciding:
    """The view in which ``num`` labels are decided; ``wanted`` has the examples that it shows, in order."""

    wanted: list[Named] = field(repr=False)
    num: int
    blind: bool
    _values: Document = field(repr=False)

    @property
    def style(self) -> str:
        """Its styles."""
        return (resources.files("easiness.report") / "decide.css").read_text("utf-8")

    @property
    def script(self) -> Inlined:
        """Its script."""
        return inlined(_SCRIPTS)

    def data(self, shown: Mapping[Named, ShownExample], pixelated: bool) -> str:
        """Everything that the script reads, as JSON that can stand in a script element.

        Args:
            shown: the examples that were found, by split and id.
            pixelated: are pictures enlarged pixel by pixel?
        """
        media: dict[str, dict[int, str]] = {"pictures": {}, "sounds": {}, "texts": {}}
        for at, named in enumerate(self.wanted):
            one = shown.get(named)
            if one is None:
                continue
            addresses = {
                "pictures": one.uri,
                "sounds": one.sound,
                "texts": one.text if not one.size else None,
            }
            for name, value in addresses.items():
                if value is not None:
                    media[name][at] = value
        return inert({**self._values, **media, "pixelated": pixelated})


def deciding(
    run: Run, epoch: int, parts: Sequence[SuspectLabels], copies: Sequence[Copy], asked: ToDecide
) -> Deciding | None:
    """The first suspects of each split of a run; ``None`` where nothing tells which these are.

    Args:
        run: whose labels are decided.
        epoch: the course of an example is shown up to it.
        parts: the splits with their suspects.
        copies: pairs of examples that are the same, or nearly.
        asked: which examples.
    """
    import pandas as pd

    if asked.suspects < 0:
        raise BadInput(f"suspects {asked.suspects}: give how many labels can be decided on, 0 or more")
    if not parts or not asked.suspects:
        return None
    heads = [part.ranked.head(asked.suspects).assign(split=part.split) for part in parts]
    lists = [
        Part(_PARTS[part.split], len(head), min(part.num, asked.suspects))
        for part, head in zip(parts, heads, strict=True)
    ]
    return _view(run, epoch, pd.concat(heads, ignore_index=True), lists, copies)


def _view(
    run: Run, epoch: int, todo: pd.DataFrame, parts: Sequence[Part], copies: Sequence[Copy]
) -> Deciding:
    listed = [*zip(todo["split"], todo["id"].tolist(), strict=True)]
    seen = _Seen(listed, todo["label"].tolist())
    of_copies = _copies(seen, copies)
    splits = [one for one in _PARTS if one in set(todo["split"])]
    values = {
        "run": run.path.resolve().name,
        "data": data_version(run),
        "learns": command_line("suspects", run.path, "--decided", "labels.csv"),
        "classes": list(run.classes),
        "parts": [vars(part) for part in parts],
        "suggested": todo["suggested"].tolist(),
        "pWrong": [round(p, _DIGITS) for p in todo["p_wrong"].tolist()],
        "kinds": todo["kind"].tolist(),
        "reasons": todo["reason"].tolist(),
        "copies": of_copies,
        "courses": [_course(run, epoch, split, todo) for split in splits],
        "examples": {
            "splits": [int(split == "held_out") for split, _ in seen.named],
            "ids": [str(one) for _, one in seen.named],
            "labels": seen.labels,
        },
    }
    return Deciding(seen.named, len(todo), blind=False, _values=values)


class _Seen:
    """The examples that the view shows, each with its place and its label: first those that are listed."""

    def __init__(self, listed: Sequence[Named], labels: Sequence[int]) -> None:
        self._places = {named: at for at, named in enumerate(listed)}
        self.labels = list(labels)

    @property
    def named(self) -> list[Named]:
        return list(self._places)

    def place(self, named: Named, label: int) -> int:
        """Where an example stands, which comes last where it did not."""
        if named not in self._places:
            self._places[named] = len(self._places)
            self.labels.append(label)
        return self._places[named]


def _copies(seen: _Seen, copies: Sequence[Copy]) -> dict[int, list[tuple[int, str]]]:
    """Of examples that are listed the others that are the same, or nearly: where they stand, and how near."""
    listed = set(seen.named)
    found: dict[int, list[tuple[int, str]]] = {}
    for copy in copies:
        for one, other in (copy.pair, copy.pair[::-1]):
            if (one.split, one.id) in listed:
                others = found.setdefault(seen.place((one.split, one.id), one.label), [])
                if len(others) < _MOST_COPIES:
                    others.append((seen.place((other.split, other.id), other.label), copy.how))
    return found


def _course(run: Run, epoch: int, split: Split, todo: pd.DataFrame) -> Document:
    """The course of the examples of a split, and ``places``, where these stand."""
    places = np.flatnonzero((todo["split"] == split).to_numpy())
    at = _positions(run, split, todo["id"].iloc[places].tolist())
    course = trajectories(run, epoch, at, np.arange(len(at)), _COURSE_BYTES, split)
    return {
        "places": encoded(places.astype(np.uint32)),
        "numTrials": len(run.trials),
        **course.document(),
    }


def _positions(run: Run, split: Split, ids: Sequence[Any]) -> npt.NDArray[np.int64]:
    known = {one: at for at, one in enumerate(run.examples(split)[0].tolist())}
    return np.array([known[one] for one in ids], np.int64)
