"""Which columns of a table hold the examples and their labels, as options name them, else by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from easiness.csv_cells import from_cell
from easiness.data.tables.table import Table, usable, values_in
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import is_text
from easiness.inputs import KINDS, SOUND, TEXT, VECTOR, InputKind
from easiness.spec import LoadOptions, read_names

COLUMNS = ("path", "label", "split")
"""Columns that `columns` renames."""
LABEL = "label"
PATHS = ("path", "filename", "file", "image", *SOUND.columns)
"""Columns of paths; the first that is there counts."""
_LISTED = frozenset({"id", "class", "split", "was", "action"})  # columns that `keep` and `labels` write
_TYPES = {"image": "Image", "sound": "Audio"}  # of columns, as the library `datasets` calls them

Form: TypeAlias = Literal["texts", "vectors", "files", "bytes"]


class Held(NamedTuple):
    """How a table holds its examples, and in which column; vectors are in several.

    The kind is ``None`` for files that tell it by their suffix. A column ``id`` is that of a list, as `keep`
    writes it, whose column ``class`` has the names of the labels.
    """

    form: Form
    kind: InputKind | None
    column: str = ""

    @property
    def is_list(self) -> bool:
        """Do ids name the files?"""
        return self.form == "files" and self.column == "id"


def named_columns(options: LoadOptions) -> dict[str, str]:
    """The names of columns that are others than usual; the label's by either of two options."""
    columns, label = options.columns or {}, options.label
    if label is None:
        return columns
    if columns.get("label", label) != label:
        raise BadInput(f"--label {label}: --columns label={columns['label']} says another; give one of them")
    return {**columns, "label": label}


def label_column(table: Table, options: LoadOptions) -> str:
    """The column of the labels: as named, ``label``, or the only one of class labels of `datasets`."""
    named = named_columns(options).get("label")
    typed = [name for name, of in table.features.items() if of.get("_type") == "ClassLabel"]
    return named or (typed[0] if len(typed) == 1 and LABEL not in table.names else LABEL)


def held_in(table: Table, options: LoadOptions) -> Held:
    """How a table holds its examples."""
    given = [name for name in ("text", "sound", "inputs") if getattr(options, name) is not None]
    if len(given) > 1:
        named = getattr(options, given[0])
        raise BadInput(f"--{given[0]} {named}: --{given[1]} names other examples; give one of them")
    if options.text is not None:
        return Held("texts", TEXT, options.text)
    if options.inputs is not None:
        return Held("vectors", VECTOR)
    if options.sound is not None:
        table.check_column(options.sound)
        return Held("files" if is_text(table.kind(options.sound)) else "bytes", SOUND, options.sound)
    path = (options.columns or {}).get("path")
    if path is not None:
        table.check_column(path, "; name that of the paths with --columns path=NAME")
        return Held("files", None, path)
    return _by_names(table, label_column(table, options), options)


def _by_names(table: Table, label: str, options: LoadOptions) -> Held:
    names = [name for name in table.names if name not in (label, *(options.without or ()))]
    for kind in KINDS:
        if kind.files is None:
            continue
        typed = [name for name in names if table.features.get(name, {}).get("_type") == _TYPES[kind.name]]
        usual = [name for name in kind.columns if name in (typed or names) and not is_text(table.kind(name))]
        if len(typed) > 1 and not usual:
            raise BadInput(
                f"{table.where}: {len(typed)} columns of {kind.files.noun}s ({shorten(sorted(typed))}), none "
                f"called {' or '.join(kind.columns)}; leave out all but one with --without"
            )
        if typed or usual:
            return Held("bytes", kind, (typed if len(typed) == 1 else usual)[0])
    path = next((name for name in PATHS if name in names and is_text(table.kind(name))), None)
    if path is not None and table.root is not None:
        return Held("files", None, path)
    text = text_column(names)
    if text is not None:
        return Held("texts", TEXT, text)
    if "id" in names and ({*names} <= _LISTED or "class" in names or _is_file(table)):
        return Held("files", None, "id")
    if not {*usable(table)} & {*names}:
        raise BadInput(
            f"{table.where}: no column of images, sounds, texts or numbers; its columns are "
            f"{', '.join(table.names)}: name one with --text, --sound or --inputs"
        )
    return Held("vectors", VECTOR)


def text_column(names: Sequence[str]) -> str | None:
    """The column that by its name holds texts."""
    return next((name for name in TEXT.columns if name in names), None)


def _is_file(table: Table) -> bool:
    """Does the first id name a file beside the table?"""
    if table.root is None or not is_text(table.kind("id")):
        return False
    try:
        return (table.root / from_cell(str(values_in(table, "id")[0]))).is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def checked_columns(columns: Any) -> dict[str, str] | None:
    """The argument ``columns`` of `load_dataset`, or ``None`` where it maps nothing."""
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


def checked_names(option: str, given: Any) -> tuple[str, ...] | None:
    """The names of columns that an ``option`` is given: in a list or with commas between them."""
    if given is None:
        return None
    try:
        names = read_names(given) if isinstance(given, str) else tuple(given)
    except (TypeError, ValueError):
        names = ()
    if not names or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{option} {given!r:.80}: no names of columns; give some, such as length,width")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{option}: column {twice} is named twice; name it once")
    return names


def checked_encoding(encoding: Any) -> str | None:
    """The argument ``encoding`` of `load_dataset`."""
    if encoding is None:
        return None
    try:
        "a".encode(encoding)
    except (LookupError, TypeError, ValueError):  # the last of names with a null in them
        raise BadInput(
            f"--encoding {encoding!r:.80}: not known; name one such as utf-8, latin-1, cp1252 or utf-16"
        ) from None
    return str(encoding)
