"""Do decisions on some labels tell of the others?

FOLDER has the runs of `wrong_labels.py`, whose wrong labels are known. An oracle decides in the order of the
list, and the list is read again with what was decided (`suspects --decided`) after every 10 or 50 looks; the
fixed order is that of the list without decisions. Looked at are how many wrong labels are found, and what is
said of the labels that nobody has looked at: the expected calibration error of their probabilities, and how
many of all are wrong. Before is the list without decisions, of the same labels, which counts what was
decided as decided. Worlds that are drawn have the truth by construction. What `suspects` says of a run is
kept in --kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy.special import expit, logit

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness import open_run
from easiness.analysis import ALL_BUT_CERTAIN, calibrate
from kit.science import calibration_error, options, publish
from science.wrong_labels import by_default
from science.wrong_labels_runs import cells

WELL = 0.05  # calibrated
AT_FIRST = tuple(f"error at first {than} {WELL}" for than in ("at most", "over"))
COLUMNS = ("looks", "worlds", "found by first list", "found by new lists", "worlds with fewer")
COLUMNS += ("worlds with more", "fewest against first list")
COLUMNS += tuple(
    f"{what}, {when} decisions"
    for what in ("calibration error", "share of wrong off by", "range holds", "range is wide")
    for when in ("before", "after")
)
SOME = ("runs", "number", "found by first list", "found by new lists")
SOME += ("calibration error", "share of wrong off by", "range holds")
SHOWN = ("as predicted", "odds a seventh", "odds seven times", "half the slope", "heavy tails")
OF_DRAWN = (
    "world",
    "share off by: 200 from the top",
    "half at random",
    "range holds: 200 from the top",
    "half at random",
)


def shown(runs, drawn, anywhere):
    small = [row for row in runs if row[1] in AT_FIRST and row[:3:2] == ("10", "200")]
    at_random = {row[0]: row for row in anywhere}
    yield SOME, [(row[1], *row[3:6], *map(" → ".join, (row[9:11], row[11:13], row[13:15]))) for row in small]
    yield (
        OF_DRAWN,
        [
            (row[0], *(" → ".join(of[at : at + 2]) for at in (10, 12) for of in (row, at_random[row[0]])))
            for row in drawn
            if row[1] == "200" and row[0] in SHOWN
        ],
    )


LOOKS = (100, 200, 500)
EVERY = {50: LOOKS, 10: (100, 200)}
DRAWS, NUM, CLASSES = 20, 5000, 10


def said_of(cell, runs, kept):
    """The answer of `suspects` about a cell, and which labels are wrong; None where it is not measured."""
    from easiness.studies.suspects.study import judge as _judged

    file = kept / f"{cell.name}.npz"
    if not file.exists():
        if not (runs / f"{cell.name}.judged.json").exists():
            return None
        run = open_run(runs / cell.name)
        true = np.array(json.loads((runs / f"{cell.name}.json").read_text()))
        one = _judged(run if run.shares else by_default(run), "train", run.observed[-1], False)
        noise, labels = one.noise, run.examples("train")[1]
        values = {"p": noise.p_wrong, "s": noise.suspicion, "low": noise.low, "high": noise.high}
        np.savez(file, labels=labels, rival=one.evidence["rival"], true=true, **values)
    with np.load(file) as z:
        return SimpleNamespace(
            p=z["p"],
            suspicion=z["s"],
            labels=z["labels"],
            pairs=z["labels"] * 1000 + z["rival"],
            wrong=z["labels"] != z["true"],
            low=float(z["low"]),
            high=float(z["high"]),
        )


def order(p, suspicion, seen):
    """The positions of what was not seen, as `suspects` lists it."""
    found = np.lexsort((-suspicion, -np.minimum(p, ALL_BUT_CERTAIN)))
    return found[~seen[found]]


def looked(world, every):
    seen, at, found = np.zeros(len(world.p), bool), np.zeros(0, np.int64), {}
    fixed, now = order(world.p, world.suspicion, seen), world.p
    for looks in EVERY[every]:
        if looks > len(world.p) / 2:
            break
        while len(at) < looks:
            at = np.concatenate([at, order(now, world.suspicion, seen)[: min(every, looks - len(at))]])
            seen[at] = True
            learned = calibrate(
                world.p, (world.labels, world.pairs), at, world.wrong[at], world.low, world.high
            )
            now = learned.p_wrong
        found[looks] = said(world, fixed[:looks], at, learned)
    return found


def said(world, fixed, at, learned):
    """Wrong labels found at the positions ``at``, and the state of the rest."""
    seen, share, now = np.isin(np.arange(len(world.p)), at), world.wrong.mean(), learned.p_wrong
    rest, before = ~seen, np.where(seen, world.wrong, world.p)
    return {
        "fixed": int(world.wrong[fixed].sum()),
        "read again": int(world.wrong[at].sum()),
        "off": tuple(calibration_error(one[rest], world.wrong[rest]) for one in (world.p, now)),
        "number": (abs(before.mean() - share), abs(now.mean() - share)),
        "holds": (world.low <= share <= world.high, learned.low <= share <= learned.high),
        "wide": (world.high - world.low, learned.high - learned.low),
    }


def looked_anywhere(world, draw):
    """After 100 looks from the top of the list and 100 at random, in one go."""
    top = order(world.p, world.suspicion, np.zeros(len(world.p), bool))
    at = np.concatenate([top[:100], draw.choice(top[100:], 100, replace=False)])
    learned = calibrate(world.p, (world.labels, world.pairs), at, world.wrong[at], world.low, world.high)
    return {200: said(world, at, at, learned)}


TRUE_ODDS = {  # logarithms, of those said and what is drawn for classes, for pairs and for each label
    "as predicted": lambda odds, *_: odds,
    "odds a seventh": lambda odds, *_: odds - 2,
    "odds seven times": lambda odds, *_: odds + 2,
    "half the slope": lambda odds, *_: odds / 2,
    "one and a half times the slope": lambda odds, *_: odds * 1.5,
    "classes differ": lambda odds, of_class, *_: odds + of_class,
    "pairs differ": lambda odds, _, of_pair, __: odds + of_pair,
    "heavy tails": lambda odds, _, __, of_label: odds + of_label,
    "half of the top is sound": lambda odds, *_: np.where(odds > 0, 0.0, odds),
    "nothing is known": lambda *_: np.full(NUM, logit(0.1)),
}


def drawn(kind, draw):
    odds = np.where(draw.random(NUM) < 0.15, draw.normal(1.5, 2, NUM), draw.normal(-5, 2, NUM))
    labels, rival = draw.integers(CLASSES, size=NUM), draw.integers(CLASSES, size=NUM)
    of_class = draw.normal(0, 1.5, CLASSES)[labels]
    of_pair, of_label = draw.normal(0, 1.5, (CLASSES, CLASSES))[labels, rival], draw.standard_t(2, NUM)
    truth = TRUE_ODDS[kind](odds, of_class, of_pair, of_label)
    p, wrong = expit(odds), draw.random(NUM) < expit(truth)
    low, high = max(p.mean() / 1.35 - 0.02, 0), p.mean() * 1.35 + 0.02
    pairs = labels * 1000 + rival
    return SimpleNamespace(p=p, suspicion=odds, labels=labels, pairs=pairs, wrong=wrong, low=low, high=high)


def summed(name, looks, found):
    gain = np.array([one["read again"] - one["fixed"] for one in found])
    pairs = [
        format(value, form)
        for key, form in (("off", ".3f"), ("number", ".1%"), ("holds", ".0%"), ("wide", ".1%"))
        for value in np.mean([one[key] for one in found], axis=0)
    ]
    sums = [f"{sum(one[way] for one in found):,}" for way in ("fixed", "read again")]
    differ = [str(value) for value in ((gain < 0).sum(), (gain > 0).sum(), min(gain.min(), 0))]
    return (name, str(looks), str(len(found)), *sums, *differ, *pairs)


def summary(groups, every):
    there = {
        (name, looks): [one[looks] for one in worlds if looks in one]
        for name, worlds in groups.items()
        for looks in EVERY[every]
    }
    return [summed(*key, found) for key, found in there.items() if found]


def of_runs(on_runs):
    rows = []
    for every in EVERY:
        groups, noises = {}, {}
        for cell, found in on_runs:
            noises.setdefault(f"{cell.noise} {cell.rate:.0%}", []).append(found[every])
            purpose = "cells that judge" if cell.judges else "cells that chose"
            for name in (purpose, AT_FIRST[found[every][100]["off"][0] > WELL]):
                groups.setdefault(name, []).append(found[every])
        rows += [(str(every), *row) for row in summary(noises | groups, every)]
    return rows


def main():
    asked = options(__doc__, "--runs", more={"--kept": Path("runs/decided")})
    asked.kept.mkdir(parents=True, exist_ok=True)
    worlds = [(kind, at, seed) for at, kind in enumerate(TRUE_ODDS) for seed in range(DRAWS)]
    on_drawn, anywhere = {kind: [] for kind in TRUE_ODDS}, {kind: [] for kind in TRUE_ODDS}
    for kind, at, seed in worlds:
        one = drawn(kind, np.random.default_rng([at, seed]))
        on_drawn[kind].append(looked(one, 50))
        anywhere[kind].append(looked_anywhere(one, np.random.default_rng(seed)))
    on_runs = []
    for cell in cells():
        world = said_of(cell, asked.runs, asked.kept)
        if world is not None and world.wrong.any():
            on_runs.append((cell, {every: looked(world, every) for every in EVERY}))
            print(cell.name, on_runs[-1][1][50].get(200), flush=True)
    rows, of_drawn, at_random = of_runs(on_runs), summary(on_drawn, 50), summary(anywhere, 50)
    tables = {
        "runs": (("new list after", "labels", *COLUMNS), rows),
        "drawn": (("world", *COLUMNS), of_drawn),
        "half-at-random": (("world", *COLUMNS), at_random),
    }
    publish(asked.docs, "decided", tables, *shown(rows, of_drawn, at_random))


if __name__ == "__main__":
    main()
