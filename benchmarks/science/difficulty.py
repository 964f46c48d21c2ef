"""Which of the things that a run records says best how hard an example is for networks that never saw it?

Of each data set one to three networks are measured (5 trials of 10 epochs), and heads on pixels or hashed
words; one more run of each leaves a fifth of the examples out in every trial. A score of the first run is
compared with how often trials that never saw an example are right about it: those of the same network, and
those of the others. Candidates are recorded scores and five quantities, each averaged over epochs in five
ways; what is best on both targets is chosen on all data sets but one, and judged on that one. Scores that tie
on half of the examples order too little to be chosen, and profit where most targets are equal. FOLDER has
`cifar10` (of which 5,000 are taken, at 16 pixels), `imagenette224` (at 24 pixels) and `trec`; runs are
resumed, half an hour on a core.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image
from scipy.stats import rankdata

import easiness as ez
from easiness.scoring import SCORES
from easiness.scoring.score import over_trials
from easiness.show import with_interval

sys.path.insert(0, str(Path(__file__).parents[1]))
from kit.science import options, pooled, publish

HEADS = "heads"  # on hashed words, or on pixels
SETS = {
    "cifar10": ("wrn_10_1", "mlp_2", HEADS),
    "imagenette": ("mlp_2", HEADS),
    "trec": ("bag", "text_cnn", HEADS),
    "digits": ("wrn_10_1", "densenet_bc_10_6", "mlp_2", HEADS),
}
TARGETS, RIVALS, DRAWS = ("itself", "others"), ("difficulty", "loss"), 100
QUANTITIES = {
    "r / (p_y + r)": lambda seen: np.exp(-np.logaddexp(0, seen.margin.astype(float))),
    "log (1 + r / p_y)": lambda seen: np.logaddexp(0, -seen.margin.astype(float)),
    "log loss": lambda seen: seen.loss.astype(float),
    "error norm": lambda seen: seen.error_norm.astype(float),
    "1 - p_y": lambda seen: 1 - seen.p_label,
}
WEIGHTS = {  # of n epochs
    "all epochs": np.ones,
    "the last twice": lambda n: np.append(np.ones(n - 1), 2),
    "the last for a half": lambda n: np.append(np.ones(n - 1), max(n - 1, 1)),
    "the last half": lambda n: np.arange(n) >= n // 2,
    "the last": lambda n: np.arange(n) == n - 1,
}
OWN = {("r / (p_y + r)", "the last twice"): "difficulty"} | {
    ("log loss", "the last"): "loss",
    ("error norm", "the last"): "el2n",
    ("1 - p_y", "all epochs"): "cumulative_confidence",
}


def examples(name, folder):
    if name == "imagenette":
        files = sorted((folder / "imagenette224" / "train").glob("*/*"))
        photos = [Image.open(file).convert("RGB").resize((24, 24), Image.Resampling.BOX) for file in files]
        _, labels = np.unique([file.parent.name for file in files], return_inverse=True)
        return ez.load_dataset((np.stack([np.asarray(one) for one in photos]), labels))
    if name != "cifar10":
        source = name if name == "digits" else str(folder / name)
        return replace(ez.load_dataset(source), held_out=None)
    data = ez.load_dataset(min((folder / name).glob("train*.parquet")))
    return ez.load_dataset((pooled(data.array[:5000], 2), data.labels[:5000]))


def made(name, folder, runs):
    """The run that scores and the one that leaves examples out, for each network."""
    data = examples(name, folder)
    for network in SETS[name]:
        how = {"model": network, "epochs": 10, "keep_weights": False}
        some = {"trials": 12, "train_share": 0.8, "observe": "last"}
        if network == HEADS:
            how, some = {"features": "hashed"}, {"trials": 20}
            if name != "trec":
                how["features"] = np.array([np.ravel(one) / 255 for one in data.array], np.float32)
        how |= {"jobs": 1, "executor": "serial"}
        short = ez.measure(data, **how, trials=5, seed=0, out=runs / f"{name}-{network}-short")
        yield short, ez.measure(data, **how, **some, seed=100, out=runs / f"{name}-{network}-left")


def averaged(run, quantity, weights, of_shares=None):
    """A score [K]: a quantity averaged over epochs; of heads it is that of their share, unless weighted."""
    m, by_share = run.resolve_epoch(None), bool(run.shares)
    chosen = WEIGHTS[(of_shares or "the last") if by_share else weights]

    def of_trial(seen, m):
        return np.average(QUANTITIES[quantity](seen), axis=0, weights=chosen(seen.num_until(m)).astype(float))

    scoring = over_trials(of_trial)(run.labels)
    for trial in run.trials:
        scoring.add(trial.observations(len(run.classes)), m, 0)
    return scoring.result().value


def values_of(run):
    """Values [K] that might order the examples, high = hard, by name, without scores of second names."""
    m, table = run.resolve_epoch(None), run.scores()
    columns, found = {str(name): table[name].to_numpy() for name in table}, {}
    for score in SCORES:
        values = score.for_ranking(columns, m)
        if "label" not in score.high_means and not np.isnan(values).any():
            found[score.name] = -values if score.high_means == "easy" else values
    for one in product(QUANTITIES, WEIGHTS):
        if one not in OWN:
            found[", ".join(one)] = averaged(run, *one)
    for second in ("confidence", "correctness", "consistency"):
        found.pop(second, None)
    return found


def correlation(hard, easy):
    """Spearman's, of the examples whose ease is known."""
    known = ~np.isnan(easy)
    return -np.corrcoef(rankdata(hard[known]), rankdata(easy[known]))[0, 1]


def cells_of(runs):
    """Values [K] by name and the target [K], for each network and target."""
    runs = list(runs)
    values = [values_of(short) for short, _ in runs]
    ease = np.array([left.scores()["consistency"].to_numpy() for _, left in runs])
    for at, one in enumerate(values):
        yield one, ease[at]
        others, heard = np.delete(ease, at, axis=0), np.delete(~np.isnan(ease), at, axis=0).sum(axis=0)
        yield one, np.where(heard > 0, np.nansum(others, axis=0) / np.maximum(heard, 1), np.nan)


def ahead(cells, name, rival):
    """Mean lead of ``name`` over cells of a target with its 95 % interval over examples, as text."""
    draws = np.random.default_rng(0).integers(0, len(cells[0][1]), (DRAWS, len(cells[0][1])))
    lead = [
        fmean(
            correlation(of[name][rows], ease[rows]) - correlation(of[rival][rows], ease[rows])
            for of, ease in cells
        )
        for rows in (slice(None), *draws)
    ]
    return with_interval(lead[0], *np.quantile(lead[1:], [0.025, 0.975]), 3, with_sign=True)


def tables(cells):
    """Every correlation, means by data set and target, and what was chosen without a data set."""
    found = {
        name: [{one: correlation(of[one], ease) for one in of} for of, ease in those]
        for name, those in cells.items()
    }
    every = [of for those in cells.values() for of, _ in those]
    names = set.intersection(*map(set, every))
    fine = {one for one in names if all(len(np.unique(of[one])) > len(of[one]) / 2 for of in every)}
    means = {
        (name, at): {one: fmean(cell[one] for cell in those[at::2]) for one in names}
        for name, those in found.items()
        for at in (0, 1)
    }

    def mean(one, among):
        return fmean(means[key][one] for key in means if among(*key))

    whole, short, without = [], [], []
    for one in sorted(names, key=lambda one: mean(one, lambda *_: True), reverse=True):
        by_cell = [cell[one] for those in found.values() for cell in those]
        overall = [mean(one, lambda _, at, wanted=wanted: at == wanted) for wanted in (0, 1)]
        best = [max(cell[other] for other in fine) for those in found.values() for cell in those]
        behind = max(most - own for most, own in zip(best, by_cell, strict=True))
        title = f"`{one}`" if one in {score.name for score in SCORES} else one
        whole.append([title, *(f"{value:.3f}" for value in by_cell)])
        short.append([title, *(f"{value:.3f}" for value in (*overall, *(of[one] for of in means.values())))])
        short[-1].append(f"{behind:.3f}" if one in fine else "")
    for name in SETS:
        best = max(fine, key=lambda one: mean(one, lambda other, _, name=name: other != name))
        leads = [ahead(cells[name][at::2], best, rival) for rival in RIVALS for at in (0, 1)]
        without.append([name, best, *leads])
    return whole, short, without


def of_heads(runs, cells):
    """How far the share of heads alone leads the mean over shares, and how far `loss` led that one."""
    at = next(i for i, (short, _) in enumerate(runs) if short.shares)
    mean = averaged(runs[at][0], "r / (p_y + r)", "the last twice", of_shares="the last twice")
    pair = [({"over shares": mean, **of}, ease) for of, ease in cells[2 * at : 2 * at + 2]]
    pairs = (("difficulty", "over shares"), ("loss", "over shares"))
    return [ahead([one], *names) for names in pairs for one in pair]


def written(whole, short, without, heads):
    header = ("score", *TARGETS, *(f"{name}, {target}" for name in SETS for target in TARGETS), "behind")
    leads = ("left out", "chosen", *(f"`{rival}`, {target}" for rival in RIVALS for target in TARGETS))
    cells = (f"{name}, {net}, {target}" for name, nets in SETS.items() for net in nets for target in TARGETS)
    own = [row for row in short if row[0].startswith("`")][:6]
    of_heads = ("data set", *TARGETS, *(f"`loss`, {target}" for target in TARGETS))
    tables = {"correlations": (("score", *cells), whole), "by-data-set": (header, short)}
    tables |= {"left-out": (leads, without), "heads": (of_heads, heads)}
    return tables, (header[:3] + header[-1:], [row[:3] + row[-1:] for row in own])


def main():
    asked = options(__doc__, "--data", "--runs")
    runs = {name: list(made(name, asked.data, asked.runs)) for name in SETS}
    cells = {name: list(cells_of(those)) for name, those in runs.items()}
    heads = [[n, *of_heads(runs[n], cells[n])] for n in SETS if HEADS in SETS[n]]
    publish(asked.docs, "difficulty", *written(*tables(cells), heads))


if __name__ == "__main__":
    main()
