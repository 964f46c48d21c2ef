"""What a trial costs beside its training, a million examples at a time: for the plan in docs/scale.md.

Each part works in a process of its own. Seconds are of processor time, which says more on a shared machine;
bytes are as stored or as sent. What the page on speed has already is read from its tables. All of it is kept
in measured.json, with command, machine and date.

    python benchmarks/scale/measure.py [--only PART ...] [--examples 1281167] [--epochs 20]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import read_table
from kit.results import ROOT
from scale.parts import PARTS

FOUND = Path(__file__).with_name("measured.json")
TABLES = ROOT / "docs" / "benchmarks"
MIB = 2**20


def from_benchmarks():
    """What the page on speed says of scores, comparisons and photos, with where and when."""
    reports = json.loads((ROOT / "benchmarks" / "found.json").read_text())

    def said(name):
        return {key: reports[name][key] for key in ("command", "measured")}

    found = {}
    rows = read_table(TABLES / "records.csv")
    for command, name in (("scores", "scoring"), ("compare (expected, refine)", "comparing")):
        mine = [{key: float(row[key]) for key in COLUMNS} for row in rows if row["command"] == command]
        few, many = mine[-2:]
        an_example = (many["peak MiB"] - few["peak MiB"]) * MIB / (many["examples"] - few["examples"])
        word, base = f"`{command.split(' ')[0]}`", few["peak MiB"] * MIB - few["examples"] * an_example
        cells = many["examples"] * 10 * 20
        found[f"{name}_bytes"] = entry(an_example, f"{word}: bytes of memory an example", said("records"))
        found[f"{name}_base_bytes"] = entry(base, f"{word}: bytes of memory beside these", said("records"))
        what = f"{word}: s an example, trial and epoch"
        found[f"{name}_seconds"] = entry(many["CPU s"] / cells, what, said("records"))
    rates = {row[WITHOUT]: row["easiness"] for row in read_table(TABLES / "photos-rates.csv")}
    for words, name in (("random crops to train on", "crops"), ("centre crops to evaluate", "centres")):
        found[f"{name}_rate"] = entry(float(rates[words]) / 2, f"{words}, a second and core", said("photos"))
    return found


COLUMNS, WITHOUT = ("examples", "CPU s", "peak MiB"), "images per second without a network"


def entry(value, what, where):
    return {"value": float(f"{value:.4g}"), "what": what, **where}


def keep(found):
    """Beside what was found before."""
    known = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    FOUND.write_text(json.dumps(dict(sorted((known | found).items())), indent=1) + "\n")


def main():
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    made.add_argument("--examples", type=int, default=1_281_167)
    made.add_argument("--epochs", type=int, default=20)
    made.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = made.parse_args()
    if given.part:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(PARTS[given.part](given.examples, given.epochs, folder)))
        return
    keep(from_benchmarks())
    for name in given.only:
        size = ["--examples", str(given.examples), "--epochs", str(given.epochs)]
        words = [sys.executable, __file__, "--part", name, *size]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=900).stdout
        where = {"command": f"python benchmarks/scale/measure.py --only {name}", "measured": measured()}
        found = json.loads(said.splitlines()[-1])
        keep({key: entry(value, what, where) for key, (value, what) in found.items()})
        for key, (value, what) in found.items():
            print(f"{key}: {value:.4g} {what}", flush=True)


if __name__ == "__main__":
    main()
