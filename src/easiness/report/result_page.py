"""One page about one result: its sentences, its figure, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from easiness.report.files import write_file
from easiness.report.paper_page import Illustration, Part, StudyPage, render_study
from easiness.show import Result, Section, to_svg


def write_result_page(path: Path, result: Result, lead: str, more: Sequence[Section] = ()) -> None:
    """Write a page of HTML that loads nothing from the network.

    Args:
        path: the file, which is written whole or not at all.
        result: what it is about: the title is that of its first section.
        lead: what it says, in a sentence or two.
        more: tables beside those of the result, folded.

    Raises:
        RunFailed: the file cannot be written.
    """
    first, *others = result.sections()
    label = f"{first.title}; the tables below have the numbers."
    drawn = Illustration("", to_svg(result.figure(), key="result", label=label))
    part = Part("result", first.title, lead, [drawn], [first, *others, *more])
    write_file(path, render_study(StudyPage(first.title, first.note, [part])).encode())
