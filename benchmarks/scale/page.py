"""Writes docs/scale.md and its figure: page.md with what the model in this folder yields in its places.

    python benchmarks/scale/page.py

What is measured is in measured.json (`measure.py` writes it), what is assumed in assumed.toml.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.show import EASY, FONT_SIZE, INK, new_axes, picture_bytes, size_text as size_in_words
from kit.pages import write_page
from kit.results import ROOT
from scale.model import (
    HOUR,
    Fleet,
    Workload,
    driver_bytes,
    fits_driver,
    job_of,
    limits,
    plan_of,
    read_assumed,
    read_costs,
    read_measured,
)
from scale.simulate import simulate

PAGE = ROOT / "docs" / "scale.md"
FIGURE = ROOT / "docs" / "results" / "scale.svg"
TEMPLATE = Path(__file__).with_name("page.md")
SIMULATIONS = 50  # of one run; of a thousand runs one, which has as many trials
CLASSES = 1000
EXAMPLES = ("images", "photos", "examples")  # what limits count by
FEWEST = 1e5  # examples of the figure
MARKS = {1_281_167: "ImageNet-1k", 1e9: "a billion"}

IMAGENET = Workload(runs=1, examples=1_281_167, trials=10, epochs=20, held_out=50_000)
BILLION = Workload(runs=1000, examples=1_000_000, trials=10, epochs=20, held_out=50_000)
TWO_NODES = Fleet(nodes=2, gpus=8)
MANY_NODES = Fleet(nodes=32, gpus=8, commands=30)  # 300 trials in hand: no GPU waits for a run to begin


def number(value):
    """Two digits that count, or whole thousands: ``0.35``, ``4.1``, ``32``, ``31,700``."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def size_text(num_bytes):
    return f"{number(num_bytes / 1e15)} PB" if num_bytes >= 1e15 else size_in_words(num_bytes)


def amount(value):
    """``55 million``, ``152,000``, ``1.9``."""
    return f"{number(value / 1e6)} million" if value >= 1e6 else number(value)


def time_text(seconds):
    """Up to two days in hours, up to two hours in minutes."""
    units = (("s", 1, 120), ("min", 60, 7200), ("h", HOUR, 48 * HOUR), ("days", 24 * HOUR, float("inf")))
    unit, size = next((unit, size) for unit, size, below in units if seconds < below)
    return f"{number(seconds / size)} {unit}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def planned(workload, fleet, costs):
    return plan_of(job_of(workload, fleet, costs), fleet, costs)


def gpu_hours(workload, fleet, costs):
    """With the speed of GPUs as assumed, and its range, the fastest first."""
    ends = [
        costs.but(training_rate=end.training_rate, evaluation_rate=end.evaluation_rate)
        for end in (read_costs("high"), read_costs("low"))
    ]
    found, few, many = (number(planned(workload, fleet, one).gpu / HOUR) for one in (costs, *ends))
    return f"{found} ({few} to {many})"


def observations(workload):
    return workload.runs * workload.trials * workload.observations


def stored_text(workload, costs):
    weights = workload.runs * workload.trials * costs.resnet50_bytes
    return size_text(costs.record_bytes * observations(workload) + weights)


def takes_column(workload, fleet, costs):
    one, scored = driver_bytes(workload, costs), workload.examples * workload.trials * workload.rows
    of_all = f"; {size_text(fleet.commands * one)}" if fleet.commands > 1 else ""
    memory = costs.scoring_base_bytes + costs.scoring_bytes * workload.examples
    return (
        gpu_hours(workload, fleet, costs),
        f"{time_text(planned(workload, fleet, costs).wall)} on {fleet.num_gpus} GPUs",
        stored_text(workload, costs),
        size_text(observations(workload) * CLASSES * costs.logit_bytes),
        size_text(workload.photos * costs.cached_bytes),
        size_text(one) + of_all,
        f"{time_text(costs.scoring_seconds * scored * workload.runs)} of a core, {size_text(memory)} a run",
    )


TAKES = (
    "GPU hours (range)",
    "until all is stored",
    "records and weights on disk",
    "logits beside them (`--keep-logits`)",
    "cache of photos on a node, a run",
    "memory of a driver; of all at a time",
    "`scores`",
)


def designs(costs):
    whole = replace(BILLION, runs=1, examples=10**9)
    last = replace(BILLION, observed=1)
    assert not fits_driver(whole, costs)
    a_trial, scores = job_of(whole, MANY_NODES, costs).trains, size_text(costs.scoring_bytes * 10**9)
    why_not = f"no: a trial takes a GPU {time_text(a_trial)}, and `scores` {scores}"
    for what, workload, today in (
        ("one run of all", whole, why_not),
        ("1,000 runs of a million each", BILLION, "yes; each network sees a thousandth"),
        ("the same, `--observe last`", last, "yes; no history of epochs"),
        ("the same, N = 4 and m = 10", replace(last, trials=4, epochs=10), "yes; wider intervals"),
        (
            "one run of a million, drawn at random",
            replace(BILLION, runs=1),
            "yes; says nothing of the others",
        ),
    ):
        plan = planned(workload, MANY_NODES, costs)
        wall = max(0 if workload is whole else plan.wall, plan.gpu / MANY_NODES.num_gpus)
        hours = gpu_hours(workload, MANY_NODES, costs)
        yield what, hours, time_text(wall), stored_text(workload, costs), today


def losses(costs, spot):
    for name, workload, fleet in (("ImageNet-1k", IMAGENET, TWO_NODES), ("a billion", BILLION, MANY_NODES)):
        for kind, one in (("as reported", costs), ("one a day and node", spot)):
            for checkpoints in ("yes", "off"):
                on = replace(fleet, checkpoints=checkpoints == "yes")
                plan, job = planned(workload, on, one).wall, job_of(workload, on, one)
                seeds = range(SIMULATIONS if workload.runs == 1 else 1)
                found = [simulate(job, on, one, seed) for seed in seeds]
                seen = mean(one.wall for one in found)
                lost = [number(mean(getattr(one, of) for one in found)) for of in ("losses", "given_up")]
                apart = f"{100 * (plan / seen - 1):+.1f} %"
                yield name, kind, checkpoints, time_text(plan), time_text(seen), apart, *lost


def ways(costs):
    told: tuple[tuple[Any, str], ...] = (
        ("node", "each node makes a cache of the source"),
        ("server", "the run's cache on a file server"),
        ("store", "images of one size in the object store"),
    )
    for way, what in told:
        for nodes in (2, 32):
            workload, fleet = replace(IMAGENET, trials=8 * nodes), Fleet(nodes, 8, way=way)
            plan = planned(workload, fleet, costs)
            passes = 2 * IMAGENET.epochs * workload.trials if way == "server" else 0
            moved = plan.to_nodes + passes * IMAGENET.examples * costs.cached_bytes
            begins = plan.wall - job_of(workload, fleet, costs).trains
            yield what, f"{8 * nodes}", size_text(moved), time_text(begins), time_text(plan.wall)


def sheet(costs, *columns):
    return columns, [[one[column] for column in columns] for one in costs.values()]


def write(path):
    costs = read_costs()
    spot = costs.but(node_losses=read_costs("high").node_losses)
    found = limits(IMAGENET, TWO_NODES, costs)
    found = sorted(found, key=lambda one: ("" if one.unit in EXAMPLES else one.unit, one.holds))
    rows = [(one.what, f"{amount(one.holds)} {one.unit}", one.then) for one in found]
    holds = ("", "holds up to", "then")
    both = (takes_column(IMAGENET, TWO_NODES, costs), takes_column(BILLION, MANY_NODES, costs))
    said = {
        "takes": table(
            ("", "ImageNet-1k, one run", "a billion photos, 1,000 runs"), zip(TAKES, *both, strict=True)
        ),
        "limits": table(holds, [row for row in rows if row[1].endswith(EXAMPLES)]),
        "training_cores": f"{costs.training_rate / costs.crops_rate:.1f}",
        "evaluation_cores": f"{costs.evaluation_rate / costs.centres_rate:.1f}",
        "trains": number(costs.training_rate),
        "evaluates": number(costs.evaluation_rate),
        "pinned": size_text(BILLION.runs * BILLION.examples * costs.source_bytes),
        "disk": size_text(costs.node_disk),
        "asking_hours": number(costs.asking_seconds * observations(BILLION) / HOUR),
    }
    beside = ("", "GPUs and trials", "bytes to nodes", "beside training", "until all is stored")
    lost = ("", "losses of nodes", "checkpoints", "plan", "simulated", "apart", "nodes lost", "trials failed")
    tables = {
        "designs": (("", "GPU hours (range)", "on 256 GPUs", "on disk", "today"), designs(costs)),
        "limits": (holds, rows),
        "photos-to-nodes": (beside, ways(costs)),
        "lost-nodes": (lost, losses(costs, spot)),
        "measured": sheet(read_measured(), "what", "value", "command", "measured"),
        "assumed": sheet(read_assumed(), "what", "value", "low", "high", "source", "instead"),
    }
    write_page(path, TEMPLATE.read_text("utf-8").format_map(said), tables)


def draw():
    """The figure as SVG: up to how many examples each part of the design holds, the lowest at the top."""
    found = [one for one in limits(IMAGENET, TWO_NODES, read_costs()) if one.unit in EXAMPLES]
    found = sorted(found, key=lambda limit: -limit.holds)
    figure, axes = new_axes(8.6, 3.0)
    axes.grid(visible=False)
    axes.barh(range(len(found)), [one.holds - FEWEST for one in found], left=FEWEST, color=EASY, height=0.5)
    for at, one in enumerate(found):
        axes.text(one.holds * 1.1, at, amount(one.holds), va="center", color=INK, fontsize=FONT_SIZE)
    for value, name in MARKS.items():
        axes.axvline(value, color=INK, linewidth=0.8, linestyle=":")
        axes.text(value, len(found) - 0.4, f" {name}", color=INK, fontsize=FONT_SIZE, va="bottom")
    axes.set_yticks(range(len(found)), [one.what.replace("`", "") for one in found], fontsize=FONT_SIZE)
    axes.set(xscale="log", xlim=(FEWEST, 3e9), xlabel="examples")
    return picture_bytes(figure, ".svg")


def main():
    write(PAGE)
    FIGURE.write_bytes(draw())
    print(f"wrote {PAGE.relative_to(ROOT)}, the tables beside it and {FIGURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
