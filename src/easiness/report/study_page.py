"""One page about a study: its claims, then a part for each experiment with figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from easiness.report.template import render_page
from easiness.show import Section
from easiness.studies.paper import Claim, count_verdicts


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
    """What the page holds."""

    title: str
    subtitle: str
    parts: Sequence[Part]
    claims: Sequence[Claim] = ()


def render_study(page: StudyPage) -> str:
    """The page as HTML that loads nothing from the network; the same content gives the same text."""
    return render_page("study.html", page=page, verdicts=_in_words(page.claims))


_VERBS = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "not tested here": ("is not tested here", "are not tested here"),
}


def _in_words(claims: Sequence[Claim]) -> str:
    """``4 hold, 7 are undecided and 3 are not tested here``."""
    said = [
        f"{number} {_VERBS[verdict][number > 1]}"
        for verdict, number in count_verdicts(claims).items()
        if number
    ]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
