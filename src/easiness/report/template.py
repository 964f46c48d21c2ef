"""Pages of HTML from templates: everything escaped, styles and figures in the page."""

from __future__ import annotations

from importlib import resources
from typing import Any

from easiness.show import capitalized, chosen_percent, count, number, percent, whole_percent


def render_page(template: str, **values: Any) -> str:
    """The template, filled in. All but our own figures is escaped, and a missing value is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("easiness.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        capitalized=capitalized,
        chosen=chosen_percent,
        count=count,
        number=number,
        percent=percent,
        svg=Markup,
        whole_percent=whole_percent,
    )
    style = (resources.files("easiness.report") / "page.css").read_text("utf-8")
    return environment.get_template(template).render(values, style=Markup(style))
