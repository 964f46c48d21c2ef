"""Texts in CSV files, so that no spreadsheet takes one for a formula and reading gives each text back."""

from __future__ import annotations

import re

_MARK = "'"
_NUMBER = r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z"
# what spreadsheets take for the beginning of a formula, in the wide forms of other keyboards too
_FORMULA = re.compile(rf"(?!{_NUMBER})[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", re.ASCII | re.IGNORECASE)


def to_cell(text: str) -> str:
    """The text as it is written: with an apostrophe before what would be a formula, else as it is.

    So is one that begins with apostrophes and a formula, which is why `from_cell` gives every text back.
    """
    return f"{_MARK}{text}" if _is_formula(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` has written as ``cell``; a formula that others have written stays as it is."""
    return cell.removeprefix(_MARK) if _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text.lstrip(_MARK)) is not None
