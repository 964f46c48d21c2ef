"""Is the advice of `ez.keep` true? On data with known wrong labels, and in simulated worlds.

CIFAR-10 (10,000 pictures and 10,000 held out, features of the packaged network), TREC and FSDD, with
their own labels and with three tenths made wrong; what is advised, and the same shares of other ends. Then
grids of which the truth is known (`worth_worlds.py`): how far off the number of the row that is advised is,
as it was chosen and as it is judged. Then whole trainings on what is advised (`verify --beside random,rs2`).
Every part is kept in the folder of the runs, and what is there is not made again.

    python benchmarks/science/worth.py --data FOLDER --runs FOLDER --train [--docs FILE.md]
"""

from __future__ import annotations

import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

import easiness as ez
from easiness.engine import write_result
from easiness.runs import features_of

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import kept, options, publish
from science import worth_twice
from science.worth_twice import NEIGHBOURS, RISES, rises
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
PICTURES, NETWORK, PAIRS, EPOCHS = 5_000, "wrn_10_1", 5, 20  # of whole trainings, 16 pixels wide
SMALL = {"CIFAR-10, small": 0.0, "CIFAR-10, small, 30 % wrong": WRONG}


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


def cell(title, data, runs):
    """The document of `keep` about a cell, with the seconds of processor time."""
    name, features, rate = CELLS[title]
    folder = runs / f"{name}-{rate:g}"
    source, labels, wrong = source_of(name, data, runs), None, None
    if rate:
        labels = runs / f"{name}-{rate:g}.csv"
        wrong = planted(source, rate, labels)
    labelled = ez.load_dataset(source, labels=labels)
    run = ez.measure(labelled, features=features, trials=10, out=folder, progress=False)
    found, said = advised(run, MARGINS[name], wrong)
    write_result(runs / f"{name}-{rate:g}-keep.csv", found)
    write_result(runs / f"{name}-{rate:g}.svg", found)
    return said


def advised(run, margin, wrong=None):
    """The answer of `keep` about a run, and its document with the seconds of processor time.

    ``wrong`` is which labels are, where that is known.
    """
    began = time.process_time()
    found = ez.keep(run, margin=margin, progress=False)
    said = found.document() | {"seconds": time.process_time() - began, "suspects": found.suspects}
    if wrong is not None:
        suspect = ez.suspects(run, pictures=False).ranked.query("p_wrong >= 0.5")["id"]
        said |= {"wrong": int(wrong.sum()), "right_suspects": int(wrong[np.isin(run.ids, suspect)].sum())}
    return found, said


def rows_of(title, said):
    """A row a size: accuracy of all, and of the share that is shown of each end, suspects in and out."""
    grid = pd.DataFrame(said["grid"])
    for size, rows in grid.groupby("size"):
        cells = [title, f"{size:,}"]
        ends = [("all", 1.0, False), *((one, SHOWN, False) for one in ("random", "easiest", "hardest"))]
        ends.append(("hardest", SHOWN, True))
        for end, share, out in ends:
            one = rows[(rows["kept"] == end) & (rows["share"] == share) & (rows["suspects_out"] == out)]
            cells.append("" if one.empty else accuracy(one, "over_random"))
        yield [*cells, accuracy(rows[(rows["kept"] == "all") & rows["suspects_out"]], "over_all")]


def accuracy(row, gain):
    """Accuracy of a row of the grid in percent, and its gain in points with the interval, if it has one."""
    value, *ends = (100 * row[f"{gain}{end}"].item() for end in ("", "_low", "_high"))
    told = "" if np.isnan(value) else f" ({value:+.1f}, {ends[0]:.1f} to {ends[1]:.1f})"
    return f"{100 * row['accuracy'].item():.1f}{told}"


def told(title, said):
    """The row of a cell: what is advised, and how many of its suspects are wrong."""
    suspects = ("", "", "")
    if "wrong" in said:
        suspects = tuple(f"{said[key]:,}" for key in ("wrong", "suspects", "right_suspects"))
    margin = f"{100 * said['margin']:g}"
    return (
        title,
        margin,
        f"{said['num_test']:,}",
        f"{said['seconds']:.0f}",
        said["advice"],
        said["ahead"],
        *suspects,
    )


def file_of(name, *numbers):
    return "-".join([name.replace(" ", "-").replace(",", ""), *map(str, numbers)]) + ".json"


def simulated(runs, draws):
    """The rows of the simulations of advice and of twice the labels, a file a world and number of tests."""
    worlds = [
        kept(
            runs / file_of(f"world-{world.name}", num, draws),
            lambda world=world, num=num: in_cells(*next(table(draws, (num,), (world,)))),
        )
        for world, num in product(WORLDS, (500, 2000, 10_000))
    ]
    twice = [
        kept(
            runs / file_of(f"rise-{rise.name}", num, draws),
            lambda rise=rise, num=num: rises(draws, num, rise),
        )
        for rise, num in product(RISES, (500, 10_000))
    ]
    return worlds, twice


def small_pictures(data, runs):
    """The first pictures of CIFAR-10 at 16 pixels with the test split, and the file of their features."""
    whole = ez.load_dataset(source_of("cifar", data, runs))
    file = runs / "small.npz"
    if not file.exists():
        x, apart = (
            one.reshape(len(one), 16, 2, 16, 2, 3).mean((2, 4)).round().astype(np.uint8)
            for one in (whole.array[:PICTURES], whole.held_out.array)
        )
        np.savez(file, x=x, y=whole.labels[:PICTURES], x_test=apart, y_test=whole.held_out.labels)
        run = ez.open_run(runs / "cifar-0")
        (vectors,), _ = features_of(run, whole)
        np.save(runs / "small.npy", np.concatenate([vectors["train"][:PICTURES], vectors["held_out"]]))
    return file, runs / "small.npy"


def trained(rate, data, runs):
    """The advice about the small pictures, and whole trainings on it, at random and by RS2."""
    source, features = small_pictures(data, runs)
    labels = wrong = None
    if rate:
        labels = runs / "small-wrong.csv"
        wrong = planted(source, rate, labels)
    folder = runs / f"small-{rate:g}"
    labelled = ez.load_dataset(source, labels=labels)
    run = ez.measure(labelled, features=features, trials=10, out=folder, progress=False)
    found, said = advised(run, MARGINS["cifar"], wrong)
    keep = runs / f"small-{rate:g}-keep.csv"
    write_result(keep, found)
    print(found.headline, flush=True)
    verified = ez.verify(
        source, labels=keep, before=labels, model=NETWORK, trials=PAIRS, epochs=EPOCHS,
        out=runs / f"verified-{rate:g}", beside=("random", "rs2"), jobs=1, progress=False,
    )  # fmt: skip
    (section, _) = verified.sections()
    said |= {"verified": verified.headline, "rows": section.rows}
    return said


def main(arguments=None):
    more = {"--draws": 200, "--train": False}
    asked = options(__doc__, "--data", "--runs", more=more, arguments=arguments)
    data, runs = asked.data, asked.runs
    runs.mkdir(parents=True, exist_ok=True)
    said = {
        title: kept(runs / f"{name}-{rate:g}.json", lambda title=title: cell(title, data, runs))
        for title, (name, _, rate) in CELLS.items()
    }
    worlds, twice = simulated(runs, asked.draws)
    whole = {
        title: kept(runs / f"trained-{rate:g}.json", lambda rate=rate: trained(rate, data, runs))
        for title, rate in SMALL.items()
        if asked.train or (runs / f"trained-{rate:g}.json").exists()
    }
    parts, near = (
        kept(runs / f"parts-{by}.json", lambda by=by: worth_twice.parts(data, runs, by=by))
        for by in ("heads", NEIGHBOURS)
    )
    tables = {
        "advice": (TOLD_HEADER, [told(title, one) for title, one in {**said, **whole}.items()]),
        "ends": (SHARE_HEADER, [row for title, one in said.items() for row in rows_of(title, one)]),
        "worlds": (HEADER, worlds),
        "twice": (worth_twice.HEADER, twice),
        "parts": (worth_twice.PARTS_HEADER, parts),
        "neighbours": (worth_twice.PARTS_HEADER, near),
    }
    tables |= trainings(whole)
    figure = (runs / f"cifar-{WRONG}.svg").read_bytes()
    publish(asked.docs, "worth", tables, *shown(tables), figure=figure)


def trainings(whole):
    rows = [[title, *row] for title, one in whole.items() for row in one["rows"][1:]]
    header = ["data", *next(iter(whole.values()))["rows"][0]] if whole else ["data"]
    verdicts = [[title, one["verified"]] for title, one in whole.items()]
    return {"trainings": (header, rows), "verdicts": (("data", "verdict"), verdicts)}


TOLD_HEADER = (
    "data", "margin, points", "test examples", "processor s", "advice", "more labels", "planted", "suspects",
    "planted among them",
)  # fmt: skip
SHARE_HEADER = (
    "data", "labelled", "all", "random 40 %", "easiest 40 %", "hardest 40 %", "suspects out, hardest 40 %",
    "all but suspects",
)  # fmt: skip


def shown(tables):
    yield ("data", "advice"), [(row[0], row[4].partition(": ")[2]) for row in tables["advice"][1]]
    sizes = ("500", "10,000", "10000")
    of_cifar = [row for row in tables["ends"][1] if row[0].startswith("CIFAR") and row[1] in sizes]
    some = [[row[at] for at in (0, 1, 4, 5, 6)] for row in (SHARE_HEADER, *of_cifar)]
    yield some[0], some[1:]


if __name__ == "__main__":
    main()
