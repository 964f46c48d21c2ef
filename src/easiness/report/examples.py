"""Examples as the page shows them, found again at the source of a run."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.runs import positions_in, run_values
from easiness.show import ShownExample, count, size_text
from easiness.spec import Split
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.report.data_map import DataMap

_SMALL = 64  # pixels a side
_LARGEST_PART = 8  # of the room: what one example may take at the most
_MOST_TEXTS = 50_000  # examples, all of which are read for their texts
_TEXT_BYTES = 3_000_000  # of all texts together
_FEWEST_LETTERS = 80  # of each: with fewer it is not known again

_PAGE_BYTES = 20_000_000
_OTHER_BYTES = 3_000_000  # of the words and figures of a page

Named: TypeAlias = tuple[Split, int | str]
"""An example by its split and its id there."""


@dataclass(frozen=True)
class FoundExamples:
    """The examples that a page shows: ``named`` by split and id, those of the run also by position ``at``.

    ``texts`` has those of all points of the map, where it shows texts. ``without_room`` says how many
    pictures or players are left out for the size of the page, and ``why_none`` why there are no examples.
    """

    named: Mapping[Named, ShownExample] = field(default_factory=dict)
    at: Mapping[int, ShownExample] = field(default_factory=dict)
    texts: list[str] | None = None
    without_room: str = ""
    why_none: str = ""

    @classmethod
    def within(
        cls,
        data: Dataset,
        shown: Mapping[Named, ShownExample],
        num_cut: int,
        first: str = "suspects and hard ones",
    ) -> Self:
        """Those ``shown`` of some data, of which so many have lost their pictures, the ``first`` the last."""
        return cls(named=shown, without_room=_without_room(data, shown, num_cut, first))

    @property
    def with_pictures(self) -> bool:
        """Is there a picture of any?"""
        return any(one.uri is not None for one in self.named.values())

    @property
    def layout(self) -> str:
        """What a list of them is called in the styles."""
        if any(one.sound is not None for one in self.named.values()):
            return "with-sounds"
        return "" if self.with_pictures else "without-pictures"


def found_examples(
    run: Run,
    data: Dataset,
    named: Sequence[Named],
    positions: Sequence[int],
    drawn: DataMap,
    last: Sequence[Named] = (),
) -> FoundExamples:
    """The examples of a page, with pictures and sounds while they fit.

    Args:
        run: whose examples are shown.
        data: those of the run.
        named: examples that the page marks, the most wanted first.
        positions: examples of the run in its galleries, the most wanted first; those of its map come next.
        drawn: the map.
        last: examples that are wanted after all these.

    Raises:
        BadInput: the data lack an example of the run, or one is unreadable.
    """
    texts = texts_at(run, data, drawn.points)
    seen = set(positions)
    in_order = [*positions, *(at for at in drawn.pictured if at not in seen)]
    names: dict[int, Named] = {at: ("train", run.ids[at : at + 1].tolist()[0]) for at in in_order}
    wanted = [*named, *(names[at] for at in in_order), *last]
    shown, num_cut = shown_within(run, data, wanted, room_for(len(drawn.data({}, (), texts))))
    found = FoundExamples.within(data, shown, num_cut)
    return replace(found, at={at: shown[name] for at, name in names.items()}, texts=texts)


def room_for(num_bytes: int) -> int:
    """The bytes that pictures and sounds may take on a page that has so many of other values."""
    return _PAGE_BYTES - _OTHER_BYTES - num_bytes


def _without_room(data: Dataset, shown: Mapping[Named, ShownExample], num_cut: int, first: str) -> str:
    if not num_cut:
        return ""
    what = "player" if any(one.sound is not None for one in shown.values()) else "picture"
    num = count(len(shown))
    return (
        f"{count(len(shown) - num_cut)} of the {num} {data.kind.nouns} on this page have a {what}, "
        f"{first} first: a page has at most {size_text(_PAGE_BYTES)}."
    )


def shown_within(
    run: Run, data: Dataset, wanted: Sequence[Named], room: int
) -> tuple[dict[Named, ShownExample], int]:
    """Examples by their split and id, and how many have lost picture and sound for want of room.

    Those that the data lack are left out.

    Args:
        run: whose examples are shown.
        data: those of the run.
        wanted: the most wanted first, each as often as the page shows it.
        room: bytes for pictures and sounds. Where they are more, the most wanted have theirs, the rest
            their texts, and so has one that would take an eighth of the room.

    Raises:
        BadInput: the data lack a training example of the run, or one is unreadable.
    """
    positions_in(data, run)
    return shown_of(data, wanted, room)


def shown_of(data: Dataset, wanted: Sequence[Named], room: int) -> tuple[dict[Named, ShownExample], int]:
    """As `shown_within`, of examples whatever run they are of."""
    times = Counter(wanted)
    rank = {name: at for at, name in enumerate(times)}
    kept: dict[Named, ShownExample] = {}
    costs: list[tuple[int, int, Named]] = []  # the least wanted first
    spent = num_cut = 0
    for name, one in _read(data, rank):
        cost = one.size * times[name]
        kept[name] = one if one.size * _LARGEST_PART <= room else one.in_words()
        if kept[name].size:
            heapq.heappush(costs, (-rank[name], cost, name))
            spent += cost
        elif cost:
            num_cut += 1
        while spent > room:
            _, cost, last = heapq.heappop(costs)
            kept[last], spent, num_cut = kept[last].in_words(), spent - cost, num_cut + 1
    return kept, num_cut


def _read(data: Dataset, wanted: Mapping[Named, int]) -> Iterator[tuple[Named, ShownExample]]:
    """The wanted examples in the order of the data, one at a time: sounds can be large."""
    for split, part in data.splits.items():
        ids = part.ids.tolist()
        at = np.array([i for i, one in enumerate(ids) if (split, one) in wanted], np.int64)
        shown = part.stored.subset(at).map(lambda value: ShownExample.of(data.kind.show(value, data.traits)))
        yield from zip(((split, ids[i]) for i in at.tolist()), shown, strict=True)


def texts_at(run: Run, data: Dataset, positions: npt.NDArray[np.int64]) -> list[str] | None:
    """What is said of the examples at ``positions`` of a run, cut as far as a page has room.

    ``None`` where words are not what examples of this kind are known by, or where there are too many.

    Raises:
        BadInput: the data lack an example of the run, or one is unreadable.
    """
    if not data.kind.in_words or len(positions) > _MOST_TEXTS:
        return None
    texts = run_values(
        run, data, positions, lambda value: ShownExample.of(data.kind.show(value, data.traits)).text
    )
    most = _longest_that_fit(np.array([len(text.encode()) for text in texts], np.int64))
    if most < _FEWEST_LETTERS:
        return None
    return [text if len(text) <= most else f"{text[:most]} …" for text in texts]


def _longest_that_fit(sizes: npt.NDArray[np.int64]) -> int:
    """How many bytes of each can be kept, so that all fit."""
    if sizes.sum() <= _TEXT_BYTES:
        return int(sizes.max(initial=_FEWEST_LETTERS))
    few, many = 0, int(sizes.max())
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if np.minimum(sizes, middle).sum() <= _TEXT_BYTES else (few, middle)
    return few


def are_small(data: Dataset) -> bool:
    """Are they pictures of one size, of few pixels?"""
    shape = data.traits.shape
    return shape is not None and max(shape[1:], default=0) <= _SMALL
