"""Targets that are neither a class nor tags of each example, and what to do with them instead."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from easiness.data.tables.table import Table
from easiness.errors import BadInput
from easiness.gate import is_text
from easiness.lazy import Array, Mask, pa

_PAGE = "the page 'Boxes, masks, tokens and numbers' shows how"
BOXES = f"crop each box to a picture of its own, with a class each, or record outcomes by box ({_PAGE})"
NUMBERS = f"put them into bins, or record as outcomes which are met ({_PAGE})"
INSTEAD = f"record outcomes by box or mask, and tokens by the Recorder with groups ({_PAGE})"
TAGS = "add --tags to take them as tags (in Python tags=True)"


def are_tags(y: Array) -> bool:
    """Are targets [K, T] all 1, 0 or missing, which is NaN or -1?"""
    return y.ndim == 2 and y.dtype.kind in "biuf" and bool(_are_states(y).all())


def check_most_are_tags(y: Array, name: Callable[[int], str]) -> None:
    """Refuse targets [K, T] of which more than half, and not all, are values of tags, by the first other."""
    if y.ndim == 2 and y.dtype.kind in "biuf" and 1 / 2 < (states := _are_states(y)).mean() < 1:
        row, tag = np.argwhere(~states)[0]
        problem = (
            f"the value of tag {tag} is {y[row, tag]:g}, and a tag is 1, 0, or NaN or -1 where nobody knows"
        )
        raise BadInput(f"{name(int(row))}: {problem}; mend it, or {INSTEAD}")


def _are_states(y: Array) -> Mask:
    return np.isin(y, (0, 1, -1)) | np.isnan(y.astype(np.float64))


def check_no_parts(texts: Collection[str], where: str) -> None:
    """Refuse labels that hold one for each token, or lists as of boxes."""
    words = {word for text in texts for word in text.split()}
    if any(text.replace(" ", "").startswith("[[") for text in texts):
        raise BadInput(f"{where}: the labels are lists of numbers, such as boxes; {INSTEAD}")
    if "O" in words and any(word[:2] in ("B-", "I-") for word in words):
        raise BadInput(f"{where}: the labels hold one for each token; {INSTEAD}")


def refusal_of_column(table: Table, column: str) -> BadInput:
    kind, remedy = table.kind(column), TAGS
    if tag_lists(table, column) is None:
        remedy = INSTEAD if pa.types.is_nested(kind) else "name another with --label"
    return BadInput(f"{table.where}: column {column} holds {kind} and no labels; {remedy}")


def tag_lists(table: Table, column: str) -> list[list[str]] | None:
    """The lists of texts or whole numbers in a column; ``None`` if most name one twice, as of tokens."""
    kind = table.kind(column)
    of = getattr(kind, "value_type", None)
    if "list" not in str(kind).split("<")[0] or not (is_text(of) or pa.types.is_integer(of)):
        return None
    lists = [list(map(str, one or ())) for one in table.column(column).to_pylist()]
    return None if 2 * sum(len({*one}) < len(one) for one in lists) > len(lists) else lists
