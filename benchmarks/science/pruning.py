"""What can be left out of the training data, by which score and sampler: does any beat random choice?

Scores x samplers x shares kept, at equal epochs and at equal steps, each against random choice with the same
seed. Results are kept in `--runs` and, with `--docs`, in pruning.json beside the page: it goes on from both.
`--minutes 0` trains nothing more and writes the page of what there is.

    python benchmarks/science/pruning.py --cifar10 FOLDER [--runs FOLDER] [--docs docs/results]
                                         [--seeds 5] [--minutes 120]
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import isfinite
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import false_discovery_control, t, ttest_1samp

from easiness import keep, load_dataset
from easiness.errors import BadInput
from easiness.runs import Drawn, carry_out, make_plan
from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet
from easiness.spec import Draw, Execution, Recording, Training
from easiness.store import open_run

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.science import options, publish

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
        """What `keep` is to be given."""
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
    """The training on all examples."""
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


@dataclass(frozen=True)
class Difference:
    """Mean accuracy of an arm, and by how much it is above random choice, with Student's interval over seeds.

    ``p`` is that of the paired t test, ``adjusted`` for all comparisons of the page (Benjamini-Hochberg).
    """

    arm: tuple[str, str]
    kept: float
    length: str
    seeds: int
    accuracy: float
    value: float
    low: float
    high: float
    p: float
    adjusted: float = np.nan

    @property
    def verdict(self) -> str:
        """``above`` or ``below`` random choice, or ``undecided``."""
        if not self.adjusted <= FALSE:
            return "undecided"
        return "above" if self.value > 0 else "below"


def by_seed(results, arm, kept, length):
    """What is known of a cell by seed; ``None`` where a class would have been left without examples."""
    cells = {seed: full(seed) if kept == 1 else Cell(*arm, kept, length, seed) for seed in range(100)}
    return {seed: results[cell.name] for seed, cell in cells.items() if cell.name in results}


def accuracies(results, arm, kept, length):
    """The accuracy of a cell by seed, of those that were trained."""
    known = by_seed(results, arm, kept, length)
    return {seed: accuracy for seed, accuracy in known.items() if accuracy is not None}


def loses_a_class(results, arm, kept, length):
    """Would this arm have left a class without examples, at any seed?"""
    return None in by_seed(results, arm, kept, length).values()


def compared(results, arm, kept, length):
    """The `Difference` of an arm, ``None`` with fewer than two pairs."""
    ours, theirs = (accuracies(results, one, kept, length) for one in (arm, RANDOM))
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < 2:
        return None
    differences = np.array([ours[seed] - theirs[seed] for seed in seeds])
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / np.sqrt(len(seeds))
    margin = float(t.ppf((1 + LEVEL) / 2, len(seeds) - 1)) * error
    # without any spread the test is undefined: nothing is decided by that
    p = float(ttest_1samp(differences, 0).pvalue) if error > 0 else 1.0
    accuracy = float(np.mean([ours[seed] for seed in seeds]))
    return Difference(arm, kept, length, len(seeds), accuracy, mean, mean - margin, mean + margin, p)


def all_compared(results):
    """Every comparison there is, by arm, share kept and length, adjusted for their number."""
    keys = [(arm, kept, length) for kept in KEPT for length in LENGTHS for arm in ARMS if arm != RANDOM]
    found = {key: one for key in keys if (one := compared(results, *key)) is not None}
    if not found:
        return {}
    adjusted = false_discovery_control([one.p for one in found.values()])
    return {
        key: replace(one, adjusted=float(p)) for (key, one), p in zip(found.items(), adjusted, strict=True)
    }


SCORING_TRIALS, SCORING_SEED = 8, 1000  # another seed than any that is judged
CERTAIN = (1e9, 1.0)  # a density that draws the largest values and no others
_WORKING = {}  # of this process: the data and the settings


@dataclass(frozen=True)
class Settings:
    """What all trainings have in common; results of other settings are not comparable."""

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
    plan = make_plan(
        data,
        settings.training(SCORING_SEED),
        SCORING_TRIALS,
        recording=Recording(keep_weights=False, splits=("train",)),
    )
    return carry_out(plan, folder, Execution(executor="processes", jobs=2, compile="off"))


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
        drawn = Drawn(draw, left_out.astype(np.float64), cell.length == "steps")
    plan = make_plan(
        data,
        settings.training(cell.seed),
        1,
        recording=Recording(observe="last", keep_weights=False, splits=("held_out",)),
        drawn=drawn,
    )
    assert plan.num_trained_on == len(data) - (0 if drawn is None else int(left_out.sum()))
    with tempfile.TemporaryDirectory(dir=_WORKING["runs"]) as folder:
        run = carry_out(plan, Path(folder) / "cell", Execution(executor="serial", jobs=1, compile="off"))
        accuracy = run.trials[0].document.accuracy["held_out"][-1]
    return {"name": cell.name, "accuracy": accuracy, "seconds": round(time.perf_counter() - began, 2)}


COLORS = {"top": HARD, "balanced": HARD, "ccs": EASY, "beta": INK}
MARKERS = {"top": "o", "balanced": "D", "ccs": "s", "beta": "^"}


def draw(results):
    """The figure as SVG, with each interval; filled marks are differences that are decided."""
    found = all_compared(results)
    known = {kept for (_, kept, _), one in found.items() if one is not None and isfinite(one.low)}
    # others have no interval yet
    shares = [kept for kept in sorted(KEPT, reverse=True) if kept in known or not known]
    figure = Figure(figsize=(2.6 + 1.8 * len(shares), 5.4), layout="constrained")
    panels = figure.subplots(len(LENGTHS), len(shares), sharey=True, sharex="col", squeeze=False)
    for row, length in zip(panels, LENGTHS, strict=True):
        for axes, kept in zip(row, shares, strict=True):
            quiet(axes)
            axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
            for at, sampler in enumerate(SAMPLERS):
                ones = [found.get(((score, sampler), kept, length)) for score in SCORES]
                points(axes, ones, sampler, 0.18 * (at - (len(SAMPLERS) - 1) / 2))
            axes.set_title(f"{kept:.0%} kept, equal {length}", color=INK, fontsize=FONT_SIZE + 1, loc="left")
            axes.set_yticks(range(len(SCORES)), list(SCORES))
            axes.set_ylim(len(SCORES) - 0.5, -0.5)
    for axes in panels[-1]:
        axes.set_xlabel("accuracy beyond random, %")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(SAMPLERS), frameon=False, fontsize=FONT_SIZE
    )
    return picture_bytes(figure, ".svg")


def points(axes, ones, sampler, offset):
    """A mark and an interval for each score of those that are there."""
    color = COLORS[sampler]
    for at, one in enumerate(ones):
        if one is not None:
            axes.plot([100 * one.low, 100 * one.high], [at + offset] * 2, color=color, linewidth=1)
            axes.plot(
                100 * one.value,
                at + offset,
                MARKERS[sampler],
                color=color,
                markersize=4,
                markerfacecolor="white" if one.verdict == "undecided" else color,
            )
    axes.plot([], [], MARKERS[sampler], color=color, markersize=4, label=sampler)


def percent(share):
    return f"{100 * share:.1f}"


def within(one):
    """`+1.2 (0.3 to 2.1)` in percent, in bold where it is decided."""
    if one is None:
        return ""
    mark = "" if one.verdict == "undecided" else "**"
    value = f"{mark}{100 * one.value:+.1f}{mark}"
    return f"{value} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


COLUMNS = ("", ", beyond random", ", verdict")
CELLS = (
    "kept",
    "score",
    "sampler",
    "seeds",
    *(f"equal {one}{column}" for one in LENGTHS for column in COLUMNS),
)


def cell_rows(results, found):
    """A row for each share kept and arm, equal epochs and equal steps side by side."""
    for kept in sorted(KEPT, reverse=True):
        for arm in ARMS:
            columns, counts = [], []
            for length in LENGTHS:
                values = accuracies(results, arm, kept, length)
                counts.append(len(values))
                lost = "a class lost" if loses_a_class(results, arm, kept, length) else ""
                one = None if arm == RANDOM else found.get((arm, kept, length))
                accuracy = percent(np.mean(list(values.values()))) if values else lost
                columns += [accuracy, within(one), "" if one is None else one.verdict]
            seeds = " and ".join(str(one) for one in dict.fromkeys(counts))
            sampler = "" if arm == RANDOM else arm[1]
            yield f"{kept:.0%}", arm[0], sampler, seeds, *columns


VERDICTS = ("kept", "equal", "random", "arms", "above random", "best arm", "beyond random", "below random")


def verdicts(results, found):
    """A row for each share kept and length: how many arms beat random choice, and the best of them."""
    for kept, length in product(sorted(KEPT, reverse=True), LENGTHS):
        ones = [one for (_, k, at), one in found.items() if (k, at) == (kept, length)]
        if ones:
            above, below = ([one for one in ones if one.verdict == which] for which in ("above", "below"))
            best = max(above or ones, key=lambda one: one.value)
            random = percent(np.mean(list(accuracies(results, RANDOM, kept, length).values())))
            shown = (", ".join(best.arm), within(best))
            yield f"{kept:.0%}", length, random, f"{len(ones)}", f"{len(above)}", *shown, f"{len(below)}"


BY_SAMPLER = ("sampler", "kept", "comparisons", "above random", "below random", "mean difference")


def by_sampler(found):
    """How often each sampler is above and below random choice, and its mean difference."""
    for sampler, kept in product(SAMPLERS, sorted(KEPT, reverse=True)):
        mine = [one for one in found.values() if (one.arm[1], one.kept) == (sampler, kept)]
        ones = [one for one in mine if one.arm[0] in SCORES]
        if ones:
            above, below = (sum(one.verdict == which for one in ones) for which in ("above", "below"))
            mean = 100 * np.mean([one.value for one in ones])
            yield sampler, f"{kept:.0%}", f"{len(ones)}", f"{above}", f"{below}", f"{mean:+.1f}"


def tables(results):
    """The whole tables by their names, and the one on the page."""
    found = all_compared(results)
    best = list(verdicts(results, found))
    rows = [(f"{row[0]}, equal {row[1]}", row[2], f"{row[4]} of {row[3]}", *row[5:]) for row in best]
    return {
        "cells": (CELLS, list(cell_rows(results, found))),
        "verdicts": (VERDICTS, best),
        "samplers": (BY_SAMPLER, list(by_sampler(found))),
    }, (("kept", "random", "above random", "best", "beyond random", "below random"), rows)


PROCESSES = 2


def known(files, settings):
    """Results by the name of their cell, from files that exist: made with these settings, or it stops."""
    found, machines = {}, []
    for file in files:
        if not file.exists():
            continue
        kept = json.loads(file.read_text())
        if kept["settings"] != asdict(settings):
            sys.exit(f"{file}: of other settings ({kept['settings']}); give another folder")
        found.update(kept["cells"])
        machines += [one for one in kept["measured"] if one not in machines]
    return found, machines


def write(file, settings, machines, results):
    """All results as JSON, whole or not at all."""
    text = json.dumps(
        {"settings": asdict(settings), "measured": machines, "cells": dict(sorted(results.items()))}, indent=0
    )
    part = file.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(file)


def trained(missing, start, minutes):
    """The results of cells as they come, of as many as begin within so many minutes."""
    end = time.monotonic() + 60 * minutes
    context = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=begin, initargs=start) as pool:
        running, todo = set(), iter(missing)
        while True:
            while len(running) < PROCESSES and time.monotonic() < end and (cell := next(todo, None)):
                running.add(pool.submit(train, cell))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)


def main():
    more = {"--seeds": 5, "--minutes": 120.0}
    asked, settings = options(__doc__, "--cifar10", runs="pruning", more=more), Settings()
    here = asked.runs / "pruning.json"
    published = None if asked.docs is None else asked.docs / "pruning.json"
    results, machines = known([one for one in (published, here) if one], settings)
    missing = [cell for cell in cells(asked.seeds) if cell.name not in results]
    if missing and asked.minutes > 0:
        score(settings.load(asked.cifar10), settings, asked.runs / "scores")
        machines = list(dict.fromkeys([*machines, measured()]))
        start = (asked.cifar10, settings, asked.runs)
        for done, found in enumerate(trained(missing, start, asked.minutes)):
            results[found["name"]] = found["accuracy"]
            write(here, settings, machines, results)
            print(f"{done + 1}/{len(missing)} {found}", flush=True)
    if published is not None:
        write(published, settings, machines, results)
        made, figure = "; ".join(machines), draw(results)
        publish(asked.docs, "pruning", *tables(results), made=made, figure=figure)


if __name__ == "__main__":
    main()
