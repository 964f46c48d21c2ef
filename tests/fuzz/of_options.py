"""Odd values of options, for commands whose input is sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from herd import Asked

import loaded  # noqa: F401

_VALUES = (
    *(
        "",
        " ",
        "-1",
        "0",
        "1e999",
        "nan",
        "inf",
        "9" * 5000,
        "²",
        "٣",
        "1_0",
        "0.5,0.5",
        "x" * 5000,
        "\udcff",
    ),
    *("a\x1b[2Jb", "a\nb", "../..", "/dev/null", "--", "http://x", "$(id)", "=1", "auto", "mlp_9_w9"),
    *("every:0", "beta:1", "beta:nan,1", "ccs:2"),
)
_OF_MEASURE = (
    *("--model", "--trials", "--epochs", "--holdout", "--train-share", "--observe", "--jobs", "--device"),
    *("--executor", "--precision", "--recipe", "--labels", "--seed", "--batch-size", "--checkpoint-every"),
    *("--features", "--shares", "--limit", "--out", "--keep-logits", "--image-size"),
)
_OPTIONS: Sequence[tuple[str, Sequence[str]]] = (
    ("scores {run}", ("--epoch", "--share", "--fraction", "--split", "-o")),
    ("suspects {run}", ("--epoch", "--split", "--decided", "-o")),
    ("clean {run}", ("--relabel-above", "--drop-above", "--decided", "-o")),
    (
        "prune {run} --drop 0.2",
        ("--policy", "--score", "--keep", "--epoch", "--seed", "--ids", "-o", "--drop"),
    ),
    (
        "curriculum {run} --num-steps 9 --batch-size 4",
        (
            "--num-steps",
            "--batch-size",
            "--start",
            "--whole-after",
            "--score",
            "--epoch",
            "--share",
            "--seed",
            "-o",
        ),
    ),
    ("audit {run}", ("--looks", "--at-most", "--seed", "--split", "--known", "--decided", "-o")),
    ("compare {run} {run}", ("--epoch", "--fraction", "--ties", "-o")),
    ("diff {run} {run}", ("--by", "--epoch", "--rate", "--at-least", "-o")),
    ("export {run} -o out.x", ("--to", "--epoch", "--source", "--split", "--above", "--only", "-o")),
    ("card {run} -o out.card", ("--epoch", "--source", "--apply", "-o")),
    ("status {run}", ("",)),
    ("report {run} -o out.html", ("--epoch", "--source", "-o", "--examples")),
    (
        "perturb {run} --kind shuffle",
        ("--levels", "--kind", "--side", "--fraction", "--ties", "--panel", "-o"),
    ),
    ("measure digits --limit 40 --out out.run --dry-run", _OF_MEASURE),
)


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:  # noqa: ARG001
    """A command with an odd value for one option, or two."""
    words, known = _OPTIONS[int(rng.integers(len(_OPTIONS)))]
    command = [one.format(run=whole / "run") for one in words.split()]
    for _ in range(int(rng.choice([1, 1, 2]))):
        option, value = (among[int(rng.integers(len(among)))] for among in (known, _VALUES))
        command += [*filter(None, [option]), value]
    return Asked("options", " ".join(one[:40] for one in command), command, talks=True)
