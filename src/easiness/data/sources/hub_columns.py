"""Which columns of a `datasets.Dataset` hold examples and labels, as named or by their types and names."""

from __future__ import annotations

from typing import Any

from easiness.errors import BadInput, nearest
from easiness.inputs import IMAGE, SOUND, InputKind

LABEL_COLUMN = "label"


def has_labels(table: Any, what: str, named: str | None) -> bool:
    """Is anything labelled? Test splits on the hub often have -1 or nothing for a label."""
    labels = label_values(table, label_column(table, what, named))
    return bool(labels.null_count < len(labels) and any(label != -1 for label in labels.to_pylist()))


def label_values(table: Any, column: str) -> Any:
    """The labels, as Arrow has them."""
    return table.select_columns([column]).with_format("arrow")[:].column(column)


def feature(kind: InputKind) -> Any:
    """The library's type of columns of such examples."""
    import datasets

    return {IMAGE.name: datasets.Image, SOUND.name: datasets.Audio}[kind.name]


def example_column(table: Any, what: str, sound: str | None) -> tuple[InputKind, str]:
    """The kind of the examples, and their column: the one named, the only one of the type, or by its name.

    Raises:
        BadInput: there is none.
    """
    if sound is not None:
        _check_column(table, sound, what)
        return SOUND, sound
    typed = {kind.name: _of_type(table, feature(kind)) for kind in (IMAGE, SOUND)}
    for kind in (IMAGE, SOUND):
        named = [name for name in kind.columns if name in (typed[kind.name] or table.column_names)]
        if len(typed[kind.name]) == 1 or named:
            return kind, (typed[kind.name] if len(typed[kind.name]) == 1 else named)[0]
    num = len(typed[IMAGE.name])
    raise BadInput(
        f"{what}: no column named image or img, and {num} columns of images; its columns are "
        f"{', '.join(table.column_names)}: name one with --text, --sound or --inputs"
    )


def _of_type(table: Any, feature: Any) -> list[str]:
    return [name for name, one in table.features.items() if isinstance(one, feature)]


def _check_column(table: Any, name: str, what: str) -> None:
    if name not in table.column_names:
        raise BadInput(
            f"{what}: no column {name}{nearest(name, table.column_names)}; its columns are "
            f"{', '.join(table.column_names)}"
        )


def label_column(table: Any, what: str, named: str | None) -> str:
    """The column of labels: the one named, ``label``, or the only one of class labels.

    Raises:
        BadInput: there is none.
    """
    import datasets

    if named is not None:
        _check_column(table, named, what)
        return named
    labels: list[str] = [
        name for name, feature in table.features.items() if isinstance(feature, datasets.ClassLabel)
    ]
    if LABEL_COLUMN in table.column_names:
        return LABEL_COLUMN
    if len(labels) == 1:
        return labels[0]
    raise BadInput(
        f"{what}: no column named label, and {len(labels)} columns of class labels; its columns are "
        f"{', '.join(table.column_names)}: name one with --label"
    )
