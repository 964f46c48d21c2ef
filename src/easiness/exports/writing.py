"""``export``: a run in the format of another tool: rows, archives for NumPy, and tasks for Label Studio."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import numpy as np

from easiness.data import CONTROL, DROP, UNSURE, choice_of, load_dataset
from easiness.engine import check_output_file, check_output_folder, output_file, output_folder
from easiness.errors import BadInput, nearest, printable
from easiness.exports.examples import AT_ONCE, Examples, ExportOptions, Format, examples_of
from easiness.inputs import KINDS
from easiness.lazy import Floats, Integers, pa, pq
from easiness.runs import data_version, decisions_on, positions_in
from easiness.show import enumeration, markdown_text, write_csv, write_parquet
from easiness.studies.suspects import ABOVE


def find_format(name: str) -> Format:
    formats = {one.name: one for one in FORMATS}
    if name not in formats:
        raise BadInput(f"--to {name}: unknown{nearest(name, formats)}; choose {', '.join(formats)}")
    return formats[name]


@dataclass(frozen=True)
class Export:
    """An export at ``path``: ``then`` is how to read it, ``notes`` say what was left out or matters."""

    path: Path
    then: str
    notes: tuple[str, ...]


def export(options: ExportOptions) -> Export:
    """Write a run in the format of another tool: scores, what is suspected of labels, and the examples."""
    path, form = options.output, find_format(options.to)
    _check_to_label(form, options)
    if form.suffixes:
        check_output_file(path, form.suffixes)
    else:
        check_output_folder(path)
    of_tags = options.run.tags is not None
    if of_tags and form.then_of_tags is None:
        others = ", ".join(one.name for one in FORMATS if one.then_of_tags is not None)
        problem = f"is of one class an example, and {options.run.path} has tags"
        raise BadInput(f"--to {form.name}: {problem}; choose {others}")
    examples = examples_of(options)
    if form.is_to_label:
        _check_kind(form, examples)
    with output_file(path) if form.suffixes else output_folder(path) as place:
        note = form.write(examples, place)
    notes = tuple(one for one in (note, examples.note) if one is not None)
    example_form, column_type = examples.form, ""
    if example_form is not None and example_form.dtype is not None:
        column_type = f", dtype={{{example_form.column!r}: spotlight.{example_form.dtype}}}"
    then = (of_tags and form.then_of_tags) or form.then
    return Export(path, then.format(out=str(path), type=column_type), notes)


def _check_to_label(form: Format, options: ExportOptions) -> None:
    for field in ("above", "only", "blind", "document_root"):
        if getattr(options, field) not in (None, False) and not form.is_to_label:
            option = f"--{field.replace('_', '-')}"
            raise BadInput(f"{option}: --to {form.name} has all examples; it is for --to {LABEL_STUDIO.name}")
    if options.above is not None and options.only is not None:
        raise BadInput("--above with --only: both say which examples; give one of them")


def _check_kind(form: Format, examples: Examples) -> None:
    kinds = enumeration([kind.nouns for kind in KINDS if kind.export_form.form != "numbers"])
    run, data = examples.run, examples.data
    if data is None:
        raise BadInput(f"{run.path}: {form.name} shows {kinds}, and {examples.without_data}")
    if data.kind.export_form.form == "numbers":
        others, has = ", ".join(one.name for one in FORMATS if not one.is_to_label), data.kind.nouns
        raise BadInput(f"--to {form.name}: shows {kinds}, and {run.path} has {has}; choose {others}")


_NAMES = {"train": "train", "held_out": "test"}


CSV = Format(
    "csv",
    lambda examples, file: write_csv(examples.table_with_texts(), file),
    "pandas.read_csv({out!r})",
    suffixes=(".csv",),
)
PARQUET = Format(
    "parquet",
    lambda examples, file: write_parquet(examples.table_with_texts(), file),
    "polars.read_parquet({out!r})",
    suffixes=(".parquet",),
)


def _with_examples(
    examples: Examples,
    place: Path | BinaryIO,
    table: Any,
    metadata: Callable[[Any], dict[str, str]] | None = None,
) -> str | None:
    """Write a table as Parquet, the examples as its first column: in files of their own with ``metadata``."""
    plain = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    schema, example_form = plain.schema, examples.form
    if example_form is not None:
        file = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if metadata else pa.binary()
        kind = {"file": file, "text": pa.string(), "numbers": pa.list_(pa.float32())}[example_form.form]
        schema = pa.schema([(example_form.column, kind), *schema])
    schema = schema.with_metadata(metadata(schema) if metadata else None)
    with pq.ParquetWriter(place, schema, compression="zstd") as writer:
        if example_form is None:
            writer.write_table(plain.cast(schema))
        for cells, part in examples.with_cells(plain) if example_form is not None else ():
            values = [{"bytes": one, "path": None} for one in cells] if pa.types.is_struct(kind) else cells
            writer.write_table(pa.table([pa.array(values, kind), *part.columns], schema=schema))
    return examples.without


SPOTLIGHT = Format(
    "spotlight",
    lambda examples, file: _with_examples(examples, file, examples.table),
    "spotlight.show({out!r}{type})",
    suffixes=(".parquet",),
    then_of_tags=None,
)


def _hugging_face(examples: Examples, folder: Path) -> str | None:
    def features(schema: Any) -> dict[str, str]:  # `datasets` reads the types of columns from these
        types = {name: _feature(name, schema, examples) for name in schema.names}
        return {"huggingface": json.dumps({"info": {"features": types}})}

    if examples.run.tags is not None:
        examples = examples.by_example()
    path = folder / "data" / f"{_NAMES[examples.split]}-00000-of-00001.parquet"
    path.parent.mkdir()
    (folder / "README.md").write_text(_card(examples), "utf-8")
    return _with_examples(examples, path, examples.table.drop(columns="class", errors="ignore"), features)


def _feature(name: str, schema: Any, examples: Examples) -> dict[str, Any]:
    example_form = examples.form
    if example_form is not None and name == example_form.column and example_form.form != "text":
        numbers = {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "float32"}}
        return numbers if example_form.feature is None else {"_type": example_form.feature}
    if name == "label":
        return {"_type": "ClassLabel", "names": list(examples.run.classes)}
    if name == "tags":
        return {
            "_type": "Sequence",
            "feature": {"_type": "ClassLabel", "names": [*examples.run.spec.data.tag_names]},
        }
    if pa.types.is_list(schema.field(name).type):  # a score of each tag
        return {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "float64"}}
    dtype = str(schema.field(name).type).replace("double", "float64").removeprefix("large_")
    return {"_type": "Value", "dtype": dtype}


def _card(examples: Examples) -> str:
    run, split = examples.run, _NAMES[examples.split]
    which = "examples" if split == "train" else "held-out examples"
    return (
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        f"  - split: {split}\n    path: data/{split}-*\n---\n\n"
        f"{len(examples.table):,} {which} with a column for each score of easiness, from {len(run.trials)} "
        f"{run.noun} of {markdown_text(run.network)} {run.at(examples.epoch)}.\n"
        + ("Each score is a list, with a value for each tag in the order of names.\n" if run.tags else "")
    )


HUGGING_FACE = Format("hf", _hugging_face, "datasets.load_dataset({out!r})")


_TEXT_BYTES = 2**28  # of texts in an array, where each takes as much as the longest


def _write_cleanlab(examples: Examples, file: BinaryIO) -> str | None:
    run, table, split = examples.run, examples.table, examples.split
    if run.tags is not None:
        return _write_multilabel(examples, file)
    probabilities = np.full((len(table), len(run.classes)), np.nan)
    with suppress(BadInput):  # no trial left any out, or too few were kept
        probabilities = run.probabilities(**run.argument(examples.epoch), split=split, left_out=True)
    out_of_sample = ~np.isnan(probabilities).any(axis=1)
    if not out_of_sample.all():
        others = _of_all_trials(examples)
        probabilities[~out_of_sample] = others[~out_of_sample]
    arrays: dict[str, Any] = {
        "labels": table["label"].to_numpy(),
        "pred_probs": probabilities,
        "out_of_sample": out_of_sample,
        "ids": examples.ids,
        "classes": np.array(run.classes, str),
    }
    if examples.words is not None:
        most = max(1, _TEXT_BYTES // (4 * len(table)))
        arrays[f"{examples.words.column}s"] = np.array([text[:most] for text in examples.words.texts], str)
    np.savez_compressed(file, **arrays)
    return (
        f"{out_of_sample.sum():,} of {len(table):,} examples have probabilities out of sample, see "
        "`out_of_sample`; of networks that trained on the example they hide wrong labels, and more trials "
        "with --train-share 0.8 leave more examples out"
    )


def _write_multilabel(examples: Examples, file: BinaryIO) -> str:
    """Labels and probabilities [K, T] of examples of which all tags are known, and judged out of sample."""
    run, split = examples.run, examples.split
    there = run.probabilities(**run.argument(examples.epoch), split=split, left_out=True)[:, 1]
    labels, pred_probs = (examples.by_tag(one) for one in (examples.table["label"].to_numpy(), there))
    known = np.flatnonzero(~np.isnan(pred_probs).any(axis=1))
    every = {"labels": labels, "pred_probs": pred_probs, "ids": examples.by_example().ids}
    arrays: dict[str, Any] = {name: values[known] for name, values in every.items()}
    np.savez_compressed(file, **arrays, classes=np.array(run.spec.data.tag_names, str))
    return f"{len(known):,} of {len(labels):,} examples, those of which every tag is known"


def _of_all_trials(examples: Examples) -> Floats:
    run = examples.run
    try:
        return run.probabilities(**run.argument(examples.epoch), split=examples.split)
    except BadInput:
        raise BadInput(
            f"{run.path}: cleanlab needs probabilities of every example, and not all logits were kept; "
            "measure (--keep-logits) or record (keep_logits=True) another run"
        ) from None


CLEANLAB = Format(
    "cleanlab",
    _write_cleanlab,
    "cleanlab.filter.find_label_issues(**{{k: numpy.load({out!r})[k] for k in ('labels', 'pred_probs')}})",
    suffixes=(".npz",),
    then_of_tags="part = numpy.load({out!r}); cleanlab.multilabel_classification.filter.find_label_issues("
    "[list(numpy.flatnonzero(one)) for one in part['labels']], part['pred_probs'])",
)


def _write_torch(examples: Examples, file: BinaryIO) -> str | None:
    table = examples.table
    indices, note = _positions(examples)
    order = np.argsort(table["difficulty"].to_numpy(), kind="stable")
    wrong = table["p_wrong"] if "p_wrong" in table else np.zeros(len(table))
    np.savez_compressed(
        file,
        indices=indices[order],
        weights=1 - table["easiness_expected"].to_numpy()[order],
        p_wrong=np.asarray(wrong, np.float64)[order],
        labels=table["label"].to_numpy()[order],
        ids=examples.ids[order],
    )
    return note


def _positions(examples: Examples) -> tuple[Integers, str]:
    """Positions [K] of the examples in the data set that they come from, and how these are known."""
    ids, ref = examples.table["id"].to_numpy(), examples.run.spec.data
    whole = "held-out split" if examples.split == "held_out" and ref.holdout is None else "training split"
    if examples.data is not None:  # or says which it lacks
        positions_in(examples.data, examples.run, examples.split)
    if examples.run.spec.measured is None:
        return np.arange(len(ids)), "indices are positions in the ids that the Recorder was given"
    if ids.dtype == np.int64:
        of = "source" if whole == "training split" else f"source's {whole}"
        return ids.astype(np.int64), f"indices are the ids: positions in the {of}"
    if examples.data is None or examples.data.source is None:
        return np.arange(len(ids)), "indices are positions in the run, since the source is not known"
    options = ref.load_options().model_dump() | {"holdout": None, "labels": None}
    data = load_dataset(examples.data.source, **options)
    if whole == "held-out split":
        assert data.held_out is not None
        data = data.held_out
    note = f"indices are positions in the {whole}, ids in order, as torchvision's ImageFolder has them"
    return positions_in(data, examples.run, examples.split), note


TORCH = Format(
    "torch",
    _write_torch,
    "part = numpy.load({out!r}); subset = torch.utils.data.Subset(data, part['indices']); sampler = "
    "torch.utils.data.WeightedRandomSampler(part['weights'], len(subset)); loader = "
    "torch.utils.data.DataLoader(subset, sampler=sampler)",
    suffixes=(".npz",),
    then_of_tags=None,
)


TASKS, CONFIG = "tasks.json", "config.xml"

_EXAMPLE, _QUESTION = "example", "question"
_AT_LEAST = 5  # examples
_MOST_BUTTONS = 20  # of classes; more are a list
_ELEMENTS = {"image": "Image", "audio": "Audio", "text": "Text"}
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_ACTIONS = {DROP: "drop: of no class", UNSURE: "unsure"}


def _write(examples: Examples, folder: Path) -> str | None:
    positions, blind = _positions_to_label(examples)
    example_form = examples.form
    assert example_form is not None
    element = _ELEMENTS[example_form.column]
    if element == "Audio" and examples.options.document_root is None:
        element += ' decoder="none"'  # what is in a task is played, and not taken apart for a picture of it
    (folder / CONFIG).write_text(_config(examples.run.classes, element), "utf-8")
    rows = examples.table.assign(id=examples.run.examples(examples.split)[0]).to_dict("records")
    with (folder / TASKS).open("w", encoding="utf-8") as file:
        before = "["
        for position, address in zip(positions.tolist(), _addresses(examples, positions), strict=True):
            task = _task(examples, rows[position], address, blind)
            file.write(before + json.dumps(task, allow_nan=False))
            before = ",\n"
        file.write("]\n")
    return f"{len(positions):,} tasks" + (", which show neither labels nor suggestions" if blind else "")


def _positions_to_label(examples: Examples) -> tuple[Integers, bool]:
    options, table = examples.options, examples.table
    if options.only is not None:
        rows = decisions_on(examples.run, options.only, examples.split).other_cells
        if not rows:
            raise BadInput(f"{options.only}: has no examples of this split; give a file that lists some")
        columns = {name for row in rows.values() for name in row}
        return np.array([*rows], np.int64), options.blind or (
            "stratum" in columns and "suggested" not in columns
        )
    if "p_wrong" not in table:
        raise BadInput(f"{examples.run.path}: {examples.note}; name the examples to look at by --only")
    p_wrong = table["p_wrong"].fillna(-1).to_numpy(np.float64)
    order = np.argsort(-p_wrong, kind="stable")
    num = int((p_wrong >= (ABOVE if options.above is None else options.above)).sum())
    return order[: max(num, _AT_LEAST)], options.blind


def _addresses(examples: Examples, positions: Integers) -> Iterator[str]:
    """Fields of each example in a task: its text, where its file is served, or a ``data:`` address."""
    data, root = examples.data, examples.options.document_root
    assert data is not None
    if root is not None:
        yield from (_address_served(examples, position, root.resolve()) for position in positions.tolist())
        return
    for first in range(0, len(positions), AT_ONCE):
        rows = examples.rows[positions[first : first + AT_ONCE]]
        yield from data.map(rows, lambda value: data.kind.show(value, data.traits).address)


def _address_served(examples: Examples, position: int, root: Path) -> str:
    file = examples.file(position)
    if file is None:
        raise BadInput(
            f"--document-root {root}: the example {examples.table['id'].iloc[position]} is no file of its "
            "own; leave it out, so that the tasks have the examples in them"
        )
    if not file.resolve().is_relative_to(root):
        raise BadInput(f"--document-root {root}: {file} is not below it; give a folder that it is in")
    return f"/data/local-files/?d={quote(file.resolve().relative_to(root).as_posix())}"


def _task(examples: Examples, row: dict[Any, Any], address: str, blind: bool) -> dict[str, Any]:
    about = {
        "id": str(row["id"]),
        "was": int(row["label"]),
        "split": examples.split,
        "of": data_version(examples.run),
    }
    ask = ("Which class is it?", "Which class is right?")
    if "tag" in row:
        ask = (f"{printable(row['tag'])}: is it there?",) * 2
    if blind:
        return {"data": {_EXAMPLE: address, _QUESTION: ask[0], **about}}
    question = f"Labelled as {printable(row['class'])}. {ask[1]}"
    data = {_EXAMPLE: address, _QUESTION: question, **about, "label": row["class"]}
    p_wrong = float(row.get("p_wrong", math.nan))
    if math.isnan(p_wrong):
        return {"data": data}
    choices = [choice_of(int(row["suggested"]))] if row["suggested"] >= 0 else []
    result = {"from_name": CONTROL, "to_name": _EXAMPLE, "type": "choices", "value": {"choices": choices}}
    prediction = {"model_version": "easiness", "score": p_wrong, "result": [result] if choices else []}
    data |= {"suggested": row["suggested_class"], "p_wrong": p_wrong}
    return {"data": data, "predictions": [prediction]}


def _config(classes: tuple[str, ...], element: str) -> str:
    """The labeling interface, in which any name of a class is but a text."""
    layout = "inline" if len(classes) <= _MOST_BUTTONS else "select"
    choices = [
        f'    <Choice value="{html.escape(value)}" alias="{alias}"/>\n' for value, alias in _choices(classes)
    ]
    # the example is below the choices, which a tall picture would push away
    return f"""<View>
  <Header value="${_QUESTION}"/>
  <Choices name="{CONTROL}" toName="{_EXAMPLE}" choice="single" required="true" layout="{layout}">
{"".join(choices)}  </Choices>
  <{element} name="{_EXAMPLE}" value="${_EXAMPLE}"/>
</View>
"""


def _choices(classes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    # a dollar would make a variable of what follows it
    names = [_NOT_IN_XML.sub("", printable(name)).replace("$", "\uff04") for name in classes]
    often = Counter([*map(str.strip, names), *_ACTIONS.values()])
    for label, name in enumerate(names):
        is_clear = name.strip() and often[name.strip()] == 1
        yield name if is_clear else f"{choice_of(label)}: {name}", choice_of(label)
    for action, text in _ACTIONS.items():
        yield text, action


LABEL_STUDIO = Format(
    "label-studio",
    _write,
    f"make a project with {{out}}/{CONFIG} as its labeling interface, import {{out}}/{TASKS}, and give "
    "the JSON that it exports to easiness labels",
    is_to_label=True,
)


FORMATS: tuple[Format, ...] = (HUGGING_FACE, CLEANLAB, LABEL_STUDIO, SPOTLIGHT, TORCH, CSV, PARQUET)
