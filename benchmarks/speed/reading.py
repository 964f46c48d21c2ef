"""What two source trees take to read data: `load_dataset` and the fingerprint, in turns, with nothing cached.

    python benchmarks/speed/reading.py BEFORE AFTER --data FOLDER [--rounds 7] [--scale 1] [--only NAME]

BEFORE and AFTER are folders that hold the package ``easiness``. The FOLDER has CIFAR-10 in ``cifar10``, as
Parquet files; a folder of 50,000 small pictures, a CSV of 1,000,000 rows with texts and an ``.npz`` file of
1 GB are made, ``--scale`` times as large. Each reading is a process of its own; after one for each tree that
does not count, medians of seconds and of the most memory held are printed, and the ratio of both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

READ = """
import sys, time
from easiness import load_dataset
began = time.perf_counter()
data = load_dataset(sys.argv[1])
loaded = time.perf_counter()
data.fingerprint
print(loaded - began, time.perf_counter() - loaded)
"""


def make_folder(path, num, rng):
    for label in "ab":
        (path / label).mkdir(parents=True)
    for at in range(num):
        Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(
            path / "ab"[at % 2] / f"{at}.png"
        )


def make_csv(path, num, rng):
    words = [f"word{at}" for at in range(5000)]
    with path.open("w") as file:
        file.write("text,label\n")
        for start in range(0, num, 10_000):
            chosen = rng.integers(len(words), size=(min(10_000, num - start), 20))
            file.writelines(f"{' '.join(words[at] for at in row)},{row[0] % 4}\n" for row in chosen.tolist())


def make_npz(path, num, rng):
    np.savez(path, x=rng.standard_normal((num, 256), np.float32), y=np.arange(num) % 10)


MADE = {
    "folder": ("pictures", make_folder, 50_000),
    "csv": ("texts.csv", make_csv, 1_000_000),
    "npz": ("vectors.npz", make_npz, 1_000_000),
}


def read(tree, path):
    """Seconds to load and to fingerprint, those of processors in all, and GiB at most, of a new process."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile("w+") as said:
        environment = {**os.environ, "PYTHONPATH": str(tree), "EASINESS_CACHE": cache}
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", READ, str(path)],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1)],
        )
        _, status, used = os.wait4(child, 0)
        if status:
            sys.exit(f"{tree}: reading {path} ended with {os.waitstatus_to_exitcode(status)}")
        said.seek(0)
        loaded, fingerprinted = map(float, said.read().split())
        return loaded, fingerprinted, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def compare(name, path, trees, rounds):
    taken = {tree: [] for tree in trees}
    for at in range(rounds + 1):
        for tree in trees if at % 2 else trees[::-1]:
            taken[tree].append(read(tree, path))
    before, after = ([statistics.median(one) for one in zip(*taken[tree][1:], strict=True)] for tree in trees)
    parts = (("load", "s"), ("fingerprint", "s"), ("processors", "s"), ("memory", "GiB"))
    for (what, unit), old, new in zip(parts, before, after, strict=True):
        print(f"{name:8} {what:12} {old:8.3f} {new:8.3f} {unit:4} {new / old:5.2f}", flush=True)


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("trees", nargs=2, type=Path, metavar="TREE")
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--rounds", type=int, default=7)
    asked.add_argument("--scale", type=float, default=1.0)
    asked.add_argument("--only", choices=["cifar10", *MADE])
    given = asked.parse_args()
    trees = [tree.resolve() for tree in given.trees]
    with tempfile.TemporaryDirectory() as made:
        for name in ["cifar10", *MADE] if given.only is None else [given.only]:
            path = given.data / name
            if name in MADE:
                file, make, num = MADE[name]
                path = Path(made) / file
                make(path, int(num * given.scale), np.random.default_rng(0))
            compare(name, path.resolve(), trees, given.rounds)


if __name__ == "__main__":
    main()
