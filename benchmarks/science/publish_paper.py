"""Writes a finished paper study into the docs: claims, figures, and all tables as CSV files.

easiness paper all CIFAR10_FOLDER --preset laptop --out runs/laptop
python benchmarks/science/publish_paper.py runs/laptop docs/results
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from easiness import open_run
from easiness.show import duration_text, listed

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import head, markdown, whole, write_page

TRIED = """
The models that are tested take the shortest recipe that got more than 72 % of the held-out images right
with some room: 10 epochs, step size 0.006 (0.739). Tried by hand, once each, 8 epochs at 0.008 got 0.713,
and 10 epochs at 0.015 with label smoothing 0.1 got 0.737.

Two trials ran at a time, beside other work, at commits from 8a04c6c1 on. They see 13.3 million images: 5.4 h
at the 683 a second of such cores when idle, 2.8 h at the 1,330 of two that multiply bfloat16.
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


def claims_table(claims: list[dict[str, Any]]) -> str:
    """Each claim that was tested with the statistic that says least for it."""
    rows = []
    for claim in claims:
        if found := claim["statistics"]:
            shown = statistic(min(found, key=margin)).replace("the same", found[0]["name"], 1)
            rows.append((claim["id"], claim["claim"], f"**{claim['verdict']}**", shown))
    return markdown(("#", "claim", "verdict", "weakest statistic (95 % interval), needed"), rows)


def margin(one: dict[str, Any]) -> float:
    """How far all of the interval is on the side that the claim needs; negative where some is not."""
    low, high = one["interval"] or (one["value"], one["value"])
    if low is None:
        return float("-inf")
    return low - one["margin"] if one["needed"] == "above" else one["margin"] - high


def statistic(one: dict[str, Any]) -> str:
    def number(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.3f}"

    interval = "no interval" if one["interval"] is None else " to ".join(map(number, one["interval"]))
    return f"{one['name']}: {number(one['value'])} ({interval}), {one['needed']} {one['margin']:.3g}"


def page(document: dict[str, Any], scale: str, made: str, names: list[str]) -> str:
    """The page of a study with these claims and figures."""
    preset = document["preset"]
    command = f"python benchmarks/science/publish_paper.py runs/{preset} docs/results"
    verdicts = Counter(claim["verdict"] for claim in document["claims"])
    found = ", ".join(f"{verdict} {number}" for verdict, number in verdicts.most_common())
    untested = [claim["id"] for claim in document["claims"] if not claim["statistics"]]
    pictures = "\n\n".join(f"![{name.removesuffix('.png')}]({preset}/{name})" for name in names)
    title = f"The paper's experiments on {document['data']}, preset `{preset}`"
    return f"""\
{head(title, command, made)}
Which of the paper's claims hold in `easiness paper all CIFAR10_FOLDER --preset {preset} --out runs/{preset}`
({scale})? Verdicts: {found}.
{NOTES.get(preset, "")}
The table has the weakest statistic of each claim.

{claims_table(document["claims"])}

[claims.json]({preset}/claims.json) has every statistic, and why {listed(untested) or "none"} could
not be tested. All is of one study, seed {document["seed"]}: where an interval ends close to what is needed,
another draw may decide otherwise.

{pictures}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="folder of a finished study")
    parser.add_argument("docs", type=Path, help="folder to write into, such as docs/results")
    options = parser.parse_args()
    made = (
        f"{measured()}, PyTorch {torch.__version__}"  # before files change, which is told beside the commit
    )
    document = json.loads((options.study / "claims.json").read_text())
    target = options.docs / document["preset"]
    shutil.rmtree(target, ignore_errors=True)
    names = figures(options.study, target)
    shutil.copy(options.study / "claims.json", target / "claims.json")
    runs = [open_run(folder.parent) for folder in sorted((options.study / "trials").glob("*/run.json"))]
    seconds = sum(trial.document.ran.get("seconds", 0.0) for run in runs for trial in run.trials)
    data = runs[0].spec.data
    held_out = data.held_out.num_examples if data.held_out else 0
    scale = (
        f"{data.train.num_examples:,} examples to train on and {held_out:,} held out, {len(runs)} runs of "
        f"{sum(len(run.trials) for run in runs)} trials in all, which took {duration_text(seconds)} together"
    )
    tables = {file.stem: whole(file.read_text()) for file in sorted((options.study / "tables").glob("*.md"))}
    write_page(target.with_suffix(".md"), page(document, scale, made, names), tables)
    print(target.with_suffix(".md"))


if __name__ == "__main__":
    main()
