"""Which training data can be left out, by which score and sampler: does any beat random choice?

Scores x samplers x shares kept, at equal epochs and at equal steps, each against random choice with the same
seed. Results are kept in pruning.json, beside the page or in `--runs`: it goes on where it was stopped.
`--minutes 0` trains nothing more and writes the page of what there is.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import false_discovery_control, ttest_1samp

from easiness import keep, load_dataset, measure
from easiness.errors import BadInput
from easiness.runs import RankedDraw, carry_out, make_plan
from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet
from easiness.spec import Draw, Execution, Recording, Training
from easiness.store import open_run

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
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
        """Its key among the results."""
        return f"{self.score}/{self.sampler}/{self.kept:g}/{self.length}/{self.seed}"

    @property
    def drop(self) -> float:
        """The share of the examples that is left out."""
        return round(1 - self.kept, 6)

    def options(self):
        """The arguments of `keep`."""
        shared = {"drop": self.drop, "seed": self.seed, "balanced": self.sampler == "balanced"}
        if self.score == "random":
            return {**shared, "policy": "random"}
        keep = SCORES[self.score]
        kept_exactly = "best" if keep is None else "worst"  # drops the easiest, or the other end
        policies = {"beta": "dual", "ccs": "ccs"}
        return {
            **shared,
            "score": self.score,
            "keep": keep,
            "policy": policies.get(self.sampler, kept_exactly),
        }


def full(seed):
    return Cell("full", "top", 1.0, "epochs", seed)


def cells(seeds):
    """All cells, in an order such that whatever has been done by some time makes a balanced table."""
    for block in (range(min(seeds, FIRST_SEEDS)), range(FIRST_SEEDS, seeds)):
        yield from map(full, block)
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
    found["verdict"] = [
        ""
        if "p" not in row
        else "undecided"
        if not next(adjusted)
        else "above"
        if row["value"] > 0
        else "below"
        for row in rows
    ]
    return found


SCORING_TRIALS, SCORING_SEED = 8, 1000  # another seed than any that is judged
CERTAIN = (1e9, 1.0)  # a density that draws the largest values and no others
_WORKING = {}  # of this process: the data and the settings


@dataclass(frozen=True)
class Settings:
    """Settings that all trainings share; results of others are not comparable."""

    examples: int = 3000
    held_out: int = 4000
    model: str = "wrn_10_1"
    reduce: int = 2
    epochs: int = 16

    def training(self, seed):
        """How a network is trained: the recipe for short trainings, on pictures of half their side."""
        recipe = {"base": "short", "reduce": self.reduce}
        return Training(model=self.model, epochs=self.epochs, seed=seed, recipe=recipe, precision="float32")

    def load(self, source):
        """The examples, class-balanced, and those to test on."""
        data = load_dataset(str(source))
        return replace(data.limit(self.examples), held_out=data.held_out.limit(self.held_out))


def score(data, settings, folder):
    """The run that every score is read from, trained as far as it is missing."""
    how = {"model": settings.model, "epochs": settings.epochs, "seed": SCORING_SEED, "precision": "float32"}
    recipe = {"base": "short", "reduce": settings.reduce}
    more = {"recipe": recipe, "trials": SCORING_TRIALS, "keep_weights": False, **PAIRED}
    return measure(replace(data, held_out=None), **how, **more, out=folder)


def begin(source, settings, runs):
    """In a process of its own: load what all of its trainings share."""
    data = settings.load(source)
    scored = open_run(runs / "scores")
    assert scored.ids.tolist() == data.ids.tolist()
    _WORKING.update(data=data, settings=settings, scored=scored, runs=runs)


def train(cell):
    """The held-out accuracy of a cell after its last epoch, and the seconds it took.

    The accuracy is ``None`` where the sampler would leave a class without examples.
    """
    began = time.perf_counter()
    data, settings = _WORKING["data"], _WORKING["settings"]
    drawn = None
    if cell.kept < 1:
        try:
            left_out = ~keep(_WORKING["scored"], **cell.options()).kept
        except BadInput as error:
            return {"name": cell.name, "accuracy": None, "why": str(error), "seconds": 0.0}
        digest = hashlib.sha256(left_out.tobytes()).hexdigest()
        draw = Draw(effect="drop", rate=cell.drop, beta=CERTAIN, ranking=digest)
        drawn = RankedDraw(draw, left_out.astype(np.float64), cell.length == "steps")
    plan = make_plan(
        data,
        settings.training(cell.seed),
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
    """The figure as SVG, with each interval; filled marks are differences that are decided."""
    known = found[found["verdict"] != ""]
    shares = sorted(known["kept"].unique(), reverse=True)
    figure = Figure(figsize=(2.6 + 1.8 * len(shares), 5.4), layout="constrained")
    panels = figure.subplots(len(LENGTHS), len(shares), sharey=True, sharex="col", squeeze=False)
    for (length, kept), axes in zip(product(LENGTHS, shares), panels.flat, strict=True):
        quiet(axes)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        of_panel = known[
            (known["length"] == length) & (known["kept"] == kept) & known["score"].isin([*SCORES])
        ]
        for one in of_panel.to_dict("records"):
            at = [*SCORES].index(one["score"]) + 0.18 * (
                SAMPLERS.index(one["sampler"]) - (len(SAMPLERS) - 1) / 2
            )
            color, marker = COLORS[one["sampler"]], MARKERS[one["sampler"]]
            face = "white" if one["verdict"] == "undecided" else color
            axes.plot([100 * one["low"], 100 * one["high"]], [at, at], color=color, linewidth=1)
            axes.plot(100 * one["value"], at, marker, color=color, markersize=4, markerfacecolor=face)
        axes.set_title(f"{kept:.0%} kept, equal {length}", color=INK, fontsize=FONT_SIZE + 1, loc="left")
        axes.set_yticks(range(len(SCORES)), list(SCORES))
        axes.set_ylim(len(SCORES) - 0.5, -0.5)
    for axes in panels[-1]:
        axes.set_xlabel("accuracy beyond random, %")
    for sampler, color in COLORS.items():
        panels[0][0].plot([], [], MARKERS[sampler], color=color, markersize=4, label=sampler)
    figure.legend(loc="outside lower center", ncols=len(SAMPLERS), frameon=False, fontsize=FONT_SIZE)
    return picture_bytes(figure, ".svg")


def within(one):
    """`+1.2 (0.3 to 2.1)` in percent, in bold where it is decided."""
    if not one["verdict"]:
        return ""
    mark = "" if one["verdict"] == "undecided" else "**"
    return f"{mark}{100 * one['value']:+.1f}{mark} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"


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


BY_SAMPLER = ("sampler", "kept", "comparisons", "above random", "below random", "mean difference")


def by_sampler(found):
    """How often each sampler is above and below random choice, and its mean difference."""
    of_scores = found[(found["verdict"] != "") & (found["score"] != "random")]
    for sampler, kept in product(SAMPLERS, sorted(KEPT, reverse=True)):
        ones = of_scores[(of_scores["sampler"] == sampler) & (of_scores["kept"] == kept)]
        if len(ones):
            above, below = (f"{(ones['verdict'] == which).sum()}" for which in ("above", "below"))
            yield sampler, f"{kept:.0%}", f"{len(ones)}", above, below, f"{100 * ones['value'].mean():+.1f}"


def tables(found):
    best = list(verdicts(found))
    rows = [(f"{row[0]}, equal {row[1]}", row[2], f"{row[4]} of {row[3]}", *row[5:]) for row in best]
    return {
        "cells": (CELLS, list(cell_rows(found))),
        "verdicts": (VERDICTS, best),
        "samplers": (BY_SAMPLER, list(by_sampler(found))),
    }, (("kept", "random", "above random", "best", "beyond random", "below random"), rows)


PROCESSES = 2


def known(file, settings):
    """Results by the name of their cell, and where they were measured: with these settings, or it stops."""
    if not file.exists():
        return {}, []
    kept = json.loads(file.read_text())
    if kept["settings"] != asdict(settings):
        sys.exit(f"{file}: of other settings ({kept['settings']}); give another folder")
    return kept["cells"], kept["measured"]


def write(file, settings, machines, results):
    text = json.dumps(
        {"settings": asdict(settings), "measured": machines, "cells": dict(sorted(results.items()))}, indent=0
    )
    part = file.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(file)


def trained(missing, start, minutes):
    """The results of cells as they come, of as many as end within so many minutes."""
    end = time.monotonic() + 60 * minutes
    with get_context("spawn").Pool(PROCESSES, begin, start) as pool:
        for found in pool.imap_unordered(train, missing):
            yield found
            if time.monotonic() > end:
                return


def main():
    more = {"--seeds": 5, "--minutes": 120.0}
    asked, settings = options(__doc__, "--cifar10", runs="pruning", more=more), Settings()
    file = (asked.docs or asked.runs) / "pruning.json"
    results, machines = known(file, settings)
    missing = [cell for cell in cells(asked.seeds) if cell.name not in results]
    if missing and asked.minutes > 0:
        score(settings.load(asked.cifar10), settings, asked.runs / "scores")
        machines = list(dict.fromkeys([*machines, measured()]))
        start = (asked.cifar10, settings, asked.runs)
        for done, found in enumerate(trained(missing, start, asked.minutes)):
            results[found["name"]] = found["accuracy"]
            write(file, settings, machines, results)
            print(f"{done + 1}/{len(missing)} {found}", flush=True)
    if asked.docs is not None:
        made, found = "; ".join(machines), compared(results)
        publish(asked.docs, "pruning", *tables(found), made=made, figure=draw(found))


if __name__ == "__main__":
    main()
