"""``export``: a run in the format of another tool; a new format is a file and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easiness.engine import check_output_file, check_output_folder, output_file, output_folder
from easiness.errors import BadInput, nearest
from easiness.exports.examples import Examples, Exporting, Format, examples_of
from easiness.exports.formats import CLEANLAB, CSV, HUGGING_FACE, PARQUET, SPOTLIGHT, TORCH
from easiness.exports.label_studio import LABEL_STUDIO
from easiness.inputs import KINDS
from easiness.show import listed

FORMATS: tuple[Format[Any], ...] = (*(HUGGING_FACE, CLEANLAB, LABEL_STUDIO, SPOTLIGHT, TORCH, CSV, PARQUET),)
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


def export(asked: Exporting) -> Exported:
    """Write a run in the format of another tool: scores, what is suspected of labels, and the examples."""
    path, form = asked.output, find_format(asked.to)
    _check_to_label(form, asked)
    if form.suffixes:
        check_output_file(path, form.suffixes)
    else:
        check_output_folder(path)
    examples = examples_of(asked)
    if form.shows is not None:
        _check_shown(form, examples)
    with output_file(path) if form.suffixes else output_folder(path) as place:
        note = form.write(examples, place)
    notes = tuple(one for one in (note, examples.note) if one is not None)
    is_typed = examples.exported is not None and examples.exported.dtype is not None
    then = form.then if is_typed else form.then_without or form.then
    fields = {} if examples.exported is None else vars(examples.exported)
    return Exported(path, then.format(out=str(path), **fields), notes)


def _check_to_label(form: Format[Any], asked: Exporting) -> None:
    """Refuse what is for people who label alone, of any other format, and what contradicts itself."""
    for field in ("above", "only", "blind", "document_root"):
        if getattr(asked, field) not in (None, False) and not form.is_to_label:
            option = f"--{field.replace('_', '-')}"
            raise BadInput(f"{option}: --to {form.name} has all examples; it is for --to {LABEL_STUDIO.name}")
    if asked.above is not None and asked.only is not None:
        raise BadInput("--above with --only: both say which examples; give one of them")
    if asked.above is not None and not 0 <= asked.above <= 1:
        raise BadInput(f"--above {asked.above:g}: give a probability from 0 to 1")


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
