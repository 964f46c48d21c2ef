"""What changed between two versions of a data set, as tables of text."""

from __future__ import annotations

from easiness.show import Section, chosen_percent, count, number
from easiness.studies.versions.found import CHANGES, Change, ChangedExamples

_MOST_CLASSES = 20
_MOST_EXAMPLES = 10  # of each kind


def changes_sections(found: ChangedExamples) -> list[Section]:
    """What changed in each class, then the examples that changed most surely."""
    return [
        _classes(found),
        *(_examples(found, change) for change in ("harder", "easier") if found.num(change)),
    ]


def _classes(found: ChangedExamples) -> Section:
    table = found.by_class()
    rows = [["class", *CHANGES, "mean difference"]]
    rows.append(["all", *(count(found.num(change)) for change in CHANGES), f"{found.overall[0]:+.3f}"])
    for _, row in table.head(_MOST_CLASSES).iterrows():
        rows.append([row["class"], *(count(int(row[one])) for one in CHANGES), _signed(row["difference"])])
    return Section(found.text, " ".join([_how(found), *found.notes]), rows)


def _how(found: ChangedExamples) -> str:
    value, low, high = found.overall
    least = f" by more than {found.at_least:g}" if found.at_least else ""
    more = len(found.by_class()) - _MOST_CLASSES
    rest = f" {count(more)} more classes are not shown." if more > 0 else ""
    return (
        f"Mean probability of the label over epochs 1 to {found.epoch} of {found.model}, "
        f"{found.num_trials[0]} trials of {found.names[0]} against {found.num_trials[1]} of "
        f"{found.names[1]}, examples matched by {found.by}; an example counts where it moved{least} "
        "beyond the noise of the trials, at a false-discovery rate of "
        f"{chosen_percent(found.rate)} (Benjamini-Hochberg). All examples together moved by {value:+.3f} "
        f"({low:+.3f} to {high:+.3f}). Classes with the most changed examples come first.{rest}"
    )


def _examples(found: ChangedExamples, change: Change) -> Section:
    table = found.examples[found.examples["change"] == change].head(_MOST_EXAMPLES)
    rows = [["id", "class", "was", "before", "after", "q"]]
    for _, row in table.iterrows():
        was = "" if row["old_class"] == row["class"] else row["old_class"]
        cells = [number(row["confidence_old"], 3), number(row["confidence_new"], 3), f"{row['q']:.2g}"]
        rows.append([str(row["id"]), row["class"], was, *cells])
    return Section(
        f"Became {change}",
        f"The {len(table)} surest of {count(found.num(change))}: mean probability of the label before and "
        "after, and the adjusted p-value; `was` is the class before, where it was another.",
        rows,
    )


def _signed(value: float) -> str:
    return "" if value != value else f"{value:+.3f}"  # NaN: a class that is in one version alone
