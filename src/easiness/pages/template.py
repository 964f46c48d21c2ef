"""Pages of HTML from templates: everything escaped, with styles, scripts and values inside the page."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from easiness import show

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_STYLES = ("page.css", "gallery.css", "print.css")

# where a name may go on in the next line; not in a number, and not before what a file's name ends with
_JOINTS = re.compile(r"(?<=[^\W_][_/\\-])(?=\w)|(?<=\w\.)(?=[^\W\d_])(?!\w{1,4}$)")


@cache
def _environment() -> Environment:
    """Shared Jinja environment; compiling templates costs more than rendering."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("easiness.pages", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "chosen_percent",
        "count",
        "number",
        "percent",
        "quantity",
        "sentence_case",
        "whole_percent",
    ):
        environment.filters[name] = getattr(show, name)
    environment.filters.update(breakable=breakable, svg=Markup)
    environment.globals["interval_text"] = show.interval_text
    return environment


def render_page(template: str, **values: Any) -> str:
    """The template, filled in. All but our own figures is escaped, and a missing value is an error."""
    from markupsafe import Markup

    files = resources.files("easiness.pages")
    style = "\n".join((files / name).read_text("utf-8") for name in _STYLES)
    source = _environment().get_template(template)
    return source.render(values, style=Markup(style), next_number=partial(next, itertools.count(1)))


def breakable(name: object) -> Markup:
    """A name, escaped unless it is HTML, that may go on in the next line behind one of `_JOINTS`."""
    from markupsafe import Markup, escape

    if isinstance(name, Markup):
        return name
    return Markup("<wbr>").join(escape(part) for part in _JOINTS.split(str(name)))


@dataclass(frozen=True)
class InlineScript:
    """The ``text`` of a script element, to be put between its tags as it is."""

    text: str

    @property
    def source(self) -> str:
        """The name that ``script-src`` of a content-security policy has for it."""
        return f"sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}"


def inline_script(names: Iterable[str]) -> InlineScript:
    """Our scripts of these names as one: they share their names, and no other script sees them."""
    folder = resources.files("easiness.pages") / "scripts"
    parts = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in names)
    return InlineScript(f'(() => {{\n"use strict";\n{parts}}})();\n')


def without_repeats(values: Mapping[int, Hashable]) -> dict[int, Any]:
    """Values by place; of those that are equal the first stays, and the others are its place."""
    first: dict[Hashable, int] = {}
    places = ((at, first.setdefault(value, at)) for at, value in values.items())
    return {at: values[at] if before == at else before for at, before in places}


def inert(value: Any) -> str:
    """A value as JSON for a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
