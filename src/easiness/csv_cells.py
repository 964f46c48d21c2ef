"""Cells of CSV files that no spreadsheet takes for formulas."""

from __future__ import annotations

import re

_MARK = "'"
_NUMBER = r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z"
_UNSEEN = r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
# what spreadsheets take for the beginning of a formula, behind blanks too, in wide forms as well
_FORMULA = re.compile(
    rf"(?:{_UNSEEN}*(?!{_NUMBER})[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])", re.ASCII | re.IGNORECASE
)


def to_cell(text: str) -> str:
    """The text with an apostrophe before a formula, also behind apostrophes: `from_cell` gives it back."""
    return f"{_MARK}{text}" if _is_formula(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` has written as ``cell``; a formula that others have written stays as it is."""
    return cell[1:] if cell.startswith(_MARK) and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text.lstrip(_MARK)) is not None
