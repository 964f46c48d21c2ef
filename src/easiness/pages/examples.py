"""Examples as the page shows them, found again at the source of a run."""

from __future__ import annotations

import heapq
import math
import os
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote_from_bytes

import numpy as np

from easiness.data import Dataset
from easiness.inputs import shrink_address
from easiness.lazy import Integers
from easiness.pages.data_map import DataMap, Document, Named
from easiness.regular_file import way_between
from easiness.runs import positions_in, run_values
from easiness.show import ShownExample, count, size_text
from easiness.store import Run

if TYPE_CHECKING:
    from easiness.pages.deciding import Deciding

_FEWEST_ROWS = 20  # of a class that say what is usual in it; of fewer all rows do
_MOST_UNUSUAL = 99.0
_MOST_COLUMNS = 200  # with more it is no table to read
_MOST_CELLS = 100_000  # of all rows of a table in a page
_SMALL = 64  # pixels a side
_LARGEST_PART = 8  # of the room: what one example may take at the most
_MOST_TEXTS = 50_000  # examples, all of which are read for their texts
_TEXT_BYTES = 3_000_000  # of all texts together
_FEWEST_LETTERS = 80  # of each: with fewer it is not known again

_PAGE_BYTES = 25_000_000
_OTHER_BYTES = 3_000_000  # of the words and figures of a page

_FEWEST_PIXELS = 160  # on the longer side of a photo: with fewer it is left out
_SMALL_BYTES = 7_000  # of a small picture, about

Made = TypeVar("Made")


@dataclass(frozen=True)
class FoundExamples:
    """The examples that a page shows, ``named`` by split and id.

    ``texts`` has those of all points of the map, where it shows texts, and ``photos`` large pictures of those
    to decide on. For the size of the page ``fewer_pixels`` says that these are smaller than asked for, and
    ``without_room`` how many pictures or players are left out; ``why_none`` why there are no examples.
    """

    named: Mapping[Named, ShownExample] = field(default_factory=dict)
    texts: list[str] | None = None
    photos: Mapping[Named, str] = field(default_factory=dict)
    fewer_pixels: str = ""
    without_room: str = ""
    why_none: str = ""

    @classmethod
    def of(
        cls, data: Dataset, wanted: Sequence[Named], room: int, first: str = "suspects and hard ones"
    ) -> Self:
        """Examples in the ``room`` of a page, see `shown_of`; the ``first`` lose their pictures last."""
        shown, num_cut = shown_of(data, wanted, room)
        what = "player" if any(one.sound is not None for one in shown.values()) else "picture"
        without_room = (
            f"{count(len(shown) - num_cut)} of the {count(len(shown))} {data.kind.nouns} on this page have a "
            f"{what}, {first} first: a page has at most {size_text(_PAGE_BYTES)}."
        )
        return cls(named=shown, without_room=without_room if num_cut else "")

    @property
    def with_pictures(self) -> bool:
        return any(one.uri is not None for one in self.named.values())

    @property
    def layout(self) -> str:
        """The name of a list of them in the styles."""
        if any(one.sound is not None for one in self.named.values()):
            return "with-sounds"
        return "" if self.with_pictures else "without-pictures"


def found_examples(
    run: Run,
    data: Dataset,
    named: Sequence[Named],
    drawn: DataMap,
    view: Deciding | None,
    pixels: int,
) -> FoundExamples:
    """The examples of a page, with pictures and sounds while they fit."""
    texts, others = texts_at(run, data, drawn.points), drawn.pictured.keys() - {*named}
    wanted = [*named, *(one for one in drawn.pictured if one in others)]
    found = found_within(run, data, wanted, view, pixels, len(drawn.data({}, (), texts)))
    return replace(found, texts=texts)


def found_within(
    run: Run,
    data: Dataset,
    wanted: Sequence[Named],
    view: Deciding | None = None,
    pixels: int = 0,
    num_bytes: int = 0,
) -> FoundExamples:
    """As `found_examples`, of a page that has so many bytes of other values."""
    positions_in(data, run)
    room = room_for(num_bytes)
    last, large = ([], []) if view is None else (view.by_worth, view.large)
    small = {*wanted, *last} - ({*large} - {*wanted})
    photos, fewer = photos_of(data, large, room - min(room // 3, _SMALL_BYTES * len(small)), pixels)
    last, left = [one for one in last if one not in photos], room - sum(map(len, photos.values()))
    found = FoundExamples.of(data, [*wanted, *last], left)
    return replace(found, photos=photos, fewer_pixels=fewer)


def room_for(num_bytes: int) -> int:
    """The bytes that pictures and sounds may take on a page that has so many of other values."""
    return _PAGE_BYTES - _OTHER_BYTES - num_bytes


def shown_of(data: Dataset, wanted: Sequence[Named], room: int) -> tuple[dict[Named, ShownExample], int]:
    """Examples of the data by split and id, and how many have lost picture and sound for want of room."""
    times = Counter(wanted)
    rank = {name: at for at, name in enumerate(times)}
    kept: dict[Named, ShownExample] = {}
    costs: list[tuple[int, int, Named]] = []  # the least wanted first
    spent = num_cut = 0
    for name, one in _made(data, rank, lambda value: data.kind.show(value, data.traits).in_page()):
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


def photos_of(data: Dataset, wanted: Sequence[Named], room: int, pixels: int) -> tuple[dict[Named, str], str]:
    """Large pictures of the ``wanted``, and a sentence where they have fewer ``pixels`` a side than asked.

    So they have where they would take more bytes than there is ``room`` for; below a few pixels, the last of
    the ``wanted`` have none. A picture that is shown as large as it is has none either.
    """
    photo, side, spent = data.kind.photo, pixels, 0
    found: dict[Named, str] = {}
    if photo is None or are_small(data):
        return found, ""
    rank = {name: at for at, name in enumerate(wanted)}
    for name, address in _made(data, rank, lambda value: photo(value, pixels)):
        if address is None:
            continue
        found[name] = address if side == pixels else shrink_address(address, side)
        spent += len(found[name])
        while spent > room and side > _FEWEST_PIXELS:  # as if all were as those seen so far
            fits = side * math.sqrt(room * len(found) / (spent * len(rank)))
            side = max(_FEWEST_PIXELS, int(min(fits, 0.95 * side)))
            found = {name: shrink_address(one, side) for name, one in found.items()}
            spent = sum(map(len, found.values()))
        while spent > room:
            spent -= len(found.pop(max(found, key=rank.__getitem__)))
    if side == pixels:
        return found, ""
    of = f"The {count(len(found))} pictures to decide on have at most {side} pixels a side, not {pixels}"
    return found, f"{of}: a page has at most {size_text(_PAGE_BYTES)}; of fewer they are larger."


def originals_of(data: Dataset, wanted: Sequence[Named], page: Path | None) -> dict[int, str]:
    """The addresses of the files of pictures, by their place, as seen from the page."""
    if page is None or data.kind.photo is None:
        return {}
    place = {name: at for at, name in enumerate(wanted)}
    files = {
        place[split, one]: Path(part.stored.name(at))
        for split, part in data.splits.items()
        for at, one in enumerate(part.ids.tolist())
        if (split, one) in place
    }
    folder = Path(os.path.abspath(page.parent))  # noqa: PTH100 - browsers follow no links
    there = {at: os.path.abspath(file) for at, file in files.items() if file.is_file()}  # noqa: PTH100
    ways = {at: way_between(folder, Path(file)).replace(os.sep, "/") for at, file in there.items()}
    return {at: quote_from_bytes(os.fsencode(way)) for at, way in ways.items() if way}


def table_of(
    data: Dataset, wanted: Sequence[Named], labels: Sequence[int], by_worth: Sequence[Named]
) -> Document | None:
    """Names of columns, and of rows by their place in ``wanted`` the texts, and how unusual each is.

    ``None`` of what is no table. Where there are too many rows, the last ``by_worth`` are left out. Unusual
    is what is far from the training examples with the label, of which ``labels`` has those of the rows.
    """
    if data.kind.table is None or data.traits.shape[0] > _MOST_COLUMNS:
        return None
    every = np.stack(list(data.stored.map(lambda value: value)))
    columns = data.kind.table(every, data.traits)
    kept = dict(_made(data, set(by_worth[: _MOST_CELLS // len(columns)]), lambda value: value))
    rows: dict[int, list[str]] = {}
    unusual: dict[int, list[float]] = {}
    for label in set(labels):
        own = [at for at, name in enumerate(wanted) if labels[at] == label and name in kept]
        usual = every[data.labels == label]
        usual = every if len(usual) < _FEWEST_ROWS else usual
        values = [kept[wanted[at]] for at in own]
        far = [one.unusual(np.array(values)[:, one.at], usual[:, one.at]) for one in columns] if own else []
        rows |= {
            at: [one.text(value[one.at]) for one in columns] for at, value in zip(own, values, strict=True)
        }
        unusual |= dict(zip(own, np.transpose(far).clip(0, _MOST_UNUSUAL).round(1).tolist(), strict=True))
    return {"columns": [one.name for one in columns], "rows": rows, "unusual": unusual}


def _made(
    data: Dataset, wanted: Container[Named], make: Callable[[Any], Made]
) -> Iterator[tuple[Named, Made]]:
    """Make something of each wanted example, in the order of the data, one at a time: sounds can be large."""
    for split, part in data.splits.items():
        ids = part.ids.tolist()
        at = np.array([i for i, one in enumerate(ids) if (split, one) in wanted], np.int64)
        yield from zip(((split, ids[i]) for i in at.tolist()), part.stored.subset(at).map(make), strict=True)


def texts_at(run: Run, data: Dataset, positions: Integers) -> list[str] | None:
    """Texts at ``positions`` of a run, cut to a page's room; ``None`` of too many, or kinds without words."""
    if not data.kind.in_words or len(positions) > _MOST_TEXTS:
        return None
    texts = run_values(run, data, positions, lambda value: data.kind.show(value, data.traits).in_page().text)
    sizes = np.sort([len(text.encode()) for text in texts])
    most = (_TEXT_BYTES - np.cumsum(sizes) + sizes) // np.arange(len(sizes), 0, -1)  # of the rest, each
    (cut,) = np.nonzero(sizes > most)
    if len(cut) and most[cut[0]] < _FEWEST_LETTERS:
        return None
    return [f"{text[: most[cut[0]]]} …" if len(cut) and len(text) > most[cut[0]] else text for text in texts]


def are_small(data: Dataset) -> bool:
    """Are they pictures of one size, of few pixels?"""
    shape = data.traits.shape
    return shape is not None and max(shape[1:], default=0) <= _SMALL
