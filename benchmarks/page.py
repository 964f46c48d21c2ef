"""Runs every benchmark, one after the other, and writes docs/benchmarks.md from what they found.

    python benchmarks/page.py [--cifar10 FOLDER] [--photos FOLDER] [--only [NAME ...]]

What each finds is kept in build/benchmarks until all have ended well. Then it takes its place beside what was
measured before: in benchmarks/found.json, of which the page is made, with whole tables in docs/benchmarks.
`--only` runs some alone, or none. Reasons for missed goals are written by people, in
benchmarks/missed.toml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path

from kit.pages import markdown, write_table
from kit.results import VERDICTS

HERE = Path(__file__).parent
ROOT = HERE.parent
FOUND = ROOT / "build" / "benchmarks"
KEPT = HERE / "found.json"
PAGE = ROOT / "docs" / "benchmarks.md"
FRONT = (
    "plain-loop", "program", "scores-aum", "scores-cleanlab", "scores-memory", "photos",
)  # fmt: skip
"""Goals that are on the page where they are met, by their keys; a table beside it has all."""

# in the order of the page: name, script, options that are always given, which data it takes
BENCHMARKS = [
    ("program", "speed/program.py", [], "cifar10"),
    ("busy", "speed/busy.py", [], None),
    ("baselines", "baselines/side_by_side.py", [], "cifar10"),
    ("fidelity", "science/fidelity.py", [], "cifar10"),
    ("scores", "speed/scores.py", [], None),
    ("records", "speed/records.py", [], None),
    ("photos", "speed/photos.py", [], "photos"),
    ("startup", "speed/startup.py", [], None),
    # last: its figure lies in docs, and a changed file is told beside the commit
    ("standins", "science/standins_rates.py", ["--figure"], None),
]

INTRODUCTION = """\
# Speed

Which goals for speed are met, and where another tool is faster, from one command:

```sh
make bench CIFAR10=FOLDER PHOTOS=FOLDER
```

It takes an hour on a quiet machine; without these folders made-up images take their place. Ratios are of
medians of rounds in turn: on a shared machine seconds vary by a factor of three, ratios much less. What
ImageNet would take: [a plan for a fleet](scale.md).
"""


def run(name, script, options, folder):
    found = FOUND / f"{name}.json"
    found.unlink(missing_ok=True)
    print(f"\n--- {name}", flush=True)
    given = [*options, *(["--data", str(folder)] if folder else []), "--json", str(found)]
    done = subprocess.run([sys.executable, str(HERE / script), *given], cwd=ROOT)
    if done.returncode:
        found.unlink(missing_ok=True)  # it may have found a part
    return not done.returncode


def kept():
    """What was measured before, with what was found now in its place; whole tables are written."""
    found = json.loads(KEPT.read_text())
    for name, *_ in BENCHMARKS:
        file = FOUND / f"{name}.json"
        if file.exists():
            report = json.loads(file.read_text())
            for table, rows in report["tables"].items():
                write_table(PAGE.with_suffix("") / f"{table}.csv", *rows)
            found[name] = report | {"tables": list(report["tables"])}
    return {name: found[name] for name, *_ in BENCHMARKS}


def page(reports, reasons):
    goals = [goal for report in reports.values() for goal in report["goals"]]
    met = [goal for goal in goals if goal["met"]]
    missed = [goal for goal in goals if not goal["met"]]
    told = f"{len(met)} of {len(goals)} goals are met, {len(missed)} missed"
    front = [(g["what"], g["goal"], g["measured"]) for g in met if g["key"] in FRONT]
    lines = [INTRODUCTION, f"{told}: [all](benchmarks/goals.csv). The met ones:", ""]
    lines += [markdown(("what", "goal", "measured"), front), "", "## Missed", ""]
    lines += [f"- {g['what']}: **{g['measured']}** ({g['goal']}). {reasons[g['key']]}" for g in missed]
    for report in reports.values():
        lines += ["", f"## {report['title']}", "", *report["lines"]] if report["lines"] else []
    sources = {}  # by machine and commit: the scripts in benchmarks, with their tables
    for report in reports.values():
        command = report["command"].removeprefix("python benchmarks/")
        links = [f"[{number}](benchmarks/{table}.csv)" for number, table in enumerate(report["tables"], 1)]
        sources.setdefault(report["measured"], []).append(" ".join([f"`{command}`", *links]))
    lines += ["", "## Where the numbers are from", ""]
    lines += [f"- {measured}: {', '.join(commands)}" for measured, commands in sources.items()]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10 as Parquet or class folders")
    parser.add_argument("--photos", type=Path, help="a folder of class folders of photos")
    names = [name for name, *_ in BENCHMARKS]
    parser.add_argument("--only", nargs="*", choices=names, default=names, help="run these alone, or none")
    options = parser.parse_args()
    FOUND.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, script, always, data in BENCHMARKS:
        folder = getattr(options, data) if data else None
        if name in options.only and not run(name, script, always, folder and folder.resolve()):
            failed.append(name)
    if failed:
        sys.exit(f"the page was not written: {', '.join(failed)} did not end well")
    reports, reasons = kept(), tomllib.loads((HERE / "missed.toml").read_text())
    goals = [(report["title"], goal) for report in reports.values() for goal in report["goals"]]
    unexplained = [g["key"] for _, g in goals if not g["met"] and g["key"] not in reasons]
    if unexplained:
        sys.exit(
            f"benchmarks/missed.toml: give the reason for {', '.join(unexplained)}, then run it with --only"
        )
    KEPT.write_text(json.dumps(reports, indent=1) + "\n")
    rows = [(title, g["what"], g["goal"], g["measured"], VERDICTS[g["met"]]) for title, g in goals]
    header = ("part", "what", "goal", "measured", "verdict")
    write_table(PAGE.with_suffix("") / "goals.csv", header, rows)
    PAGE.write_text(page(reports, reasons))
    for file in FOUND.glob("*.json"):
        file.unlink()  # it is in found.json now
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
