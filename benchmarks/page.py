"""Runs every benchmark, one after the other, and writes docs/benchmarks.md from what they found.

    python benchmarks/page.py [--cifar10 FOLDER] [--photos FOLDER] [--only [NAME ...]]

What each finds takes its place beside what was measured before, in benchmarks/found.json. When all have ended
well the page is made of that, with whole tables in docs/benchmarks. `--only` runs some alone, or none.
Reasons for missed goals are written by people, in benchmarks/missed.toml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from kit.pages import markdown, write_table
from kit.results import VERDICTS

HERE = Path(__file__).parent
ROOT = HERE.parent
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
medians of rounds in turn: on a shared machine seconds vary by a factor of three, ratios much less.
"""


def run(name, script, options, folder):
    print(f"\n--- {name}", flush=True)
    with tempfile.TemporaryDirectory() as beside:
        found = Path(beside, "found.json")
        given = [*options, *(["--data", str(folder.resolve())] if folder else []), "--json", str(found)]
        if subprocess.run([sys.executable, str(HERE / script), *given], cwd=ROOT).returncode:
            sys.exit(f"the page was not written: {name} did not end well")
        report = json.loads(found.read_text())
    for table, rows in report["tables"].items():
        write_table(PAGE.with_suffix("") / f"{table}.csv", *rows)
    return report | {"tables": list(report["tables"])}


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
    lines += ["", "The numbers are from [these commands and machines](benchmarks/sources.csv)."]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10 as Parquet or class folders")
    parser.add_argument("--photos", type=Path, help="a folder of class folders of photos")
    names = [name for name, *_ in BENCHMARKS]
    parser.add_argument("--only", nargs="*", choices=names, default=names, help="run these alone, or none")
    options = parser.parse_args()
    reports, reasons = json.loads(KEPT.read_text()), tomllib.loads((HERE / "missed.toml").read_text())
    for name, script, always, data in BENCHMARKS:
        if name in options.only:
            reports[name] = run(name, script, always, getattr(options, data) if data else None)
            KEPT.write_text(json.dumps(reports, indent=1) + "\n")
    reports = {name: reports[name] for name, *_ in BENCHMARKS}
    goals = [(report["title"], goal) for report in reports.values() for goal in report["goals"]]
    unexplained = [g["key"] for _, g in goals if not g["met"] and g["key"] not in reasons]
    if unexplained:
        sys.exit(
            f"benchmarks/missed.toml: give the reason for {', '.join(unexplained)}, then run it with --only"
        )
    rows = [(title, g["what"], g["goal"], g["measured"], VERDICTS[g["met"]]) for title, g in goals]
    header = ("part", "what", "goal", "measured", "verdict")
    write_table(PAGE.with_suffix("") / "goals.csv", header, rows)
    sources = [
        (one["command"].removeprefix("python benchmarks/"), one["measured"], " ".join(one["tables"]))
        for one in reports.values()
    ]
    write_table(PAGE.with_suffix("") / "sources.csv", ("command", "measured", "tables"), sources)
    PAGE.write_text(page(reports, reasons))
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
