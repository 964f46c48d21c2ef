"""Files in which others keep outcomes: tables, and those of lm-evaluation-harness and Every Eval Ever."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from easiness.data.tables.splits import READERS, open_table
from easiness.data.tables.table import Table, number_in
from easiness.data.tables.text_files import JSON_LINES, json_objects, table_of
from easiness.errors import BadInput, shorten
from easiness.gate import reading

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
_SAMPLES = re.compile(r"samples_(.+?)(?:_(\d{4}-\d\d-\d\dT[\d.-]+))?\.jsonl(?:\.gz)?")
_QUESTIONS = ("question", "query", "problem", "goal", "prompt", "text", "input", "sentence", "ctx", "premise")
_SCORES = ("score", "is_correct")  # of one metric
_LONGEST = 100  # letters of metadata; longer ones are texts
_SUMMARIES = (".json", ".json.gz")  # they lie beside JSON lines


class Sample(NamedTuple):
    """A row of a known form: of the ``metrics`` and the filters in a file one is chosen."""

    task: str
    filter: str
    metrics: Row
    row: Row


@dataclass
class Choice:
    """The metric and the filter that users name, else the first of each task, whatever file it is in."""

    metric: str | None
    filter: str | None
    metrics: dict[str, dict[str, None]] = field(default_factory=dict)
    filters: dict[str, dict[str, None]] = field(default_factory=dict)

    def rows(self, file: Path, samples: Iterator[Sample]) -> Iterator[tuple[int, Row]]:
        """The rows that count, with their positions in the file."""
        is_empty, scores, filter_name = True, 0, ""
        for place, (task, name, metrics, row) in enumerate(samples):
            names, filters = self.metrics.setdefault(task, {}), self.filters.setdefault(task, {})
            names.update(dict.fromkeys(metrics))
            filters[name] = None
            filter_name = self.filter or next(iter(filters))
            if name in (filter_name, "none"):
                score = metrics.get(self.metric or next(iter(names), ""))
                is_empty, scores = False, scores + (score is not None)
                yield place, {**row, "task": task, "score": score}
        if is_empty:
            self._refuse(file, "filter", filter_name, self.filters)
        if not scores:
            self._refuse(file, "metric", self.metric or "that is a number", self.metrics)

    def _refuse(self, where: Path, kind: str, name: str, by_task: dict[str, dict[str, None]]) -> NoReturn:
        names = shorten(dict.fromkeys(chain(*by_task.values())), 9) or "none"
        role = "right" if kind == "metric" else kind
        raise BadInput(f"{where}: no {kind} {name}; name one by --columns {role}=NAME (there are {names})")

    def notes(self, where: Path) -> list[str]:
        """How to choose where nobody has chosen, once all rows were read."""
        if self.filter and self.filter not in chain(*self.filters.values()):
            self._refuse(where, "filter", self.filter, self.filters)
        metrics = [] if self.metric else [one for one in self.metrics.values() if tuple(one) != _SCORES]
        some = [(names, "right") for names in metrics]
        some += [(names, "filter") for names in self.filters.values() if not self.filter]
        texts = (
            f"{next(iter(names))} counts, of {shorten(names, 9)}; name another by --columns {role}=NAME"
            for names, role in some
            if len(names) > 1
        )
        return [*dict.fromkeys(texts)]


def table_at(path: Path, columns: Mapping[str, str]) -> tuple[Table, dict[str, str], list[str]]:
    """The table in a file, or in all files of one form below a folder; names of its columns; notes."""
    files, roles = _files(path) if path.is_dir() else [path], dict(columns)
    forms = {_form(file): file.name for file in reversed(files)}
    if len(forms) > 1:
        some = shorten(f"{form} ({name})" for form, name in sorted(forms.items()))
        raise BadInput(f"{path}: files of several forms: {some}; record one form at a time")
    read = READS.get(next(iter(forms)))
    if read is None:
        tables = [open_table(file) for file in files]
        names = {*chain(*(one.names for one in tables))}
        if len(files) == 1 or names & {*ROLES["model"], roles.get("model")}:
            return _whole(path, tables), roles, []
        models = [_stem(file.relative_to(path)) for file in files]
        return _whole(path, tables, models), roles, ["no column model: each file is a model"]
    asks = [roles.pop(role, None) for role in ("right", "score", "filter")]
    choice = Choice(asks[0] or asks[1], asks[2])
    tables = [_table(file, list(choice.rows(file, read(file)))) for file in files]
    return _whole(path, tables, by_task=len(choice.metrics) > 1), roles, choice.notes(path)


def _files(folder: Path) -> list[Path]:
    """Files of tables below a folder, without those that are hidden."""
    files = [
        file
        for file in sorted(folder.rglob("[!.]*"))
        if any(one.reads(file) for one in READERS)
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
        and not (file.parent / "run.json").exists()  # what was recorded is no table
    ]
    files = [file for file in files if not file.name.lower().endswith(_SUMMARIES)] or files
    if not files:
        ends = shorten((end for one in READERS for end in one.suffixes), 20)
        raise BadInput(f"{folder}: no tables below it; give files that end in {ends}")
    return files


def _stem(file: Path) -> str:
    ends = (end for one in READERS for end in one.suffixes if file.name.lower().endswith(end))
    return file.as_posix()[: -len(max(ends, key=len, default=""))] or file.name


def _form(file: Path) -> str:
    """The name of the form of a file, by its end, and of JSON lines by the first object."""
    if not JSON_LINES.reads(file):
        return file.name.lower().removesuffix(".gz").rpartition(".")[2]
    first = next(json_objects(file), {})
    if "doc_id" in first and {"filtered_resps", "resps", "doc_hash"} & {*first}:
        return "lm-evaluation-harness"
    return "Every Eval Ever" if {"sample_id", "evaluation", "model_id"} <= {*first} else "json"


def _table(file: Path, rows: Sequence[tuple[int, Row]]) -> Table:
    places = [place for place, _ in rows]
    table = table_of([row for _, row in rows], file, str(file), file.parent)
    return replace(table, name_at=lambda row: f"{file}: row {places[row]}")


def _whole(
    where: Path, tables: Sequence[Table], models: Sequence[str] = (), *, by_task: bool = False
) -> Table:
    """The rows of tables one after another; a table may be of a model, and ids begin with the task."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(tables) == 1 and not by_task:
        return tables[0]
    parts = [pa.table({name: one.column(name) for name in one.names}) for one in tables]
    if models:
        parts = [
            part.append_column("model", [[name] * len(part)])
            for part, name in zip(parts, models, strict=True)
        ]
    with reading(where, "give the same columns in all files", "its files cannot be put together"):
        kinds: dict[str, set[str]] = {}
        for one in chain(*(part.schema for part in parts)):
            kinds.setdefault(one.name, set()).add(str(one.type))
        of_types = {name for name, some in kinds.items() if len(some) > 1}
        whole = pa.concat_tables([_as_texts(part, of_types) for part in parts], promote_options="default")
    if by_task:
        items = pc.binary_join_element_wise(whole["task"], whole["item"], pa.scalar("/", pa.large_string()))
        whole = whole.set_column(whole.column_names.index("item"), "item", items)
    starts = np.cumsum([0, *(one.num_rows for one in tables)])

    def name_at(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return tables[at].name_at(row - int(starts[at]))

    return Table(str(where), whole.schema, len(whole), name_at, whole.column)


def _as_texts(table: Any, names: set[str]) -> Any:
    import pyarrow as pa

    for at, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(at, name, table[name].cast(pa.large_string()))
    return table


def _harness(file: Path) -> Iterator[Sample]:
    """Rows of ``MODEL/samples_TASK_DATE.jsonl``, which lm-evaluation-harness keeps by ``--log_samples``."""
    name = _SAMPLES.fullmatch(file.name)
    task, trial = (name[1], name[2]) if name else (_stem(Path(file.name)), None)
    model = file.resolve().parent.name or "model"
    for place, one in enumerate(json_objects(file)):
        _check(file, place, one, "doc_id")
        doc = one.get("doc")
        values: Row = doc if isinstance(doc, dict) else {"text": doc}
        names = one.get("metrics") if isinstance(one.get("metrics"), list) else [*one]  # of older versions
        metrics = {str(name): one.get(str(name)) for name in names or () if name != "doc_id"}
        metrics = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
        row = {
            "item": str(one["doc_id"]),
            "model": model,
            "trial": trial,
            "text": str(next((values[name] for name in _QUESTIONS if values.get(name)), values)),
            "answer": _answer(one.get("filtered_resps")),
            "key": one.get("target"),
        }
        yield Sample(task, str(one.get("filter", "none")), metrics, {**_scalars(values), **row})


def _every_eval(file: Path) -> Iterator[Sample]:
    """Rows by the schema of Every Eval Ever, one for each sample and metric (``evaluation_result_id``)."""
    for place, one in enumerate(json_objects(file)):
        _check(file, place, one, "sample_id")
        parts: dict[str, Row] = {}
        for name in ("evaluation", "input", "output", "metadata"):
            parts[name] = one.get(name) or {}
            if not isinstance(parts[name], dict):
                raise BadInput(f"{file}: row {place}: {name} is no object; give a file by the schema")
        metadata, metrics = parts["metadata"], parts["evaluation"]
        numbers = {name: metrics.get(name) for name in _SCORES}
        trial = (str(part) for part in (one.get("evaluation_id"), metadata.get("epoch")) if part)
        row = {
            "item": str(one["sample_id"]),
            "model": one.get("model_id"),
            "trial": " ".join(trial) or None,
            "error": one.get("error"),
            "text": parts["input"].get("raw"),
            "answer": _last_answer(one.get("answer_attribution")) or _first(parts["output"].get("raw")),
            "key": _first(parts["input"].get("reference")),
        }
        result = str(one.get("evaluation_result_id") or "none")
        yield Sample(
            str(one.get("evaluation_name")), result, numbers, {**_scalars({**metadata, "epoch": None}), **row}
        )


def _check(file: Path, place: int, one: Row, name: str) -> None:
    if one.get(name) is None:
        raise BadInput(f"{file}: row {place}: no {name}; give the id of each item")


def _scalars(values: Row) -> Row:
    return {
        name: value
        for name, value in values.items()
        if name not in _ROLE_NAMES and isinstance(value, str | int | float) and len(str(value)) <= _LONGEST
    }


def _first(value: Any) -> Any:
    """The first value in a list, or in a list in it."""
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _last_answer(attribution: Any) -> Any:
    parts = attribution if isinstance(attribution, list) else []
    return next((one.get("extracted_value") for one in reversed(parts) if isinstance(one, dict)), None)


def _answer(responses: Any) -> Any:
    """The first response; where they are pairs (log-likelihood, is it greedy), the place of the highest."""
    some = responses if isinstance(responses, list) else []
    pairs = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in some]
    if not all(isinstance(one, list) and len(one) == 2 and str(one[1]) in ("True", "False") for one in pairs):
        return _first(responses)
    numbers = [number_in(str(one[0])) for one in pairs]
    values = [-math.inf if one is None else one for one in numbers]
    return values.index(max(values)) if len(values) > 1 else None


READS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    "lm-evaluation-harness": _harness,
    "Every Eval Ever": _every_eval,
}
