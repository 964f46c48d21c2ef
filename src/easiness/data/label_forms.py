"""Labels that are not one class of each example: several labels, a column a person, boxes, numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from easiness.errors import BadInput, shorten

CROP = "crop each box to a picture of its own, and give those with a class each"
LOOKED_AT = 1000
"""Cells of each column that tell what it holds."""
_BOXES = ("bbox", "bndbox", "boxes", "x y w h", "x y width height", "xmin ymin xmax ymax", "x1 y1 x2 y2")
_TRUE, _FLAGS = ("1", "1.0", "true"), ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"})
_NUMBERED = re.compile(r"(.*[^\W\d])(?:[ _-]?\d+|[ _-][^\W\d_])")  # ann1, rater_2, annotator_a
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_LIST = re.compile(r"""\[\s*("[^"]*"|'[^']*')[\s,]+["'].*\]""")  # of two texts or more
_MOST_PEOPLE, _MOST_GIVEN = 20, 50  # columns, and different labels in them
_FEW = 20  # numbers that may be classes however few examples they have


def instead_of_labels(columns: Mapping[str, Sequence[str]]) -> str:
    """A clause on what columns may hold, if they are no inputs, by the first cells of each, or empty."""
    ours = {name.lower().replace("_", ""): name for name in columns}
    for box in _BOXES:
        if {*box.split()} <= ours.keys():
            return f"; if {', '.join(ours[one] for one in box.split())} hold boxes, {CROP}"
    flags = [name for name, cells in columns.items() if {cell.lower() for cell in cells} in _FLAGS]
    rows = zip(*(columns[name] for name in flags), strict=True)
    one_each = {sum(cell.lower() in _TRUE for cell in row) for row in rows} == {1}
    stems = {name: found[1] for name in columns if (found := _NUMBERED.fullmatch(name))}
    by_stem = ([name for name in stems if stems[name] == stem] for stem in dict.fromkeys(stems.values()))
    people = next((names for names in by_stem if _are_people([columns[name] for name in names])), [])
    if len(flags) > 1 and (one_each or not people):
        return (
            f"; if {shorten(flags)} hold 0 and 1, a class each, put the name of the class of each row into a "
            "column label, or give a row for each label where there are several"
        )
    take = "take the majority into a column, or choose one"
    told = f"; if {shorten(people)} hold labels, of a person each, {take}"
    return f"{told} (--label {people[0]})" if people else ""


def _are_people(columns: Sequence[Sequence[str]]) -> bool:
    """Do columns hold few labels (texts, or the same whole numbers each), and the first two mostly agree?"""
    numbers = [{cell for cell in column if _NUMBER.fullmatch(cell)} for column in columns]
    if any(own != numbers[0] or not all(float(one).is_integer() for one in own) for own in numbers):
        return False
    if not 1 < len(columns) <= _MOST_PEOPLE or len(set().union(*columns)) > _MOST_GIVEN:
        return False
    agree: list[bool] = [one == other != "" for one, other in zip(*columns[:2], strict=True)]
    return 2 * sum(agree) > len(agree)


def check_one_class_each(labels: Iterable[str], num: int, where: str) -> tuple[str, ...]:
    """A note where one of the different ``labels`` of ``num`` examples may be several, or all may measure."""
    names = {*labels}
    share = 0.5 if any("." in name for name in names) else 0.9  # nearly each its own, as 301 classes have not
    if _FEW < len(names) > share * num and all(_NUMBER.fullmatch(name) for name in names):
        raise BadInput(
            f"{where}: the labels are {len(names):,} different numbers of {num:,} examples, targets and no "
            "classes; put them into bins, or name a column of classes with --label"
        )
    what = "several labels ({} between them), and one class each is what is measured"
    remedy = "name another column with --label, or keep one of them for each example"
    ordered = sorted(names)
    listed = next(filter(_LIST.fullmatch, ordered), None)
    if listed is not None:
        raise BadInput(f"{where}: the label {listed!r:.80} is a list of several labels; {remedy}")
    for sign in ";|,":
        several = {name: [part.strip() for part in name.split(sign)] for name in ordered if sign in name}
        alone = names - several.keys()
        enough, first = (all, 0) if sign == "," else (any, 1)  # Maine may stand beside "Portland, Maine"
        for name, parts in several.items():
            if enough(part in alone for part in parts[first:]):
                raise BadInput(f"{where}: the label {name!r} is {what.format(sign)}; {remedy}")
        recur = Counter(part for parts in several.values() for part in {*parts})
        always = not alone and sign != "," and 2 * sum(times > 1 for times in recur.values()) > len(recur)
        for name, parts in several.items():
            if always or {*parts} & alone:
                return (f"the label {shorten([name])!r} may be {what.format(sign)}",)
    if len(names) > _FEW and all(re.fullmatch(r"[1-9]\d{0,17}", name, re.ASCII) for name in names):
        low, *_, high = sorted(map(int, names))
        if low > 1:
            return (
                f"the labels are {len(names):,} whole numbers from {low} to {high}, each taken as a class; "
                "if they measure something, make classes of them (bins)",
            )
    return ()
