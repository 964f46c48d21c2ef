"""The main job on scikit-learn's digits: mislabel some pictures, measure, find them, compare, decide.

    python tools/demo.py FOLDER

Writes the pictures to FOLDER/pictures, one folder a class, some of them in the wrong one. Runs the commands
for one's own pictures, each shown before it runs. Says how many of the wrong labels were found; its last line
is the page to open.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from easiness import load_dataset

NUM_WRONG = 40  # of 1,797
COMMANDS = (
    "measure pictures/ --model mlp_3 --trials 10 --epochs 4 --out mlp",
    "measure pictures/ --model wrn_10_1 --trials 10 --epochs 4 --out wrn",
    "suspects wrn mlp -o suspects.csv",
    "compare wrn mlp",
    "report wrn -o report.html",
)


def mislabelled_pictures(folder: Path, seed: int = 0) -> set[str]:
    """Write the digits below ``folder``, one folder a class; returns the ids of those in a wrong one."""
    data = load_dataset("digits")
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(data), NUM_WRONG, replace=False).tolist()
    ids = set()
    for at, pixels in enumerate(data.values(np.arange(len(data)))):
        label = int(data.labels[at])
        name = f"{label}/{at:04d}.png"
        if at in wrong:
            name = f"{(label + rng.integers(1, data.num_classes)) % data.num_classes}/{at:04d}.png"
            ids.add(name)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(folder / name)
    return ids


def main(folder: Path) -> None:
    wrong = mislabelled_pictures(folder / "pictures")
    print(f"{folder}/pictures has 1,797 digits, {NUM_WRONG} of them in the folder of another class")
    for command in COMMANDS:
        print(f"\n$ easiness {command}", flush=True)
        subprocess.run([sys.executable, "-m", "easiness", *command.split()], cwd=folder, check=True)
    with (folder / "suspects.csv").open(encoding="utf-8") as file:
        first = [row["id"] for row in csv.DictReader(file)][:NUM_WRONG]
    found = len(wrong.intersection(first))
    print(f"\n{found} of the {NUM_WRONG} wrong labels are among the first {NUM_WRONG} suspects")
    print('decide on them by keys: open this page, press "Decide"')
    print(folder / "report.html")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
