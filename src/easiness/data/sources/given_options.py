"""Options of tables as they are given in Python, checked before any source is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easiness.errors import BadInput, nearest
from easiness.spec import LoadOptions, read_names

COLUMNS = ("path", "label", "split")
"""Of a manifest, by the names that they have unless others are given."""


def checked_columns(columns: Any) -> dict[str, str] | None:
    """The argument ``columns`` of `load_dataset`, or ``None`` where it maps nothing.

    Raises:
        BadInput: it is no mapping of names, or maps something else than a path, a label or a split.
    """
    if not columns:
        return None
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns.values()):
        raise BadInput('columns: give names by names, such as {"path": "filename", "label": "breed"}')
    for ours in columns:
        if ours not in COLUMNS:
            raise BadInput(
                f"--columns {ours}={columns[ours]}: a manifest has no {ours!r}{nearest(str(ours), COLUMNS)}; "
                f"name {', '.join(COLUMNS)}"
            )
    return dict(columns)


def named_columns(options: LoadOptions) -> dict[str, str] | None:
    """The names of columns that are others than usual; the label's by either of two options.

    Raises:
        BadInput: both name it, and differ.
    """
    columns, label = options.columns or {}, options.label
    if label is None:
        return columns or None
    if columns.get("label", label) != label:
        raise BadInput(f"--label {label}: --columns label={columns['label']} says another; give one of them")
    return {**columns, "label": label}


def checked_inputs(inputs: Any) -> tuple[str, ...] | None:
    """The argument ``inputs`` of `load_dataset`: names, in a list or with commas between them.

    Raises:
        BadInput: it is something else, names nothing, or a column twice.
    """
    if inputs is None:
        return None
    try:
        names = read_names(inputs) if isinstance(inputs, str) else tuple(inputs)
    except (TypeError, ValueError):
        names = ()
    if not names or not all(isinstance(name, str) for name in names):
        raise BadInput(f"--inputs {inputs!r:.80}: no names of columns; give some, such as length,width")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"--inputs: column {twice} is named twice; name it once")
    return names


def checked_encoding(encoding: Any) -> str | None:
    """The argument ``encoding`` of `load_dataset`.

    Raises:
        BadInput: Python knows no encoding of texts with that name.
    """
    if encoding is None:
        return None
    try:
        "a".encode(encoding)
    except (LookupError, TypeError, ValueError):  # the last of names with a null in them
        raise BadInput(
            f"--encoding {encoding!r:.80}: not known; name one such as utf-8, latin-1, cp1252 or utf-16"
        ) from None
    return str(encoding)


def check_no_columns(options: LoadOptions) -> None:
    """Refuse options that name columns, for a source that has none.

    Raises:
        BadInput: one is given.
    """
    for name in ("text", "sound", "inputs", "label"):
        given = getattr(options, name)
        if given is not None:
            raise BadInput(f"{name} {given!r}: the source has no columns; leave it out")
    if options.encoding is not None:
        raise BadInput(f"encoding {options.encoding!r}: goes with CSV and .txt files; leave it out")
