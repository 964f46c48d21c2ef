"""Labels to be looked at: conflicts that are certain, and those that networks suspect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

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
    Suspected,
    Suspects,
    conflicts_in,
    kept_conflicts,
    suspects,
)

MOST_COMPARED = 20_000
"""Small pictures, texts, vectors: of more, identical ones are not looked for (0.4 ms each of CIFAR-10)."""
MOST_PHOTOS = 5_000
"""The same for photos, which have to be decoded: 1.3 ms each of 224 x 224 pixels."""

_EXAMPLES = 3  # pairs of each kind of conflict


@dataclass(frozen=True)
class Alike:
    """Two examples, by name and class, that are the same or nearly so: ``what`` is wrong with that."""

    what: str
    pair: list[tuple[Named, str]]


@dataclass(frozen=True)
class Certain:
    """Certain ``conflicts`` in the data, and ``sentences`` on them or on why there are none."""

    sentences: list[str] = field(default_factory=list)
    conflicts: Conflicts = field(default_factory=lambda: Conflicts.none("examples"), repr=False)

    @property
    def flaws(self) -> Mapping[tuple[str, object], str]:
        """Examples that are blank, dark, overexposed or silent, by split and id."""
        return self.conflicts.flawed

    @cached_property
    def duplicates(self) -> list[list[str]]:
        """The groups of identical training examples with one label, each as ids."""
        groups = self.conflicts.of("duplicate").groupby("id_a", sort=False)["id_b"]
        return [[str(one), *map(str, others)] for one, others in groups]

    @property
    def num_copies(self) -> int:
        """The number of training pictures with an identical one of the same label before them."""
        return len(self.conflicts.of("duplicate"))

    @cached_property
    def examples(self) -> list[Alike]:
        """The first pairs of each kind; of those in both splits, or nearly alike, two labels come first."""
        found = []
        for what, kinds in (
            ("identical", ("two labels",)),
            ("identical, one held out", ("in both splits",)),
            ("nearly identical, one held out", ("nearly in both splits",)),
            ("nearly identical", WITHIN),
        ):
            pairs = self.conflicts.of(*kinds)
            pairs = pairs.assign(agree=pairs["label_a"] == pairs["label_b"])
            if "two labels" in kinds:
                pairs = pairs[~pairs["agree"]].drop_duplicates("id_a")
            for one in pairs.sort_values(["agree", "distance"]).head(_EXAMPLES).to_dict("records"):
                two = "" if one["agree"] or one["split_b"] == "held_out" else ", with two labels"
                pair = [((one[f"split_{side}"], one[f"id_{side}"]), one[f"class_{side}"]) for side in "ab"]
                found.append(Alike(what + two, pair))
        return found

    @property
    def named(self) -> Iterator[Named]:
        return (named for alike in self.examples for named, _ in alike.pair)


def certain(run: Run, data: Dataset | None) -> Certain:
    """The conflicts in the data of a run, where these are at hand, and soon or already looked through."""
    if data is None:
        return Certain()
    most = MOST_COMPARED if are_small(data) or data.kind.in_words else MOST_PHOTOS
    num = sum(map(len, data.splits.values()))
    found = kept_conflicts(run, data)
    if found is None and num > most:
        command = command_line("suspects", run.path)
        what = f"Identical {data.kind.nouns} were not looked for among {num:,}"
        return Certain([f"{what}, which takes a while: {command} does."])
    try:
        found = found or conflicts_in(run, data)
    except BadInput as error:
        return Certain([f"Identical {data.kind.nouns} were not looked for: {error}."])
    others = found.pairs[found.pairs["kind"] != "duplicate"]
    return Certain(replace(found, pairs=others).sentences(), found)


@dataclass(frozen=True)
class SuspectLabels:
    """Labels of a split of a run that are likely wrong, as `suspects` has ``found``.

    ``num`` are wrong with a probability of `ABOVE` or more. The first of them are ``shown``, rows of the
    table with their split and id as ``named``; ``command`` writes them all. ``course_figure`` shows how many
    stood out over the epochs, empty where these are few.
    """

    found: Suspects
    num: int
    shown: list[dict[Any, Any]]
    command: str
    course_figure: str

    @property
    def named(self) -> Iterator[Named]:
        return (one["named"] for one in self.shown)


def suspect_labels(
    run: Run, epoch: int, most: int, most_held_out: int, key: str = "run"
) -> list[SuspectLabels]:
    """The suspects in a run, and among those held out where observed; none where there is one class."""
    if len(run.classes) < 2:
        return []
    asked = run.argument(epoch) if epoch_option(run, epoch) else {}
    nums: dict[Split, int] = {"train": most, "held_out": most_held_out}
    parts = []
    for split, num in [*nums.items()][: 1 + has_held_out(run)]:
        found = suspects(Suspected((run,), split=split, pictures=False, **asked))
        over = found.ranked[found.ranked["p_wrong"] >= ABOVE]
        listed = found.table() if found.doubt() and not len(over) else over
        shown = [one | {"named": (split, one["id"])} for one in listed.head(num).to_dict("records")]
        of_split = [] if split == "train" else ["--split", split]
        where = (run.path, *epoch_option(run, epoch), *of_split)
        command = command_line("suspects", *where, "-o", "suspects.csv")
        figure = _course_figure(found, f"{key}-{split}-course")
        parts.append(SuspectLabels(found, len(over), shown, command, figure))
    return parts


def _course_figure(found: Suspects, key: str) -> str:
    if not found.has_curve:
        return ""
    name = found.rows[-1].name
    label = f"Share of the labels that stand out over {name}s, and the range that fits the data."
    return to_svg(found.course_figure(), key=key, label=label)
