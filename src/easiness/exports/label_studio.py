"""A folder for Label Studio: tasks with what is suspected of their labels, and how they are shown."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from easiness.data import CONTROL, DROP, UNSURE, choice_of
from easiness.errors import BadInput, printable
from easiness.exports.examples import Examples, Format
from easiness.runs import data_version, decisions_on
from easiness.studies.suspects import ABOVE

TASKS, CONFIG = "tasks.json", "config.xml"

_EXAMPLE, _QUESTION = "example", "question"
_AT_ONCE = 64  # examples made at a time
_AT_LEAST = 5  # examples
_MOST_BUTTONS = 20  # of classes; more are a list
_ELEMENTS = {"image": "Image", "audio": "Audio", "text": "Text"}
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_ACTIONS = {DROP: "drop: of no class", UNSURE: "unsure"}


def _write(examples: Examples, folder: Path) -> str | None:
    positions, blind = _chosen(examples)
    shown = examples.exported
    assert shown is not None
    element = _ELEMENTS[shown.column]
    if element == "Audio" and examples.asked.document_root is None:
        element += ' decoder="none"'  # what is in a task is played, and not taken apart for a picture of it
    (folder / CONFIG).write_text(_config(examples.run.classes, element), "utf-8")
    rows = examples.table.to_dict("records")
    number = 0
    with (folder / TASKS).open("w", encoding="utf-8") as file:
        for position, address in zip(positions.tolist(), _addresses(examples, positions), strict=True):
            task = _task(examples, rows[position], address, blind)
            file.write(("[" if not number else ",\n") + json.dumps(task, allow_nan=False))
            number += 1
        file.write("]\n")
    return f"{number:,} tasks" + (", which show neither labels nor suggestions" if blind else "")


def _chosen(examples: Examples) -> tuple[npt.NDArray[np.int64], bool]:
    """The positions of the examples to decide on, in order, and whether they are shown blind."""
    asked, table = examples.asked, examples.table
    if asked.only is not None:
        listed = decisions_on(examples.run, asked.only, examples.split).listed
        if not listed:
            raise BadInput(f"{asked.only}: has no examples of this split; give a file that lists some")
        columns = {name for row in listed.values() for name in row}
        return np.array([*listed], np.int64), asked.blind or (
            "stratum" in columns and "suggested" not in columns
        )
    if "p_wrong" not in table:
        raise BadInput(f"{examples.run.path}: {examples.note}; name the examples to look at by --only")
    p_wrong = table["p_wrong"].fillna(-1).to_numpy(np.float64)
    order = np.argsort(-p_wrong, kind="stable")
    num = int((p_wrong >= (ABOVE if asked.above is None else asked.above)).sum())
    return order[: max(num, _AT_LEAST)], asked.blind


def _addresses(examples: Examples, positions: npt.NDArray[np.int64]) -> Iterator[str]:
    """What each example is in a task: its text, where its file is served, or a ``data:`` address."""
    data, root = examples.data, examples.asked.document_root
    assert data is not None
    if root is not None:
        yield from (_served(examples, position, root.resolve()) for position in positions.tolist())
        return
    for first in range(0, len(positions), _AT_ONCE):
        rows = examples.rows[positions[first : first + _AT_ONCE]]
        yield from data.map(rows, lambda value: data.kind.show(value, data.traits).address)


def _served(examples: Examples, position: int, root: Path) -> str:
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
    if blind:
        return {"data": {_EXAMPLE: address, _QUESTION: "Which class is it?", **about}}
    question = f"Labelled as {printable(row['class'])}. Which class is right?"
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
    """What people read, each once, and what stands in the answers."""
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
    "a folder of tasks for Label Studio, with what is suggested",
    _write,
    f"make a project with {{out}}/{CONFIG} as its labeling interface, import {{out}}/{TASKS}, and give "
    "the JSON that it exports to easiness labels",
    shows=lambda exported: exported.form != "numbers",
    is_to_label=True,
)
