"""How much do networks have to know for a kind? Kinds that are planted, named after few epochs and many.

What `benchmarks/science/kinds.py` plants is learned for fewer epochs, so that networks know less. For each
kind it is counted how often it is named, and how often rightly, beside what chance would come to.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.studies.suspects.kinds import find_kinds
from kit.science import options, publish
from science.kinds import CIFAR10, DIGITS, evidence_of, planted, trained

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


def main():
    asked = options(__doc__, runs="kinds-known", more={"--data": None})
    rows = []
    for subject, seeds, epochs in ROUNDS if asked.data else ROUNDS[:1]:
        source = str(asked.data) if subject is CIFAR10 else subject.folder
        for seed in seeds:
            data, truth = planted(source, subject.examples, subject.each, seed)
            for num in epochs:
                out = asked.runs / f"{subject.folder}-{seed}-{num}"
                evidence = evidence_of(trained(data, out, subject.model, num), data)
                rows.append((evidence[2], subject.name, seed, num, *cells(evidence, truth.astype(str))))
    ordered = [(f"{row[0]:.0%}", *map(str, row[1:])) for row in sorted(rows, key=lambda row: row[0])]
    some = [(*row[:2], row[3], *row[5::3]) for row in ordered if row[2] == "1"]
    header = [f"{kind}: {what}" for kind in NAMED for what in ("named", "precision", "recall")]
    whole = {"cells": (("known", "examples", "seed", "epochs", *header), ordered)}
    publish(asked.docs, "kinds-known", whole, (("known", "examples", "epochs", *NAMED), some))


if __name__ == "__main__":
    main()
