"""What a trial costs beside its training, a million examples at a time: for the plan in docs/scale.md.

Each part works in a process of its own. Seconds are of processor time, which says more on a shared machine;
bytes are as stored or as sent. What docs/benchmarks.md says already is read from there. All of it is kept in
measured.json, with command, machine and date.

    python benchmarks/scale/measure.py [--only PART ...] [--examples 1281167] [--epochs 20]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.results import ROOT
from scale.parts import PARTS

FOUND = Path(__file__).with_name("measured.json")
PAGE = ROOT / "docs" / "benchmarks.md"
MIB = 2**20


def from_page():
    """What docs/benchmarks.md says of scores, comparisons and photos, with its lines of where and when."""
    text = PAGE.read_text("utf-8")
    parts = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}

    def said(title):
        command, where = re.search(r"```console\n\$ (.+)\n(.+)\n```", parts[title]).groups()
        return {"command": command, "measured": where}

    found = {}
    title = "Reading records, up to ImageNet's size"
    for command, name in (("scores", "scoring"), ("compare (expected, refine)", "comparing")):
        pattern = rf"\| {re.escape(command)} \| ([\d,]+) \| 10 \| 20 \| [\d.]+ \| ([\d.]+) \| .* \| (\d+) \|"
        rows = [[float(one.replace(",", "")) for one in row] for row in re.findall(pattern, parts[title])]
        (few, _, small), (many, busy, large) = rows[-2:]
        an_example, cells = (large - small) * MIB / (many - few), many * 10 * 20
        word, base = f"`{command.split(' ')[0]}`", small * MIB - few * an_example
        found[f"{name}_bytes"] = entry(an_example, f"{word}: bytes of memory an example", said(title))
        found[f"{name}_base_bytes"] = entry(base, f"{word}: bytes of memory beside these", said(title))
        found[f"{name}_seconds"] = entry(busy / cells, f"{word}: s an example, trial and epoch", said(title))
    for words, name in (("random crops to train on", "crops"), ("centre crops to evaluate", "centres")):
        _, ours = re.search(rf"\| {words} \| ([\d,]+) \| ([\d,]+) \|", parts["Photos"]).groups()
        rate = float(ours.replace(",", "")) / 2
        found[f"{name}_rate"] = entry(rate, f"{words}, a second and core", said("Photos"))
    return found


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
    keep(from_page())
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
