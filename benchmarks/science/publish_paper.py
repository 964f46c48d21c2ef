"""Writes a finished paper study into the docs: claims, tables, figures, date, machine, commit.

easiness paper CIFAR10_FOLDER --preset laptop --out runs/laptop
python benchmarks/science/publish_paper.py runs/laptop docs/results
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
from pathlib import Path

import torch
from PIL import Image

from easiness import open_run
from easiness.show import duration_text

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured

TRIED = """\
Models that are tested are trained by the shortest of these that lets them be right on 72 % with some room.
Each was tried once, with `wrn_16_1` on the 20,000 images, in batches of 128, with the end of the cosine at
the last epoch. On a quiet core ten epochs take four minutes.

| epochs | step size at the start | label smoothing | held-out accuracy |
| --- | --- | --- | --- |
| 8 | 0.008 | 0 | 0.713 |
| 10 | 0.006 | 0 | 0.739 |
| 10 | 0.015 | 0.1 | 0.737 |

"""
NOTES = {"overnight": TRIED}  # what else a page says, by preset

COLORS = 128  # of a figure in the docs: a third of the bytes, and nobody sees it


def figures(study: Path, target: Path) -> list[str]:
    """Copy the figures, smaller, and return their names in order."""
    target.mkdir(parents=True)
    names = sorted(file.name for file in (study / "figures").glob("*.png"))
    for name in names:
        image = Image.open(study / "figures" / name).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
        content = io.BytesIO()
        image.save(content, "PNG", optimize=True)
        (target / name).write_bytes(content.getvalue())
    return names


def claims_table(claims: list[dict]) -> str:
    lines = [
        "| # | claim | verdict | statistics: value (95 % interval), needed |",
        "| --- | --- | --- | --- |",
    ]
    for claim in claims:
        shown = "<br>".join(statistic(one) for one in claim["statistics"]) or claim["reason"]
        note = f"<br>{claim['note']}" if claim["note"] else ""
        lines.append(f"| {claim['id']} | {claim['claim']} | **{claim['verdict']}** | {shown}{note} |")
    return "\n".join(lines)


def statistic(one: dict) -> str:
    def number(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.3f}"

    interval = "no interval" if one["interval"] is None else " to ".join(map(number, one["interval"]))
    doubt = f" ({one['undecided_because']})" if one["undecided_because"] else ""
    return f"{one['name']}: {number(one['value'])} ({interval}), {one['needed']} {one['margin']:.3g}{doubt}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="folder of a finished study")
    parser.add_argument("docs", type=Path, help="folder to write into, such as docs/results")
    options = parser.parse_args()
    where = measured()  # before files change, which is told beside the commit
    document = json.loads((options.study / "claims.json").read_text())
    preset = document["preset"]
    target = options.docs / preset
    shutil.rmtree(target, ignore_errors=True)
    names = figures(options.study, target)
    runs = [open_run(folder.parent) for folder in sorted((options.study / "trials").glob("*/run.json"))]
    seconds = sum(trial.document.ran.get("seconds", 0.0) for run in runs for trial in run.trials)
    shutil.copy(options.study / "claims.json", target / "claims.json")
    tables = sorted((options.study / "tables").glob("*.md"))
    (target / "tables.md").write_text(
        "\n".join(f"## {file.stem}\n\n{file.read_text()}" for file in tables if file.stem[:7] != "table-1")
        + "".join(f"\n## {file.stem}\n\n{file.read_text()}" for file in tables if file.stem[:7] == "table-1")
    )
    spec = runs[0].spec.data
    held_out = spec.held_out.num_examples if spec.held_out else 0
    page = f"""\
<!-- written by: python benchmarks/science/publish_paper.py -->

# The paper's experiments, preset `{preset}`, on {document["data"]}

Measured: {where}, PyTorch {torch.__version__}. {len(runs)} runs with
{sum(len(run.trials) for run in runs)} trials trained for {duration_text(seconds)} in all.
Seed {document["seed"]}, {spec.train.num_examples:,} examples to train on and {held_out:,} held out.

All tables: [tables.md]({preset}/tables.md); claims as JSON: [claims.json]({preset}/claims.json).

{NOTES.get(preset, "")}## Claims

{claims_table(document["claims"])}

## Figures

"""
    page += "\n\n".join(f"![{name.removesuffix('.png')}]({preset}/{name})" for name in names)
    (options.docs / f"{preset}.md").write_text(page + "\n")
    print(options.docs / f"{preset}.md")


if __name__ == "__main__":
    main()
