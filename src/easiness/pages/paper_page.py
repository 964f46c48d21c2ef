"""Pages of results and of studies, HTML that loads nothing from the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from easiness.inputs import kind_named
from easiness.pages.examples import FoundExamples, Named, are_small, found_within, room_for
from easiness.pages.facts import data_name
from easiness.pages.template import render_page
from easiness.paper import reproduction as paper
from easiness.runs import find_data
from easiness.show import (
    Result,
    Section,
    ShownExample,
    capitalized,
    listed,
    to_svg,
)
from easiness.store import Run
from easiness.studies.keeping import NextLabels
from easiness.studies.patterns import Patterns

_MOST_PICKS = 100


@dataclass(frozen=True)
class Gallery:
    """Examples with a ``title`` and a sentence: of each its id, what is shown, its name, and lines below.

    A line is a bold word and what follows it. All are ``found``, and ``pixelated`` where they are small.
    """

    title: str
    lead: str
    rows: Sequence[tuple[object, ShownExample | None, str, Sequence[tuple[str, str]]]]
    found: FoundExamples
    pixelated: bool


def result_page(result: Result) -> str:
    """The page of a result, HTML that loads nothing from the network."""
    if isinstance(result, Patterns):
        return patterns_page(result)
    first, *others = result.sections()
    label = f"{first.title}; the tables below have the numbers."
    drawn = Illustration("", to_svg(result.figure(), key="result", label=label))
    part = Part("result", "What was tried", "", [drawn], [first, *others])
    gallery = picks_gallery(result) if isinstance(result, NextLabels) else None
    return render_study(StudyPage(first.title, capitalized(result.headline), [part]), gallery)


def picks_gallery(found: NextLabels) -> Gallery | None:
    """The first picks of the rule that is recommended, where there are pictures of them."""
    if found.pool is None:
        return None
    places = found.picks[found.rule][:_MOST_PICKS]
    ids = found.ids[places].tolist()
    wanted: list[Named] = [("train", one) for one in ids]
    examples = FoundExamples.of(found.pool, wanted, room_for(0), "those to label")
    if not examples.with_pictures:
        return None
    said = zip(found.predicted[places], found.margin[places], found.rarity[places], strict=True)
    rows = [
        (one, examples.named["train", one], f"Example {one}", _picked(rank, *words))
        for rank, (one, words) in enumerate(zip(ids, said, strict=True), 1)
    ]
    return Gallery(
        "To label first",
        f"The first {len(rows):,} by the rule {found.rule}: the class predicted, how much likelier it is "
        "than the second, and how rare the example is.",
        rows,
        examples,
        are_small(found.pool),
    )


def _picked(rank: int, predicted: str, margin: float, rarity: float) -> list[tuple[str, str]]:
    return [(f"{rank}.", predicted), ("", f"margin {margin:.2f}, rarity {rarity:.2f}")]


def patterns_page(run: Run, found: Patterns, source: Any = None) -> str:
    """The page about what was ``found`` in a run, as HTML that loads nothing from the network.

    Pictures, sounds and texts are of the data at the ``source``, or where the run found them; without them
    the examples are named alone.
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
        examples = found_within(run, data, wanted)
    lead = (
        f"Class; {found.score}; how many of its class lie near, and the share of other classes among the "
        f"{found.around.nearest} nearest; what is left over."
    )
    return render_page(
        "patterns.html",
        data_name=data_name(run),
        found=found,
        figure=to_svg(found.figure(), key="patterns-", label=found.text),
        sections=found.sections()[:2],
        galleries=[
            (title, lead, [_explained(found, examples, at) for at in some]) for title, some in parts.items()
        ],
        kind=kind_named(run.spec.data.kind) if data is None else data.kind,
        examples=examples,
        pixelated=data is not None and are_small(data),
    )


def _explained(found: Patterns, examples: FoundExamples, at: int) -> tuple[object, ...]:
    """A row of a gallery: what is said of the example at a position."""
    name = found.ids.tolist()[at]
    class_name, value, frequency, contradiction, left = found.said_of(at)
    lines = [(class_name, value), ("", f"{frequency} near, {contradiction} other"), ("", left)]
    return name, examples.named.get((found.split, name)), f"Example {name} of class {class_name}", lines


@dataclass(frozen=True)
class Illustration:
    """A figure as an ``svg`` element, and the tables of its numbers."""

    caption: str
    svg: str
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class Part:
    """An experiment: a sentence or two, figures with their numbers, and tables that belong to no figure.

    The tables are folded.
    """

    key: str
    title: str
    lead: str = ""
    figures: Sequence[Illustration] = ()
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class StudyPage:
    """The page of a study: titles, a part for each experiment, and claims."""

    title: str
    subtitle: str
    parts: Sequence[Part]
    claims: Sequence[paper.Claim] = ()


def render_study(page: StudyPage, gallery: Gallery | None = None) -> str:
    """The page as HTML that loads nothing from the network; the same content gives the same text."""
    return render_page(
        "study.html",
        page=page,
        verdicts=_in_words(page.claims),
        gallery=gallery,
        examples=None if gallery is None else gallery.found,
        pixelated=gallery is not None and gallery.pixelated,
    )


_VERBS = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "not tested here": ("is not tested here", "are not tested here"),
}


def _in_words(claims: Sequence[paper.Claim]) -> str:
    """``4 hold, 7 are undecided and 3 are not tested here``."""
    counts = paper.count_verdicts(claims).items()
    return listed([f"{number} {_VERBS[verdict][number > 1]}" for verdict, number in counts if number])
