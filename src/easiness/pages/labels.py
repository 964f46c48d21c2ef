"""Labels to be looked at: conflicts that are certain, and those that networks suspect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.pages.examples import Named, are_small
from easiness.pages.facts import epoch_option
from easiness.runs import has_held_out
from easiness.show import to_svg
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.suspects import (
    ABOVE,
    WITHIN,
    Conflicts,
    Example,
    Glance,
    Suspected,
    Suspects,
    conflicts_in,
    kept_conflicts,
    suspects,
)

if TYPE_CHECKING:
    import pandas as pd

MOST_COMPARED = 20_000
"""Small pictures, texts, vectors: of more, identical ones are not looked for (0.4 ms each of CIFAR-10)."""
MOST_PHOTOS = 5_000
"""The same for photos, which have to be decoded: 1.3 ms each of 224 x 224 pixels."""

_EXAMPLES = 3  # pairs of each kind of conflict
_MOST_ALIKE = 8  # of a group of identical examples that are named to each other


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
class Copy:
    """Two examples that are the same, or nearly so, as ``how`` says."""

    pair: tuple[Example, Example]
    how: str


@dataclass(frozen=True)
class Certain:
    """The certain conflicts in the data, whatever networks say: ``sentences``, and a few ``examples``.

    ``duplicates`` are the groups of identical training pictures with one label, each as ids, and ``copies``
    all pairs that are the same, or nearly. ``flaws`` says what is blank, dark, overexposed or silent. All are
    empty where nothing was looked for; ``sentences`` may then say why.
    """

    sentences: list[str]
    examples: list[Alike]
    duplicates: list[list[str]]
    copies: list[Copy] = field(default_factory=list, repr=False)
    flaws: Mapping[tuple[str, object], str] = field(default_factory=dict, repr=False)

    @property
    def num_copies(self) -> int:
        """The number of training pictures with an identical one of the same label before them."""
        return sum(len(group) - 1 for group in self.duplicates)

    @property
    def named(self) -> Iterator[Named]:
        """The pictures of the examples."""
        return (one.named for alike in self.examples for one in alike.pair)


def certain(run: Run, data: Dataset | None) -> Certain:
    """The conflicts in the data of a run, where these are at hand, and soon or already looked through."""
    if data is None:
        return Certain([], [], [])
    most = MOST_COMPARED if are_small(data) or data.kind.in_words else MOST_PHOTOS
    num = sum(map(len, data.splits.values()))
    found = kept_conflicts(run, data)
    if found is None and num > most:
        command = command_line("suspects", run.path)
        what = f"Identical {data.kind.nouns} were not looked for among {num:,}"
        why = f"{what}, which takes a while: {command} does."
        return Certain([why], [], [])
    try:
        found = found or conflicts_in(run, data)
    except BadInput as error:
        return Certain([f"Identical {data.kind.nouns} were not looked for: {error}."], [], [])
    return Certain(
        replace(found, pairs=tuple(one for one in found.pairs if one.kind != "duplicate")).sentences(),
        list(_alike(found)),
        [[str(one.id) for one in group] for group in found.groups("duplicate")],
        list(_copies(found)),
        found.flawed,
    )


def _copies(found: Conflicts) -> Iterator[Copy]:
    groups = (group[:_MOST_ALIKE] for group in (*found.groups("two labels"), *found.groups("duplicate")))
    same = [pair for group in groups for pair in combinations(group, 2)]
    yield from (Copy(pair, "identical") for pair in same)
    yield from (Copy((one.train, one.other), "identical") for one in found.of("in both splits"))
    nearly = found.of(*WITHIN, "nearly in both splits")
    yield from (Copy((one.train, one.other), "nearly identical") for one in nearly)


def _alike(found: Conflicts) -> Iterator[Alike]:
    """The first pairs of each kind; of those in both splits, or nearly alike, two labels come first."""
    for group in found.groups("two labels")[:_EXAMPLES]:
        other = next(one for one in group if one.label != group[0].label)
        yield _two("identical, with two labels", group[0], other)
    for text, pairs in (
        ("identical, one held out", found.of("in both splits")),
        ("nearly identical, one held out", found.of("nearly in both splits")),
        ("nearly identical", found.of(*WITHIN)),
    ):
        for pair in sorted(pairs, key=lambda pair: (pair.labels_agree, pair.distance))[:_EXAMPLES]:
            two = "" if pair.labels_agree or pair.other.split == "held_out" else ", with two labels"
            yield _two(text + two, pair.train, pair.other)


def _two(what: str, *both: Example) -> Alike:
    a, b = (Labelled((one.split, one.id), one.class_name) for one in both)
    return Alike(what, (a, b))


@dataclass(frozen=True)
class ShownLabel:
    """A suspect with what its caption says; ``share`` of the predictions name the ``suggested`` class.

    ``named`` is its split and id; ``kind`` is empty where nothing tells why it is hard.
    """

    named: Named
    given: str
    suggested: str
    p_wrong: float
    share: float
    kind: str
    reason: str


@dataclass(frozen=True)
class SuspectLabels:
    """The first of the ``num`` labels of a split that are wrong with a probability of `ABOVE` or more.

    ``num_likely`` of its ``num_examples`` are more likely wrong than right, ``about`` and ``summary`` say
    how many are in all, ``glance`` that in short, and ``doubt``, where the networks know too little, why not
    to believe that;
    ``by_heart``, where labels were, what was read instead of the end; ``course_figure`` shows how many stood
    out over the epochs, empty where these are few. ``command`` writes them all. ``ranked`` has a row for each
    example of the split, as `suspects` ranks them.
    """

    split: Split
    num_examples: int
    num: int
    num_likely: int
    about: str
    between: str
    summary: str
    glance: Glance
    doubt: str
    reasons_mean: str
    by_heart: str
    course_figure: str
    shown: list[ShownLabel]
    command: str
    ranked: pd.DataFrame = field(repr=False)

    @property
    def named(self) -> Iterator[Named]:
        """The pictures of those shown."""
        return (one.named for one in self.shown)


def suspect_labels(
    run: Run, epoch: int, most: int, most_held_out: int, key: str = "run"
) -> list[SuspectLabels]:
    """The suspects among the examples of a run, and among those held out where they were observed.

    Empty where labels cannot be judged: with one class.
    """
    if len(run.classes) < 2:
        return []
    parts = [_of_split(run, epoch, "train", most, key)]
    if has_held_out(run):
        parts.append(_of_split(run, epoch, "held_out", most_held_out, key))
    return parts


def _of_split(run: Run, epoch: int, split: Split, most: int, key: str) -> SuspectLabels:
    asked = run.asked(epoch) if epoch_option(run, epoch) else {}
    found = suspects(Suspected((run,), split=split, pictures=False, **asked))
    over = found.ranked[found.ranked["p_wrong"] >= ABOVE]
    doubt = found.doubt()
    listed = found.table() if doubt and not len(over) else over
    of_split = [] if split == "train" else ["--split", split]
    return SuspectLabels(
        split=split,
        num_examples=len(found.ranked),
        num=len(over),
        num_likely=found.num_likely,
        about=found.about,
        between=found.between,
        summary=found.summary(),
        glance=found.glance,
        doubt=doubt,
        reasons_mean=found.reasons_mean,
        by_heart=found.by_heart(),
        course_figure=_course_figure(found, f"{key}-{split}-course"),
        shown=[
            ShownLabel(
                named=(split, one["id"]),
                given=one["class"],
                suggested=one["suggested_class"],
                p_wrong=one["p_wrong"],
                share=one["suggested_share"],
                kind=one["kind"],
                reason=one["reason"],
            )
            for one in listed.head(most).to_dict("records")
        ],
        command=command_line(
            "suspects", run.path, *epoch_option(run, epoch), *of_split, "-o", "suspects.csv"
        ),
        ranked=found.ranked,
    )


def _course_figure(found: Suspects, key: str) -> str:
    if not found.has_curve:
        return ""
    name = found.rows[-1].name
    label = f"Share of the labels that stand out over {name}s, and the range that fits the data."
    return to_svg(found.course_figure(), key=key, label=label)
