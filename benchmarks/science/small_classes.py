"""Wrong labels where classes are small or rare: what `suspects` and `labels` say, where the truth is known.

    python benchmarks/science/small_classes.py --data FOLDER --before FOLDER \\
        --docs docs/results/small-classes.md

Simulated cells have 5 to 200 classes of 5 to 500 examples, of one to four kinds each, as many of each class
or by a power law. The noise is such that discriminants in folds are right on the share that a cell asks for.
Labels are sound, or made wrong: `uniform` any other class, `alike` the one whose mean is nearest. Beside the
default heads are linear ones, and cleanlab on a logistic regression in five folds (`pip install
'easiness[bench]'`).

A rare class has 10 or 25 labels among up to 2,000 others: scikit-learn's digits, and TREC's questions where
--data has `trec/train.csv`. Processor time is compared with another version whose source is in --before.

Cells that are finished are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_classes_cells import (
    AMONG,
    COSTS,
    LINEAR_AT,
    PLANTED,
    RARE_DRAWS,
    RARE_SIZES,
    RARE_WRONG,
    SHAPES,
    TRIALS,
    cost,
    draws_of,
    kept,
    rare,
    simulated,
    vectors,
)

from kit.machine import measured
from kit.pages import head, markdown, write_page

COMMAND = "python benchmarks/science/small_classes.py --data FOLDER --before FOLDER --docs "
COMMAND += "docs/results/small-classes.md"


def mean(values):
    return float(np.mean(list(values)))


def summed(draws):
    """A cell, as means of its draws; with what it missed."""
    ours, wrong = [one["ridge"] for one in draws], mean(one["wrong"] for one in draws)
    one = {
        "draws": len(draws),
        "num": draws[0]["num"],
        "wrong": wrong,
        "likely": mean(own["likely"] for own in ours),
        "right": mean(one["cleanlab"]["right"] for one in draws),
        "cleanlab said": mean(one["cleanlab"]["said"] for one in draws),
        "number": mean(
            abs(own["share"]) <= max(one["wrong"] / 4, 0.02) for own, one in zip(ours, draws, strict=True)
        ),
        "most": max(own["said"] for own in ours),
        "changes": max(own.get("changed", 0.0) for own in ours),
        **{key: mean(own[key] for own in ours) for key in ("said", "low", "high", "holds", "error")},
    }
    missed = []
    if wrong:
        one["ap"] = mean(own["ap"] for own in ours)
        best = max(mean(one["cleanlab"]["ap"][key] for one in draws) for key in draws[0]["cleanlab"]["ap"])
        one["cleanlab ap"], one["less"] = best, one["ap"] - best
        if "linear" in draws[0]:
            one["linear"], one["less linear"] = draws[0]["linear"], ours[0]["ap"] - draws[0]["linear"]["ap"]
        missed += ["order"] if one["less"] < -0.01 else []
    else:
        missed += ["says more than 1 %"] if one["most"] > 0.01 else []
        missed += ["changes more than 0.2 %"] if one["changes"] > 0.002 else []
    missed += ["number"] if one["number"] <= 0.5 else []
    missed += ["range"] if one["holds"] <= 0.5 else []
    missed += ["calibration"] if one["error"] > 0.03 else []
    return one | {"missed": ", ".join(missed)}


CELLS = ("classes", "examples of each", "kinds", "power", "labels", "draws", "wrong", "said", "low", "high")
CELLS += ("number right", "range holds", "above .5", "changed at most", "calibration error", "suspects")
CELLS += ("cleanlab's best", "linear heads, first draw", "cleanlab's count", "logistic is right", "missed")


def row_of(at, kind, rate, one):
    def share(key):
        return f"{one[key]:.1%}"

    def ap(key):
        return f"{one[key]:.3f}" if key in one else ""

    linear = f"{one['linear']['ap']:.3f}" if "linear" in one else ""
    return (
        *map(str, SHAPES[at][:4]),
        kind if kind == "clean" else f"{kind} {rate:.0%}",
        str(one["draws"]),
        *map(share, ("wrong", "said", "low", "high")),
        f"{one['number']:.1f}",
        f"{one['holds']:.1f}",
        share("likely"),
        share("changes"),
        f"{one['error']:.3f}",
        ap("ap"),
        ap("cleanlab ap"),
        linear,
        *map(share, ("cleanlab said", "right")),
        one["missed"],
    )


GROUPS = {"5 to 10": (5, 10), "25 to 50": (25, 50), "100 to 200": (100, 200), "all": (5, 200)}


def group_row(name, cells):
    """Cells with a number of classes: of sound labels, then of all, then of wrong ones."""
    of = [one for (at, *_), one in cells.items() if GROUPS[name][0] <= SHAPES[at][0] <= GROUPS[name][1]]
    clean, dirty = ([one for one in of if bool(one["wrong"]) == wrong] for wrong in (False, True))
    less = [one["less"] for one in dirty]
    return (
        name,
        f"{mean(one['said'] for one in clean):.1%}, {max(one['most'] for one in clean):.1%}",
        f"{mean(one['cleanlab said'] for one in clean):.1%}",
        f"{sum(one['number'] for one in of):.3g}/{len(of)}",
        f"{sum(one['holds'] for one in of):.3g}/{len(of)}",
        f"{mean(one['error'] for one in of):.3f}, {max(one['error'] for one in of):.3f}",
        f"{mean(less):+.3f}, {min(less):+.3f}",
    )


GROUP = ("classes", "sound: said", "cleanlab says", "number right", "range holds", "error")
GROUP += ("AP less cleanlab's",)
RARE = ("data", "labels", "wrong", "sound above .5", "wrong above .5", "range holds", "named")
ON_PAGE = ("data", "labels", "sound above .5", "if 40 % wrong", "wrong above .5", "range holds", "named")
COST = ("examples", "heads before", "heads now", "ratio", "suspects before", "suspects now")


def rare_row(name, size, share, draws):
    num = len(draws)
    sound, bad, wrong, found = (
        sum(one[key] for one in draws) for key in ("sound", "bad", "called wrong", "found")
    )
    holds, named = (sum(one[key] for one in draws) for key in ("holds", "named"))
    cells = (
        f"{wrong} of {sound}",
        f"{found} of {bad}" if bad else "",
        f"{holds} of {num}",
        f"{named} of {num}",
    )
    return name, str(size), f"{share:.0%}", *cells


def rare_pair(sound, wrong):
    """The row of the page of a class whose labels are sound, or of which some are wrong."""
    held = [int(row[5].split()[0]) for row in (sound, wrong)]
    num = [int(row[5].split()[-1]) for row in (sound, wrong)]
    cells = (*sound[:2], sound[3], wrong[3], wrong[4], f"{sum(held)} of {sum(num)}", sound[6])
    return tuple(cell.replace(" of ", "/") for cell in cells)


def cost_row(shape, turns):
    name = f"{shape[0]:,}x{shape[1]:,}" + (" TREC" if turns[0]["real"] else "")

    def median(version, key):
        return np.median([one[version][key] for one in turns]) if version in turns[0] else np.nan

    before, now, *suspects = (median(of, key) for key in ("heads", "suspects") for of in ("before", "now"))
    cells = ("" if np.isnan(one) else f"{one:.2f}" for one in (before, now, now / before, *suspects))
    return name, *cells


def page(cells, rares, costs, made):
    """The page of docs/results and its whole tables."""
    rows = [row_of(*key, one) for key, one in cells.items()]
    misses = {"number and range": [], "number": [], "range": [], "order": []}
    for row in rows:
        both = " and ".join(kind for kind in ("number", "range") if kind in row[-1])
        for what in filter(None, (both, "order" * ("order" in row[-1]))):
            misses[what].append(f"{row[0]}x{row[1]} {row[4]}, {row[7]}")
    right = {
        kind: f"{sum(one['number'] for key, one in cells.items() if key[1] == kind):.3g} of "
        f"{sum(key[1] == kind for key in cells)}"
        for kind in ("uniform", "alike")
    }
    missed = "\n".join(f"- {what}: {'; '.join(found)}" for what, found in misses.items() if found)
    uncertain = sum("calibration" in row[-1] for row in rows)
    changes = max(one["changes"] for one in cells.values() if not one["wrong"])
    linear = [one["less linear"] for one in cells.values() if "linear" in one]
    rights = [one["right"] for one in cells.values() if not one["wrong"]]
    pairs = [rare_pair(*rares[at : at + 2]) for at in range(0, len(rares), 2)]
    text = f"""\
{head("Wrong labels in small and rare classes", COMMAND, made)}
{len(SHAPES)} simulated shapes of 5 to 200 classes with 5 to 500 examples, of one to four kinds, balanced or
by a power law, have sound labels, or 5, 10 or 30 % wrong: `uniform` any other class, `alike` one near it. A
logistic regression is right on {min(rights):.0%} to {max(rights):.0%} of the sound; cleanlab gets it in five
folds, and its better score counts. Constants were chosen on other simulated cells, by another generator and
seed.

Hardly any sound label is said wrong; `labels` changes at most {changes:.1%}. The number is right, within
a quarter or two points, in {right["uniform"]} cells with `uniform` labels, and in {right["alike"]} with
`alike` ones. Means, and the worst:

{markdown(GROUP, [group_row(name, cells) for name in GROUPS])}

With {LINEAR_AT:.0%} wrong, linear heads are {-np.mean(linear):+.3f} of average precision from the default
ones ({len(linear)} cells, {-max(linear):+.3f} to {-min(linear):+.3f}).

## Cells that missed

With what was said; order is over .01 below cleanlab's. Calibration errors are over .03 in {uncertain}.

{missed}

## A rare class

Among up to {AMONG:,} others, `named` as too small to judge:

{markdown(ON_PAGE, pairs)}

## Cost

Processor seconds of {TRIALS} trials, by turns:

{markdown(COST, costs)}

## What is not certain

- Most cells are one draw.
- Were all wrong labels to go to the very nearest class, which may be that of many, the number is far too low
  (12 of 60, 12 of 75, 19 of 75).
"""
    return text, {"cells": (CELLS, rows), "rare": (RARE, rares), "cost": (COST, costs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that has trec/train.csv")
    parser.add_argument("--before", type=Path, help="folder of another version's source, to compare the cost")
    parser.add_argument("--runs", type=Path, default=Path("runs/small-classes"))
    parser.add_argument("--only-kept", action="store_true", help="a page of the cells that are finished")
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    runs = options.runs
    runs.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # classes with fewer examples than folds
    cells, rares, costs = {}, [], []

    def told(file, find, *arguments):
        return kept(runs / f"{file}.json", lambda: find(*arguments, runs), options.only_kept)

    for at, shape in enumerate(SHAPES):
        for kind, rate in (("clean", 0.0), *PLANTED[at % 2]):
            all_ = [
                told(f"simulated-{at}-{kind}-{rate:g}-{draw}", simulated, at, kind, rate, draw)
                for draw in range(draws_of(shape))
            ]
            if draws := [one for one in all_ if one]:
                cells[at, kind, rate] = summed(draws)
                print(*row_of(at, kind, rate, cells[at, kind, rate]), sep=" | ", flush=True)
    found = vectors(options.data, runs)
    for (name, data), size, share in product(found.items(), RARE_SIZES, RARE_WRONG):
        file = f"rare-{name}-{size}-{share:g}"
        all_ = [told(f"{file}-{draw}", rare, *data, size, share, draw) for draw in range(RARE_DRAWS)]
        rares.append(rare_row(name, size, share, [one for one in all_ if one]))
        print(*rares[-1], sep=" | ", flush=True)
    for shape in COSTS:
        all_ = [
            told(f"cost-{shape[0]}-{turn}", cost, shape, options.before, found.get("TREC"))
            for turn in range(shape[-1])
        ]
        if turns := [one for one in all_ if one]:
            costs.append(cost_row(shape, turns))
    text, tables = page(cells, rares, costs, measured())
    print(text)
    if options.docs is not None:
        write_page(options.docs, text, tables)


if __name__ == "__main__":
    main()
