"""Runs every benchmark, one after the other, and writes docs/benchmarks.md from what they found.

    python benchmarks/page.py [--cifar10 FOLDER] [--photos FOLDER] [--only NAME ...] [--write-only | --update]

What each found is kept in build/benchmarks, so that one of them can be run again alone; `--write-only` runs
none. The page is written once all have been run and ended well; with `--update` what was found takes its
place in the page that there is, beside what was measured before. Reasons for missed goals are written by
people, in benchmarks/missed.toml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from kit.page_update import updated
from kit.results import VERDICTS

HERE = Path(__file__).parent
ROOT = HERE.parent
FOUND = ROOT / "build" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"

# in the order of the page: name, script, options that are always given, option for real data, which data
BENCHMARKS = [
    ("ceiling", "speed/ceiling.py", [], None, None),
    ("program", "speed/program.py", [], "--data", "cifar10"),
    ("busy", "speed/busy.py", [], None, None),
    ("baselines", "baselines/side_by_side.py", [], "--data", "cifar10"),
    ("gpu", "gpu/one_gpu.py", [], None, None),
    ("fidelity", "science/fidelity.py", [], "--data", "cifar10"),
    ("scores", "speed/scores.py", [], None, None),
    ("records", "speed/records.py", [], None, None),
    ("photos", "speed/photos.py", [], "--data", "photos"),
    ("startup", "speed/startup.py", [], None, None),
    # last: its figure lies in docs, and a changed file is told beside the commit
    ("standins", "science/standins.py", ["--figure", "docs/results/standins.svg"], "--data", "cifar10"),
]

INTRODUCTION = """\
# Speed

Every goal of the project beside what was measured, from one command:

```sh
make bench CIFAR10=FOLDER PHOTOS=FOLDER
```

Without these folders made-up images of the same sizes take their place, and what needs real ones is left out.
It takes about an hour, and the machine should have nothing else to do. What is compared runs in turn, round
after round, and a ratio is one of medians: on a shared machine seconds vary by a factor of three from one
minute to the next, ratios much less. Each section says when, where and at which commit it was measured.
What ImageNet or a billion examples would take by these figures: [a plan for a fleet](scale.md).
"""


def run(name, script, options, data_option, data):
    """One benchmark in a process of its own; returns whether it ended well."""
    found = FOUND / f"{name}.json"
    arguments = [*options, *([data_option, str(data)] if data else []), "--json", str(found)]
    found.unlink(missing_ok=True)
    began = time.perf_counter()
    print(f"\n--- {name}", flush=True)
    done = subprocess.run([sys.executable, str(HERE / script), *arguments], cwd=ROOT)
    print(f"--- {name}: {time.perf_counter() - began:.0f} s, exit code {done.returncode}", flush=True)
    if done.returncode != 0:
        found.unlink(missing_ok=True)  # it may have found a part
    return done.returncode == 0


def read():
    """What the benchmarks have found, by name and in the order of the page."""
    files = {name: FOUND / f"{name}.json" for name, *_ in BENCHMARKS}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def page(reports, reasons):
    """The whole page."""
    goals = [goal for report in reports.values() for goal in report["goals"]]
    keys = [goal["key"] for goal in goals]
    assert len(set(keys)) == len(keys), f"each goal needs a key of its own: {sorted(keys)}"
    missed = [goal for goal in goals if goal["met"] is False]
    lines = [INTRODUCTION, "## Goals", "", "| what | goal | measured | |", "|---|---|---|---|"]
    lines += [f"| {g['what']} | {g['goal']} | {g['measured']} | {VERDICTS[g['met']]} |" for g in goals]
    lines += ["", *reasons_text(missed, reasons)]
    for report in reports.values():
        lines += [
            f"## {report['title']}",
            "",
            "```console",
            f"$ {report['command']}",
            report["measured"],
            "```",
            "",
        ]
        lines += report["lines"] + [""]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def reasons_text(missed, reasons):
    """The section on missed goals."""
    if not missed:
        return ["No goal that could be measured was missed.", ""]
    return ["### Missed, and why", "", *(f"- **{g['what']}**: {reasons[g['key']]}" for g in missed), ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10 as Parquet or class folders")
    parser.add_argument("--photos", type=Path, help="a folder of class folders of photos")
    names = [name for name, *_ in BENCHMARKS]
    parser.add_argument("--only", nargs="+", choices=names, help="run these alone")
    parser.add_argument("--write-only", action="store_true", help="write the page from what was found before")
    parser.add_argument("--update", action="store_true", help="keep of the page what was not found anew")
    options = parser.parse_args()
    FOUND.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, script, always, data_option, data in BENCHMARKS:
        if options.write_only or (options.only and name not in options.only):
            continue
        folder = getattr(options, data).resolve() if data and getattr(options, data) else None
        if not run(name, script, always, data_option, folder):
            failed.append(name)
    if failed:
        sys.exit(f"the page was not written: {', '.join(failed)} did not end well")
    reports, reasons = read(), tomllib.loads((HERE / "missed.toml").read_text())
    goals = [goal for report in reports.values() for goal in report["goals"]]
    unexplained = [goal["key"] for goal in goals if goal["met"] is False and goal["key"] not in reasons]
    if unexplained:
        sys.exit(f"benchmarks/missed.toml: give the reason for {', '.join(unexplained)}, then --write-only")
    missing = [name for name in names if name not in reports]
    if missing and not options.update:
        sys.exit(f"the page was not written: nothing was found by {', '.join(missing)}; run them with --only")
    PAGE.write_text(updated(PAGE.read_text(), reports, reasons) if missing else page(reports, reasons))
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
