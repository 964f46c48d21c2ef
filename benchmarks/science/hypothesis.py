"""Is easy what is frequent and contradicts nothing? What `easiness paper hypothesis` found.

    easiness paper hypothesis --out FOLDER

Shares of right answers are drawn for the patterns of the full preset, in worlds with effects of patterns, of
trials and of both, with values at 0 and 1 and with heavy tails, `--times` times each. The truth is what the
estimate is for patterns without number.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import easiness
from easiness.paper.planted.design import DECISIVE, FREQUENT, FULL, examples_of, patterns_of
from easiness.paper.planted.estimates import drop, mean, slope
from easiness.paper.planted.result import SHARE
from easiness.show import file_bytes

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in
from kit.results import measured
from kit.science import options, publish

TRIALS = (20, 5)
ARMS = ("natural", "balanced", "half")
AUDIT_COLUMNS = 4000  # patterns and trials of each cell, for the truth


@dataclass(frozen=True)
class World:
    """Logits of patterns: ``slope`` for a doubling of f, and less ``loss`` times c; the rest are deviations.

    ``tails`` is the freedom of Student's t of the patterns, ``groups`` puts half of them on either side.
    ``floor`` is the share that is right by chance.
    """

    slope: float = 0.5
    balanced: float = 0.0  # share of the slope that is left in the balanced arm
    at: float = 0.0
    loss: float = 2.5
    pattern: float = 0.5
    trial: float = 0.2
    trial_slope: float = 0.03
    both: float = 0.3
    tails: float | None = None
    groups: bool = False
    floor: float = 0.0
    half: float = 1.0  # what half the amplitude takes from a logit, more of what is hard


WORLDS = {
    "plain": World(),
    "no slope": World(slope=0.0),
    "balanced at a quarter": World(balanced=SHARE),
    "many at 1": World(at=3.0),
    "many at 0": World(at=-3.0),
    "a floor at chance": World(floor=0.25),
    "heavy tails": World(pattern=0.7, tails=3.0),
    "two groups": World(pattern=1.0, groups=True),
    "trials differ much": World(trial=0.8, trial_slope=0.15),
    "patterns differ by trial": World(both=1.0),
}


def effects(world, random, num):
    if world.groups:
        return world.pattern * random.choice([-1.0, 1.0], num)
    if world.tails is not None:
        return world.pattern * random.standard_t(world.tails, num)
    return world.pattern * random.standard_normal(num)


def probabilities(world, patterns, arm, random, pattern, trials):
    """Probabilities of right answers [trials, P], for patterns with these effects."""
    doublings = np.log2(patterns.frequency) - 6
    part = world.balanced if arm == "balanced" else 1.0
    steep = part * world.slope + world.trial_slope * random.standard_normal((trials, 1))
    logits = world.at + steep * doublings - world.loss * patterns.contradiction + pattern
    if arm == "half":
        logits = logits - world.half * (1 - 0.2 * pattern)
    logits = logits + world.trial * random.standard_normal((trials, 1))
    logits = logits + world.both * random.standard_normal((trials, len(patterns)))
    return world.floor + (1 - world.floor) / (1 + np.exp(-logits))


def estimates(patterns, natural, balanced, half):
    doublings, contradiction = np.log2(patterns.frequency), patterns.contradiction
    frequent = patterns.support >= FREQUENT
    steep = slope(natural, doublings, contradiction)
    flat = slope(balanced, doublings, contradiction)
    low, high = frequent & (contradiction == DECISIVE), frequent & (contradiction == 0)
    return {
        "slope": steep,
        "balanced less a quarter": flat.less(steep, SHARE),
        "drop": drop(natural, low, high, patterns.support),
        "half the amplitude": mean(half).less(mean(natural)),
    }


def truth(world, patterns, seed, drawn):
    """The estimates for patterns and trials without number: arms have the same draws."""
    of_arms = []
    for arm in ARMS:
        random, sums = np.random.default_rng(seed), np.zeros(len(patterns))
        for _ in range(drawn):
            pattern = effects(world, random, len(patterns))
            sums += probabilities(world, patterns, arm, random, pattern, 1)[0]
        means = sums / drawn
        for support in np.unique(patterns.support):  # those of a cell have one truth
            for contradiction in np.unique(patterns.contradiction):
                cell = (patterns.support == support) & (patterns.contradiction == contradiction)
                means[cell] = means[cell].mean()
        of_arms.append(means[None])
    return {name: one.value for name, one in estimates(patterns, *of_arms).items()}


def simulated(world, patterns, counts, trials, times, random):
    """Estimates and intervals by statistic, [times, 3]; controls have the fewest trials."""
    found = {}
    for _ in range(times):
        pattern = effects(world, random, len(patterns))
        shares = [
            random.binomial(count, probabilities(world, patterns, arm, random, pattern, of_arm)) / count
            for arm, count in counts.items()
            for of_arm in [min(trials, TRIALS[1]) if arm == "half" else trials]
        ]
        for name, one in estimates(patterns, *shares).items():
            found.setdefault(name, []).append((one.value, *one.interval))
    return {name: np.array(rows) for name, rows in found.items()}


def simulation(times, worlds=WORLDS, all_trials=TRIALS, drawn=AUDIT_COLUMNS):
    patterns = patterns_of(FULL, 0)
    counts = {}
    for arm in ARMS:
        examples = examples_of(arm, patterns, FULL, 0)
        counts[arm] = np.bincount(examples.pattern[examples.own], minlength=len(patterns))
    for at, (name, world) in enumerate(worlds.items()):
        known = truth(world, patterns, [at, 1], drawn)
        for trials in all_trials:
            random = np.random.default_rng([at, 2, trials])
            found = simulated(world, patterns, counts, trials, times, random)
            row = {}
            for statistic, rows in found.items():
                (value, low, high), true = rows.T, known[statistic]
                covered = ((low <= true) & (true <= high)).mean()
                row[statistic] = true, value.mean() - true, covered, (high - low).mean()
            print(name, trials, file=sys.stderr, flush=True)
            yield name, trials, row


STATISTICS = ("slope", "balanced less a quarter", "drop", "half the amplitude")
WHAT = ("truth", "bias", "holds", "width")
TRUTHS = ("world", "trials", *(f"{one}: {what}" for one in STATISTICS for what in WHAT))


def in_cells(rows):
    for world, trials, row in rows:
        values = [value for name in STATISTICS for value in row[name]]
        formats = ("{:.3f}", "{:+.4f}", "{:.3f}", "{:.3f}") * len(STATISTICS)
        yield world, str(trials), *(form.format(one) for form, one in zip(formats, values, strict=True))


def of_study(folder, docs):
    found = easiness.paper.hypothesis(out=folder)
    docs.with_suffix(".svg").write_bytes(file_bytes(found, ".svg"))
    claims, slopes, drops, means = (
        [frame.section.rows[0], frame.section.rows[1:]] for frame in found.frames()
    )
    of_first = [row[2:] for row in means[1] if tuple(row[:2]) == ("natural", found.preset.networks[0])]
    return {"claims": claims, "slopes": slopes, "drops": drops, "means": (means[0][2:], of_first)}


def shown(tables):
    """The table on the page, of whole ones: a row a claim, and what decides it."""
    claims = []
    for row in tables["claims"][1]:
        if row[0]:
            claims.append([*row[:3], with_interval(row), row[6]])
        else:  # of the other network, or the other control
            claims[-1][3] += f"; {with_interval(row)}"
    yield ("claim", "what", "verdict", "values (95 %)", "needed"), claims


def with_interval(row):
    return f"{row[4]} ({row[5]})" if row[5] else row[4]


def main():
    more = {"--times": 1000, "--docs": Path("hypothesis.md")}
    asked = options(__doc__, "--study", more=more)
    made = measured()  # before a file of the repository is written
    truths = TRUTHS, list(in_cells(simulation(asked.times)))
    tables = of_study(asked.study, asked.docs) | {"known-truth": truths}
    publish(asked.docs, "hypothesis", tables, *shown(tables), made=made)


if __name__ == "__main__":
    main()
