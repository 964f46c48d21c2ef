"""The tables of the page that the model yields."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from scale.limits import fits_driver, limits
from scale.words import amount, number, size_text, table, time_text
from scale.worked import BILLION, IMAGENET, MANY_NODES, TWO_NODES, Worked
from scale.workload import (
    Fleet,
    driver_bytes,
    job_of,
    logits_bytes,
    stored_bytes,
)

CLASSES = 1000
EXAMPLES = ("images", "photos", "examples")  # what limits count by


def takes_table(costs):
    """ImageNet-1k on two nodes beside a billion on 32."""
    both = (Worked(IMAGENET, TWO_NODES, costs), Worked(BILLION, MANY_NODES, costs))
    rows = [
        ("GPU hours (range)", *(w.gpu_hours() for w in both)),
        ("until all is stored", *(f"{time_text(w.plan.wall)} on {w.fleet.num_gpus} GPUs" for w in both)),
        ("records and weights on disk", *(size_text(stored_bytes(w.workload, costs)) for w in both)),
        ("logits beside them (`--keep-logits`)", *(logits_text(w.workload, costs) for w in both)),
        ("cache of photos on a node, a run", *(cache_text(w.workload, costs) for w in both)),
        ("memory of a driver; of all at a time", *(drivers_text(w) for w in both)),
        ("`scores`", *(scores_text(w.workload, costs) for w in both)),
    ]
    return table(("", "ImageNet-1k, one run", "a billion photos, 1,000 runs"), rows)


def drivers_text(worked):
    one, num = driver_bytes(worked.workload, worked.costs), worked.fleet.commands
    return size_text(one) if num == 1 else f"{size_text(one)}; {size_text(num * one)}"


def logits_text(workload, costs):
    return size_text(logits_bytes(workload, costs, CLASSES))


def cache_text(workload, costs):
    return size_text((workload.examples + workload.held_out) * costs.cached_bytes)


def scores_text(workload, costs):
    cells = workload.examples * workload.trials * workload.rows
    seconds = costs.scoring_seconds * cells
    memory = costs.scoring_base_bytes + costs.scoring_bytes * workload.examples
    return f"{time_text(seconds * workload.runs)} of a core, {size_text(memory)} a run"


def limits_table(costs):
    """Header and rows, those that count examples first."""
    found = limits(IMAGENET, TWO_NODES, costs)
    found = sorted(found, key=lambda one: ("" if one.unit in EXAMPLES else one.unit, one.holds))
    return ("", "holds up to", "then"), [
        (one.what, f"{amount(one.holds)} {one.unit}", one.then) for one in found
    ]


def designs_table(costs):
    """Ways to a billion examples: what each costs, and whether easiness does it."""
    whole = replace(BILLION, runs=1, examples=10**9)
    last = replace(BILLION, observed=1)
    few = replace(last, trials=4, epochs=10)
    one = replace(BILLION, runs=1)
    rows = [
        design("one run of all", whole, costs, f"no: {why_not(whole, costs)}"),
        design("1,000 runs of a million each", BILLION, costs, "yes; each network sees a thousandth"),
        design("the same, `--observe last`", last, costs, "yes; no history of epochs"),
        design("the same, N = 4 and m = 10", few, costs, "yes; wider intervals"),
        design("one run of a million, drawn at random", one, costs, "yes; says nothing of the others"),
    ]
    return table(("", "GPU hours (range)", "on 256 GPUs", "on disk", "today"), rows)


def design(what, workload, costs, today):
    worked = Worked(workload, MANY_NODES, costs)
    gpu = worked.plan.gpu
    wall = time_text(max(worked.plan.wall if workload.examples < 10**9 else 0, gpu / MANY_NODES.num_gpus))
    return what, worked.gpu_hours(), wall, size_text(stored_bytes(workload, costs)), today


def why_not(workload, costs):
    a_trial = job_of(workload, MANY_NODES, costs).trains
    assert not fits_driver(workload, costs)
    return f"a trial takes a GPU {time_text(a_trial)}, and `scores` {size_text(costs.scoring_bytes * 10**9)}"


def losses_table(costs, spot):
    """What lost nodes cost, by closed form and simulation: header and rows."""
    rows = []
    for name, workload, fleet in (("ImageNet-1k", IMAGENET, TWO_NODES), ("a billion", BILLION, MANY_NODES)):
        for kind, one in (("as reported", costs), ("one a day and node", spot)):
            for checkpoints in (True, False):
                worked = Worked(workload, replace(fleet, checkpoints=checkpoints), one)
                plan, seen = worked.plan.wall, worked.mean("wall")
                row = (
                    name,
                    kind,
                    "yes" if checkpoints else "off",
                    time_text(plan),
                    time_text(seen),
                    f"{100 * (plan / seen - 1):+.1f} %",
                    number(worked.mean("losses")),
                    number(worked.mean("given_up")),
                )
                rows.append(row)
    header = (
        "",
        "losses of nodes",
        "checkpoints",
        "plan",
        "simulated",
        "apart",
        "nodes lost",
        "trials failed",
    )
    return header, rows


def ways_table(costs):
    """How the photos of ImageNet get to two nodes, and to 32: header and rows."""
    words: dict[Literal["node", "server", "store"], str] = {
        "node": "each node makes a cache of the source",
        "server": "the run's cache on a file server",
        "store": "images of one size in the object store",
    }
    rows = []
    for way, what in words.items():
        for nodes in (2, 32):
            worked = Worked(replace(IMAGENET, trials=8 * nodes), Fleet(nodes, 8, way=way), costs)
            passes = 2 * IMAGENET.epochs * worked.workload.trials if way == "server" else 0
            moved = worked.plan.to_nodes + passes * IMAGENET.examples * costs.cached_bytes
            begins = worked.plan.wall - worked.job.trains
            rows.append(
                (what, f"{8 * nodes}", size_text(moved), time_text(begins), time_text(worked.plan.wall))
            )
    return ("", "GPUs and trials", "bytes to nodes", "beside training", "until all is stored"), rows
