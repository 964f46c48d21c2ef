"""Pages of HTML from templates: everything escaped, styles and figures in the page."""

from __future__ import annotations

from importlib import resources
from typing import Any

from easiness.report.section import number
from easiness.report.text import chosen_percent, count, percent


def render_page(template: str, **values: Any) -> str:
    """The template, filled in. What is no figure of ours is escaped; a value that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("easiness.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, percent=percent, chosen=chosen_percent, number=number, svg=Markup)
    style = (resources.files("easiness.report") / "page.css").read_text("utf-8")
    return environment.get_template(template).render(values, style=Markup(style))
