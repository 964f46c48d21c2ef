"""The page of `labels.py` from its results, and its tables."""

from __future__ import annotations

from kit.pages import head, markdown
from science.labels_runs import CELLS, CLEAN, EPOCHS, EXAMPLES, FOLD_EPOCHS, FOLDS, MODEL, RECIPES, TRIALS

GAIN = 0.10  # of average precision over cleanlab's best
ERROR, SHARE = 0.05, 0.03  # goals of the calibration
OURS = "suspects"
SHOWN = "short"  # the recipe whose cells are all on the page; the others are in its table
INTRODUCTION = f"""
The labels of {EXAMPLES:,} images of CIFAR-10 are made wrong on purpose: `uniform` gives an image any other
class, `pair` the next one. Which score puts the wrong labels first, and is `suspects` ahead of cleanlab at
equal training steps? `suspects` and the scores come from {TRIALS} trainings of {MODEL} of {EPOCHS} epochs
on these labels, with the recipe `short`, the default, or `paper`. cleanlab has a {FOLDS}-fold
cross-validation of the same network with the same recipe,
{FOLD_EPOCHS} epochs a fold: 4 % more steps in all. The order is judged by average precision (AP). In
[scores](labels/scores.csv) `missed` is the share of the K wrong labels that are not among the first K."""
UNCERTAIN = f"""
## What is not certain

- A cell is one draw of wrong labels and one run, so there are no intervals. Differences of a few
  thousandths say nothing.
- All cells have one network and one data set at {EPOCHS} epochs. The labels of people are wrong in other
  ways: [wrong labels, whoever made them wrong](wrong-labels.md) has labels that depend on the image."""
COLUMNS = ("AP", "AUROC", "precision", "missed")


def page(results, command):
    """The page for the docs, and its whole tables; cells that are not measured are named."""
    there = [
        (recipe, cell, results[name])
        for recipe in RECIPES
        for cell in (CLEAN, *CELLS)
        if (name := f"{cell.name}-{recipe}") in results
    ]
    noisy = [one for one in there if one[1] != CLEAN]
    behind = [one for one in noisy if (_gain(one[2]) or 0) < 0]
    text = [
        head("Which score finds wrong labels", command, _measured([found for *_, found in there])),
        INTRODUCTION.strip(),
        _answer(noisy),
        f"Cells of `{SHOWN}`, and those of `paper` in which `suspects` is behind:",
        markdown(HEADER, [_row(*one) for one in there if one[0] == SHOWN or one in behind]),
        _missing(results),
        _probabilities(there),
        _left_out(there),
        _filter(noisy),
        UNCERTAIN.strip(),
    ]
    return "\n\n".join(filter(None, text)), {"cells": _cells(there), "scores": _scores(noisy)}


def _measured(cells):
    """One line on all cells, which were measured one by one."""
    days, commits, machines = (sorted(set(part)) for part in zip(*map(_parts, cells), strict=True))
    when = " to ".join(sorted({days[0], days[-1]}))
    return f"date {when}, commits {' '.join(commits)}, {'; '.join(machines)}"


def _parts(found):
    date, commit, machine = found["measured"].split(", ", 2)
    return date.removeprefix("date "), commit.removeprefix("commit "), f"{machine}, PyTorch {found['torch']}"


def _best(scores, cleanlab):
    names = [name for name in scores if name.startswith("cleanlab") == cleanlab and name != OURS]
    names = [name for name in names if cleanlab or "forest" not in name]
    return max(names, key=lambda name: scores[name]["ap"], default=None)


def _gain(found):
    """Average precision of `suspects` less that of cleanlab's best; ``None`` where it is not measured."""
    rival = _best(found["scores"], True)
    return None if rival is None else found["scores"][OURS]["ap"] - found["scores"][rival]["ap"]


def _within_reach(found):
    """Does any order but cleanlab's reach the goal?"""
    best = max(of["ap"] for name, of in found["scores"].items() if not name.startswith("cleanlab"))
    return best - found["scores"][_best(found["scores"], True)]["ap"] >= GAIN


def _answer(noisy):
    gains = [(_gain(found), recipe, cell, found) for recipe, cell, found in noisy if _gain(found) is not None]
    if not gains:
        return ""
    missed = [found for gain, *_, found in gains if gain < GAIN]
    behind = [f"{noise(cell)} with `{recipe}` ({gain:+.3f})" for gain, recipe, cell, _ in gains if gain < 0]
    text = (
        f"`suspects` orders better than cleanlab's best score in {sum(gain > 0 for gain, *_ in gains)} of "
        f"{len(gains)} cells, and by our goal of {GAIN:+.2f} of AP in {len(gains) - len(missed)}. "
    )
    if behind:
        text += f"It is behind in {' and '.join(behind)}. "
    if missed:
        where = sum(map(_within_reach, missed)) or "none"
        text += (
            f"Of the {len(missed)} cells that miss it, another recorded score reaches the goal in {where}."
        )
    return text.strip()


HEADER = (
    "recipe",
    "labels",
    "suspects",
    "best other score",
    "cleanlab's best",
    "suspects less cleanlab",
    "estimated wrong",
    "calibration error",
)


def _row(recipe, cell, found):
    of, scores, gain = found["calibration"], found.get("scores"), _gain(found) if "scores" in found else None
    rival = _best(scores, True) if scores else None
    return (
        recipe,
        noise(cell),
        f"{scores[OURS]['ap']:.3f}" if scores else "",
        f"{scores[_best(scores, False)]['ap']:.3f} ({_best(scores, False)})" if scores else "",
        f"{scores[rival]['ap']:.3f} ({rival.removeprefix('cleanlab ')})" if rival else "",
        f"{gain:+.3f}" if gain is not None else "",
        f"{of['estimated']:.1%}",
        f"{of['error']:.3f}",
    )


def _missing(results):
    names = [f"{noise(cell)} with `{recipe}`" for recipe in RECIPES for cell in CELLS]
    missing = [name for name, key in zip(names, _keys(), strict=True) if key not in results]
    return f"Not measured yet: {', '.join(missing)}." if missing else ""


def _keys():
    return [f"{cell.name}-{recipe}" for recipe in RECIPES for cell in CELLS]


def noise(cell):
    """How a cell is called in the tables."""
    return "none wrong" if cell == CLEAN else f"{cell.noise} {cell.percent} %"


def _is_met(of):
    """Is a calibration as good as it is to be?"""
    return of["error"] <= ERROR and abs(of["estimated"] - of["share"]) <= SHARE


def _probabilities(there):
    met = [recipe for recipe, _, found in there if _is_met(found["calibration"])]
    of_recipe = [f"{met.count(one)} of {sum(r == one for r, *_ in there)} with `{one}`" for one in RECIPES]
    return (
        f"`p_wrong` is calibrated (error at most {ERROR}, the number of wrong labels within {100 * SHARE:g} "
        f"points) in {' and '.join(of_recipe)}. Where two fifths of every class have the next label, it "
        "finds hardly anything: to a network such a label is one of the class's own."
    )


def _left_out(there):
    own = [(f"{noise(cell)}, `{recipe}`", found) for recipe, cell, found in there if "left out" in found]
    if not own:
        return ""
    ap = [
        f"{found['scores'][OURS]['ap']:.3f} → {found['left out']['scores'][OURS]['ap']:.3f} ({name})"
        for name, found in own
    ]
    return (
        "`--train-share 0.8` makes the order worse, since one or two trials judge most examples. "
        f"AP {', '.join(ap)}."
    )


def _filter(noisy):
    found = [one["filter"] for *_, one in noisy if "filter" in one]
    if not found:
        return ""

    def span(key, form):
        values = sorted(one[key] for one in found)
        return f"{values[0]:{form}} to {values[-1]:{form}}"

    return (
        f"cleanlab's filter finds {span('found', ',')} examples a cell. Of these {span('precision', '.1%')} "
        f"are wrong labels, and of all wrong labels it finds {span('recall', '.1%')}."
    )


def _cells(there):
    """Each cell with what its probabilities are worth, also of trials that leave examples out."""
    rows = []
    for recipe, cell, found in there:
        of = found.get("filter", {})
        kept = (of.get("found", ""), *(f"{of[key]:.1%}" if of else "" for key in ("precision", "recall")))
        for trials, one in (("all", found), ("left out", found.get("left out"))):
            if one:
                c = one["calibration"]
                values = (f"{c['error']:.3f}", f"{c['share']:.1%}", f"{c['estimated']:.1%}", c["likely"])
                rows.append((recipe, noise(cell), trials, *values, *kept, found["measured"]))
    names = ("calibration error", "wrong", "estimated", "p_wrong over 0.5")
    by_cleanlab = ("found by cleanlab's filter", "of these wrong", "of all wrong")
    return ("recipe", "labels", "trials", *names, *by_cleanlab, "measured"), rows


def _scores(noisy):
    """Each score of each cell, from the best on."""
    rows = []
    for recipe, cell, found in noisy:
        sides = (("all", found["scores"]), ("left out", found.get("left out", {}).get("scores", {})))
        every = [(trials, name, of) for trials, scores in sides for name, of in scores.items()]
        for trials, name, of in sorted(every, key=lambda one: -one[2]["ap"]):
            values = [f"{of[key.lower()]:.3f}" for key in COLUMNS]
            rows.append((recipe, noise(cell), trials, name, *values))
    return ("recipe", "labels", "trials", "score", *COLUMNS), rows
