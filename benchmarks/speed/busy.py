"""Training beside a busy process: how much of its fair share of the cores it uses, and what quiet costs.

Trials are trained and stored as by the command, two a turn: one after the other on all cores, and both at a
time (`jobs=2`) with half of the cores each; once with OMP_WAIT_POLICY unset, as torch alone has it, and once
passive, as the command sets it. Each of these four ways is a process of its own, which idles while it is not
its turn. Their turns are interleaved, first on the quiet machine, then beside processes that compute all the
time, as nice as they are and of the same session (schedulers may divide cores among sessions first).

The fair share: a scheduler gives all threads that want to run equal parts of the C cores, and none more than
one. Beside P busy processes, T threads of training have T min(1, C / (T + P)) cores, where alone they have
min(T, C): with two of each beside one process 4/3 instead of 2, and a turn that lasts 3/2 times as long uses
all of it. The share that is used is the speed beside the busy processes over that on the quiet machine, a
ratio of medians, in parts of the fair one: more than 100 % says that training got more than is fair.

    python benchmarks/speed/busy.py [--model wrn_16_1] [--examples 256] [--rounds 8] [--busy 1]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from easiness.executors import ProcessesExecutor
from easiness.runs.carrying_out import carry_out
from easiness.runs.execution import Workers
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Resolved, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin, pictures
from kit.rounds import OwnProcess, medians

POLICY = "OMP_WAIT_POLICY"
JOBS = 2
TRIALS = 2  # of a turn
SHARE_GOAL, LOSS_GOAL = 0.8, 0.02
SELDOM = 3  # turns of the slow policy beside busy processes: one in so many rounds
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclass(frozen=True)
class Way:
    """A way to train: trials at a time, and whether threads sleep while they wait."""

    jobs: int
    passive: bool

    @property
    def threads(self):
        return max(1, CORES // self.jobs)

    @property
    def name(self):
        at_a_time = "one trial" if self.jobs == 1 else f"{self.jobs} trials"
        return f"{at_a_time} at a time, of {self.threads} thread{'s' * (self.threads > 1)}"

    def fair(self, num_busy):
        """Cores that its threads should have beside so many busy processes."""
        threads = self.jobs * self.threads
        return threads * min(1, CORES / (threads + num_busy))


WAYS = [Way(jobs, passive) for jobs in (1, JOBS) for passive in (True, False)]


def spinning(jobs):
    """Workers as they would be without the program's own care: these wait passively whatever others do."""
    return ProcessesExecutor(jobs, environment={})


def work(turns, way, options, folder):
    """In a process of its own: trains the next trials of one run when it is its turn."""
    data = pictures(None, options.examples)
    plan = make_plan(data, Training(model=options.model, epochs=1, precision="float32"), TRIALS)
    resolved = Resolved(precision="float32", channels_last=True, threads=way.threads, jobs=way.jobs)
    several = "processes" if way.passive else f"{Path(__file__).stem}:spinning"
    warnings.filterwarnings("ignore", message=f"torch was loaded with {POLICY} unset")  # that is the point
    execution = Execution(device="cpu", executor="serial" if way.jobs == 1 else several, jobs=way.jobs)
    with closing(Workers(execution)) as workers:

        def train():
            nonlocal plan
            carry_out(plan, folder, execution, resolved=resolved, workers=workers)
            plan = plan.of(plan.trials + TRIALS)

        turns.take_all(train)


def started(way, options, folder):
    with mock.patch.dict(os.environ):
        for name in (POLICY, "OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
            os.environ.pop(name, None)
        if way.passive:
            os.environ[POLICY] = "passive"
        return OwnProcess(work, way, options, folder)


@contextmanager
def beside_busy(num):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(num)]
    try:
        time.sleep(0.2)  # until they have started
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measure(processes, options):
    quiet, busy = ({way: [] for way in WAYS} for _ in range(2))
    for number in range(options.rounds):
        ways = WAYS if number % 2 else WAYS[::-1]  # none has always the same before it
        for way in ways:
            quiet[way].append(processes[way].seconds())
        with beside_busy(options.busy):
            for way in ways:
                if way.passive or number % SELDOM == 0:
                    busy[way].append(processes[way].seconds())
    return medians(quiet), medians(busy)


def main():
    options, report = begin(__doc__, "A busy machine", model="wrn_16_1", examples=256, rounds=8, busy=1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        processes = {}
        for at, way in enumerate(WAYS):
            processes[way] = stack.enter_context(started(way, options, Path(folder, str(at))))
            processes[way].seconds()  # workers start, kernels and caches get warm
        quiet, busy = measure(processes, options)
        for process in processes.values():
            process.result()
    shares = {way: quiet[way] / busy[way] * min(CORES, way.jobs * way.threads) for way in WAYS}
    shares = {way: cores / way.fair(options.busy) for way, cores in shares.items()}
    beside = "a busy process" if options.busy == 1 else f"{options.busy} busy processes"
    report.whole(
        "busy",
        (POLICY, "way", "quiet", f"beside {beside}", "times as long", "fair share, cores", "of it used"),
        [
            (
                "passive" if way.passive else "unset",
                way.name,
                f"{quiet[way]:.2f} s",
                f"{busy[way]:.2f} s",
                f"{busy[way] / quiet[way]:.2f}",
                f"{way.fair(options.busy):.2f}",
                f"{100 * shares[way]:.0f} %",
            )
            for way in WAYS
        ],
    )
    for key, jobs, what in (("busy-one", 1, "one trial on all cores"), ("busy-two", JOBS, "two at a time")):
        share = shares[Way(jobs, passive=True)]
        report.goal(
            key,
            f"{options.model} beside {beside}, {what}: of the fair share of the cores",
            f"at least {100 * SHARE_GOAL:.0f} %",
            f"{100 * share:.0f} % ({100 * shares[Way(jobs, passive=False)]:.0f} % with {POLICY} unset)",
            share >= SHARE_GOAL,
        )
    lost = [quiet[Way(jobs, True)] / quiet[Way(jobs, False)] - 1 for jobs in (1, JOBS)]
    report.goal(
        "busy-quiet",
        f"{options.model} on a quiet machine: passive threads over those that spin",
        f"at most {100 * LOSS_GOAL:.0f} % slower",
        " and ".join(f"{100 * one:+.1f} %" for one in lost) + " (one trial at a time, two)",
        max(lost) <= LOSS_GOAL,
    )
    report.write(options.json)


if __name__ == "__main__":
    main()
