"""Two mislabelled photos among 300 of three classes: at which ranks does `suspects` have them?

    python benchmarks/science/few_photos.py --imagenette FOLDER --cifar10 FOLDER --docs FILE.md

Twenty draws of three classes, 100 photos each, two of them in another's folder, are measured as a user would:
heads on the features that come with `easiness[features]`. That network has seen ImageNet's photos, of which
Imagenette is a part, but not those of CIFAR-10 (a folder of its Parquet files), which are 32 pixels. With
`--from-scratch` networks are trained on the first five draws as well, at 64 pixels: five trials of 20 epochs,
and ten that leave a fifth out. Chance would have a photo at rank 150.

`--tutorial` measures what docs/tutorials/photos.md shows instead: 400 photos of four classes of Imagenette,
20 of them in another's folder.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from easiness import open_run, suspects

sys.path.insert(0, str(Path(__file__).parents[1]))
from kit.machine import measured
from kit.pages import head, markdown, write_page

COMMAND = "python benchmarks/science/few_photos.py --imagenette FOLDER --cifar10 FOLDER --docs FILE.md"
NUM_DRAWS, CLASSES, PHOTOS, WRONG, FIRST = 20, 3, 100, 2, 5
OF_SCRATCH = 5  # draws
SCRATCH = ("--model", "wrn_10_1", "--image-size", "64", "--epochs", "20", "--executor", "serial")
SETTINGS = {
    "features": ("--features", "auto", "--trials", "20"),
    "short": (*SCRATCH, "--trials", "5"),
    "left": (*SCRATCH, "--trials", "10", "--train-share", "0.8"),
}
WORDS = {
    "features": "heads on features, 20 trials",
    "short": "from scratch, 5 trials",
    "left": "from scratch, 10 trials, a fifth left out",
}


def cifar10_photos(source, folder):
    """The first photos of each class of CIFAR-10, as PNG files in class folders."""
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


def ranks_of(source, seed, setting, runs):
    """The ranks of the two planted photos."""
    folder = runs / f"photos-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    wrong = planted(source, seed, folder)
    out = runs / f"{setting}-{seed}"
    command = [sys.executable, "-m", "easiness", "measure", str(folder), "--out", str(out)]
    subprocess.run([*command, *SETTINGS[setting]], check=True, stderr=subprocess.DEVNULL)
    told = suspects(open_run(out), pictures=False)
    order = told.ranked["id"].tolist()
    ranks = sorted(order.index(one) + 1 for one in wrong)
    print(f"{source.name} {seed} {setting}: ranks {ranks}, {told.known:.0%} right", flush=True)
    return ranks


def tutorial(source, runs):
    """Runs the tutorial's commands on planted photos, and says where the planted ones are."""
    folder, out = runs / "photos", runs / "features"
    shutil.rmtree(folder, ignore_errors=True)
    wrong = planted(source, 0, folder, num_classes=4, num_wrong=20)
    program = [sys.executable, "-m", "easiness"]
    subprocess.run([*program, "measure", str(folder), "--out", str(out), *SETTINGS["features"]], check=True)
    subprocess.run([*program, "suspects", str(out)], check=True)
    order = suspects(open_run(out), pictures=False).ranked["id"].tolist()
    print(f"planted at ranks {sorted(order.index(one) + 1 for one in wrong)}")


def row_of(name, setting, found):
    """A row of the table for the ranks [draws][2] of a setting."""
    flat = sorted(rank for ranks in found for rank in ranks)
    first = sum(rank <= FIRST for rank in flat)
    both = sum(max(ranks) <= FIRST for ranks in found)
    median = statistics.median(flat)
    return (
        name,
        WORDS[setting],
        f"{both} of {len(found)}",
        f"{first} of {len(flat)}",
        f"{median:g}",
        str(max(flat)),
    )


def page(rows, made):
    """The page of docs/results."""
    columns = ("photos", "measured by", f"draws with both among the first {FIRST}")
    columns += (f"photos among the first {FIRST}", "median rank", "worst")
    return f"""\
{head("Two mislabelled photos among 300", COMMAND, made)}
At which ranks does `suspects` list two photos in a wrong folder? {NUM_DRAWS} draws of {CLASSES}
classes, {PHOTOS} photos each, are measured as a user would. Chance would put a photo at rank
{CLASSES * PHOTOS // 2}.

{markdown(columns, rows)}

What is not certain: the network behind the features has seen ImageNet's photos, of which Imagenette is a
part. It has not seen those of CIFAR-10, which are 32 pixels. Yours may lie between the two.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--imagenette", type=Path)
    parser.add_argument("--cifar10", type=Path)
    parser.add_argument("--from-scratch", action="store_true")
    parser.add_argument("--runs", type=Path, default=Path("runs/few-photos"))
    parser.add_argument("--tutorial", action="store_true")
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    if options.tutorial:
        tutorial(options.imagenette, options.runs / "tutorial")
        return
    sources = {}
    if options.imagenette is not None:
        sources["Imagenette"] = options.imagenette
    if options.cifar10 is not None:
        folder = options.runs / "cifar10"
        sources["CIFAR-10"] = folder if folder.is_dir() else cifar10_photos(options.cifar10, folder)
    rows = []
    for name, source in sources.items():
        for setting in SETTINGS if options.from_scratch else ["features"]:
            draws = range(NUM_DRAWS if setting == "features" else OF_SCRATCH)
            runs = options.runs / name
            rows.append(row_of(name, setting, [ranks_of(source, seed, setting, runs) for seed in draws]))
    text = page(rows, measured())
    print(text)
    if options.docs is not None:
        write_page(options.docs, text)


if __name__ == "__main__":
    main()
