"""Names of a user's in a README."""

from __future__ import annotations

import json


def as_markdown(text: str) -> str:
    """The text on one line, with nothing in it that Markdown or HTML takes for its own."""
    return (
        json.dumps(text, ensure_ascii=False)[1:-1].replace("<", "&lt;").replace("[", "\\[").replace("`", "'")
    )
