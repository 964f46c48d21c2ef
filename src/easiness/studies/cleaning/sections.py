"""What cleaning does to each class, as a table of text."""

from __future__ import annotations

from easiness.show import Section, capitalized, count
from easiness.studies.cleaning.found import CleanedLabels


def cleaned_sections(cleaned: CleanedLabels) -> list[Section]:
    """How many examples of each class change, the classes that do not left out below the total."""
    table = cleaned.by_class()
    numbers = table.drop(columns="class")
    rows = [["class", "examples", "to others", "from others", "dropped", "left"]]
    rows.append(["all", *(count(int(total)) for total in numbers.sum())])
    for name, *cells in table[numbers[["to_others", "from_others", "dropped"]].any(axis=1)].itertuples(
        index=False
    ):
        rows.append([name, *(count(int(cell)) for cell in cells)])
    return [
        Section(
            capitalized(cleaned.text),
            "By class, as far as it changes: examples that get another label (to others), that get this one "
            "(from others), and that are dropped.",
            rows,
        )
    ]
