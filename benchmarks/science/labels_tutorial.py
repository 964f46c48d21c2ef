"""The figures and outputs of docs/labels.md: planted mistakes, found, decided, audited and verified.

Makes a folder of pictures with known mistakes from scikit-learn's digits and runs the commands of the page on
it. Where the page has somebody decide, the first suspects and all that an audit draws are decided by what was
planted. Prints what the commands say and how much of what was planted was found, and draws the figure.

    python benchmarks/science/labels_tutorial.py --out FOLDER [--figure docs/images/labels.svg] [--seed 1]
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from easiness import load_dataset, open_run, suspects
from easiness.data import KEEP, RELABEL, Decisions
from easiness.runs import data_version, labelled_examples
from easiness.show import EASY, FAINT, HARD, new_panels

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import measured

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "labels.md"
SIDE = 16  # pixels of a picture, twice those of a digit
TRAIN, HELD_OUT = 700, 600  # digits
WRONG = 0.3  # of the training pictures
COPIES = 5  # pictures that lie in two class folders
LOOKS = 150  # suspects that are decided in the page


def plant(folder, seed=0):
    """Write ``train`` and ``val`` folders of PNG files by class; returns the true class by id, of wrong ones.

    Some of the training pictures lie in the folder of another class, and of some more a copy lies in a
    second one. The held-out pictures are sound.
    """
    data = load_dataset("digits", limit=TRAIN + HELD_OUT)
    rng = np.random.default_rng([seed, 0x6C61626C])
    order = rng.permutation(len(data))
    num_wrong = round(WRONG * TRAIN)
    truth = {}
    pictures = data.values(np.arange(len(data)))
    for place, at in enumerate(order.tolist()):
        own = int(data.labels[at])
        other = int((own + rng.integers(1, data.num_classes)) % data.num_classes)
        split, label = ("train", own) if place < TRAIN else ("val", own)
        if place < num_wrong:
            label = other
            truth[f"train/{label}/{at:04d}.png"] = own
        save(pictures[at], folder / split / str(label) / f"{at:04d}.png")
        if num_wrong <= place < num_wrong + COPIES:
            save(pictures[at], folder / split / str(other) / f"{at:04d}.png")
            truth[f"train/{other}/{at:04d}.png"] = own
    return truth


def save(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels[..., 0])
    image.resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(path)


def commands(page=PAGE):
    """The command lines of the page that make up its tutorial, in order."""
    shown = re.search(r"<!-- tutorial -->(.*?)<!-- end of the tutorial -->", page.read_text(), re.DOTALL)
    blocks = re.findall(r"```sh\n(.*?)```", shown[1], re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("easiness ")]


def decide(folder, truth, looks=LOOKS):
    """Write ``labels.csv``: the first suspects of the run, decided by somebody who knows what is true."""
    run = open_run(folder / "run")
    of = labelled_examples(run, "train")
    ids = suspects(run, pictures=False).ranked["id"].head(looks)
    at = np.array([of.ids.tolist().index(one) for one in ids])
    right = np.array([truth.get(one, of.labels[row]) for one, row in zip(ids, at, strict=True)])
    actions = np.where(right != of.labels[at], RELABEL, KEEP).astype(object)
    by, times = (np.full(looks, cell, object) for cell in ("Ann", "2026-11-28T09:00:00Z"))
    decisions = Decisions("train", data_version(run), of, at, actions, right, by, times)
    decisions.table().to_csv(folder / "labels.csv", index=False)


def fill_in(file, truth):
    rows = pd.read_csv(file, dtype=str)
    rows["action"] = np.where(rows["id"].isin(truth.keys()), RELABEL, KEEP)
    for at in rows.index[rows["action"] == RELABEL]:
        rows.loc[at, ["label", "class"]] = str(truth[rows.loc[at, "id"]])
    rows["by"] = "Ann"
    rows.to_csv(file, index=False)


def carry_out(line, folder, truth):
    print(f"\n$ {line}", flush=True)
    program = [sys.executable, "-m", *shlex.split(line)]  # the first word is the name of the package
    subprocess.run(program, cwd=folder, check=True)
    seen(line, folder, truth)


def seen(line, folder, truth):
    """Decide what is decided in the page that a command line has written, if it has."""
    if "--decide audit.csv" in line:
        fill_in(folder / "audit.csv", truth)
    elif line.startswith("easiness report"):
        decide(folder, truth)


def found(table, truth):
    """How much of what was planted is among the suspects [ranked]."""
    wrong = table["id"].isin(truth.keys()).to_numpy()
    likely = table["p_wrong"].to_numpy() >= 1 / 2
    num = len(truth)
    yield f"{int(wrong[:num].sum())} of the {num} planted are among the first {num} suspects"
    yield f"{int(wrong[:LOOKS].sum())} of the first {LOOKS} suspects are planted"
    num_right, num_likely = int((likely & wrong).sum()), int(likely.sum())
    yield f"{num_right} of the {num_likely} labels with p_wrong of 0.5 or more are planted"


def draw(table, truth, verified):
    """Where the planted mistakes are among the suspects, and the accuracies before and after."""
    figure, (left, right) = new_panels(7.2, 2.7, 1, 2, width_ratios=(2, 1))
    wrong = table["id"].isin(truth.keys()).to_numpy()
    bins = np.linspace(0, 1, 21)
    style = {"color": [FAINT, HARD], "label": ["as the data set has them", "planted"]}
    left.hist([table["p_wrong"][~wrong], table["p_wrong"][wrong]], bins, stacked=True, **style)
    left.set(xlabel="p_wrong", ylabel="labels", yscale="log")
    left.legend(frameon=False, fontsize=8)
    before, after = verified["accuracy_before"], verified["accuracy_after"]
    for pair in zip(before, after, strict=True):
        right.plot([0, 1], pair, color=FAINT, linewidth=0.8)
    right.plot(np.zeros(len(before)), before, "o", color=FAINT)
    right.plot(np.ones(len(after)), after, "o", color=EASY)
    right.set(xticks=[0, 1], xticklabels=["before", "after"], xlim=(-0.4, 1.4), ylabel="held-out accuracy")
    return figure


def main():
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--out", type=Path, required=True, help="a new folder for pictures and runs")
    made.add_argument("--seed", type=int, default=0, help="of what is planted (default: %(default)s)")
    made.add_argument("--figure", type=Path, help="write the figure here")
    options = made.parse_args()
    options.out.mkdir(parents=True)
    truth = plant(options.out / "photos", options.seed)
    print(measured())
    for line in commands():
        carry_out(line, options.out, truth)
    table = suspects(open_run(options.out / "run"), pictures=False).ranked
    for sentence in found(table, truth):
        print(sentence)
    if options.figure is not None:
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        verified = pd.read_csv(options.out / "gain.csv")
        draw(table, truth, verified).savefig(options.figure, metadata={"Date": None})


if __name__ == "__main__":
    main()
