"""Scripts and values inside a page, and what its policy must say of them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Inlined:
    """The ``text`` of a script element, to be put between its tags as it is."""

    text: str

    @property
    def source(self) -> str:
        """What ``script-src`` of a content-security policy names it by."""
        return f"sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}"


def inlined(names: Iterable[str]) -> Inlined:
    """Our scripts of these names as one: they share their names, and no other script sees them."""
    folder = resources.files("easiness.report") / "scripts"
    parts = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in names)
    return Inlined(f'(() => {{\n"use strict";\n{parts}}})();\n')


def inert(value: Any) -> str:
    """A value as JSON for a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
