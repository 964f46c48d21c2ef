"""One page about a study: its claims, then a part for each experiment with figures and tables."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

from easiness.report.template import render_page
from easiness.show import Section
from easiness.studies.paper import Claim, count_verdicts


@dataclass(frozen=True)
class Illustration:
    """A figure: ``svg`` as an element, or ``png`` as bytes; ``label`` is for those who cannot see it."""

    label: str
    caption: str
    svg: str = ""
    png: bytes = field(default=b"", repr=False)

    @property
    def uri(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Part:
    """An experiment: a sentence or two, figures, tables."""

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
    return render_page("study.html", page=page, verdicts=count_verdicts(page.claims))
