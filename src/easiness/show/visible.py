"""Names of a user's on a terminal: what would end a line or move the cursor is shown, not done."""

from __future__ import annotations

import re

# controls, ends of lines and paragraphs, and what turns the direction of writing
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""The text on one line, its control characters as Python writes them: ``\n``, ``\x1b``."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)
