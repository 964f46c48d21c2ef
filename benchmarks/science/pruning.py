"""Which training data can be left out, by which score and sampler: does any beat random choice?

Scores x samplers x shares kept, at equal epochs and at equal steps, each against random choice with the same
seed. Results are kept in pruning.json, beside the page or in `--runs`: it goes on where it was stopped.
`--minutes 0` trains nothing more and writes the page of what there is.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, ttest_1samp

from easiness import keep, load_dataset, measure
from easiness.errors import BadInput
from easiness.runs import RankedDraw, carry_out, make_plan
from easiness.show import EASY, HARD, INK, Curve, curves, picture_bytes, with_interval
from easiness.spec import Draw, Execution, Recording, Training
from easiness.store import open_run

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import measured
from kit.science import PAIRED, options, publish

KEPT = (0.3, 0.1, 0.5, 0.7)  # in the order in which they are done
LENGTHS = ("epochs", "steps")  # what a smaller training set has in common with the full one
FIRST_SEEDS = 3  # enough for an interval; the others follow once every share has these
SCORES = {  # each with the end that counts as hard where high means neither easy nor hard
    "easiness": None,
    "el2n": None,
    "aum": None,
    "forgetting_events": None,
    "dyn_unc": "top",
    "dual": "top",
}
SAMPLERS = ("top", "beta", "ccs", "balanced")
RANDOM = ("random", "top")  # of no score: the other samplers would draw the same, but for the balanced one
ARMS = (RANDOM, ("random", "balanced"), *product(SCORES, SAMPLERS))


@dataclass(frozen=True)
class Cell:
    """One training: with ``kept`` of the examples, chosen by a sampler from a score, or with all of them."""

    score: str
    sampler: str
    kept: float
    length: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.score}/{self.sampler}/{self.kept:g}/{self.length}/{self.seed}"

    @property
    def drop(self) -> float:
        return round(1 - self.kept, 6)

    def options(self):
        shared = {"drop": self.drop, "seed": self.seed, "balanced": self.sampler == "balanced"}
        if self.score == "random":
            return shared | {"policy": "random"}
        end = SCORES[self.score]
        exactly = "best" if end is None else "worst"  # drops the easiest, or the other end
        policy = {"beta": "dual", "ccs": "ccs"}.get(self.sampler, exactly)
        return shared | {"score": self.score, "keep": end, "policy": policy}


def cells(seeds):
    """All cells, in an order such that whatever has been done by some time makes a balanced table."""
    for block in (range(min(seeds, FIRST_SEEDS)), range(FIRST_SEEDS, seeds)):
        yield from (Cell("full", "top", 1.0, "epochs", seed) for seed in block)
        for kept, seed, length in product(KEPT, block, LENGTHS):
            for score, sampler in ARMS:
                yield Cell(score, sampler, kept, length, seed)


LEVEL = 0.95
FALSE = 0.05  # share of false ones among those called different, at most on average


def compared(results):
    """A row for each share kept, arm and length: accuracy, and how far it is above random choice.

    Differences are of pairs of the same seed, with Student's interval over seeds. Verdicts are those of the
    paired t test, adjusted for all comparisons of the page (Benjamini-Hochberg).
    """
    names = ["score", "sampler", "kept", "length", "seed"]
    cells = pd.DataFrame(
        [(*name.split("/"), one) for name, one in results.items()], columns=[*names, "accuracy"]
    )
    cells = cells.astype({"kept": float, "accuracy": float})
    by_cell = {key: one.set_index("seed")["accuracy"] for key, one in cells.groupby(names[:-1])}
    rows = []
    for kept, arm, length in product(sorted(KEPT, reverse=True), ARMS, LENGTHS):
        own = by_cell.get((*arm, kept, length), pd.Series(dtype=float))
        row = dict(zip(names, (*arm, kept, length), strict=False))
        row |= {"lost": own.isna().any(), "seeds": own.notna().sum(), "accuracy": own.mean()}
        difference = (own - by_cell.get((*RANDOM, kept, length), own)).dropna()
        if arm != RANDOM and len(difference) >= 2:
            test = ttest_1samp(difference, 0)
            row |= {"value": difference.mean(), "p": test.pvalue}
            row["low"], row["high"] = test.confidence_interval(LEVEL)
        rows.append(row)
    found, known = pd.DataFrame(rows), [row for row in rows if "p" in row]
    adjusted = iter(false_discovery_control([row["p"] for row in known]) <= FALSE)
    verdict = {True: "above", False: "below"}
    found["verdict"] = [
        "" if "p" not in row else verdict[row["value"] > 0] if next(adjusted) else "undecided" for row in rows
    ]
    return found


SCORING_TRIALS, SCORING_SEED = 8, 1000  # another seed than any that is judged
CERTAIN = (1e9, 1.0)  # a density that draws the largest values and no others
_WORKING = {}  # of this process: the data and the run of scores
EXAMPLES, HELD_OUT, EPOCHS = 3000, 4000, 16
TRAINING = {"model": "wrn_10_1", "epochs": EPOCHS, "precision": "float32"}
TRAINING |= {"recipe": {"base": "short", "reduce": 2}}  # on pictures of half their side


def load(source):
    data = load_dataset(str(source))
    return replace(data.limit(EXAMPLES), held_out=data.held_out.limit(HELD_OUT))


def score(data, folder):
    """The run that every score is read from, trained as far as it is missing."""
    how = TRAINING | {"seed": SCORING_SEED, "trials": SCORING_TRIALS, "keep_weights": False} | PAIRED
    return measure(replace(data, held_out=None), **how, out=folder)


def begin(source, runs):
    """In a process of its own: load what all of its trainings share."""
    data, scored = load(source), open_run(runs / "scores")
    assert scored.ids.tolist() == data.ids.tolist()
    _WORKING.update(data=data, scored=scored, runs=runs)


def train(cell):
    """The held-out accuracy of a cell after its last epoch, and the seconds it took.

    The accuracy is ``None`` where the sampler would leave a class without examples.
    """
    began = time.perf_counter()
    data, drawn = _WORKING["data"], None
    if cell.kept < 1:
        try:
            left_out = ~keep(_WORKING["scored"], **cell.options()).kept_mask
        except BadInput as error:
            return {"name": cell.name, "accuracy": None, "why": str(error), "seconds": 0.0}
        digest = hashlib.sha256(left_out.tobytes()).hexdigest()
        draw = Draw(effect="drop", rate=cell.drop, beta=CERTAIN, ranking=digest)
        drawn = RankedDraw(draw, left_out.astype(np.float64), cell.length == "steps")
    plan = make_plan(
        data,
        Training(seed=cell.seed, **TRAINING),
        1,
        recording=Recording(observe="last", keep_weights=False, splits=("held_out",)),
        ranked_draw=drawn,
    )
    assert plan.num_trained_on == len(data) - (0 if drawn is None else int(left_out.sum()))
    with tempfile.TemporaryDirectory(dir=_WORKING["runs"]) as folder:
        run = carry_out(plan, Path(folder) / "cell", Execution(executor="serial", jobs=1, compile="off"))
        accuracy = run.trials[0].document.accuracy["held_out"][-1]
    return {"name": cell.name, "accuracy": accuracy, "seconds": round(time.perf_counter() - began, 2)}


COLORS = {"top": HARD, "balanced": HARD, "ccs": EASY, "beta": INK}
MARKERS = {"top": "o", "balanced": "D", "ccs": "s", "beta": "^"}


def draw(found):
    known = found[found["verdict"] != ""]
    shares, panels = sorted(known["kept"].unique(), reverse=True), {}
    for length, kept in product(LENGTHS, shares):
        panel = panels[f"{kept:.0%} kept, equal {length}"] = []
        rows = known[(known["length"] == length) & (known["kept"] == kept) & known["score"].isin([*SCORES])]
        for at, sampler in enumerate(SAMPLERS):
            own = rows[rows["sampler"] == sampler]
            x = own["score"].map([*SCORES].index) + 0.18 * (at - (len(SAMPLERS) - 1) / 2)
            value, low, high = (100 * own[name] for name in ("value", "low", "high"))
            style = COLORS[sampler], MARKERS[sampler], ""
            panel.append(Curve(x, value, sampler, *style, errors=[value - low, high - value]))
    size = 2.6 + 1.8 * len(shares), 5.4
    figure = curves(panels, size, x="", y="accuracy beyond random, %", columns=4, across=len(shares))
    for axes in figure.axes:
        axes.axhline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(SCORES)), list(SCORES), rotation=60)
    return picture_bytes(figure, ".svg")


def within(one):
    """`+1.2 (+0.3 to +2.1)` in percent, in bold where it is decided."""
    text = with_interval(*(100 * one[end] for end in ("value", "low", "high")), 1, with_sign=True)
    return re.sub(r"^\S+", r"**\g<0>**", text) if one["verdict"] in ("above", "below") else text


COLUMNS = ("", ", beyond random", ", verdict")
CELLS = (
    "kept",
    "score",
    "sampler",
    "seeds",
    *(f"equal {one}{column}" for one in LENGTHS for column in COLUMNS),
)


def cell_rows(found):
    """A row for each share kept and arm, equal epochs and equal steps side by side."""
    for (kept, *arm), pair in found.groupby(["kept", "score", "sampler"], sort=False):
        columns = []
        for one in pair.to_dict("records"):
            accuracy = f"{100 * one['accuracy']:.1f}" if one["seeds"] else "a class lost" * one["lost"]
            columns += [accuracy, within(one), one["verdict"]]
        seeds = " and ".join(dict.fromkeys(map(str, pair["seeds"])))
        yield f"{kept:.0%}", arm[0], "" if tuple(arm) == RANDOM else arm[1], seeds, *columns


VERDICTS = ("kept", "equal", "random", "arms", "above random", "best arm", "beyond random", "below random")


def verdicts(found):
    """A row for each share kept and length: how many arms beat random choice, and the best of them."""
    for (kept, length), group in found.groupby(["kept", "length"], sort=False):
        ones = group[group["verdict"] != ""]
        above, below = (ones[ones["verdict"] == which] for which in ("above", "below"))
        if len(ones):
            some = above if len(above) else ones
            best = some.loc[some["value"].idxmax()]
            random = f"{100 * group['accuracy'].iloc[ARMS.index(RANDOM)]:.1f}"
            shown = f"{best['score']}, {best['sampler']}", within(best)
            yield f"{kept:.0%}", length, random, f"{len(ones)}", f"{len(above)}", *shown, f"{len(below)}"


def tables(found):
    best = list(verdicts(found))
    rows = [(f"{row[0]}, equal {row[1]}", row[2], f"{row[4]} of {row[3]}", *row[5:]) for row in best]
    shown = ("kept", "random", "above random", "best", "beyond random", "below random")
    return {"cells": (CELLS, list(cell_rows(found))), "verdicts": (VERDICTS, best)}, (shown, rows)


PROCESSES = 2


def write(file, known):
    text = json.dumps(known | {"cells": dict(sorted(known["cells"].items()))}, indent=0)
    part = file.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(file)


def trained(missing, start, minutes):
    end = time.monotonic() + 60 * minutes
    with get_context("spawn").Pool(PROCESSES, begin, start) as pool:
        for found in pool.imap_unordered(train, missing):
            yield found
            if time.monotonic() > end:
                return


def main():
    more = {"--seeds": 5, "--minutes": 120.0}
    asked = options(__doc__, "--cifar10", runs="pruning", more=more)
    file = (asked.docs or asked.runs) / "pruning.json"
    known = json.loads(file.read_text()) if file.exists() else {"cells": {}, "measured": []}
    results = known["cells"]
    missing = [cell for cell in cells(asked.seeds) if cell.name not in results]
    if missing and asked.minutes > 0:
        score(load(asked.cifar10), asked.runs / "scores")
        known["measured"] = list(dict.fromkeys([*known["measured"], measured()]))
        for done, found in enumerate(trained(missing, (asked.cifar10, asked.runs), asked.minutes)):
            results[found["name"]] = found["accuracy"]
            write(file, known)
            print(f"{done + 1}/{len(missing)} {found}", flush=True)
    if asked.docs is not None:
        made, found = "; ".join(known["measured"]), compared(results)
        publish(asked.docs, "pruning", *tables(found), made=made, figure=draw(found))


if __name__ == "__main__":
    main()
