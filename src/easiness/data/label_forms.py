"""What stands where one class of each example should: several labels, a column a person, boxes, numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from easiness.errors import BadInput, shorten

CROP = "crop each box to a picture of its own, and give those with a class each"
LOOKED_AT = 1000
"""Cells of each column that tell what it holds."""
_BOXES = ("bbox", "bndbox", "boxes", "x y w h", "x y width height", "xmin ymin xmax ymax", "x1 y1 x2 y2")
_FLAGS = ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"})
_OF_PERSON = re.compile(r"(.*[^\W\d])[ _-]?\d+")
_MOST_PEOPLE, _MOST_GIVEN = 20, 50  # columns, and different labels in them
_FEW, _MANY = 20, 100  # numbers that may be classes, and those of which each should have some examples


def boxes_in(names: Iterable[str]) -> list[str]:
    """The columns that by their names hold boxes."""
    ours = {name.lower().replace("_", ""): name for name in names}
    return next(([ours[one] for one in box.split()] for box in _BOXES if {*box.split()} <= ours.keys()), [])


def instead_of_labels(columns: Mapping[str, Sequence[str]]) -> str:
    """What columns without labels hold, by the first cells of each; empty where nothing tells."""
    if boxes := boxes_in(columns):
        return f"; {', '.join(boxes)} hold boxes: {CROP}"
    flags = [name for name, cells in columns.items() if {cell.lower() for cell in cells} in _FLAGS]
    rows = zip(*(columns[name] for name in flags), strict=True)
    one_each = {sum(cell.lower() in ("1", "1.0", "true") for cell in row) for row in rows} == {1}
    by_stem = defaultdict(list)
    for name in columns:
        if found := _OF_PERSON.fullmatch(name):
            by_stem[found[1]].append(name)
    people = next((names for names in by_stem.values() if _are_people([columns[one] for one in names])), [])
    if len(flags) > 1 and (one_each or not people):
        return (
            f"; {shorten(flags)} hold 0 and 1, a class each: put the name of the class of each row into a "
            "column label, or give a row for each label where there are several"
        )
    if not people:
        return ""
    return (
        f"; {shorten(people)} hold labels, of a person each: take the majority into a column, or choose one "
        f"(--label {people[0]})"
    )


def _are_people(columns: Sequence[Sequence[str]]) -> bool:
    """Do columns hold few labels, and the first two mostly the same ones?"""
    if not 1 < len(columns) <= _MOST_PEOPLE or len(set().union(*columns)) > _MOST_GIVEN:
        return False
    agree: list[bool] = [one == other != "" for one, other in zip(*columns[:2], strict=True)]
    return 2 * sum(agree) > len(agree)


def check_one_class_each(labels: Iterable[str], num: int, where: str) -> tuple[str, ...]:
    """A note where the different ``labels`` of ``num`` examples may be no classes.

    Raises:
        BadInput: they are none, for certain.
    """
    names = {*labels}
    numbers = all(re.fullmatch(r"-?\d+(\.\d+)?", name, re.ASCII) for name in names)
    if numbers and len(names) > _FEW and num < 2 * len(names):
        raise BadInput(
            f"{where}: the labels are {len(names):,} different numbers of {num:,} examples, targets and no "
            "classes; put them into bins, or name a column of classes with --label"
        )
    if numbers and len(names) > _MANY and num < 5 * len(names):
        return (f"the labels are {len(names):,} different numbers; if they are targets, put them into bins",)
    for sign in ";|,":
        several = {name: [part.strip() for part in name.split(sign)] for name in names if sign in name}
        alone = names - several.keys()
        first = next((name for name, parts in sorted(several.items()) if {*parts} & alone), None)
        if first is None:
            continue
        what = f"{shorten([repr(first[:80])])} {{}} several labels, and one class each is what is measured"
        if any(part in alone for parts in several.values() for part in parts[1:]):
            raise BadInput(
                f"{where}: the label {what.format('is')}; name another column with --label, or keep one of "
                "them for each example"
            )
        return (f"the label {what.format('may be')}",)
    return ()
