"""How much alike easy and hard examples look, as tables of text and as a sentence."""

from __future__ import annotations

from easiness.analysis import MIN_GROUP
from easiness.show import Section, number
from easiness.studies.similarity.found import DIFFERENCES, SETS, Distances, Estimate, SetName, Space

_NAMES: dict[SetName, str] = {
    "easy": "easy",
    "hard": "hard",
    "random as easy": "random, as many as easy",
    "random as hard": "random, as many as hard",
    "all": "any two",
}
_UNITS: dict[Space, str] = {
    "pixel": "Evaluation input in global contrast normalization; distances over the root of the number of "
    "values, so that unrelated images are at 1.41.",
    "feature": "Input of the classifier layer of trial {trial}; distances in units of the root of the mean "
    "squared norm.",
}


def similarity_sections(similarity: Distances) -> list[Section]:
    """Two tables per space: the distances, and the differences between sets."""
    s = similarity
    sets = (
        f"Easiest and hardest {100 * s.fraction:g} % after epoch {s.epoch}, {s.num_trials} trials of "
        f"{s.model}, ties refined (tie mass {number(s.tie_mass['easy'])} and {number(s.tie_mass['hard'])}). "
        f"{_counted(s)} 95 % intervals from a bootstrap over examples."
    )
    if not s.decided:
        sets += f" With fewer than {MIN_GROUP} trials nothing is decided."
    sections = []
    for space in s.spaces.values():
        rows = [["examples of a class", "mean distance", "95 % interval", "examples"]]
        rows += [[_NAMES[name], *_estimate(space.sets[name], s.decided), str(s.sizes[name])] for name in SETS]
        unit = _UNITS[space.space].format(trial=s.trial)
        sections.append(Section(f"Mean distance within a class, {space.space} space", f"{unit} {sets}", rows))
        rows = [["difference", "value", "95 % interval"]]
        rows += [[name, *_estimate(space.differences[name], s.decided)] for name in DIFFERENCES]
        sections.append(
            Section(
                f"Differences, {space.space} space",
                "Random is the random set of the same size in each class; below 0: nearer to each other.",
                rows,
            )
        )
    return sections


def similarity_sentence(similarity: Distances) -> str:
    """The distances in pixels in a sentence or two."""
    space = similarity.spaces["pixel"]
    easy, hard, every = (_with_interval(space.sets[name]) for name in ("easy", "hard", "all"))
    text = (
        f"In pixels, two of a class among the easiest {100 * similarity.fraction:g} % of all examples are "
        f"{easy} apart on average, two among the hardest {hard}, any two {every} (normalized images, "
        f"unrelated ones are at 1.41; 95 % intervals over examples). {_counted(similarity)}"
    )
    if not similarity.decided:
        text += f" With fewer than {MIN_GROUP} trials this decides nothing."
    return text


def _counted(s: Distances) -> str:
    if len(s.classes) == s.num_classes:
        return f"Each of the {s.num_classes} classes counts equally."
    return (
        f"Only {len(s.classes)} of {s.num_classes} classes have two easy and two hard examples; each of "
        "these counts equally."
    )


def _estimate(estimate: Estimate, decided: bool) -> list[str]:
    low, high = estimate.interval
    return [
        number(estimate.value, 3) + ("" if decided else "?"),
        f"{number(low, 3)} to {number(high, 3)}",
    ]


def _with_interval(estimate: Estimate) -> str:
    low, high = estimate.interval
    return f"{number(estimate.value)} ({number(low)} to {number(high)})"
