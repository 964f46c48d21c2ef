"""One page about one result: its sentences, its figure, its tables, and examples where it shows some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from easiness.inputs import kind_named
from easiness.report.examples import FoundExamples, are_small, room_for, shown_within
from easiness.report.facts import data_name
from easiness.report.files import write_file
from easiness.report.paper_page import Illustration, Part, StudyPage, render_study
from easiness.report.template import render_page
from easiness.runs import find_data
from easiness.show import Result, Section, to_svg
from easiness.store import Run
from easiness.studies.patterns import Patterns


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
    part = Part("result", "What was tried", "", [drawn], [first, *others, *more])
    write_file(path, render_study(StudyPage(first.title, lead, [part])).encode())


def patterns_page(run: Run, found: Patterns, source: Any = None) -> str:
    """The page about what was ``found`` in a run, as HTML that loads nothing from the network.

    Pictures, sounds and texts are of the data at the ``source``, or where the run found them; without them
    the examples are named alone.

    Raises:
        BadInput: the source given has other data.
    """
    data, why = find_data(run, source)
    ids = found.ids.tolist()
    parts = {
        "Too hard for what they show": found.leftover.too_hard.tolist(),
        "Too easy for what they show": found.leftover.too_easy.tolist(),
    }
    examples = FoundExamples(why_none=why)
    if data is not None:
        wanted = [(found.split, ids[at]) for some in parts.values() for at in some]
        shown, num_cut = shown_within(run, data, wanted, room_for(0))
        examples = FoundExamples.within(data, shown, num_cut)
    return render_page(
        "patterns.html",
        data_name=data_name(run),
        found=found,
        figure=to_svg(found.figure(), key="patterns-", label=found.text),
        sections=found.sections()[:2],
        galleries=[
            (
                title,
                [(ids[at], examples.named.get((found.split, ids[at])), *found.said_of(at)) for at in some],
            )
            for title, some in parts.items()
        ],
        kind=kind_named(run.spec.data.kind) if data is None else data.kind,
        examples=examples,
        pixelated=data is not None and are_small(data),
    )
