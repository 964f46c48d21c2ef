"""The rule of ``auto`` against the fastest choice that was measured: precision, trials at a time and threads.

Of each pair of a network and a size every way to train ten trials on this machine is timed: both precisions,
and all cores by one trial or shared out among several that really work at the same time. The ways take turns,
steps and evaluation batches of each, and their medians are compared: seconds per trial and example, trained
on and observed once. The rule is to be within 5 % of the fastest in all pairs but one.

    python benchmarks/speed/auto.py [--pairs 2] [--rounds 7] [--docs docs/results/auto.md]
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from easiness.inputs import IMAGE, Pack
from easiness.models import build_model
from easiness.runs import make_plan, resolve_plan, work_of
from easiness.spec import Execution, Training
from easiness.training import Network, network_facts, set_up

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import measured
from kit.rounds import OwnProcess, medians
from kit.science import options, publish

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
WITHIN = 1.05
COLUMNS = ("network and size", "rule (precision, trials at a time x threads)", "fastest", "times as long")
LOOK = 0.4  # seconds of steps in a turn
FLOPS_OF_A_STEP = 80e9  # of a thread, two seconds at the most


class Rehearsal:
    """Steps and evaluation batches of a workload, whose photos are cropped already."""

    def __init__(self, workload, resolved):
        self.batch, self.resolved = workload.batch, resolved
        recipe, signature = workload.recipe.over(1), workload.signature
        model = build_model(workload.model, signature, workload.num_classes)
        sizes = {"num_examples": workload.batch, "num_classes": workload.num_classes}
        self.network = Network(model, recipe, resolved, CPU, **sizes)
        self.num_observed = min(self.network.at_once(signature), 4 * workload.batch)
        channels, height, width = signature.shape
        num = max(workload.batch, self.num_observed)
        pixels = np.random.default_rng(0).integers(0, 256, (num, height, width, channels), np.uint8)
        self.bank = IMAGE.bank(
            Pack.of_array(pixels), recipe.model_copy(update={"crop": 0}), CPU, augment=True, sharers=1
        )
        self.positions = torch.arange(workload.batch)
        self.drawn = self.bank.draw(self.positions, torch.Generator().manual_seed(0))
        self.labels = torch.arange(workload.batch) % workload.num_classes

    def look(self):
        began = time.perf_counter()
        self.network.model.train()
        images = self.bank.finish(*self.bank.fetch(self.positions, self.drawn))
        self.network.step(images, self.labels)
        return time.perf_counter() - began

    def observe(self):
        began = time.perf_counter()
        self.network.model.eval()
        self.network.logits(self.bank.clean(slice(0, self.num_observed)))
        return time.perf_counter() - began


def work(turns):
    """A process that trains: makes ready the ways that it is told of, then takes its turns at them."""
    rehearsals = {}
    with set_up(CPU, torch.get_num_threads()):
        torch.manual_seed(0)
        while task := turns.begin():
            if isinstance(task, dict):
                workload, rehearsals = turns.connection.recv(), {}
                for way, settings in task.items():
                    torch.set_num_threads(settings.threads)
                    rehearsals[way] = Rehearsal(workload, settings)
                    rehearsals[way].look()  # the first step is not like the others
                    rehearsals[way].observe()
                turns.connection.send(None)
                continue
            rehearsal = rehearsals[task]
            torch.set_num_threads(rehearsal.resolved.threads)
            steps, began = [], time.perf_counter()
            while not steps or time.perf_counter() - began < LOOK:
                steps.append(rehearsal.look())
            step, observed = statistics.mean(steps), rehearsal.observe()
            turns.connection.send(step / rehearsal.batch + observed / rehearsal.num_observed)


def ask(processes, *told):
    for process in processes:
        for one in told:
            process.connection.send(one)
    return [process.connection.recv() for process in processes]


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
    plan, cores = plan_of(model, shape), torch.get_num_threads()
    resolved = resolve_plan(plan, CPU, Execution())
    workload = work_of(plan.request, plan.data, "cpu").workload
    ways = ways_of(resolved, cores)
    # batches of all ways are as large, or small ones would be compared with whole ones
    some = max(2, int(FLOPS_OF_A_STEP / max(network_facts(workload).flops, 1)))
    looked_at = replace(workload, batch=min(workload.batch, some))
    for jobs in sorted({way[1] for way in ways}, reverse=True):
        ask(processes[:jobs], {way: one for way, one in ways.items() if jobs <= way[1]}, looked_at)
    times = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            times[way].append(statistics.mean(ask(processes[: way[1]], way)) / way[1])
    return medians(times), (resolved.precision, resolved.jobs, resolved.threads)


def main():
    asked = options(__doc__, more={"--pairs": len(PAIRS), "--rounds": 7})
    made, rows, ratios = f"{measured()}, PyTorch {torch.__version__}", [], []
    with ExitStack() as stack:
        processes = [stack.enter_context(OwnProcess(work)) for _ in range(torch.get_num_threads())]
        for model, shape in PAIRS[: asked.pairs]:
            found, ours = measure(processes, model, shape, asked.rounds)
            fastest = min(found, key=found.get)
            ratios.append(found[ours] / found[fastest])
            size = " x ".join(map(str, shape))
            rows.append((f"{model}, {size}", text(ours), text(fastest), f"{ratios[-1]:.2f}"))
            each = ", ".join(f"{text(way)} {1e6 * one:.0f} us" for way, one in sorted(found.items()))
            print(" | ".join(rows[-1]), f"({each})", flush=True)
        for process in processes:
            process.result()
    near = sum(ratio <= WITHIN for ratio in ratios)
    print(
        f"within {WITHIN - 1:.0%} of the fastest in {near} of {len(ratios)}, at most {max(ratios):.2f} times"
    )
    publish(asked.docs, "auto", {"pairs": (COLUMNS, rows)}, made=made)


if __name__ == "__main__":
    main()
