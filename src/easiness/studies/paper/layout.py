"""What lies in the folder of a paper study, and reading it without what trains it."""

from __future__ import annotations

from pathlib import Path

from easiness.errors import BadInput
from easiness.store import Run, open_run, read_json

DOCUMENT = "study.json"
RUNS = "trials"
PAGE = "report.html"
FIGURES = "figures"
TABLES = "tables"


def is_study(out: Path) -> bool:
    """Does the folder hold a study?"""
    return (out / DOCUMENT).is_file()


def is_damaged_study(out: Path) -> bool:
    """Does the folder hold a study whose description cannot be read as one?"""
    if not is_study(out):
        return False
    try:
        settings = read_json(out / DOCUMENT)
    except (OSError, ValueError):
        return True
    return not (isinstance(settings, dict) and isinstance(settings.get("preset"), dict))


def study_runs(out: Path) -> list[Run]:
    """The runs of a study that have been begun, by name."""
    return [open_run(found.parent) for found in sorted((out / RUNS).glob("*/run.json"))]


def study_page(out: Path) -> str:
    """The page of a finished study.

    Raises:
        BadInput: it is not finished, or the page cannot be read.
    """
    try:
        return (out / PAGE).read_text("utf-8")
    except OSError:
        raise BadInput(
            f"{out}: the study has no {PAGE} yet; run the same `easiness paper` again to finish it"
        ) from None
