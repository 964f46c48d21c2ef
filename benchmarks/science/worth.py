"""Is the advice of `ez.keep` true? On data with known wrong labels, and in simulated worlds.

CIFAR-10 (10,000 pictures and 10,000 held out, features of the packaged network), TREC and FSDD, with
their own labels and with three tenths made wrong; what is advised, and the same shares of other ends. Then
grids of which the truth is known: how far off the number of the row that is advised is, as it was chosen and
as it is judged. There a head is right about a test example where its ability, how easy the example is, what
row and seed make of it and a rest add up to more than 0. Then whole trainings on what is advised. Every part
is kept in the folder of the runs, and what is there is not made again.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr

import easiness as ez
from easiness.analysis import paired_gain
from easiness.engine import write_result
from easiness.runs import features_of
from easiness.studies.keeping import LabelledVectors, judged_choice, more_labels, right_by_neighbours
from easiness.studies.keeping.grid import FEWEST_OF_CLASS, SIZES
from easiness.studies.keeping.heads import right

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import part, table
from kit.science import kept, made_wrong, options, pooled, publish
from science.pool import DATA, as_heads_read, vectors_of

SHARES, SEEDS, MARGIN = (0.2, 0.4, 0.6, 0.8), 5, 0.01
SIZE = 10_000
TRUTH = 400_000  # examples that the truth is the mean over


@dataclass(frozen=True)
class World:
    """``loss`` of a share kept by policy, in latent units; gain of the suspects ``out``; tails and groups."""

    name: str
    loss: dict[str, float]
    out: float = 0.0
    tails: float = np.inf  # degrees of freedom of how easy test examples are
    groups: float = 0.0  # what a row gains in one half of the examples and loses in the other
    own: float = 0.15  # spread of what a row makes of an example
    of_seed: float = 0.02  # spread of a draw
    jagged: float = 0.0  # spread of the true ability over rows


WORLDS = (
    World("nothing lost", {"easiest": 0, "hardest": 0, "random": 0}),
    World("as pictures", {"easiest": 0.5, "hardest": 0.03, "random": 0.12}, out=0.02),
    World("many at the margin", {"easiest": 0.06, "hardest": 0.045, "random": 0.05}, of_seed=0.03),
    World("rows by luck", {"easiest": 0.05, "hardest": 0.05, "random": 0.05}, jagged=0.03, own=0.3),
    World("two groups", {"easiest": 0.1, "hardest": 0.05, "random": 0.06}, groups=0.4),
    World(
        "heavy tails, noisy seeds", {"easiest": 0.1, "hardest": 0.05, "random": 0.05}, tails=2.5, of_seed=0.1
    ),
    World("three tenths wrong", {"easiest": 0.3, "hardest": 0.6, "random": 0.1}, out=0.15),
)


ENDS = ("easiest", "hardest", "random")
ROWS = [(SIZE, "all", False, 0.0), (0.97 * SIZE, "all", True, 0.0)]
ROWS += [
    (share * SIZE, end, out, (1 / share - 1) / 4) for share, out, end in product(SHARES, (False, True), ENDS)
]
"""Number kept, policy, suspects out and loss of ability of each row; the first two are the starts."""
NAMES = [row[:3] for row in ROWS]
AT_RANDOM = [
    NAMES.index(one) if (one := (num, "random", False)) in NAMES else at for at, (num, *_) in enumerate(NAMES)
]
"""For each row the number of that which keeps as many at random."""


def easy_ones(world, num, rng):
    if np.isinf(world.tails):
        return rng.standard_normal(num)
    return rng.standard_t(world.tails, num) * np.sqrt((world.tails - 2) / world.tails)


def grid(world, num, seed):
    """The rows with [seeds, num] right or wrong, and the true accuracy of each."""
    rng, moved = np.random.default_rng(seed), np.arange(len(ROWS)) > 1
    ability = np.array([1 + world.out * out - world.loss.get(end, 0) * far for _, end, out, far in ROWS])
    ability += world.jagged * rng.standard_normal(len(ROWS)) * moved
    easy, group = easy_ones(world, num, rng), np.where(rng.random(num) < 0.5, 1, -1)
    rest = 0.15 * rng.standard_normal((SEEDS, num))  # of draws, which the rows of a seed share
    many = np.sort(easy_ones(world, TRUTH // 20, rng))
    found, truth = [], []
    tilt = rng.standard_normal(len(ROWS)) * moved
    for at, (_, policy, _, _) in enumerate(ROWS):
        fixed = ability[at] + easy + world.own * rng.standard_normal(num) * (at > 0)
        fixed = fixed + world.groups * tilt[at] * group
        drawn = policy == "random"
        more = world.of_seed * rng.standard_normal((SEEDS, 1)) + rest if drawn else 0
        found.append(np.broadcast_to(fixed + more > 0, (SEEDS, num)))
        spread = world.own**2 * (at > 0) + (world.of_seed**2 + 0.15**2) * drawn
        scale = max(np.sqrt(spread), 1e-12)
        both = [ability[at] + sign * world.groups * tilt[at] + many for sign in (-1, 1)]
        truth.append(ndtr(np.divide(both, scale)).mean())
    return found, np.array(truth)


def seen(world, num, seed):
    """One draw of a world: gains of the chosen row, naive and judged, and the truth."""
    right, truth = grid(world, num, seed)
    kept = [row[0] for row in ROWS]
    chosen, start, [judged] = judged_choice(kept, [right.__getitem__], [0, 1], AT_RANDOM, MARGIN, seed)
    true, beyond = truth[chosen] - truth[start], judged["over_start"]
    naive = paired_gain(right[start], right[chosen])
    return {
        "kept": kept[chosen] / SIZE,
        "moved": chosen != start,
        "naive": naive.value - true,
        "judged": beyond.value - true,
        "naive holds": naive.interval[0] <= true <= naive.interval[1],
        "judged holds": beyond.interval[0] <= true <= beyond.interval[1],
        "naive says": naive.interval[0] > -MARGIN,
        "says": beyond.interval[0] > -MARGIN,
        "true loss": true <= -MARGIN,
    }


WORLD_COLUMNS = {
    "world": "{world}",
    "test examples": "{num:,}",
    "draws": "{draws}",
    "a row is advised": "{advised:.2f}",
    "mean share kept": "{kept:.2f}",
    "naive: off": "{naive:+.2f}",
    "judged: off": "{judged:+.2f}",
    "naive: interval holds": "{naive holds:.2f}",
    "judged: interval holds": "{judged holds:.2f}",
    "naive: wrongly no loss": "{naive wrongly:.3f}",
    "judged: wrongly no loss": "{wrongly:.3f}",
    "judged: confirmed": "{says:.2f}",
    "wrongly, of those confirmed": "{of confirmed}",
}


def of_world(world, num, draws):
    """A row of a world and number of test examples: bias in points, coverage, and false claims of no loss."""
    every = pd.DataFrame([seen(world, num, seed) for seed in range(draws)])
    moved = every[every["moved"]].astype(float)
    wrongly = moved[["says", "naive says"]].mul(moved["true loss"], axis=0).sum()
    one = {**moved.mean(), "world": world.name, "num": num, "draws": draws, "advised": len(moved) / draws}
    one |= {"naive": 100 * moved["naive"].mean(), "judged": 100 * moved["judged"].mean()}
    one |= {"wrongly": wrongly["says"] / draws, "naive wrongly": wrongly["naive says"] / draws}
    one["of confirmed"] = f"{wrongly['says']:.0f} of {moved['says'].sum():.0f}"
    return table(WORLD_COLUMNS, [one])[1][0]


NUMBERS = (500, 2000, 5000, 10_000)
LUCK = 0.92  # correlation of the luck of a draw with that of draws from it, over sizes
PARTS, DRAWS = (8, 4), 16
NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Rise:
    """Accuracy of n labels is ``ceiling - drop * (n / 500) ** -power``, ``slower`` in one half."""

    name: str
    ceiling: float
    drop: float
    power: float
    slower: float = 1.0
    tails: float = np.inf
    of_draw: float = 0.05  # spread of a draw of 500, in latent units


RISES = (
    Rise("square root", 0.95, 0.2, 0.5),
    Rise("slow", 0.95, 0.25, 0.25),
    Rise("fast", 0.95, 0.4, 1.5),
    Rise("nearly at the end", 0.9, 0.05, 0.7),
    Rise("two groups", 0.95, 0.25, 0.6, slower=4),
    Rise("heavy tails, noisy draws", 0.92, 0.25, 0.4, tails=2.5, of_draw=0.15),
)


def risen(rise, num, seed):
    """The forecast of twice the labels in one draw of a world, and the mean gain over draws."""
    rng = np.random.default_rng(seed)
    easy, part = easy_ones(rise, num, rng), rng.random(num) < 0.5
    many = np.sort(easy_ones(rise, TRUTH // 4, np.random.default_rng(0)))
    drawn = np.random.default_rng(1).standard_normal(100)
    found, true, luck = [], {}, rng.standard_normal()
    of_all = rise.of_draw * np.sqrt(NUMBERS[0] / NUMBERS[-1])
    for n in (*NUMBERS, 2 * NUMBERS[-1]):
        powers = (rise.power, rise.power / rise.slower)
        accuracy = [rise.ceiling - rise.drop * (n / NUMBERS[0]) ** -power for power in powers]
        ability = [-np.quantile(many, 1 - one) for one in accuracy]
        spread = rise.of_draw * np.sqrt(NUMBERS[0] / n)
        means = [1 - np.searchsorted(many, -(one + spread * drawn)) / len(many) for one in ability]
        true[n] = np.mean(means)
        if n not in NUMBERS:
            continue
        seeds, share = 1 if n == NUMBERS[-1] else SEEDS, n / NUMBERS[-1]
        draw = of_all * (np.sqrt(LUCK) * luck + np.sqrt(1 - LUCK) * rng.standard_normal())
        draw = draw + spread * np.sqrt(1 - share) * rng.standard_normal((seeds, 1))
        own = 0.15 * rng.standard_normal((seeds, num)) * np.sqrt(NUMBERS[0] / n)
        seen = np.where(part, ability[1], ability[0]) + easy + draw + own > 0
        found.append(np.broadcast_to(seen, (SEEDS, num)))
    return more_labels(NUMBERS, found, 0.1)[0], true[2 * NUMBERS[-1]] - true[NUMBERS[-1]]


RISE_COLUMNS = {
    "labels": "{name}",
    "test examples": "{num:,}",
    "draws": "{draws}",
    "said": "{said:.2f}",
    "true gain": "{true:+.2f}",
    "off": "{off:+.2f}",
    "interval holds": "{holds:.2f}",
    "width": "{width:.2f}",
    "shown above 0": "{above:.2f}",
}
PARTS_COLUMNS = RISE_COLUMNS | {
    "gain of the last doubling": "{last:+.2f}",
    "next over last": "{next over last:.2f}",
}


def of_rise(rise, num, draws):
    return draws_row(rise.name, num, [risen(rise, num, seed) for seed in range(draws)])


def draws_row(name, num, seen, columns=RISE_COLUMNS, **more):
    """The row of so many draws, each with what was said and the true gain."""
    said = pd.DataFrame([(*twice, true) for twice, true in seen if twice is not None], dtype=float) * 100
    one = {"name": name, "num": num, "draws": len(seen), "said": len(said) / len(seen), **more}
    if len(said):
        value, low, high, true = said.to_numpy().T
        one |= {"true": true.mean(), "off": (value - true).mean(), "width": (high - low).mean()}
        one |= {"holds": ((low <= true) & (true <= high)).mean(), "above": (low > 0).mean()}
    return table(columns, [one])[1][0]


def on_parts(name, folder, runs, by):
    """A row for each part of a data set, with its labels and with wrong ones, and what doublings gave."""
    some, test = as_heads_read(*vectors_of(name, folder, runs))
    chance = float(np.bincount(test.labels.numpy()).max() / len(test))
    for wrong in (0.0, WRONG):
        data = with_wrong(some, wrong)
        for one_of in PARTS:
            num = len(data) // one_of
            seen = [one_part(data, test, num, [draw, num], chance, by) for draw in range(DRAWS)]
            now, half, twice = np.mean([one[1:] for one in seen], axis=0)
            labels = f"{name}, {num:,}{f', {wrong:.0%} wrong' if wrong else ''}"
            next_over_last = (twice - now) / (now - half) if now > half else None
            more = {"last": 100 * (now - half), "next over last": next_over_last}
            yield draws_row(labels, len(test), [(one[0], twice - now) for one in seen], PARTS_COLUMNS, **more)


def with_wrong(some, rate):
    rng, labels = np.random.default_rng(0), some.labels.numpy()
    other = (labels + rng.integers(1, some.num_classes, len(labels))) % some.num_classes
    changed = np.where(rng.random(len(labels)) < rate, other, labels)
    return LabelledVectors(some.x, torch.from_numpy(changed), some.groups, some.num_classes)


def near(seen, test):
    """Are nearest neighbours right about each other example? [n]"""
    return right_by_neighbours(seen, test, [np.arange(len(seen))])[0]


def one_part(data, test, num, seed, chance, by):
    """The forecast from one draw of so many, and the accuracy of it, of half of it and of twice as many."""
    rng, fit = np.random.default_rng(seed), near if by == NEIGHBOURS else right
    order = rng.permutation(len(data))
    own, fewest = data.part(order[:num]), FEWEST_OF_CLASS * data.num_classes
    sizes = sorted({n for n in (round(one * num) for one in SIZES) if n >= fewest} | {num // 2, num})
    found = [
        np.stack([fit(own.part(rng.permutation(num)[:n]), test) for _ in range(SEEDS)]) for n in sizes[:-1]
    ]
    found.append(np.broadcast_to(fit(own, test), (SEEDS, len(test))))
    twice = fit(data.part(order[: 2 * num]), test).mean()
    said = more_labels(sizes, found, chance)[0]
    return said, found[-1].mean(), found[-2].mean(), twice


def parts(folder, runs, by):
    return [row for name in DATA for row in on_parts(name, folder, runs, by)]


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
    labels = made_wrong(data.labels, rate, np.random.default_rng(0), data.num_classes)
    wrong = labels != data.labels
    names = np.array(data.classes, object)[labels]
    rows = {"id": data.ids, "label": labels, "class": names, "was": data.labels}
    pd.DataFrame(rows | {"action": np.where(wrong, "relabel", "keep")}).to_csv(file, index=False)
    return wrong


def cell(title, data, runs):
    name, features, rate = CELLS[title]
    found, said, _ = advised(name, rate, source_of(name, data, runs), features, runs, MARGINS[name])
    write_result(runs / f"{name}-{rate:g}.svg", found)
    return said


def advised(name, rate, source, features, runs, margin):
    """The answer of `keep`, its document with the seconds of processor time, and the file of wrong labels."""
    out, labels = runs / f"{name}-{rate:g}", None
    if rate:
        labels = runs / f"{name}-{rate:g}.csv"
        wrong = planted(source, rate, labels)
    labelled = ez.load_dataset(source, labels=labels)
    run = ez.measure(labelled, features=features, trials=10, out=out, progress=False)
    began = time.process_time()
    found = ez.keep(run, margin=margin, progress=False)
    said = found.document() | {"seconds": time.process_time() - began, "suspects": found.suspects}
    if rate:
        suspect = ez.suspects(run, pictures=False).ranked.query("p_wrong >= 0.5")["id"]
        said |= {"wrong": int(wrong.sum()), "right_suspects": int(wrong[np.isin(run.ids, suspect)].sum())}
    write_result(runs / f"{name}-{rate:g}-keep.csv", found)
    return found, said, labels


def rows_of(title, said):
    grid = pd.DataFrame(said["grid"])
    for size, rows in grid.groupby("size"):
        cells = [title, f"{size:,}"]
        ends = [("all", 1.0, False), *((one, SHOWN, False) for one in ("random", "easiest", "hardest"))]
        ends += [("hardest", SHOWN, True)]
        for end, share, out in ends:
            one = rows[(rows["kept"] == end) & (rows["share"] == share) & (rows["suspects_out"] == out)]
            cells.append("" if one.empty else accuracy(one, "over_random"))
        yield [*cells, accuracy(rows[(rows["kept"] == "all") & rows["suspects_out"]], "over_all")]


def accuracy(row, gain):
    """Accuracy of a row of the grid in percent, and its gain in points with the interval, if it has one."""
    value, *ends = (100 * row[f"{gain}{end}"].item() for end in ("", "_low", "_high"))
    told = "" if np.isnan(value) else f" ({value:+.1f}, {ends[0]:.1f} to {ends[1]:.1f})"
    return f"{100 * row['accuracy'].item():.1f}{told}"


def advice(title, said):
    suspects = said["suspects"] if "wrong" in said else None
    return said | {"title": title, "points": 100 * said["margin"], "suspects": suspects}


def rows_of_worlds(name, make, worlds, nums, runs, draws):
    """The rows of simulations, a file a world and number of test examples."""
    for world, num in product(worlds, nums):
        file = f"{name}-{world.name}-{num}-{draws}.json".replace(" ", "-").replace(",", "")
        yield kept(runs / file, make, world, num, draws)


def small_pictures(data, runs):
    """The first pictures of CIFAR-10 at 16 pixels with the test split, and the file of their features."""
    whole = ez.load_dataset(source_of("cifar", data, runs))
    file = runs / "small.npz"
    if not file.exists():
        x, apart = (pooled(one, 2) for one in (whole.array[:PICTURES], whole.held_out.array))
        np.savez(file, x=x, y=whole.labels[:PICTURES], x_test=apart, y_test=whole.held_out.labels)
        run = ez.open_run(runs / "cifar-0")
        (vectors,), _ = features_of(run, whole)
        np.save(runs / "small.npy", np.concatenate([vectors["train"][:PICTURES], vectors["held_out"]]))
    return file, runs / "small.npy"


def trained(rate, data, runs):
    """The advice about the small pictures, and whole trainings on it, at random and by RS2."""
    source, features = small_pictures(data, runs)
    found, said, labels = advised("small", rate, source, features, runs, MARGINS["cifar"])
    keep = runs / f"small-{rate:g}-keep.csv"
    print(found.headline, flush=True)
    verified = ez.verify(
        source, labels=keep, before=labels, model=NETWORK, trials=PAIRS, epochs=EPOCHS,
        out=runs / f"verified-{rate:g}", beside=("random", "rs2"), jobs=1, progress=False,
    )  # fmt: skip
    return said | {"verified": verified.headline}


def main(arguments=None):
    more = {"--draws": 200, "--train": False}
    asked = options(__doc__, "--data", "--runs", more=more, arguments=arguments)
    data, runs = asked.data, asked.runs
    runs.mkdir(parents=True, exist_ok=True)
    said = {
        title: kept(runs / f"{name}-{rate:g}.json", cell, title, data, runs)
        for title, (name, _, rate) in CELLS.items()
    }
    whole = {
        title: kept(runs / f"trained-{rate:g}.json", trained, rate, data, runs)
        for title, rate in SMALL.items()
        if asked.train or (runs / f"trained-{rate:g}.json").exists()
    }
    worlds = rows_of_worlds("world", of_world, WORLDS, (500, 2000, 10_000), runs, asked.draws)
    twice = rows_of_worlds("rise", of_rise, RISES, (500, 10_000), runs, asked.draws)
    ways = {"parts": "heads", "neighbours": NEIGHBOURS}
    tables = {
        "advice": table(ADVICE, [advice(*one) for one in {**said, **whole}.items()]),
        "ends": (SHARE_HEADER, [row for title, one in said.items() for row in rows_of(title, one)]),
        "worlds": (WORLD_COLUMNS, list(worlds)),
        "twice": (RISE_COLUMNS, list(twice)),
    }
    for name, by in ways.items():
        tables[name] = PARTS_COLUMNS, kept(runs / f"parts-{by}.json", parts, data, runs, by)
    verdicts = [(title, one["verified"]) for title, one in whole.items()]
    tables["verdicts"] = ("data", "verdict"), verdicts
    figure = (runs / f"cifar-{WRONG}.svg").read_bytes()
    publish(asked.docs, "worth", tables, *shown(tables), figure=figure)


ADVICE = {
    "data": "{title}",
    "margin, points": "{points:g}",
    "test examples": "{num_test:,}",
    "processor s": "{seconds:.0f}",
    "advice": "{advice}",
    "more labels": "{ahead}",
    "planted": "{wrong:,}",
    "suspects": "{suspects:,}",
    "planted among them": "{right_suspects:,}",
}
SHARE_HEADER = (
    "data", "labelled", "all", "random 40 %", "easiest 40 %", "hardest 40 %", "suspects out, hardest 40 %",
    "all but suspects",
)  # fmt: skip


def shown(tables):
    yield ("data", "advice"), [(row[0], row[4].partition(": ")[2]) for row in tables["advice"][1]]
    sizes = ("500", "10,000", "10000")
    of_cifar = [row for row in tables["ends"][1] if row[0].startswith("CIFAR") and row[1] in sizes]
    yield part(SHARE_HEADER, of_cifar, [SHARE_HEADER[at] for at in (0, 1, 4, 5, 6)])


if __name__ == "__main__":
    main()
