"""A value in one line, for a prompt, a log or a debugger."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from easiness.regular_file import in_words

_LONGEST = 60  # characters of what one field holds
_LINE = 120  # characters of a line


def in_short(value: Any) -> str:
    """The name of a dataclass with its fields that are numbers or names, or short lists or values of them."""
    shown = ", ".join(f"{name}={text}" for name, text in _fields(value, in_short))
    return f"{type(value).__name__}({shown})"


def in_a_line(value: Any) -> str:
    """As `in_short`, without what is empty, off or not there, and cut where the line is long."""
    line = f"{type(value).__name__}("
    for name, text in _fields(value, in_a_line):
        if text in ("None", "False", "''", "[]", "()"):
            continue
        if len(line) + len(name) + len(text) > _LINE:
            return f"{line}...)"
        line += f"{name}={text}, "
    return f"{line.removesuffix(', ')})"


def _fields(value: Any, within: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """The names and texts of the fields that have one."""
    for field in dataclasses.fields(value):
        text = _text(getattr(value, field.name), within) if field.repr else None
        if text is not None:
            yield field.name, text


def _text(value: Any, within: Callable[[Any], str]) -> str | None:
    """The value as written in Python; a long text is cut, and anything larger is ``None``."""
    if isinstance(value, float):  # NumPy's as well, which would say so
        return f"{float(value):.6g}"
    if isinstance(value, str) and len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}..."
    if value is None or isinstance(value, str | int):
        return repr(in_words(value) if isinstance(value, str) else value)
    if isinstance(value, list | tuple):
        inner = [_text(item, within) for item in value]
        texts = [text for text in inner if text is not None]
        listed = ", ".join(texts)
        if len(texts) < len(inner) or len(listed) > _LONGEST:
            return None
        return f"[{listed}]" if isinstance(value, list) else f"({listed}{',' * (len(texts) == 1)})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        text = within(value)
        return text if len(text) <= _LONGEST and not text.endswith("()") else None
    return None
