"""Runs every benchmark, one after the other, and writes docs/benchmarks.md from what they found.

    python benchmarks/page.py [--cifar10 FOLDER] [--photos FOLDER] [--only NAME ...] [--write-only]

What each finds is kept in build/benchmarks until all have ended well. Then it takes its place beside what was
measured before: in benchmarks/found.json, of which the page is made, with whole tables in docs/benchmarks.
`--only` runs some alone, `--write-only` none. Reasons for missed goals are written by people, in
benchmarks/missed.toml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
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
    ("standins", "science/standins_rates.py", ["--figure"], None, None),
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


def kept(found):
    """What was measured before, with what was found now in its place; whole tables are written."""
    before = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name, report in found.items():
        for table, rows in report["tables"].items():
            write_table(PAGE.with_suffix("") / f"{table}.csv", *rows)
        before[name] = report | {"tables": list(report["tables"])}
    return {name: before[name] for name, *_ in BENCHMARKS if name in before}


def page(reports, reasons):
    """The whole page."""
    goals = [goal for report in reports.values() for goal in report["goals"]]
    keys = [goal["key"] for goal in goals]
    assert len(set(keys)) == len(keys), f"each goal needs a key of its own: {sorted(keys)}"
    met, missed, unknown = ([goal for goal in goals if goal["met"] is one] for one in (True, False, None))
    why = ", ".join(dict.fromkeys(goal["measured"] for goal in unknown))
    told = f"{len(met)} of {len(goals)} goals are met, {len(missed)} missed"
    told += f", {len(unknown)} not measured ({why})" if unknown else ""
    front = [(g["what"], g["goal"], g["measured"]) for g in met if g["key"] in FRONT]
    lines = [INTRODUCTION, f"{told}: [all](benchmarks/goals.csv). Those met:", ""]
    lines += [markdown(("what", "goal", "measured"), front), ""]
    if missed:
        lines += ["## Missed", "", *(why_missed(g, reasons) for g in missed), ""]
    for report in reports.values():
        lines += [f"## {report['title']}", "", *report["lines"], ""] if report["lines"] else []
    lines += ["## Where the numbers are from", "", *sources(reports), ""]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def why_missed(goal, reasons):
    return f"- {goal['what']}: **{goal['measured']}** ({goal['goal']}). {reasons[goal['key']]}"


def sources(reports):
    """A line for each machine and commit: the scripts in benchmarks, with their tables."""
    found = {}
    for report in reports.values():
        command = report["command"].removeprefix("python benchmarks/")
        links = [f"[{number}](benchmarks/{table}.csv)" for number, table in enumerate(report["tables"], 1)]
        found.setdefault(report["measured"], []).append(" ".join([f"`{command}`", *links]))
    return [f"- {measured}: {', '.join(commands)}" for measured, commands in found.items()]


def write(reports, reasons):
    """All files of it."""
    KEPT.write_text(json.dumps(reports, indent=1) + "\n")
    write_table(PAGE.with_suffix("") / "goals.csv", *goals_table(reports))
    PAGE.write_text(page(reports, reasons))


def goals_table(reports):
    """Every goal beside what was measured."""
    header = ("part", "what", "goal", "measured", "verdict")
    return header, [
        (report["title"], g["what"], g["goal"], g["measured"], VERDICTS[g["met"]])
        for report in reports.values()
        for g in report["goals"]
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10 as Parquet or class folders")
    parser.add_argument("--photos", type=Path, help="a folder of class folders of photos")
    names = [name for name, *_ in BENCHMARKS]
    parser.add_argument("--only", nargs="+", choices=names, help="run these alone")
    parser.add_argument("--write-only", action="store_true", help="write the page from what was found before")
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
    reports, reasons = kept(read()), tomllib.loads((HERE / "missed.toml").read_text())
    goals = [goal for report in reports.values() for goal in report["goals"]]
    unexplained = [goal["key"] for goal in goals if goal["met"] is False and goal["key"] not in reasons]
    if unexplained:
        sys.exit(f"benchmarks/missed.toml: give the reason for {', '.join(unexplained)}, then --write-only")
    missing = [name for name in names if name not in reports]
    if missing:
        sys.exit(f"the page was not written: nothing was found by {', '.join(missing)}; run them with --only")
    write(reports, reasons)
    for file in FOUND.glob("*.json"):
        file.unlink()  # it is in found.json now
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
