"""What is certain about the pictures of a run and their labels, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.report.pictures import Named
from easiness.spec import command_line
from easiness.store import Run
from easiness.studies.suspects import Conflicts, Example, find_conflicts

MOST_COMPARED = 20_000
"""Pictures: of more, identical ones are not looked for, which takes 0.4 ms each (CIFAR-10, one core)."""
MOST_PHOTOS = 5_000
"""The same for photos, which have to be decoded: 1.3 ms each of 224 x 224 pixels."""

_EXAMPLES = 3  # pairs of each kind of conflict
_SMALL = 64  # pixels a side


@dataclass(frozen=True)
class Labelled:
    """A picture by its split and id, with its label."""

    named: Named
    class_name: str


@dataclass(frozen=True)
class Alike:
    """Two pictures that are the same, or nearly so: ``what`` is wrong with that."""

    what: str
    pair: tuple[Labelled, Labelled]


@dataclass(frozen=True)
class Certain:
    """What is certain of the data, whatever networks say: in ``sentences``, with a few ``examples``.

    ``duplicates`` are the groups of identical training pictures with one label, each as ids. All are empty
    where nothing was looked for; ``sentences`` may then say why.
    """

    sentences: list[str]
    examples: list[Alike]
    duplicates: list[list[str]]

    @property
    def num_copies(self) -> int:
        """How many training pictures have an identical one with the same label before them."""
        return sum(len(group) - 1 for group in self.duplicates)

    @property
    def named(self) -> Iterator[Named]:
        """The pictures of the examples."""
        return (one.named for alike in self.examples for one in alike.pair)


def certain(run: Run, data: Dataset | None) -> Certain:
    """The conflicts in the data of a run, where they are at hand and soon looked through."""
    if data is None:
        return Certain([], [], [])
    small = data.scan.size is not None and max(data.scan.size) <= _SMALL
    most = MOST_COMPARED if small else MOST_PHOTOS
    num = sum(map(len, data.splits.values()))
    if num > most:
        command = command_line("suspects", run.path)
        why = f"Identical pictures were not looked for among {num:,}, which takes a while: {command} does."
        return Certain([why], [], [])
    try:
        found = find_conflicts(data)
    except BadInput as error:
        return Certain([f"Identical pictures were not looked for: {error}."], [], [])
    return Certain(
        replace(found, duplicates=()).sentences(),
        list(_alike(found)),
        [[str(one.id) for one in group] for group in found.duplicates],
    )


def _alike(found: Conflicts) -> Iterator[Alike]:
    """The first pairs of each kind; of pictures in both splits those with two labels come first."""
    for group in found.two_labels[:_EXAMPLES]:
        other = next(one for one in group if one.label != group[0].label)
        yield _two("identical, with two labels", group[0], other)
    for text, pairs in (
        ("identical", found.in_both),
        ("nearly identical", found.nearly_in_both),
    ):
        for pair in sorted(pairs, key=lambda pair: (pair.labels_agree, pair.distance))[:_EXAMPLES]:
            yield _two(f"{text}, one held out", pair.train, pair.held_out)


def _two(what: str, *both: Example) -> Alike:
    a, b = (Labelled((one.split, one.id), one.class_name) for one in both)
    return Alike(what, (a, b))
