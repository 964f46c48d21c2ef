"""Which score finds wrong labels, beside cleanlab from a cross-validation of as many training steps?

Labels of CIFAR-10 are made wrong, uniformly and in pairs, and what `suspects` and every score say is
compared with what is known. Runs are kept in `--runs` and results in `labels.json` beside the page: a part
of the cells can be measured now and the rest another time.

    python benchmarks/science/labels.py --cifar10 FOLDER [--runs FOLDER] [--docs docs/results]
                                        [--cells uniform-20 pair-5] [--recipes short]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import write_page
from science.labels_runs import CELLS, CLEAN, RECIPES, cell_run, cross_validated, noisy
from science.labels_scores import calibration, judged, of_cleanlab, of_forest, of_run, of_suspects
from science.labels_text import page

SUSPECTS = "suspects"
PARTS = ("run", "folds", "forest", "left-out")
LEFT_OUT = 0.8  # train share of the run whose trials leave examples out
COMMAND = "python benchmarks/science/labels.py --cifar10 FOLDER --docs docs/results"


def judge(source, cell, recipe, folder, parts, known):
    """The results of a cell with a recipe as plain values: of these parts, with what is known of others."""
    true, data = noisy(source, cell, folder)
    wrong = data.labels != true
    found = {**known}
    suspicion = {}
    if "run" in parts:
        run = cell_run(source, cell, recipe, folder)[1]
        p_wrong = of_suspects(run)
        suspicion = {SUSPECTS: p_wrong, **of_run(run)}
        found |= {
            "measured": measured(),
            "torch": torch.__version__,
            "calibration": calibration(p_wrong, wrong),
        }
    if not wrong.any():
        return found
    if "folds" in parts:
        probabilities = cross_validated(source, cell, recipe, folder)
        by_cleanlab, issues = of_cleanlab(data.labels, probabilities)
        suspicion |= by_cleanlab
        found["filter"] = {
            "found": int(issues.sum()),
            "precision": float(wrong[issues].mean()),
            "recall": float(issues[wrong].mean()),
        }
    if "forest" in parts:
        suspicion["random forests on pixels"] = of_forest(data.array, data.labels)
    found["scores"] = known.get("scores", {}) | {
        name: judged(np.asarray(values), wrong) for name, values in suspicion.items()
    }
    if "left-out" in parts:
        _, left = cell_run(source, cell, recipe, folder, LEFT_OUT)
        found["left out"] = {
            "calibration": calibration(of_suspects(left), wrong),
            "scores": {
                name: judged(np.asarray(values), wrong)
                for name, values in {SUSPECTS: of_suspects(left), **of_run(left)}.items()
            },
        }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [cell.name for cell in (CLEAN, *CELLS)]
    parser.add_argument("--cifar10", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/labels"))
    parser.add_argument("--docs", type=Path, help="folder for labels.md and labels.json")
    parser.add_argument("--cells", nargs="+", choices=names, default=names)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument(
        "--parts",
        nargs="*",
        choices=PARTS,
        default=list(PARTS),
        help="the run of a cell, cleanlab's folds, forests, trials that leave examples out",
    )
    options = parser.parse_args()
    file = None if options.docs is None else options.docs / "labels.json"
    results = json.loads(file.read_text()) if file is not None and file.exists() else {}
    for cell in (CLEAN, *CELLS):
        for recipe in options.recipes:
            if cell.name not in options.cells:
                continue
            name = f"{cell.name}-{recipe}"
            known = results.get(name, {})
            results[name] = judge(str(options.cifar10), cell, recipe, options.runs, options.parts, known)
            print(name, json.dumps(results[name].get("calibration")), flush=True)
            if file is not None:
                file.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
                write_page(options.docs / "labels.md", *page(results, COMMAND))


if __name__ == "__main__":
    main()
