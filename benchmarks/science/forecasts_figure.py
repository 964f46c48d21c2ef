"""The figure of `forecasts.py`: agreement, membership and forecast, each on real networks."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from easiness.analysis import SIDES, Measured, Rule, agreement, forecast, match_groups, membership

COLORS = {"easy": "#2a78b8", "hard": "#c8531f"}
INK, FAINT = "#333333", "#bbbbbb"
SIZES = (3, 5, 7, 10, 14, 20)
FEW = 10  # trials that a forecast is made from


def draw(runs, calibrations, fraction):
    """Four panels: agreement of two runs, membership by count, its calibration, and a forecast."""
    figure = Figure(figsize=(8.8, 6.6), layout="constrained")
    (first, second), (third, fourth) = figure.subplots(2, 2)
    votes = {name: run.votes() for name, run in runs.items()}
    agreements(first, votes, fraction)
    last = list(votes)[-1]
    memberships(second, last, votes[last], fraction)
    calibration(third, calibrations)
    foretold(fourth, last, votes[last], fraction)
    for axes, letter in zip((first, second, third, fourth), "abcd", strict=True):
        axes.set_title(f"{letter}  {axes.get_title()}", loc="left", fontsize=9.5)
        axes.title.set_text("")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7.5)
    return figure


def agreements(axes, votes, fraction):
    """The hard sets of two networks: their match grows with the trials of a group, their agreement stays."""
    (name_a, a), (name_b, b) = votes.items()
    rule = Rule("hard", fraction, "refine")
    matches, found = [], []
    for size in SIZES:
        pair, ours, theirs = (
            match_groups(
                *two,
                Rule(side=rule.side, fraction=fraction, ties=rule.ties),
                group_size=size,
                num_replicates=100,
            )
            for two in ((a, b), (a, a), (b, b))
        )
        matches.append(pair.rate)
        found.append(agreement(Measured(name_a, a, ours), Measured(name_b, b, theirs), pair, rule))
    axes.plot(SIZES, matches, "o--", color=FAINT, label="match")
    axes.plot(SIZES, [one.rate for one in found], "o-", color=COLORS["hard"], label="agreement")
    axes.fill_between(
        SIZES, [one.low for one in found], [one.high for one in found], color=COLORS["hard"], alpha=0.15
    )
    axes.axhline(fraction, color=INK, linewidth=0.8, linestyle=":", label="chance")
    axes.set(xlabel="trials in a group", ylabel="of the hardest tenth", ylim=(0, 0.7))
    axes.set_title(f"{name_a} and {name_b}")


def memberships(axes, name, votes, fraction):
    """How probably an example is among the easiest or hardest, by how many trials are right about it."""
    counts = votes.correct.sum(axis=0)
    found = membership(counts, votes.num_trials, fraction)
    share = np.bincount(counts, minlength=votes.num_trials + 1) / len(counts)
    axes.bar(np.arange(votes.num_trials + 1), share / share.max() / 2, color="#e4e4e4", label="examples")
    levels, at = np.unique(counts, return_index=True)
    for side in SIDES:
        p = found.p_easy if side == "easy" else found.p_hard
        axes.plot(levels, p[at], "o-", markersize=3, color=COLORS[side], label=f"probably {side}")
    axes.set(xlabel=f"trials that are right, of {votes.num_trials}", ylabel="probability", ylim=(0, 1.02))
    axes.set_title(name)


def calibration(axes, calibrations):
    """What twenty trials foretell of membership, against what twenty others find."""
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    names = list(dict.fromkeys(name for name, _ in calibrations))
    for (name, side), bins in calibrations.items():
        points = np.array([(foretold, found) for _, _, foretold, found in bins])
        marker = "os"[names.index(name)]
        axes.plot(*points.T, marker, color=COLORS[side], markersize=4.5, label=f"{name}, {side}")
    axes.set(xlabel="membership foretold from 20 trials", ylabel="found by 20 others")
    axes.set_title("calibration")


def foretold(axes, name, votes, fraction):
    """Matching rates that the first ten trials foretell, and those that all of them show."""
    sizes = [*SIZES[1:], 28, 40]
    for side in SIDES:
        made = forecast(votes.rows(np.arange(FEW)), side=side, fraction=fraction)
        ends = [made.match(size) for size in sizes]
        axes.plot(
            sizes, [end.value for end in ends], color=COLORS[side], label=f"{side}, foretold from {FEW}"
        )
        axes.fill_between(
            sizes, [end.low for end in ends], [end.high for end in ends], color=COLORS[side], alpha=0.12
        )
        there = [size for size in sizes if 2 * size <= votes.num_trials]
        rates = [
            match_groups(
                votes,
                votes,
                Rule(side=side, fraction=fraction, ties="refine"),
                group_size=size,
                num_replicates=0,
            ).rate
            for size in there
        ]
        axes.plot(there, rates, "o", markersize=4, color=COLORS[side], label=f"{side}, found")
    axes.set(xlabel="trials in each of two sets", ylabel="matching rate", ylim=(0, 1))
    axes.set_title(name)
