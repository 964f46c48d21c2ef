"""The rule of ``auto`` against the fastest choice that was measured: precision, trials at a time and threads.

Of each pair of a network and a size every way to train ten trials on this machine is timed: both precisions,
and all cores by one trial or shared out among several that really work at the same time. The ways take turns,
steps and evaluation batches of each, and their medians are compared: seconds per trial and example, trained
on and observed once. The rule is to be within 5 % of the fastest in all pairs but one.

    python benchmarks/speed/auto.py [--pairs 2] [--rounds 7] [--docs docs/results/auto.md]
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from easiness.runs import make_plan, resolve_plan, work_of
from easiness.spec import Execution, Training
from easiness.training import network_facts

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit import machine
from kit.pages import head, write_page
from kit.rehearsal import Rehearsal, part_of, rehearsing
from kit.results import Report, command, parser

CPU = torch.device("cpu")
PAIRS = [
    ("mlp_3", (1, 8, 8)),
    ("wrn_16_1", (3, 32, 32)),
    ("mlp_2", (3, 32, 32)),
    ("mlp_3", (3, 32, 32)),
    ("wrn_10_1", (1, 8, 8)),
    ("wrn_10_1", (3, 32, 32)),
    ("wrn_16_1", (1, 8, 8)),
    ("wrn_16_4", (3, 32, 32)),
    ("densenet_bc_40_12", (3, 32, 32)),
    ("resnext_29_1x16d", (3, 32, 32)),
    ("resnet18", (3, 64, 64)),
    ("resnet18", (3, 112, 112)),
    ("mobilenet_v3_small", (3, 112, 112)),
    ("squeezenet1_1", (3, 112, 112)),
]
TRIALS, EPOCHS, EXAMPLES = 10, 100, 2000  # long enough for processes to pay
WITHIN, ALLOWED = 1.05, 1.10
LOOK = 0.4  # seconds of steps in a turn


def serve(connection):
    """A process that trains: makes ready the ways that it is told of, then takes its turns at them."""
    rehearsals = {}
    with rehearsing():
        while True:
            task, *told = connection.recv()
            if task == "end":
                return
            if task == "make ready":
                workload, ways = told
                rehearsals.clear()
                for way, settings in ways.items():
                    torch.set_num_threads(settings.threads)
                    rehearsals[way] = Rehearsal(workload, settings)
                    rehearsals[way].warm_up()
                    rehearsals[way].observe()
                connection.send(None)
                continue
            rehearsal = rehearsals[told[0]]
            torch.set_num_threads(rehearsal.resolved.threads)
            steps, began = [], time.perf_counter()
            while not steps or time.perf_counter() - began < LOOK:
                steps.append(rehearsal.look())
            step, observed = statistics.mean(steps), rehearsal.observe()
            connection.send(step / rehearsal.batch + observed / rehearsal.num_observed)


class Processes:
    """As many as there are cores; some of them work at the same time."""

    def __init__(self, num):
        context = multiprocessing.get_context("spawn")
        self.ends = []
        for _ in range(num):
            ours, theirs = context.Pipe()
            context.Process(target=serve, args=(theirs,), daemon=True).start()
            self.ends.append(ours)

    def ask(self, num, *told):
        for end in self.ends[:num]:
            end.send(told)
        return [end.recv() for end in self.ends[:num]]

    def close(self):
        for end in self.ends:
            end.send(("end",))


def plan_of(model, shape):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (EXAMPLES, *shape), dtype=np.uint8).transpose(0, 2, 3, 1)
    data = (np.ascontiguousarray(images[..., 0] if shape[0] == 1 else images), np.arange(EXAMPLES) % 10)
    return make_plan(data, Training(model=model, epochs=EPOCHS, recipe="short"), TRIALS)


def ways_of(resolved, cores):
    """Every way by (precision, trials at a time, threads of each); the rule's own among them."""
    ways = {}
    for precision in ("float32", "bfloat16"):
        for jobs in sorted({1, cores, max(1, cores // 2)}):
            ways[precision, jobs, max(1, cores // jobs)] = None
    ways[resolved.precision, resolved.jobs, resolved.threads] = None
    return {
        way: resolved.model_copy(update=dict(zip(("precision", "jobs", "threads"), way, strict=True)))
        for way in ways
    }


def text(way):
    precision, jobs, threads = way
    return f"{precision}, {jobs} x {threads} thread{'s' if threads > 1 else ''}"


def measure(processes, model, shape, rounds):
    """Median seconds per trial and example of each way, and the way of the rule."""
    plan, cores = plan_of(model, shape), torch.get_num_threads()
    resolved = resolve_plan(plan, CPU, Execution())
    workload = work_of(plan.asked, plan.data, "cpu").workload
    ways = ways_of(resolved, cores)
    # batches of all ways are as large, or small ones would be compared with whole ones
    looked_at = part_of(workload, network_facts(workload))
    for jobs in sorted({way[1] for way in ways}, reverse=True):
        its_ways = {way: one for way, one in ways.items() if jobs <= way[1]}
        processes.ask(jobs, "make ready", looked_at, its_ways)
    times = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            at_once = processes.ask(way[1], "work", way)
            times[way].append(statistics.mean(at_once) / way[1])
    return {way: statistics.median(found) for way, found in times.items()}, (
        resolved.precision,
        resolved.jobs,
        resolved.threads,
    )


COLUMNS = ("network and size", "rule (precision, trials at a time x threads)", "fastest", "times as long")


def row_of(model, shape, medians, ours):
    fastest = min(medians, key=medians.get)
    ratio = medians[ours] / medians[fastest]
    size = " x ".join(map(str, shape))
    return ratio, (f"{model}, {size}", text(ours), text(fastest), f"{ratio:.2f}")


def page(rows, ratios, shown, made):
    """The page of docs/results and its whole table."""
    near = sum(ratio <= WITHIN for ratio in ratios)
    text = f"""\
{head("What `auto` chooses, against the fastest", shown, made)}
`auto` chooses precision and cores by a [rule](../running.md#what-auto-chooses). Is it the fastest choice? For
{len(ratios)} pairs of network and size every way to train ten trials was timed in turn: both precisions,
and the cores for one trial or shared out among several at a time. What counts are median seconds per trial
and example, trained on and observed once.

The rule is within {WITHIN - 1:.0%} of the fastest in {near} of {len(ratios)} pairs, and takes at most
{max(ratios):.2f} times as long.

One processor was measured, and no GPU.
"""
    return text, {"pairs": (COLUMNS, rows)}


def main():
    made = parser(__doc__)
    made.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of them, the first ones")
    made.add_argument("--rounds", type=int, default=7)
    made.add_argument("--docs", type=Path, help="write the page here")
    options = made.parse_args()
    report = Report("`auto` against the fastest choice", command(made, options))
    processes = Processes(torch.get_num_threads())
    rows, ratios = [], []
    for model, shape in PAIRS[: options.pairs]:
        began = time.perf_counter()
        medians, ours = measure(processes, model, shape, options.rounds)
        ratio, row = row_of(model, shape, medians, ours)
        rows.append(row)
        ratios.append(ratio)
        each = ", ".join(f"{text(way)} {1e6 * found:.0f} us" for way, found in sorted(medians.items()))
        print(" | ".join(row), f"({time.perf_counter() - began:.0f} s: {each})", flush=True)
        if options.docs is not None:
            made = f"{machine.measured()}, PyTorch {torch.__version__}"
            write_page(options.docs, *page(rows, ratios, report.command, made))
    processes.close()
    report.table(COLUMNS, rows)
    near = sum(ratio <= WITHIN for ratio in ratios)
    report.goal(
        "auto-rule",
        f"The rule of `auto` within {WITHIN - 1:.0%} of the fastest choice, never beyond {ALLOWED - 1:.0%}",
        f"{len(ratios) - 1} of {len(ratios)}",
        f"{near} of {len(ratios)}, at most {max(ratios):.2f} times as long",
        near >= len(ratios) - 1 and max(ratios) <= ALLOWED,
    )
    report.write(options.json)


if __name__ == "__main__":
    main()
