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
from pathlib import Path
from typing import Any

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import whole
from kit.results import measured
from kit.science import publish

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


def claims_table(claims: list[dict[str, Any]]) -> tuple[tuple[str, ...], list[Any]]:
    """Each claim that was tested with the statistic that says least for it."""
    rows = []
    for claim in claims:
        if found := claim["statistics"]:
            shown = statistic(min(found, key=margin)).replace("the same", found[0]["name"], 1)
            rows.append((str(claim["id"]), str(claim["claim"]), f"**{claim['verdict']}**", shown))
    return ("#", "claim", "verdict", "weakest statistic (95 % interval), needed"), rows


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
    tables = {file.stem: whole(file.read_text()) for file in sorted((options.study / "tables").glob("*.md"))}
    publish(options.docs, document["preset"], tables, claims_table(document["claims"]), made=made)
    page = target.with_suffix(".md")
    text = page.read_text("utf-8")
    pictures = (f"![{name.removesuffix('.png')}]({target.name}/{name})" for name in names)
    page.write_text(
        "\n\n".join([text.rstrip(), *(one for one in pictures if one not in text)]) + "\n", "utf-8"
    )
    print(page)


if __name__ == "__main__":
    main()
