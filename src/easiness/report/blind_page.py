"""A page to decide on the labels of a file in, which says nothing of what networks make of them."""

from __future__ import annotations

from typing import Any

from easiness.inputs import kind_named
from easiness.report.deciding import deciding
from easiness.report.examples import FoundExamples, are_small, found_within
from easiness.report.facts import data_name
from easiness.report.labels import certain
from easiness.report.template import Page, render_page
from easiness.report.to_decide import ToDecide, listed
from easiness.runs import find_data
from easiness.store import Run


def blind_page(run: Run, epoch: int, source: Any, asked: ToDecide) -> Page:
    """The page, of a run read after ``epoch``; its data are looked for at the ``source``."""
    data, why = find_data(run, source)
    view = deciding(run, epoch, listed(run, (), asked), certain(run, data).copies, data, asked)
    assert view is not None
    found = FoundExamples(why_none=why)
    if data is not None:
        found = found_within(run, data, (), view, asked.pixels)
    pixelated = data is not None and are_small(data)
    return render_page(
        "blind.html",
        found.fewer_pixels,
        data_name=data_name(run),
        name=run.network,
        kind=kind_named(run.spec.data.kind) if data is None else data.kind,
        examples=found,
        deciding=view,
        deciding_data=view.data(found, pixelated),
    )
