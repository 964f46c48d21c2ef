"""Findings of a benchmark: lines of Markdown for the docs page, and each goal beside the measured number."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kit import pages

ROOT = Path(__file__).resolve().parents[2]  # of the project
VERDICTS = {True: "met", False: "**missed**"}


def commit() -> str:
    describe = ["git", "describe", "--always", "--dirty", "--exclude", "*"]  # no tag's name in it
    found = subprocess.run(describe, capture_output=True, text=True, cwd=Path(__file__).parent)
    return found.stdout.strip() or "unknown"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def measured() -> str:
    return f"date {datetime.date.today()}, commit {commit()}, {processor()}, {os.cpu_count()} cores"


@dataclass
class Report:
    """Printed as it grows, so that a benchmark that is stopped has shown what it knew."""

    title: str
    command: str
    measured: str = field(default_factory=measured)
    lines: list[str] = field(default_factory=list)
    goals: list[dict[str, object]] = field(default_factory=list)
    tables: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self):
        print(f"## {self.title}\n\n{self.measured}\n", flush=True)

    def say(self, *lines):
        for line in lines or ("",):
            print(line, flush=True)
            self.lines.append(line)

    def table(self, header, rows):
        """A Markdown table of texts; numbers should come as formatted texts."""
        self.say(pages.markdown(header, rows), "")

    def whole(self, name, header, rows):
        """A table that is too long for a page: a CSV file beside it."""
        self.tables[name] = (header, rows)
        print(f"{name}\n{pages.markdown(header, rows)}\n", flush=True)

    def goal(self, key, what, goal, measured, met):
        """A goal and whether it was met; ``key`` is its name in the reasons for missed goals."""
        one = {"key": key, "what": what, "goal": goal, "measured": measured, "met": bool(met)}
        self.goals.append(one)
        print(f"{VERDICTS[one['met']]}: {what}: {measured} (goal {goal})\n", flush=True)

    def write(self, path):
        if path is not None:
            path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def parser(doc):
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("--json", type=Path, help="write the results here, for the docs page")
    return made


def add_options(made, defaults):
    """Options by their defaults: of their type, several for a tuple, a path for None, a flag for False."""
    for name, default in defaults.items():
        one = default[0] if isinstance(default, tuple) else default
        how = {"type": Path if one is None else type(one), **({"nargs": "*"} if one is not default else {})}
        how = {"action": "store_true"} if default is False else how
        made.add_argument(f"--{name.replace('_', '-')}", default=default, **how)


def begin(doc, title, **defaults):
    """The options of a benchmark, see `add_options`, and its report; the last lines of ``doc`` show them."""
    made = parser(doc)
    add_options(made, defaults)
    options = made.parse_args()
    return options, Report(title, command(made, options))


def command(made, options):
    """The command for the page: the options that were given, and FOLDER for the folder of the data."""
    script = Path(sys.argv[0]).resolve().relative_to(ROOT)
    shown = ["python", script.as_posix()]
    for name, value in vars(options).items():
        if name != "json" and value != made.get_default(name):
            values = ["FOLDER"] if name == "data" else value if isinstance(value, list) else [value]
            shown += [f"--{name.replace('_', '-')}", *map(str, values)]
    return " ".join(shown)


def pictures(path, num):
    """Examples of CIFAR-10's shape: real ones of a folder, or random."""
    import numpy as np  # heavy, as what follows: benchmarks of memory import this file

    from easiness import load_dataset

    if path is not None:
        return load_dataset(path, limit=num)
    pixels = np.random.default_rng(0).integers(0, 256, (num, 3, 32, 32), dtype=np.uint8)
    return load_dataset((pixels, np.arange(num) % 10))


def data_text(folder, made_up, real="CIFAR-10"):
    return made_up if folder is None else real
