"""Two mislabelled photos among 300 of three classes: at which ranks does `suspects` have them?

    python benchmarks/science/few_photos.py --imagenette FOLDER

FOLDER has class folders of Imagenette's training photos, of which the first 100 by name are taken. Five draws
of three classes, each with two photos in another's folder, are measured as a user would, on photos of 64
pixels: five trials of 20 epochs, and ten that leave a fifth out. Chance would have a photo at rank 150.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
from pathlib import Path

from easiness import open_run, suspects

DRAWS = {
    "a": ("n01440764", "n03028079", "n03888257"),
    "b": ("n02102040", "n03417042", "n03445777"),
    "c": ("n02979186", "n03394916", "n03425413"),
    "d": ("n03000684", "n01440764", "n03417042"),
    "e": ("n03888257", "n03425413", "n02102040"),
}
PHOTOS, WRONG, FIRST = 100, 2, 5
SETTINGS = {"short": ("--trials", "5"), "left": ("--trials", "10", "--train-share", "0.8")}
COMMON = ("--model", "wrn_10_1", "--image-size", "64", "--epochs", "20", "--executor", "serial")


def planted(source, classes, seed, folder):
    """Copies of the photos in class folders, and the ids of those in a wrong one."""
    draw = random.Random(seed)
    photos = [(name, photo) for name in classes for photo in sorted((source / name).iterdir())[:PHOTOS]]
    chosen = set(draw.sample(photos, WRONG))
    wrong = []
    for name, photo in photos:
        put = draw.choice([one for one in classes if one != name]) if (name, photo) in chosen else name
        (folder / put).mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, folder / put / photo.name)
        if put != name:
            wrong.append(f"{put}/{photo.name}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--imagenette", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/few-photos"))
    options = parser.parse_args()
    found = dict.fromkeys(SETTINGS, 0)
    for seed, (name, classes) in enumerate(DRAWS.items()):
        folder = options.runs / name
        shutil.rmtree(folder, ignore_errors=True)
        wrong = planted(options.imagenette, classes, seed, folder)
        for setting, arguments in SETTINGS.items():
            out = options.runs / f"{name}-{setting}"
            command = [sys.executable, "-m", "easiness", "measure", str(folder), "--out", str(out)]
            subprocess.run([*command, *COMMON, *arguments], check=True)
            told = suspects(open_run(out), pictures=False)
            order = told.ranked["id"].tolist()
            ranks = sorted(order.index(one) + 1 for one in wrong)
            found[setting] += sum(rank <= FIRST for rank in ranks)
            print(f"{name} {setting}: ranks {ranks}, {told.known:.0%} of the labels right", flush=True)
    for setting, num in found.items():
        print(f"{setting}: {num} of {WRONG * len(DRAWS)} among the first {FIRST}")


if __name__ == "__main__":
    main()
