"""What can be left out of the training data, by which score and sampler: does any beat random choice?

Scores x samplers x shares kept, at equal epochs and at equal steps, each against random choice with the same
seed. Results are kept in `--runs` and, with `--docs`, in pruning.json beside the page: it goes on from both.
`--minutes 0` trains nothing more and writes the page of what there is.

    python benchmarks/science/pruning.py --cifar10 FOLDER [--runs FOLDER] [--docs docs/results]
                                         [--seeds 5] [--minutes 120]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import write_page
from science import pruning_figure, pruning_text
from science.pruning_cells import cells
from science.pruning_runs import Settings, begin, score, train

PROCESSES = 2


def known(files, settings):
    """Results by the name of their cell, from files that exist: made with these settings, or it stops."""
    found, machines = {}, []
    for file in files:
        if not file.exists():
            continue
        kept = json.loads(file.read_text())
        if kept["settings"] != asdict(settings):
            sys.exit(f"{file}: of other settings ({kept['settings']}); give another folder")
        found.update(kept["cells"])
        machines += [one for one in kept["measured"] if one not in machines]
    return found, machines


def write(file, settings, machines, results):
    """All results as JSON, whole or not at all."""
    text = json.dumps(
        {"settings": asdict(settings), "measured": machines, "cells": dict(sorted(results.items()))}, indent=0
    )
    part = file.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(file)


def trained(missing, start, minutes):
    """The results of cells as they come, of as many as begin within so many minutes."""
    end = time.monotonic() + 60 * minutes
    context = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=begin, initargs=start) as pool:
        running, todo = set(), iter(missing)
        while True:
            while len(running) < PROCESSES and time.monotonic() < end and (cell := next(todo, None)):
                running.add(pool.submit(train, cell))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/pruning"))
    parser.add_argument("--docs", type=Path, help="folder for pruning.md, pruning.svg and pruning.json")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=120, help="begin no training after so many")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args()
    settings = Settings(**{name: getattr(options, name) for name in asdict(Settings())})
    options.runs.mkdir(parents=True, exist_ok=True)
    here = options.runs / "pruning.json"
    published = None if options.docs is None else options.docs / "pruning.json"
    results, machines = known([one for one in (published, here) if one], settings)
    missing = [cell for cell in cells(options.seeds) if cell.name not in results]
    if missing and options.minutes > 0:
        score(settings.load(options.cifar10), settings, options.runs / "scores")
        machines = list(dict.fromkeys([*machines, measured()]))
        for done, found in enumerate(
            trained(missing, (options.cifar10, settings, options.runs), options.minutes)
        ):
            results[found["name"]] = found["accuracy"]
            write(here, settings, machines, results)
            print(f"{done + 1}/{len(missing)} {found}", flush=True)
    if published is not None:
        write(published, settings, machines, results)
        (options.docs / "pruning.svg").write_bytes(pruning_figure.draw(results))
        whole = pruning_text.tables(results)
        write_page(options.docs / "pruning.md", pruning_text.page(results, settings, machines, whole), whole)


if __name__ == "__main__":
    main()
