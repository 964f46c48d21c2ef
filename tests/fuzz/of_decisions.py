"""Decisions of people in a CSV file, and in the JSON of Label Studio, altered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from herd import Asked
from json_mutations import altered_value, text_of
from mutations import altered
from of_tables import altered_cells

import loaded  # noqa: F401
from easiness.data import Labelled, decisions_by_person

_DATA = "pets@0123456789ab"
_OF = Labelled("pets", np.arange(8), np.arange(8) % 3, ("cat", "dog", "2"))
CSV, JSON = "labels.csv", "answers.json"


def make(out: Path) -> None:
    """A file of each form, of two people."""
    out.mkdir(parents=True)
    rows = [
        f"{at},{at % 3},{at % 3},{action},{'ab'[at % 2]},2026-11-28T10:00:00Z,train,{_DATA}"
        for at, action in enumerate(("keep", "drop", "unsure", "", "keep", "relabel"))
    ]
    (out / CSV).write_text("\n".join(["id,label,was,action,by,time,split,data", *rows, ""]))
    tasks = [
        {
            "id": at,
            "data": {"example": "a text", "id": str(at), "was": at % 3, "split": "train", "of": _DATA},
            "annotations": [
                {
                    "completed_by": person,
                    "was_cancelled": False,
                    "created_at": f"2026-11-28T10:00:0{at}Z",
                    "result": [{"from_name": "decision", "type": "choices", "value": {"choices": [choice]}}],
                }
                for person in (1, {"id": 2, "email": "b@example.org"})
            ],
        }
        for at, choice in enumerate(("class 0", "class 2", "drop", "unsure"))
    ]
    (out / JSON).write_text(json.dumps(tasks))


def read(file: Path) -> None:
    """The decisions of each person, and the table of them."""
    for found in decisions_by_person(file, _OF, "train", _DATA).values():
        found.table()


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of the two, with other bytes, cells or values."""
    name = str(rng.choice([CSV, JSON, JSON]))
    content, file = (whole / name).read_bytes(), folder / name
    file.write_bytes(content)
    if rng.random() < 0.3:
        content, was = altered(rng, content)
        file.write_bytes(content)
    elif name == CSV:
        was = altered_cells(rng, file)
    else:
        value, was = altered_value(rng, json.loads(content))
        file.write_bytes(text_of(rng, value))
    return Asked(f"{name}: {was}", "decisions", lambda: read(file))
