"""What is worth keeping? `ez.worth` on data whose wrong labels are known, and simulated where the truth is.

CIFAR-10 (10,000 pictures and 10,000 held out, features of the packaged network), TREC and FSDD, with
their own labels and with three tenths made wrong; what is advised, and the same shares of other ends. Then
grids of which the truth is known (`worth_worlds.py`): how far off the number of the row that is advised is,
as it was chosen and as it is judged. Then whole trainings on what is advised (`verify --beside random,rs2`).
Every part is kept in the folder of the runs, and what is there is not made again.

    python benchmarks/science/worth.py --data FOLDER --runs FOLDER [--docs FILE.md]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import easiness as ez
from easiness.report import write_result

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from science.worth_worlds import HEADER, WORLDS, in_cells, table

WRONG = 0.3
CELLS = {
    "CIFAR-10": ("cifar", "auto", 0.0),
    "CIFAR-10, 30 % wrong": ("cifar", "auto", WRONG),
    "TREC": ("trec", "hashed", 0.0),
    "TREC, 30 % wrong": ("trec", "hashed", WRONG),
    "FSDD": ("fsdd", "logmel", 0.0),
    "FSDD, 30 % wrong": ("fsdd", "logmel", WRONG),
}
MARGINS = {"cifar": 0.01, "trec": 0.03, "fsdd": 0.03}
"""Stated before: 10,000 test examples tell a loss of 1 point, the 500 of TREC and 300 of FSDD one of 3."""
SHOWN = 0.4  # the share that tables show at every size
VERIFIED = 5_000, "wrn_10_1", 5, 10  # pictures, network, pairs and epochs of whole trainings


def source_of(name, data, runs):
    """The data: of CIFAR-10 the first shard and the test split, by links."""
    if name != "cifar":
        return data / name
    folder = runs / "cifar"
    folder.mkdir(parents=True, exist_ok=True)
    for file in [sorted((data / "cifar10").glob("train*"))[0], *(data / "cifar10").glob("test*")]:
        link = folder / file.name
        if not link.exists():
            link.symlink_to(file)
    return folder


def planted(source, rate, file):
    """A file of labels of which a share is another class's, drawn at random; which ones are wrong."""
    data = ez.load_dataset(source)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(data)) < rate
    other = (data.labels + rng.integers(1, data.num_classes, len(data))) % data.num_classes
    labels = np.where(wrong, other, data.labels)
    names = np.array(data.classes, object)[labels]
    rows = {"id": data.ids, "label": labels, "class": names, "was": data.labels}
    pd.DataFrame(rows | {"action": np.where(wrong, "relabel", "keep")}).to_csv(file, index=False)
    return wrong


def cell(title, data, runs, **options):
    """What `worth` says of a cell, as its document, with the seconds of processor time."""
    name, features, rate = CELLS[title]
    folder = runs / f"{name}-{rate:g}"
    kept = runs / f"{name}-{rate:g}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    source, labels = source_of(name, data, runs), None
    if rate:
        labels = runs / f"{name}-{rate:g}.csv"
        wrong = planted(source, rate, labels)
    run = ez.measure(source, features=features, trials=10, out=folder, labels=labels, progress=False)
    began = time.process_time()
    found = ez.worth(run, margin=MARGINS[name], progress=False, **options)
    said = found.document() | {"seconds": time.process_time() - began, "suspects": found.suspects}
    if rate:
        suspect = ez.suspects(run, pictures=False).ranked.query("p_wrong >= 0.5")["id"]
        said |= {"wrong": int(wrong.sum()), "right_suspects": int(wrong[np.isin(run.ids, suspect)].sum())}
    write_result(runs / f"{name}-{rate:g}-keep.csv", found.keep)
    write_result(runs / f"{name}-{rate:g}.svg", found)
    kept.write_text(json.dumps(said) + "\n")
    return said


def rows_of(title, said):
    """A row a size: accuracy of all, and of the share that is shown of each end, suspects in and out."""
    grid = pd.DataFrame(said["grid"])
    for size, rows in grid.groupby("size"):
        cells = [title, f"{size:,}"]
        ends = [("all", 1.0, False), *((kept, SHOWN, False) for kept in ("random", "easiest", "hardest"))]
        ends.append(("hardest", SHOWN, True))
        for kept, share, out in ends:
            one = rows[(rows["kept"] == kept) & (rows["share"] == share) & (rows["suspects_out"] == out)]
            gain = "" if one["over_random"].isna().all() else f" ({100 * one['over_random'].item():+.1f})"
            cells.append("" if one.empty else f"{100 * one['accuracy'].item():.1f}{gain}")
        clean = rows[(rows["kept"] == "all") & rows["suspects_out"]]
        yield [*cells, f"{100 * clean['accuracy'].item():.1f} ({100 * clean['over_all'].item():+.1f})"]


def told(title, said):
    """A line on a cell: what is advised."""
    found = ""
    if "wrong" in said:
        among = f"{said['right_suspects']:,} are among the {said['wrong']:,} planted"
        found = f" Of {said['suspects']:,} suspects {among}."
    about = f"margin {100 * said['margin']:g}, {said['num_test']:,} test examples, {said['seconds']:.0f} s"
    return f"- **{title}** ({about}): {said['advice']}. {said['ahead']}.{found}"


def markdown(rows):
    """A Markdown table of texts; the first row is its header."""
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def simulated(runs, draws, nums, worlds=WORLDS):
    """The rows of the simulation, a file a world and number of test examples."""
    for world in worlds:
        for num in nums:
            kept = runs / f"world-{world.name.replace(' ', '-').replace(',', '')}-{num}-{draws}.json"
            if not kept.exists():
                row = in_cells(*next(table(draws, (num,), (world,))))
                kept.write_text(json.dumps(row) + "\n")
            yield json.loads(kept.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    said = {title: cell(title, options.data, options.runs) for title in CELLS}
    worlds = [HEADER, *simulated(options.runs, options.draws, (500, 2000, 10_000))]
    rows = [SHARE_HEADER, *(row for title, one in said.items() for row in rows_of(title, one))]
    page = PAGE.format(
        measured=measured(),
        draws=options.draws,
        told="\n".join(told(title, one) for title, one in said.items()),
        rows=markdown(rows),
        worlds=markdown(worlds),
        trained="",
    )
    print(page)
    if options.docs is not None:
        options.docs.write_text(page)


SHARE_HEADER = (
    "data", "labelled", "all", "random 40 %", "easiest 40 %", "hardest 40 %", "suspects out, hardest 40 %",
    "all but suspects",
)  # fmt: skip
PAGE = """\
# What is worth keeping?

```console
$ python benchmarks/science/worth.py --data FOLDER --runs FOLDER --docs docs/results/worth.md
{measured}
```

{told}

{rows}

{worlds}

{trained}
"""

if __name__ == "__main__":
    main()
