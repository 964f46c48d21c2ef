"""Two mislabelled photos among 300 of three classes: at which ranks does `suspects` have them?

Twenty draws of three classes, 100 photos each, two of them in another's folder, are measured as a user would:
heads on the features that come with `easiness[features]`. That network has seen ImageNet's photos, of which
Imagenette is a part, but not those of CIFAR-10 (a folder of its Parquet files), which are 32 pixels. Chance
would have a photo at rank 150.

`--tutorial` measures what docs/tutorials/photos.md shows instead: 400 photos of four classes of Imagenette,
20 of them in another's folder.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from easiness import open_run, suspects

sys.path.insert(0, str(Path(__file__).parents[1]))
from kit.science import options, publish

NUM_DRAWS, CLASSES, PHOTOS, WRONG, FIRST = 20, 3, 100, 2, 5
FEATURES = ("--features", "auto", "--trials", "20")


def cifar10_photos(source, folder):
    left = dict.fromkeys(range(10), PHOTOS)
    table = pq.read_table(min(source.glob("train*.parquet")))
    for at, one in enumerate(table.to_pylist()):
        label = one["label"]
        if left[label]:
            left[label] -= 1
            (folder / str(label)).mkdir(parents=True, exist_ok=True)
            (folder / str(label) / f"{at:05d}.webp").write_bytes(one["image"]["bytes"])
    return folder


def planted(source, seed, folder, num_classes=CLASSES, num_wrong=WRONG):
    """Copies of photos of some classes in class folders, and the ids of those in a wrong one."""
    draw = random.Random(seed)
    classes = draw.sample(sorted(one.name for one in source.iterdir()), num_classes)
    photos = [(name, photo) for name in classes for photo in sorted((source / name).iterdir())[:PHOTOS]]
    chosen = set(draw.sample(photos, num_wrong))
    wrong = []
    for name, photo in photos:
        put = draw.choice([one for one in classes if one != name]) if (name, photo) in chosen else name
        (folder / put).mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, folder / put / photo.name)
        if put != name:
            wrong.append(f"{put}/{photo.name}")
    return wrong


def ranks_of(source, seed, runs):
    folder = runs / f"photos-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    wrong = planted(source, seed, folder)
    out = runs / f"features-{seed}"
    command = [sys.executable, "-m", "easiness", "measure", str(folder), "--out", str(out)]
    subprocess.run([*command, *FEATURES], check=True, stderr=subprocess.DEVNULL)
    told = suspects(open_run(out), pictures=False)
    order = told.ranked["id"].tolist()
    ranks = sorted(order.index(one) + 1 for one in wrong)
    print(f"{source.name} {seed}: ranks {ranks}, {told.known:.0%} right", flush=True)
    return ranks


def tutorial(source, runs):
    folder, out = runs / "photos", runs / "features"
    shutil.rmtree(folder, ignore_errors=True)
    wrong = planted(source, 0, folder, num_classes=4, num_wrong=20)
    program = [sys.executable, "-m", "easiness"]
    subprocess.run([*program, "measure", str(folder), "--out", str(out), *FEATURES], check=True)
    subprocess.run([*program, "suspects", str(out)], check=True)
    order = suspects(open_run(out), pictures=False).ranked["id"].tolist()
    print(f"planted at ranks {sorted(order.index(one) + 1 for one in wrong)}")


COLUMNS = ("photos", "measured by", f"draws with both among the first {FIRST}")
COLUMNS += (f"photos among the first {FIRST}", "median rank", "worst")


def row_of(name, found):
    flat = [rank for ranks in found for rank in ranks]
    both = sum(max(ranks) <= FIRST for ranks in found)
    first = f"{sum(rank <= FIRST for rank in flat)} of {len(flat)}"
    ends = f"{statistics.median(flat):g}", str(max(flat))
    return name, "heads on features, 20 trials", f"{both} of {len(found)}", first, *ends


def main():
    asked = options(__doc__, "--imagenette", runs="few-photos", more={"--cifar10": None, "--tutorial": False})
    if asked.tutorial:
        tutorial(asked.imagenette, asked.runs / "tutorial")
        return
    sources = {"Imagenette": asked.imagenette}
    if asked.cifar10 is not None:
        folder = asked.runs / "cifar10"
        sources["CIFAR-10"] = folder if folder.is_dir() else cifar10_photos(asked.cifar10, folder)
    rows = [
        row_of(name, [ranks_of(source, seed, asked.runs / name) for seed in range(NUM_DRAWS)])
        for name, source in sources.items()
    ]
    publish(asked.docs, "few-photos", {}, (COLUMNS, rows))


if __name__ == "__main__":
    main()
