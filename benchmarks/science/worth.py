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

import easiness as ez
from easiness.analysis import paired_gain
from easiness.engine import write_result
from easiness.runs import features_of
from easiness.studies.keeping import LabelledVectors, judged_choice, more_labels, right_by_neighbours
from easiness.studies.keeping.grid import FEWEST_OF_CLASS, SIZES
from easiness.studies.keeping.heads import right

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import kept, options, publish
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


def _rows():
    """Number kept, policy, suspects out and loss of ability of each row; the first two are the starts."""
    yield SIZE, "all", False, 0.0
    yield 0.97 * SIZE, "all", True, 0.0
    for share in SHARES:
        for out in (False, True):
            for end in ("easiest", "hardest", "random"):
                yield share * SIZE, end, out, (1 / share - 1) / 4


def _abilities(world, rng):
    rows = list(_rows())
    ability = np.array([1.0 + world.out * out - world.loss.get(kept, 0) * far for _, kept, out, far in rows])
    return rows, ability + world.jagged * rng.standard_normal(len(rows)) * (np.arange(len(rows)) > 1)


def easy_ones(world, num, rng):
    if np.isinf(world.tails):
        return rng.standard_normal(num)
    return rng.standard_t(world.tails, num) * np.sqrt((world.tails - 2) / world.tails)


def grid(world, num, seed):
    """The rows with [seeds, num] right or wrong, and the true accuracy of each."""
    rng = np.random.default_rng(seed)
    rows, ability = _abilities(world, rng)
    easy, group = easy_ones(world, num, rng), np.where(rng.random(num) < 0.5, 1, -1)
    rest = 0.15 * rng.standard_normal((SEEDS, num))  # of draws, which the rows of a seed share
    many = np.sort(easy_ones(world, TRUTH // 20, rng))
    found, truth = [], []
    tilt = rng.standard_normal(len(rows)) * (np.arange(len(rows)) > 1)
    for at, (_, policy, _, _) in enumerate(rows):
        fixed = ability[at] + easy + world.own * rng.standard_normal(num) * (at > 0)
        fixed = fixed + world.groups * tilt[at] * group
        drawn = policy == "random"
        more = world.of_seed * rng.standard_normal((SEEDS, 1)) + rest if drawn else 0
        found.append(np.broadcast_to(fixed + more > 0, (SEEDS, num)))
        spread = world.own**2 * (at > 0) + (world.of_seed**2 + 0.15**2) * drawn
        truth.append(
            np.mean([_right(ability[at] + sign * world.groups * tilt[at], many, spread) for sign in (-1, 1)])
        )
    return found, np.array(truth)


def _right(ability, easy, spread):
    """The mean probability to be right over examples so easy."""
    from scipy.special import ndtr

    if spread == 0:
        return (ability + easy > 0).mean()
    return ndtr((ability + easy) / np.sqrt(spread)).mean()


def at_random():
    """For each row the number of that which keeps as many at random."""
    rows = list(_rows())
    wanted = [(kept, "random", False) for kept, *_ in rows]
    names = [(kept, policy, out) for kept, policy, out, _ in rows]
    return [names.index(one) if one in names else at for at, one in enumerate(wanted)]


def seen(world, num, seed):
    """One draw of a world: gains of the chosen row, naive and judged, and the truth."""
    right, truth = grid(world, num, seed)
    kept = [row[0] for row in _rows()]
    chosen, start, [judged] = judged_choice(kept, [right.__getitem__], [0, 1], at_random(), MARGIN, seed)
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


def table(draws, nums=(500, 2000, 10_000), worlds=WORLDS):
    """A row a world and number of test examples: bias in points, coverage, and false claims of no loss."""
    for world in worlds:
        for num in nums:
            all_seen = [seen(world, num, seed) for seed in range(draws)]
            moved = [one for one in all_seen if one["moved"]]
            yield world.name, num, len(all_seen), moved


def in_cells(name, num, draws, moved):
    if not moved:
        return [name, f"{num:,}", str(draws), "0", *[""] * 9]
    of = {key: np.array([one[key] for one in moved], float) for key in moved[0]}
    return [
        name,
        f"{num:,}",
        f"{draws}",
        f"{len(moved) / draws:.2f}",
        f"{of['kept'].mean():.2f}",
        f"{100 * of['naive'].mean():+.2f}",
        f"{100 * of['judged'].mean():+.2f}",
        f"{of['naive holds'].mean():.2f}",
        f"{of['judged holds'].mean():.2f}",
        f"{(of['naive says'] * of['true loss']).sum() / draws:.3f}",
        f"{(of['says'] * of['true loss']).sum() / draws:.3f}",
        f"{of['says'].mean():.2f}",
        f"{(of['says'] * of['true loss']).sum():.0f} of {of['says'].sum():.0f}",
    ]


WORLD_HEADER = (
    "world", "test examples", "draws", "a row is advised", "mean share kept", "naive: off", "judged: off",
    "naive: interval holds", "judged: interval holds", "naive: wrongly no loss", "judged: wrongly no loss",
    "judged: confirmed", "wrongly, of those confirmed",
)  # fmt: skip

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

    def ability(self, num, part, easy):
        """The latent ability that gives this accuracy among examples so easy [n], ascending."""
        power = self.power / (self.slower if part else 1)
        accuracy = self.ceiling - self.drop * (num / NUMBERS[0]) ** -power
        return -np.quantile(easy, 1 - accuracy)


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
        ability = [rise.ability(n, at, many) for at in (0, 1)]
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


RISE_HEADER = (
    "labels", "test examples", "draws", "said", "true gain", "off", "interval holds", "width",
    "shown above 0",
)  # fmt: skip


def rises(draws, num, rise):
    """A row of the page on twice the labels, in points."""
    return draws_told(rise.name, num, [risen(rise, num, seed) for seed in range(draws)])


def draws_told(name, num, seen):
    """The row of so many draws, each with what was said and the true gain."""
    said = [(twice, true) for twice, true in seen if twice is not None]
    if not said:
        return [name, f"{num:,}", str(len(seen)), "0", *[""] * 5]
    value, low, high = 100 * np.array([twice for twice, _ in said]).T
    true = 100 * np.array([true for _, true in said])
    held = (low <= true) & (true <= high)
    return [
        name, f"{num:,}", str(len(seen)), f"{len(said) / len(seen):.2f}", f"{true.mean():+.2f}",
        f"{(value - true).mean():+.2f}", f"{held.mean():.2f}", f"{(high - low).mean():.2f}",
        f"{(low > 0).mean():.2f}",
    ]  # fmt: skip


def on_parts(name, folder, runs, draws=DRAWS, by="heads"):
    """A row for each part of a data set, with its labels and with wrong ones, and what doublings gave."""
    some, test = as_heads_read(*vectors_of(name, folder, runs))
    chance = float(np.bincount(test.labels.numpy()).max() / len(test))
    for wrong in (0.0, WRONG):
        data = with_wrong(some, wrong)
        for one_of in PARTS:
            num = len(data) // one_of
            seen = [one_part(data, test, num, [draw, num], chance, by) for draw in range(draws)]
            now, half, twice = np.mean([one[1:] for one in seen], axis=0)
            labels = f"{name}, {num:,}{f', {wrong:.0%} wrong' if wrong else ''}"
            row = draws_told(labels, len(test), [(one[0], twice - now) for one in seen])
            part = f"{(twice - now) / (now - half):.2f}" if now > half else ""
            yield [*row, f"{100 * (now - half):+.2f}", part]


PARTS_HEADER = (*RISE_HEADER, "gain of the last doubling", "next over last")


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


def parts(folder, runs, draws=DRAWS, names=tuple(DATA), by="heads"):
    return [row for name in names for row in on_parts(name, folder, runs, draws, by)]


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
    on_heads, on_near = (
        kept(runs / f"parts-{by}.json", lambda by=by: parts(data, runs, by=by))
        for by in ("heads", NEIGHBOURS)
    )
    tables = {
        "advice": (TOLD_HEADER, [told(title, one) for title, one in {**said, **whole}.items()]),
        "ends": (SHARE_HEADER, [row for title, one in said.items() for row in rows_of(title, one)]),
        "worlds": (WORLD_HEADER, worlds),
        "twice": (RISE_HEADER, twice),
        "parts": (PARTS_HEADER, on_heads),
        "neighbours": (PARTS_HEADER, on_near),
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
