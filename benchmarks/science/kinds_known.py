"""How much do networks have to know for a kind? Kinds that are planted, named after few epochs and many.

What `benchmarks/science/kinds.py` plants is learned for fewer epochs, so that networks know less. For each
kind it is counted how often it is named, and how often rightly, beside what chance would come to.

    python benchmarks/science/kinds_known.py [--data cifar10-folder] [--runs runs/kinds-known]
                                             [--docs docs/results/kinds-known.md]
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.studies.suspects.kinds import LEAST_KNOWN, find_kinds
from kit.results import Report, command, parser
from science.kinds import CIFAR10, DIGITS
from science.kinds_evidence import evidence_of
from science.kinds_plant import planted, trained

ROUNDS = ((DIGITS, (1, 2), (1, 2, 3, 4, 6, 10)), (CIFAR10, (1,), (2, 5)))
"""Subjects with the seeds and the epochs that are tried."""
NAMED = ("wrong label", "between two classes", "unlike its class")


def cells(evidence, truth):
    """For each kind how many are named, which share of these rightly, and of the planted which is found."""
    table, row, *_ = evidence
    said, _ = find_kinds(table, row, math.inf)  # whatever is known
    for kind in NAMED:
        named, right = (said == kind).sum(), ((said == kind) & (truth == kind)).sum()
        yield f"{named}"
        yield f"{right / named:.2f}" if named else ""
        yield f"{right / (truth == kind).sum():.2f}"


def page(report, rows):
    """The page from rows: what is known, data, seed, epochs, and three cells for each kind."""
    report.say(
        "How much must networks know before a [kind of hard example](kinds.md) is named rightly? Planted "
        "kinds are named after few epochs, whatever networks know. *Known* is how many of the labels they "
        "have right, over how many `suspects` expects to be sound. From this it was decided what `easiness` "
        "says:",
        "",
        *(f"- `{kind}` is named from {least:.0%} known on." for kind, least in LEAST_KNOWN.items()),
        "- `wrong label` is named whatever is known: it says that `p_wrong` is one half or more.",
        "",
        "Precision, the share of those named that were planted as that, of the draws of seed 1:",
        "",
    )
    ordered = [(f"{row[0]:.0%}", *map(str, row[1:])) for row in sorted(rows, key=lambda row: row[0])]
    some = [(*row[:2], row[3], *row[5::3]) for row in ordered if row[2] == "1"]
    report.table(("known", "examples", "epochs", *NAMED), some)
    report.say(
        "Naming at random would be right in 0.04 of the digits and 0.02 of CIFAR-10.",
        "",
        "## What is not certain",
        "",
        "- Untouched examples may be of a kind, too: precision is a lower bound.",
        "- Above 55% known there are digits alone, with two draws.",
    )
    header = [f"{kind}: {what}" for kind in NAMED for what in ("named", "precision", "recall")]
    report.whole("cells", ("known", "examples", "seed", "epochs", *header), ordered)


def main():
    made = parser(__doc__)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; digits alone otherwise")
    made.add_argument("--trials", type=int, default=3)
    made.add_argument("--runs", type=Path, default=Path("runs/kinds-known"))
    made.add_argument("--docs", type=Path, help="write the page here")
    options = made.parse_args()
    shown = argparse.Namespace(**{**vars(options), "runs": made.get_default("runs")})  # whatever the folder
    report = Report("How much must networks know for a kind?", command(made, shown))
    rows = []
    for subject, seeds, epochs in ROUNDS if options.data else ROUNDS[:1]:
        source = options.data if subject is CIFAR10 else subject.folder
        for seed in seeds:
            data, truth = planted(source, subject.examples, subject.each, seed)
            for num in epochs:
                out = options.runs / f"{subject.folder}-{seed}-{num}"
                evidence = evidence_of(trained(data, out, subject.model, options.trials, num), data)
                rows.append((evidence[2], subject.name, seed, num, *cells(evidence, truth.astype(str))))
    page(report, rows)
    report.write(options.json)
    report.write_page(options.docs)


if __name__ == "__main__":
    main()
