"""Tables of texts and of numbers, and texts in files, altered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from herd import Asked
from mutations import NUMBERS, altered
from of_data import read_all
from tables import altered_parquet

import loaded  # noqa: F401
from easiness import load_dataset
from easiness.csv_cells import SEPARATORS

NUM = 24
_CELLS = (
    *("", " ", "=1+1", "'=1", "-1", "1e999", "nan", "NULL", "TRUE", "1_0", "٣", "0x10", "1,5", "9" * 5000),
    *("x" * 200_000, "a\nb", '"', "\0", "\u202e", "\ud7ff", "é", "\ufeff", "a" * 60, "1.5", "2.0", "007"),
)
_ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-7")
_OPTIONS: Sequence[dict[str, Any]] = (
    {},
    {},
    {"text": "text"},
    {"inputs": ["x", "kind"]},
    {"inputs": "hidden"},
    {"encoding": "utf-16"},
    {"encoding": "latin-1"},
    {"encoding": "unicode_escape"},
    {"label": "kind"},
    {"group": "kind"},
    {"columns": {"split": "kind"}},
    {"holdout": 0.25},
)


def make(out: Path) -> None:
    """A table of each kind as CSV and as Parquet, and a folder of texts."""
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(
        {
            "x": rng.normal(size=NUM).round(3),
            "count": rng.integers(0, 9, NUM),
            "kind": rng.choice(["red", "green", "blue"], NUM),
            "label": rng.permutation(["cat", "dog"] * (NUM // 2)),
            "split": ["train"] * 18 + ["test"] * 6,
        }
    )
    numbers.loc[3, "x"] = np.nan
    texts = numbers[["kind", "label"]].assign(text=[f"what is {value}?" for value in numbers["x"]])
    out.mkdir(parents=True)
    numbers.to_csv(out / "numbers.csv", index=False)
    texts.to_csv(out / "texts.csv", index=False)
    hidden = numbers.drop(columns="split").assign(hidden=pd.Series(list(rng.normal(size=(NUM, 4)))))
    hidden.to_parquet(out / "numbers.parquet", row_group_size=10)
    texts.astype({"kind": "category"}).to_parquet(out / "texts.parquet")
    for row, (label, text) in enumerate(zip(texts["label"][:8], texts["text"][:8], strict=True)):
        (out / "mail" / label).mkdir(parents=True, exist_ok=True)
        (out / "mail" / label / f"{row}.txt").write_text(text)


def altered_cells(rng: np.random.Generator, file: Path) -> str:
    """Something else in some cells of a CSV file, its separator or its encoding."""
    rows = [line.split(",") for line in file.read_text().splitlines()]
    told = []
    for _ in range(int(rng.choice([0, 1, 1, 3]))):
        row = rows[rng.integers(len(rows))]
        cell = str(rng.choice([*_CELLS, *(one.decode() for one in NUMBERS)]))
        row[rng.integers(len(row))] = cell
        told.append(repr(cell[:20]))
    separator, encoding = str(rng.choice(list(SEPARATORS))), str(rng.choice(_ENCODINGS))
    text = "\n".join(map(separator.join, rows))
    file.write_bytes(text.encode(encoding, "replace"))
    return f"{file.name}: cells {', '.join(told)}, {separator!r}, {encoding}"


def _bytes(rng: np.random.Generator, file: Path) -> str:
    content, how = altered(rng, file.read_bytes())
    file.write_bytes(content)
    return f"{file.name}: {how}"


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these, read with some options."""
    os.environ["EASINESS_CACHE"] = "/dev/null/none"
    root = Path(shutil.copytree(whole, folder / "tables"))
    name = str(rng.choice(["numbers.csv", "texts.csv", "numbers.parquet", "texts.parquet", "mail"]))
    options = dict(_OPTIONS[int(rng.integers(len(_OPTIONS)))])
    source = root / name
    if name == "mail":
        files = sorted(source.rglob("*.txt"))
        was = _bytes(rng, files[rng.integers(len(files))])
        options = {"skip_unreadable": bool(rng.random() < 0.3)}
    elif source.suffix == ".parquet" and rng.random() < 0.7:
        content, how = altered_parquet(rng, source.read_bytes())
        source.write_bytes(content)
        was = f"{name}: {how}"
    elif source.suffix == ".csv" and rng.random() < 0.7:
        was = altered_cells(rng, source)
    else:
        was = _bytes(rng, source)
    return Asked(f"{was}; {options}", "a table", lambda: read_all(load_dataset(source, **options)))
