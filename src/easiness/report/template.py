"""Pages of HTML from templates: everything escaped, styles and figures in the page."""

from __future__ import annotations

import itertools
import re
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from easiness.show import (
    capitalized,
    chosen_percent,
    count,
    counted,
    interval_text,
    number,
    percent,
    whole_percent,
)

if TYPE_CHECKING:
    from markupsafe import Markup

_STYLES = ("page.css", "gallery.css", "print.css")

# where a name may go on in the next line; not in a number
_JOINTS = re.compile(r"(?<=[^\W_][_/\\-])(?=\w)|(?<=\w\.)(?=[^\W\d_])")


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
        breakable=breakable,
        capitalized=capitalized,
        chosen=chosen_percent,
        count=count,
        counted=counted,
        number=number,
        percent=percent,
        svg=Markup,
        whole_percent=whole_percent,
    )
    environment.globals["interval_text"] = interval_text
    files = resources.files("easiness.report")
    style = "\n".join((files / name).read_text("utf-8") for name in _STYLES)
    return environment.get_template(template).render(
        values, style=Markup(style), next_number=partial(next, itertools.count(1))
    )


def breakable(name: object) -> Markup:
    """A name that may go on in the next line behind an underscore, a dash, a dot or a slash; escaped."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in _JOINTS.split(str(name)))
