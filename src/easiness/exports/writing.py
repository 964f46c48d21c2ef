"""``export``: a run in the format of another tool; a new format is a file and a line here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from easiness.engine import (
    At,
    Data,
    HeldOutToo,
    OneRun,
    check_output_file,
    check_output_folder,
    output_file,
    output_folder,
)
from easiness.errors import BadInput, nearest
from easiness.exports.arrays import CLEANLAB, TORCH
from easiness.exports.examples import Examples, Format, ToLabel, examples_of
from easiness.exports.fiftyone import FIFTYONE
from easiness.exports.label_studio import LABEL_STUDIO
from easiness.exports.tables import CSV, HUGGING_FACE, PARQUET, SPOTLIGHT
from easiness.inputs import KINDS
from easiness.show import listed
from easiness.spec import Option

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


@dataclass(frozen=True)
class Exporting:
    """Options of `export`."""

    run: OneRun
    to: Annotated[
        str,
        Option(
            "--to",
            "hf (a folder for Hugging Face datasets), cleanlab (labels and pred_probs), fiftyone (its "
            "dataset as JSON), label-studio (tasks, and how they are shown), spotlight (a Parquet with the "
            "examples), torch (indices and sampling weights), csv or parquet (rows).",
            placed=True,
        ),
    ]
    output: Annotated[Path, Option("-o", "File or new folder to write.", also=("--output",), placed=True)]
    split: HeldOutToo = "train"
    at: At = None
    data: Data = None
    above: Annotated[
        float | None,
        Option(
            "--above",
            "For label-studio: labels that are wrong with this probability or more, and five in any case; "
            "0.1 by default.",
        ),
    ] = None
    only: Annotated[
        Path | None,
        Option(
            "--only", "For label-studio: only the examples of this file of labels, such as one of `audit`."
        ),
    ] = None
    blind: Annotated[bool, Option("--blind", "For label-studio: show neither labels nor suggestions.")] = (
        False
    )
    document_root: Annotated[
        Path | None,
        Option(
            "--document-root",
            "For label-studio: the folder that it serves files from; without it, files are put into the "
            "tasks.",
        ),
    ] = None


def export(asked: Exporting) -> Exported:
    """Write a run in the format of another tool: scores, what is suspected of labels, and the examples."""
    run, path, form = asked.run, asked.output, find_format(asked.to)
    to_label = ToLabel(asked.above, asked.only, asked.blind, asked.document_root)
    _check_to_label(form, to_label)
    if form.suffixes:
        check_output_file(path, form.suffixes)
    else:
        check_output_folder(path)
    examples = examples_of(run, run.resolve_at(asked.at), asked.data, asked.split)
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
