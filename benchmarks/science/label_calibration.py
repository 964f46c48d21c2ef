"""How far `p_wrong` can be believed on digits, by networks that learn wrong labels more or less by heart.

    python benchmarks/science/label_calibration.py --docs docs/results

Writes label-calibration.md: the expected calibration error and the share of wrong labels found, for each
network and kind of noise. Constants of the estimator were chosen by the first three; the others judge it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from easiness import load_dataset, measure
from kit.machine import measured
from science.labels_runs import CLEAN, Cell, laid_over
from science.labels_scores import calibration, judged, of_suspects
from science.labels_text import ERROR, SHARE, goals, noise

SEEN = (("mlp_3", 5, 10, 1.0), ("mlp_3", 10, 20, 1.0), ("wrn_10_1", 5, 10, 1.0))
JUDGING = (("wrn_16_1", 3, 15, 1.0), ("mlp_4", 8, 30, 1.0), ("mlp_4", 10, 30, 0.8), ("wrn_10_1", 10, 10, 0.8))
CELLS = (CLEAN, Cell("uniform", 5), Cell("uniform", 20), Cell("uniform", 40), Cell("pair", 20))


def row(data, network, cell, folder):
    """A row of the table: what is found where a share of the labels of a cell is wrong."""
    model, trials, epochs, share = network
    noisy = laid_over(data, cell, folder / f"{cell.name}.csv")
    name = f"{cell.name}-{model}-{trials}-{epochs}-{share:g}"
    how = {"train_share": share, "precision": "float32", "executor": "serial", "compile": "off"}
    run = measure(
        noisy,
        model=model,
        trials=trials,
        epochs=epochs,
        out=folder / name,
        progress=False,
        **how,
    )
    wrong = noisy.labels != data.labels
    p_wrong = of_suspects(run)
    of = calibration(p_wrong, wrong)
    order = f"{judged(p_wrong, wrong)['ap']:.3f}" if wrong.any() else ""
    cells = (
        f"{model}, {trials} x {epochs}",
        "trained on" if share == 1 else "left out",
        noise(cell),
        f"{of['error']:.3f}",
        f"{of['share']:.1%}",
        f"{of['estimated']:.1%}",
        order,
        goals(of),
    )
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/label-calibration"))
    parser.add_argument("--docs", type=Path, required=True, help="folder for label-calibration.md")
    options = parser.parse_args()
    data = replace(load_dataset("digits"), held_out=None)
    rows = []
    for network in (*SEEN, *JUDGING):
        for cell in CELLS:
            rows.append(row(data, network, cell, options.runs))
            print(rows[-1], flush=True)
    text = f"""<!-- written by: python benchmarks/science/label_calibration.py --docs docs/results -->

# Can `p_wrong` be believed?

All {len(data):,} digits, a share of their labels made wrong on purpose: `uniform` gives an example any
other class, `pair` the next one. Networks are given as model, trials x epochs. They judge labels that
they have trained on, or with `--train-share 0.8` those that they were not shown. The error is the
expected calibration error over ten bins of `p_wrong` (goal {ERROR}); the estimated share of wrong labels
is to be within {100 * SHARE:g} points of the true one. AP is the average precision of the order. The
estimator's constants were chosen by the first {len(SEEN)} networks; the others judge it.

Measured: {measured()}, PyTorch {torch.__version__}.

| network | judges | noise | error | wrong | estimated | AP | goals |
| --- | --- | --- | ---: | ---: | ---: | ---: | --- |
""" + "\n".join(rows)
    (options.docs / "label-calibration.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
