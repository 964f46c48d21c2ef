"""The frame of a study on real data: its options, results that are kept, and its page in docs/results.

A page has its sentences from whoever read the tables. A script writes the tables alone: those on the page,
the whole ones as CSV beside it, and when and where they were made. The command is at the top of the page.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from kit.pages import markdown, write_table
from kit.results import ROOT, add_options, measured

RESULTS = ROOT / "docs" / "results"
ALONE: dict[str, Any] = {
    "jobs": 1,
    "executor": "serial",
    "progress": False,
}  # for ``measure``: a training at a time, here
PAIRED = {"jobs": 2, "executor": "processes", "compile": "off", "progress": False}  # two at a time
BLOCK = re.compile(r"(?<=```console\n)(\$ .*\n)(?:.*\n)*?(?=```)")


def options(doc, *needed, runs=None, more=None, arguments=None):
    """The options of a script: folders that it needs, ``--runs``, ``--docs`` and others by their defaults."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for name in needed:
        parser.add_argument(name, type=Path, required=True)
    others = {"--docs": None, **({"--runs": Path("runs", runs)} if runs else {}), **(more or {})}
    add_options(parser, {name.removeprefix("--"): value for name, value in others.items()})
    found = parser.parse_args(arguments)
    if runs:
        found.runs.mkdir(parents=True, exist_ok=True)
    return found


def kept(file, make, *arguments):
    """The content of a JSON file, made where it is not there: whole or not at all."""
    if not file.exists():
        part = file.with_suffix(".part")
        part.write_text(json.dumps(make(*arguments), indent=1) + "\n")
        part.replace(file)
    return json.loads(file.read_text())


def calibration_error(p, came):
    """The expected calibration error of probabilities [n] in ten bins, of what came true [n]."""
    at = np.minimum((10 * p).astype(int), 9)
    return float(np.abs(np.bincount(at, p - came, 10)).sum() / max(len(p), 1))


def made_wrong(labels, rate, draw, num, kind="uniform"):
    """Labels [K] of which a share is wrong: any other of ``num`` classes, or of a ``pair`` the next one."""
    wrong = draw.random(len(labels)) < rate
    step = 1 if kind == "pair" else draw.integers(1, num, len(labels))
    return np.where(wrong, (labels + step) % num, labels)


def in_folds(model, x, labels, seed=0):
    """Probabilities [K, C] by models that learned from four fifths of the others each."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(model, x, labels, cv=folds, method="predict_proba")


def pooled(pictures, side):
    """Pictures [n, H, W, C] of which squares of ``side`` pixels are one."""
    num, height, width, channels = pictures.shape
    squares = pictures.reshape(num, height // side, side, width // side, side, channels)
    return squares.mean((2, 4)).round().astype(np.uint8)


def features_of(data, name, runs):
    """Features [K, D] of the training examples by a kind's name, and those of the held-out ones or None."""
    from easiness.features import find_features, ready_features

    rows = ready_features(find_features(name, data), data, runs / "features")
    held_out = rows["held_out"] if data.held_out is not None else None
    return tuple(one if one is None else np.asarray(one, np.float32) for one in (rows["train"], held_out))


def renewed(text, *shown, made=None):
    """A page with these tables, each in the place of the one with its header, and what made them.

    Args:
        text: of the page, in Markdown.
        shown: header and rows of each; of those with the same header the first is the first on the page.
        made: lines that say when and where; they stay as they are without it.
    """
    if made is not None:
        text = BLOCK.sub(lambda block: f"{block[1]}{made}\n", text, count=1)
    begin = dict.fromkeys((tuple(header) for header, _ in shown), 0)
    for header, rows in shown:
        first = re.compile(re.escape(f"| {' | '.join(header)} |\n") + r"(?:\|.*\n?)*")
        there = first.search(text, begin[tuple(header)])
        if there is None:
            raise KeyError(f"no table on the page has the columns {', '.join(header)}")
        table = markdown(header, rows) + "\n"
        text = text[: there.start()] + table + text[there.end() :]
        begin[tuple(header)] = there.start() + len(table)
    return text


def publish(docs, name, tables, *shown, made=None, figure=None):
    """Print what a study found, and write it: whole tables beside the page, and what is shown into it.

    Args:
        docs: the page to write, or the folder that it is in; ``None`` for none. A page that is not there
            begins as that of docs/results.
        name: of that page, without its suffix.
        tables: header and rows of each whole table by the name of its file.
        shown: header and rows of each table on the page.
        made: lines that say when and where, if not here and now.
        figure: the bytes of an SVG, if the page has one.
    """
    made = made or measured()  # before a file of the repository is written
    for table in shown:
        print(markdown(*table), "\n", flush=True)
    if docs is None:
        return
    page = docs if docs.suffix == ".md" else docs / f"{name}.md"
    before = page if page.exists() else RESULTS / f"{name}.md"
    page.write_text(renewed(before.read_text("utf-8"), *shown, made=made), "utf-8")
    for one, (header, rows) in tables.items():
        write_table(page.with_suffix("") / f"{one}.csv", header, rows)
    if figure is not None:
        page.with_suffix(".svg").write_bytes(figure)
