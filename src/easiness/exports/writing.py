"""``export``: a run in the format of another tool; a new format is a file and a line here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from easiness.engine import check_output_file, check_output_folder, output_file, output_folder
from easiness.errors import BadInput, nearest
from easiness.exports.arrays import CLEANLAB, TORCH
from easiness.exports.examples import Examples, Format, ToLabel, examples_of
from easiness.exports.fiftyone import FIFTYONE
from easiness.exports.label_studio import LABEL_STUDIO
from easiness.exports.tables import CSV, HUGGING_FACE, PARQUET, SPOTLIGHT
from easiness.inputs import KINDS
from easiness.regular_file import at_home
from easiness.show import listed
from easiness.spec import Split
from easiness.store import Run, check_opened

FORMATS: tuple[Format[Any], ...] = (
    *(HUGGING_FACE, CLEANLAB, FIFTYONE, LABEL_STUDIO, SPOTLIGHT, TORCH, CSV, PARQUET),
)
"""In the order of the help."""


def find_format(name: str) -> Format[Any]:
    """The format of a name; `BadInput` where there is none."""
    for one in FORMATS:
        if one.name == name:
            return one
    names = [one.name for one in FORMATS]
    raise BadInput(f"--to {name}: unknown{nearest(name, names)}; choose {', '.join(names)}")


@dataclass(frozen=True)
class Exported:
    """An export at ``path``: ``then`` is how to read it, ``notes`` say what was left out or matters."""

    path: Path
    then: str
    notes: tuple[str, ...]


def export(
    run: Run,
    to: str,
    out: str | Path,
    *,
    at: float | None = None,
    source: Any = None,
    split: Split = "train",
    above: float | None = None,
    only: str | Path | None = None,
    blind: bool = False,
    document_root: str | Path | None = None,
) -> Exported:
    """Write a run in the format of another tool: scores, what is suspected of labels, and the examples.

    Args:
        run: to be exported.
        to: name of the format: ``hf``, ``cleanlab``, ``fiftyone``, ``label-studio``, ``spotlight``,
            ``torch``, ``csv`` or ``parquet``.
        out: file or folder to write, by the format; it must not exist where it is a folder.
        at: the epoch from 1, or of a run on features the share, to read at; the last, the largest by default.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where they were.
        split: of the examples measured, or ``held_out``.
        above: to label: examples whose label is wrong with this probability or more, in 0..1, most suspicious
            first and five in any case; 0.1 by default, and 0 are all.
        only: to label: the examples of this file of labels, such as that of an audit, in its order.
        blind: to label: show neither labels nor suggestions. So it is for the file of a blind audit.
        document_root: to label: the folder from which Label Studio serves files; those of the examples are
            in it, and stay there. Without it the tasks have pictures (of 1,024 pixels at most) and sounds
            (of ten seconds) in them.
    """
    check_opened(run=run)
    form, path = find_format(to), at_home(out)
    file, root = (None if one is None else at_home(one) for one in (only, document_root))
    to_label = ToLabel(above, file, blind, root)
    _check_to_label(form, to_label)
    if form.suffixes:
        check_output_file(path, form.suffixes)
    else:
        check_output_folder(path)
    examples = examples_of(run, run.resolve_at(at), source, split)
    examples = replace(examples, to_label=to_label)
    if form.shows is not None:
        _check_shown(form, examples)
    with output_file(path) if form.suffixes else output_folder(path) as place:
        note = form.write(examples, place)
    notes = tuple(one for one in (note, examples.note) if one is not None)
    is_typed = examples.exported is not None and examples.exported.dtype is not None
    then = form.then if is_typed else form.then_without or form.then
    fields = {} if examples.exported is None else vars(examples.exported)
    return Exported(path, then.format(out=str(path), **fields), notes)


def _check_to_label(form: Format[Any], to_label: ToLabel) -> None:
    """Refuse what is for people who label alone, of any other format, and what contradicts itself."""
    options = {"above": "--above", "only": "--only", "blind": "--blind", "root": "--document-root"}
    for field, option in options.items():
        if getattr(to_label, field) not in (None, False) and not form.is_to_label:
            raise BadInput(f"{option}: --to {form.name} has all examples; it is for --to {LABEL_STUDIO.name}")
    if to_label.above is not None and to_label.only is not None:
        raise BadInput("--above with --only: both say which examples; give one of them")
    if to_label.above is not None and not 0 <= to_label.above <= 1:
        raise BadInput(f"--above {to_label.above:g}: give a probability from 0 to 1")


def _check_shown(form: Format[Any], examples: Examples) -> None:
    """Refuse a format that shows nothing of the kind that the examples are, by what it does show."""
    assert form.shows is not None
    kinds = [kind.nouns for kind in KINDS if form.shows(kind.exported)]
    shown, run, data = listed(kinds), examples.run, examples.data
    if data is None:
        raise BadInput(f"{run.path}: {form.name} shows {shown}, and {examples.without_data}")
    if not form.shows(data.kind.exported):
        others = ", ".join(one.name for one in FORMATS if one.shows is None)
        has = data.kind.nouns
        raise BadInput(f"--to {form.name}: shows {shown}, and {run.path} has {has}; choose {others}")
