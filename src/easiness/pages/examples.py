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
from easiness.lazy import Integers
from easiness.pages.data_map import DataMap, Document, Name
from easiness.regular_file import way_between
from easiness.runs import positions_in
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
_SAMPLE = 20  # photos that tell how large all are
_SMALL_BYTES = 7_000  # of a small picture, about

Result = TypeVar("Result")


@dataclass(frozen=True)
class FoundExamples:
    """The examples that a page shows, ``by_name``: split and id.

    ``texts`` has those of all points of the map, where it shows texts, and ``photos`` large pictures of those
    to decide on. For the size of the page ``fewer_pixels`` says that these are smaller than asked for, and
    ``without_room`` how many pictures or players are left out; ``why_none`` why there are no examples.
    """

    by_name: Mapping[Name, ShownExample] = field(default_factory=dict)
    texts: list[str] | None = None
    photos: Mapping[Name, str] = field(default_factory=dict)
    fewer_pixels: str = ""
    without_room: str = ""
    why_none: str = ""

    @classmethod
    def of(
        cls, data: Dataset, names: Sequence[Name], room: int, first: str = "suspects and hard ones"
    ) -> Self:
        """Examples in the ``room`` of a page, see `shown_of`; the ``first`` lose their pictures last."""
        examples, num_cut = shown_of(data, names, room)
        what = "player" if any(one.sound is not None for one in examples.values()) else "picture"
        without_room = (
            f"{count(len(examples) - num_cut)} of the {count(len(examples))} {data.kind.nouns} on this page "
            f"have a {what}, {first} first: a page has at most {size_text(_PAGE_BYTES)}."
        )
        return cls(by_name=examples, without_room=without_room if num_cut else "")

    @property
    def with_pictures(self) -> bool:
        return any(one.uri is not None for one in self.by_name.values())

    @property
    def layout(self) -> str:
        """The name of a list of them in the styles."""
        if any(one.sound is not None for one in self.by_name.values()):
            return "with-sounds"
        return "" if self.with_pictures else "without-pictures"


def found_examples(
    run: Run,
    data: Dataset,
    names: Sequence[Name],
    map_view: DataMap,
    view: Deciding | None,
    pixels: int,
) -> FoundExamples:
    """The examples of a page, with pictures and sounds while they fit."""
    texts, others = texts_at(run, data, map_view.points), map_view.picture_places.keys() - {*names}
    every = [*names, *(one for one in map_view.picture_places if one in others)]
    examples = found_within(run, data, every, view, pixels, len(map_view.data({}, (), texts)))
    return replace(examples, texts=texts)


def found_within(
    run: Run,
    data: Dataset,
    names: Sequence[Name],
    view: Deciding | None = None,
    pixels: int = 0,
    num_bytes: int = 0,
) -> FoundExamples:
    """As `found_examples`, of a page that has so many bytes of other values."""
    positions_in(data, run)
    room = room_for(num_bytes)
    last, large = ([], []) if view is None else (view.by_worth, view.large)
    small = {*names, *last} - ({*large} - {*names})
    photos, fewer = photos_of(data, large, room - min(room // 3, _SMALL_BYTES * len(small)), pixels)
    last, left = [one for one in last if one not in photos], room - sum(map(len, {*photos.values()}))
    examples = FoundExamples.of(data, [*names, *last], left)
    return replace(examples, photos=photos, fewer_pixels=fewer)


def room_for(num_bytes: int) -> int:
    """The bytes that pictures and sounds may take on a page that has so many of other values."""
    return _PAGE_BYTES - _OTHER_BYTES - num_bytes


def shown_of(data: Dataset, names: Sequence[Name], room: int) -> tuple[dict[Name, ShownExample], int]:
    """Examples of the data by split and id, and how many have lost picture and sound for want of room."""
    times = Counter(names)
    rank = {name: at for at, name in enumerate(times)}
    examples: dict[Name, ShownExample] = {}
    costs: list[tuple[int, int, Name]] = []  # the least wanted first
    total = num_cut = 0
    for name, one in _make_each(data, rank, lambda value: data.kind.show(value, data.traits).in_page()):
        cost = one.size * times[name]
        examples[name] = one if one.size * _LARGEST_PART <= room else one.in_words()
        if examples[name].size:
            heapq.heappush(costs, (-rank[name], cost, name))
            total += cost
        elif cost:
            num_cut += 1
        while total > room:
            _, cost, last = heapq.heappop(costs)
            examples[last], total, num_cut = examples[last].in_words(), total - cost, num_cut + 1
    return examples, num_cut


def photos_of(data: Dataset, names: Sequence[Name], room: int, pixels: int) -> tuple[dict[Name, str], str]:
    """Large pictures by ``names``, and a sentence where they have fewer ``pixels`` a side than asked.

    So they have where, judged by the first ones, they would take more bytes than there is ``room`` for; then
    the last of the ``names`` have none. A picture that is shown as large as it is has none either.
    """
    photo = data.kind.photo
    if photo is None or are_small(data):
        return {}, ""

    def size_of_all(side: int) -> float:
        sample = _make_each(data, names[:_SAMPLE], lambda value: len(photo(value, side) or ""))
        return sum(size for _, size in sample) * len(names) / max(len(names[:_SAMPLE]), 1)

    side = pixels
    while (size := size_of_all(side)) > room and side > _FEWEST_PIXELS:
        side = max(_FEWEST_PIXELS, int(side * math.sqrt(0.9 * room / size)))
    addresses = dict(_make_each(data, set(names), lambda value: photo(value, side)))
    photos, left, own = {}, room, set[str]()
    for name in names:
        address = addresses.get(name)
        if address is not None and (address in own or len(address) <= left):
            photos[name] = address
            left -= 0 if address in own else len(address)
            own.add(address)
    if side == pixels:
        return photos, ""
    of = f"The {count(len(photos))} pictures to decide on have at most {side} pixels a side, not {pixels}"
    return photos, f"{of}: a page has at most {size_text(_PAGE_BYTES)}; of fewer they are larger."


def originals_of(data: Dataset, names: Sequence[Name], page: Path | None) -> dict[int, str]:
    """The addresses of the files of pictures, by their place, as seen from the page."""
    if page is None or data.kind.photo is None:
        return {}
    place = {name: at for at, name in enumerate(names)}
    files = {
        place[split, one]: Path(part.stored.name(at))
        for split, part in data.splits.items()
        for at, one in zip(part.questions.examples.tolist(), part.questions.ids.tolist(), strict=True)
        if (split, one) in place
    }
    folder = Path(os.path.abspath(page.parent))  # noqa: PTH100 - browsers follow no links
    there = {at: os.path.abspath(file) for at, file in files.items() if file.is_file()}  # noqa: PTH100
    ways = {at: way_between(folder, Path(file)).replace(os.sep, "/") for at, file in there.items()}
    return {at: quote_from_bytes(os.fsencode(way)) for at, way in ways.items() if way}


def table_of(
    data: Dataset, names: Sequence[Name], labels: Sequence[int], by_worth: Sequence[Name]
) -> Document | None:
    """Names of columns, and of rows by their place in ``names`` the texts, and how unusual each is.

    ``None`` of what is no table. Where there are too many rows, the last ``by_worth`` are left out. Unusual
    is what is far from the training examples with the label, of which ``labels`` has those of the rows.
    """
    if data.kind.table is None or data.traits.shape[0] > _MOST_COLUMNS:
        return None
    every = np.stack(list(data.stored.map(lambda value: value)))
    columns = data.kind.table(every, data.traits)
    values_of = dict(_make_each(data, set(by_worth[: _MOST_CELLS // len(columns)]), lambda value: value))
    rows: dict[int, list[str]] = {}
    unusual: dict[int, list[float]] = {}
    for label in set(labels):
        own = [at for at, name in enumerate(names) if labels[at] == label and name in values_of]
        usual = every if data.tags is not None else every[data.labels == label]
        usual = every if len(usual) < _FEWEST_ROWS else usual
        values = [values_of[names[at]] for at in own]
        far = [one.unusual(np.array(values)[:, one.at], usual[:, one.at]) for one in columns] if own else []
        rows |= {
            at: [one.text(value[one.at]) for one in columns] for at, value in zip(own, values, strict=True)
        }
        unusual |= dict(zip(own, np.transpose(far).clip(0, _MOST_UNUSUAL).round(1).tolist(), strict=True))
    return {"columns": [one.name for one in columns], "rows": rows, "unusual": unusual}


def _make_each(
    data: Dataset, names: Container[Name], make: Callable[[Any], Result]
) -> Iterator[tuple[Name, Result]]:
    """Make something of each wanted example, in the order of the data, one at a time: sounds can be large.

    An example with several questions is made once, for all of them that are wanted.
    """
    for split, part in data.splits.items():
        of_example: dict[int, list[Name]] = {}
        for at, one in zip(part.questions.examples.tolist(), part.questions.ids.tolist(), strict=True):
            if (split, one) in names:
                of_example.setdefault(at, []).append((split, one))
        stored = part.stored.subset(np.array([*of_example], np.int64))
        for own, value in zip(of_example.values(), stored.map(make), strict=True):
            yield from ((name, value) for name in own)


def texts_at(run: Run, data: Dataset, positions: Integers) -> list[str] | None:
    """Texts at ``positions`` of a run, cut to a page's room; ``None`` of too many, or kinds without words."""
    if not data.kind.in_words or len(positions) > _MOST_TEXTS:
        return None
    examples, which = np.unique(positions_in(data, run)[positions], return_inverse=True)
    texts = data.map(examples, lambda value: data.kind.show(value, data.traits).in_page().text)
    sizes = np.sort([len(text.encode()) for text in texts])
    most = (_TEXT_BYTES - np.cumsum(sizes) + sizes) // np.arange(len(sizes), 0, -1)  # of the rest, each
    (cut,) = np.nonzero(sizes > most)
    if len(cut) and most[cut[0]] < _FEWEST_LETTERS:
        return None
    texts = [f"{text[: most[cut[0]]]} …" if len(cut) and len(text) > most[cut[0]] else text for text in texts]
    return [texts[at] for at in which.tolist()]


def are_small(data: Dataset) -> bool:
    """Are they pictures of one size, of few pixels?"""
    shape = data.traits.shape
    return shape is not None and max(shape[1:], default=0) <= _SMALL
