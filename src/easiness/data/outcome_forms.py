"""Files in which others keep outcomes: tables, and those of lm-evaluation-harness and Every Eval Ever."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple

from easiness.data.tables.splits import READERS, is_table, open_table
from easiness.data.tables.table import Table, is_value, number_in
from easiness.data.tables.text_files import JSON_LINES, json_objects, table_of
from easiness.errors import BadInput, shorten
from easiness.gate import reading
from easiness.lazy import pa, pc

Row = dict[str, Any]

ROLES = {
    "item": ("item", "id", "item_id", "example_id", "sample_id", "question_id", "doc_id"),
    "model": ("model", "model_id", "model_name"),
    "trial": ("trial", "rollout", "repeat"),
    "error": ("error",),
    "text": ("text", "question", "prompt"),
    "group": ("group", "task"),
    "answer": ("answer",),
    "key": ("key",),
    "count": ("count",),
    "correct": ("correct",),
    "right": ("right", "is_correct"),
    "score": ("score",),
}
"""The roles of columns, and the names that say so; the first that is there counts."""
_ROLE_NAMES = frozenset(chain(*ROLES.values()))
_NAME = re.compile(r"(?:samples_)?(.+?)(?:_(\d{4}-\d\d-\d\dT[\d.-]+))?(?:\.\w+)?(?:\.gz)?", re.DOTALL)
_QUESTIONS = ("question", "query", "problem", "goal", "prompt", "text", "input", "sentence", "ctx", "premise")
_LONGEST = 100  # letters of metadata; longer ones are texts
_SUMMARIES = (".json", ".json.gz")  # they lie beside JSON lines
_SHEETS = (".xlsx", ".xls", ".ods")


class Form(NamedTuple):
    """A form of JSON lines: where its objects say what, the first of several paths of keys that has a value.

    An object has a key of each of ``signs``. ``fields`` are by role. Its ``evaluation`` has the ``scores``;
    where these are not known, its ``metrics`` name those of the object itself. ``objects`` are nothing else.
    Its part ``choices`` has those of a question.
    """

    signs: Sequence[set[str]]
    fields: Mapping[str, Sequence[str]]
    metadata: str
    choices: str
    scores: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


FORMS = {
    "lm-evaluation-harness": Form(  # MODEL/samples_TASK_DATE.jsonl, by --log_samples
        signs=({"doc_id"}, {"filtered_resps", "resps", "doc_hash"}),
        fields={
            "item": ("doc_id",),
            "text": (*(f"doc.{name}" for name in _QUESTIONS), "doc"),
            "answer": ("filtered_resps",),
            "key": ("target",),
            "filter": ("filter",),
        },
        metadata="doc",
        choices="doc",
    ),
    "Every Eval Ever": Form(  # a row for each sample and metric, which evaluation_result_id names
        signs=({"sample_id"}, {"evaluation"}, {"model_id"}),
        fields={
            "item": ("sample_id",),
            "model": ("model_id",),
            "trial": ("evaluation_id",),
            "epoch": ("metadata.epoch",),
            "error": ("error",),
            "text": ("input.raw",),
            "answer": ("answer_attribution.extracted_value", "output.raw"),
            "key": ("input.reference",),
            "task": ("evaluation_name",),
            "filter": ("evaluation_result_id",),
        },
        metadata="metadata",
        choices="input",
        scores=("score", "is_correct"),
        objects=("evaluation", "input", "output", "metadata"),
    ),
}


def table_at(path: Path, columns: Mapping[str, str]) -> tuple[Table, dict[str, str], list[str]]:
    """The table in a file, or in all files of one form below a folder; names of its columns; notes."""
    if path.suffix.lower() in _SHEETS:
        raise BadInput(f"{path}: a workbook; save its sheet as a file that ends in {_endings()}")
    files, roles = _files(path) if path.is_dir() else [path], dict(columns)
    forms = {_form(file): file.name for file in reversed(files)}
    if len(forms) > 1:
        some = shorten(f"{form} ({name})" for form, name in sorted(forms.items()))
        raise BadInput(f"{path}: files of several forms: {some}; record one form at a time")
    form = FORMS.get(next(iter(forms)))
    if form is not None:
        names = [roles.pop(role, None) for role in ("right", "score", "filter")]
        table, notes = _samples(path, files, form, names[0] or names[1], names[2])
        return table, roles, notes
    tables = [open_table(file) for file in files]
    if len(files) == 1:
        return tables[0], roles, []
    parts = [{name: as_texts(one, name) for name in one.names} for one in tables]
    notes = []
    if not {*chain(*parts)} & {*ROLES["model"], roles.get("model")}:
        notes = ["no column model: each file is a model"]
        for file, part in zip(files, parts, strict=True):
            name = file.relative_to(path).as_posix().removesuffix(".gz").rpartition(".")[0]
            part["model"] = [name] * len(next(iter(part.values())))
    return _whole(path, tables, parts), roles, notes


def _endings() -> str:
    return shorten((end for one in READERS for end in one.suffixes), 20)


def _files(folder: Path) -> list[Path]:
    """Files of tables below a folder, without those that are hidden."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if is_table(file)
        and "/." not in f"/{file.relative_to(folder).as_posix()}"
        and file.is_file()
        and not (file.parent / "run.json").exists()  # what was recorded is no table
    ]
    files = [file for file in files if not file.name.lower().endswith(_SUMMARIES)] or files
    if not files:
        raise BadInput(f"{folder}: no tables below it; give files that end in {_endings()}")
    return files


def _form(file: Path) -> str:
    """The name of the form of a file, by its end, and of JSON lines by the first object."""
    if not JSON_LINES.reads(file):
        return file.name.lower().removesuffix(".gz").rpartition(".")[2]
    first = next(json_objects(file), {})
    names = (name for name, form in FORMS.items() if all(sign & first.keys() for sign in form.signs))
    return next(names, "json")


def as_texts(table: Table, name: str) -> Any:
    """The cells as texts without spaces around them, null where there is no number; lists as they are."""
    kind, cells = table.kind(name), table.column(name)
    if not is_value(kind):
        return cells
    cells = cells.cast(kind)
    cells = pc.if_else(pc.is_nan(cells), None, cells) if pa.types.is_floating(kind) else cells
    return pc.utf8_trim_whitespace(cells.cast(pa.large_string()))


def _whole(where: Path, tables: Sequence[Table], parts: Sequence[Mapping[str, Any]]) -> Table:
    """The columns of tables, one after another."""
    import numpy as np

    with reading(where, "give the same columns in all files", "its files cannot be put together"):
        whole = pa.concat_tables([pa.table(part) for part in parts], promote_options="default")
    starts = np.cumsum([0, *(one.num_rows for one in tables)])

    def name_at(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return tables[at].name_at(row - int(starts[at]))

    return Table(str(where), whole.schema, len(whole), name_at, whole.column)


def _samples(
    where: Path, files: Iterable[Path], form: Form, metric: str | None, of_filter: str | None
) -> tuple[Table, list[str]]:
    """The rows of one metric and one filter, those that users name, else the first of each task."""
    metrics: dict[str, Row] = {}  # by task, in the order in which they come, as filters are
    filters: dict[str, Row] = {}
    rows: list[Row] = []
    places: list[str] = []

    def check(is_there: bool, file: Path, role: str, name: str, some: Mapping[str, Row]) -> None:
        if not is_there:
            names = shorten(dict.fromkeys(chain(*some.values())), 9) or "none"
            remedy = f"name one by --columns {role}=NAME (there are {names})"
            raise BadInput(f"{file}: no {name} to take as {role}; {remedy}")

    for file in files:
        num = len(rows)
        for place, (row, scores, name) in enumerate(_rows(file, form)):
            metrics.setdefault(row["task"], {}).update(scores)
            filters.setdefault(row["task"], {})[name] = None
            first = of_filter or next(iter(filters[row["task"]]))
            if name in (first, "none"):
                row["score"] = scores.get(metric or next(iter(metrics[row["task"]]), ""))
                rows.append(row)
                places.append(f"{file}: row {place}")
        check(len(rows) > num, file, "filter", first, filters)
        has_score = any(row["score"] is not None for row in rows[num:])
        check(has_score, file, "right", metric or "number", metrics)
    if of_filter:
        check(of_filter in chain(*filters.values()), where, "filter", of_filter, filters)
    for row in rows:  # whatever else is in the call
        row["item"] = None if row["item"] is None else f"{row['task']}/{row['item']}"
    notes = [
        f"{next(iter(names))} counts, of {shorten(names, 9)}; name another by --columns {role}=NAME"
        for role, choice, some in (("right", metric or form.scores, metrics), ("filter", of_filter, filters))
        for names in some.values()
        if len(names) > 1 and not choice
    ]
    table = replace(table_of(rows, where, str(where), where), name_at=places.__getitem__)
    return table, [*dict.fromkeys(notes)]


def _rows(file: Path, form: Form) -> Iterator[tuple[Row, Row, str]]:
    """Each object of a file: a row by roles, scores by metric, and the name of its filter."""
    name = _NAME.fullmatch(file.name)
    task, trial = name.groups() if name else (file.name, None)
    of_file = {"model": file.resolve().parent.name or "model", "task": task, "trial": trial}
    paths = {role: [one.split(".") for one in some] for role, some in form.fields.items()}
    for place, one in enumerate(json_objects(file)):
        for part in form.objects:
            if not isinstance(one.get(part) or {}, dict):
                raise BadInput(f"{file}: row {place}: {part} is no object; give a file by the schema")
        row = of_file | {role: _value(one, some) for role, some in paths.items()}
        trials = [str(row[role]) for role in ("trial", "epoch") if row.get(role) is not None]
        row |= {"trial": " ".join(trials) or None, "task": str(row["task"])}
        text = "" if row["text"] is None else str(row["text"])
        row["text"] = "\n".join([text, *_choices(one.get(form.choices))])
        metadata = one.get(form.metadata)
        row |= {
            name: value
            for name, value in (metadata.items() if isinstance(metadata, dict) else ())
            if name not in row and name not in _ROLE_NAMES
            if isinstance(value, str | int | float) and len(str(value)) <= _LONGEST
        }
        row.pop("epoch", None)
        yield row, _scores(one, form), str(row.pop("filter") or "none")


def _choices(question: Any) -> list[str]:
    """The choices of a question, each after its own label or a letter: a list, or ``{text, label}``."""
    choices = question.get("choices") if isinstance(question, dict) else None
    part = choices if isinstance(choices, dict) else {"text": choices}
    texts, labels = part.get("text"), part.get("label")
    labels = labels if isinstance(labels, list) else ascii_uppercase
    pairs = zip(labels, texts if isinstance(texts, list) else (), strict=False)
    return [f"{label}. {text}" for label, text in pairs]


def _scores(one: Row, form: Form) -> Row:
    if form.scores:
        return {name: (one.get("evaluation") or {}).get(name) for name in form.scores}
    if isinstance(one.get("metrics"), list):
        names, may_be = one["metrics"], int | float | None  # null where the trial errored
    else:  # in older versions any number may be one
        names, may_be = one, int | float
    scores = {str(name): one.get(str(name)) for name in names if name not in ("doc_id", "target")}
    return {name: score for name, score in scores.items() if isinstance(score, may_be)}


def _value(one: Row, paths: Iterable[Sequence[str]]) -> Any:
    """The value at the first of the paths that has one, by the last of lists on the way."""
    for path in paths:
        value: Any = one
        for name in path:
            value = value[-1] if isinstance(value, list) and value else value
            value = value.get(name) if isinstance(value, dict) else None
        value = _first_or_best(value) if isinstance(value, list) else value
        if value not in (None, "", {}):
            return str(value) if isinstance(value, dict) else value
    return None


def _first_or_best(values: list[Any]) -> Any:
    """The first value; where all are pairs (log-likelihood, is it greedy), the place of the highest."""
    pairs = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in values]
    if all(isinstance(one, list) and len(one) == 2 and str(one[1]) in ("True", "False") for one in pairs):
        numbers = [number_in(str(one[0])) for one in pairs]
        likelihoods = [-math.inf if one is None else one for one in numbers]
        return likelihoods.index(max(likelihoods)) if len(likelihoods) > 1 else None
    value: Any = values
    while isinstance(value, list):
        value = value[0] if value else None
    return value
