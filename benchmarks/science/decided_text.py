"""The page of `decided.py` and its tables, from rows of texts."""

from __future__ import annotations

import numpy as np

from kit.pages import head, markdown

COMMAND = "python benchmarks/science/decided.py --runs FOLDER --docs docs/results"
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


def arrow(pair):
    """Before and after."""
    return " → ".join(pair)


def page(runs, lost, drawn, anywhere, num, draws, made):
    """The page of docs/results and its whole tables, from rows of texts."""
    small = [row for row in runs if row[1] in AT_FIRST and row[:3:2] == ("10", "200")]
    ten = [[int(cell.replace(",", "")) for cell in row[3:9]] for row in small]
    worlds, fixed, again, fewer, more, _ = np.sum(ten, axis=0)
    worst = min(row[-1] for row in ten)
    at_random = {row[0]: row for row in anywhere}
    some = [(row[1], *row[3:6], *map(arrow, (row[9:11], row[11:13], row[13:15]))) for row in small]
    worlds_drawn = [
        (row[0], *(arrow(of[at : at + 2]) for at in (10, 12) for of in (row, at_random[row[0]])))
        for row in drawn
        if row[1] == "200" and row[0] in SHOWN
    ]
    text = f"""\
{head("What decisions say of the other labels", COMMAND, made)}
Somebody decides on labels in the order of `suspects`, and the list is made again with these decisions
(`suspects --decided`). Does the new list find more wrong labels, and does it say more truly how
many are wrong among labels that nobody looked at? An oracle (who knows) decides on {worlds} [runs whose wrong
labels are known](wrong-labels.md).

After 200 looks, with a new list after every 10, {again:,} wrong labels are found instead of {fixed:,}: more
in
{more} runs, fewer in {fewer}, at worst by {-worst}. Calibration gets a little better where it was bad. A
range that missed the true share mostly still does.

{markdown(SOME, some)}

Before → after 200 decisions. Calibration is of the labels that nobody looked at, the share and its range
are of all.

## Worlds that are drawn

In {draws} draws of {num} labels each, `p_wrong` is wrong in a known way. Under `odds a seventh` the true
odds of a wrong label are a seventh of those said. Looks from the top of the list say little of the labels
far below. With half of the looks at random, the number of wrong labels is closer. Five of the worlds:

{markdown(OF_DRAWN, worlds_drawn)}

## What is not certain

- The oracle makes no mistakes; people do.
- One setting, how alike errors are along the log odds, was read off all of these runs. Others were chosen on
  every other run, and the rest judge them (`cells that judge` in [runs](decided/runs.csv)).
"""
    tables = {
        "runs": (("new list after", "labels", *COLUMNS), runs),
        "fewer": (("new list after", "run", "looks", "found", "found by first list"), lost),
        "drawn": (("world", *COLUMNS), drawn),
        "half-at-random": (("world", *COLUMNS), anywhere),
    }
    return text, tables
