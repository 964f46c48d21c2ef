"""Labels to be looked at: conflicts that are certain, and those that networks suspect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.pages.data_map import Name
from easiness.pages.examples import are_small
from easiness.pages.facts import epoch_option
from easiness.runs import has_held_out
from easiness.show import to_svg
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.suspects import (
    ABOVE,
    WITHIN,
    Conflicts,
    SuspectOptions,
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
class Certain:
    """Certain ``conflicts`` in the data, and ``sentences`` on them or on why there are none."""

    sentences: list[str] = field(default_factory=list)
    conflicts: Conflicts = field(default_factory=lambda: Conflicts.none("examples"), repr=False)

    @property
    def flaws(self) -> Mapping[tuple[str, object], str]:
        """Examples that are blank, dark, overexposed or silent, by split and id."""
        return self.conflicts.flaws

    @cached_property
    def duplicates(self) -> list[list[str]]:
        """The groups of identical training examples with one label, each as ids."""
        groups = self.conflicts.of("duplicate").groupby("id_a", sort=False)["id_b"]
        return [[str(one), *map(str, others)] for one, others in groups]

    @cached_property
    def examples(self) -> list[tuple[str, list[tuple[Name, str]]]]:
        """The first pairs of each kind, by name and class, with their fault; two labels come first."""
        pairs_of_kinds = []
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
                pairs_of_kinds.append((what + two, pair))
        return pairs_of_kinds

    @property
    def names(self) -> Iterator[Name]:
        return (names for _, pair in self.examples for names, _ in pair)


def certain(run: Run, data: Dataset | None) -> Certain:
    """The conflicts in the data of a run, where these are at hand, and soon or already looked through."""
    if data is None or run.tags is not None:
        return Certain()
    most = MOST_COMPARED if are_small(data) or data.kind.in_words else MOST_PHOTOS
    num = sum(map(len, data.splits.values()))
    conflicts = kept_conflicts(run, data)
    if conflicts is None and num > most:
        what, command = f"Identical {data.kind.nouns}", command_line("suspects", run.path)
        return Certain([f"{what} were not looked for among {num:,}, which takes a while: {command} does."])
    try:
        conflicts = conflicts or conflicts_in(run, data)
    except BadInput as error:
        return Certain([f"Identical {data.kind.nouns} were not looked for: {error}."])
    others = conflicts.pairs[conflicts.pairs["kind"] != "duplicate"]
    return Certain(replace(conflicts, pairs=others).sentences(), conflicts)


@dataclass(frozen=True)
class SuspectLabels:
    """Labels of a split of a run that are likely wrong: the ``result`` of `suspects`.

    ``num`` are wrong with a probability of `ABOVE` or more. ``rows`` are the first, with split and id as
    ``name``; ``command`` writes all. ``course_figure`` has how many stood out over the epochs, or is empty.
    """

    result: Suspects
    num: int
    rows: list[dict[Any, Any]]
    command: str
    course_figure: str

    @property
    def names(self) -> Iterator[Name]:
        return (one["name"] for one in self.rows)


def suspect_labels(
    run: Run, epoch: int, most: int, most_held_out: int, key: str = "run"
) -> list[SuspectLabels]:
    """The suspects in a run, and among those held out where observed; none where there is one class."""
    if len(run.classes) < 2:
        return []
    at = run.argument(epoch) if epoch_option(run, epoch) else {}
    nums: dict[Split, int] = {"train": most, "held_out": most_held_out}
    parts = []
    for split, num in [*nums.items()][: 1 + has_held_out(run)]:
        result = suspects(SuspectOptions((run,), split=split, pictures=False, **at))
        over = result.ranked[result.ranked["p_wrong"] >= ABOVE]
        first = result.ranked.head(result.num_listed) if result.doubt() and not len(over) else over
        rows = [one | {"name": (split, one["id"])} for one in first.head(num).to_dict("records")]
        of_split = [] if split == "train" else ["--split", split]
        where = (run.path, *epoch_option(run, epoch), *of_split)
        command = command_line("suspects", *where, "-o", "suspects.csv")
        figure = _course_figure(result, f"{key}-{split}-course")
        parts.append(SuspectLabels(result, len(over), rows, command, figure))
    return parts


def _course_figure(result: Suspects, key: str) -> str:
    figure = result.course_figure()
    if figure is None:
        return ""
    name = result.rows[-1].name
    label = f"Share of the labels that stand out over {name}s, and the range that fits the data."
    return to_svg(figure, key=key, label=label)
