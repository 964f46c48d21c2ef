"""What the page is about: ImageNet-1k and a billion photos, worked out and simulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import mean

from scale.costs import Costs, read_costs
from scale.plan import plan_of
from scale.simulate import simulate
from scale.words import number
from scale.workload import HOUR, Fleet, Workload, job_of

SIMULATIONS = 50  # of one run; of a thousand runs one, which has as many trials

IMAGENET = Workload(runs=1, examples=1_281_167, trials=10, epochs=20, held_out=50_000)
BILLION = Workload(runs=1000, examples=1_000_000, trials=10, epochs=20, held_out=50_000)
TWO_NODES = Fleet(nodes=2, gpus=8)
MANY_NODES = Fleet(nodes=32, gpus=8, commands=30)  # 300 trials in hand: no GPU waits for a run to begin


@dataclass(frozen=True, eq=False)
class Worked:
    """A workload on a fleet: the plan, and the mean of simulations."""

    workload: Workload
    fleet: Fleet
    costs: Costs

    @property
    def job(self):
        return job_of(self.workload, self.fleet, self.costs)

    @property
    def plan(self):
        return plan_of(self.job, self.fleet, self.costs)

    @cached_property
    def simulated(self):
        seeds = range(SIMULATIONS if self.workload.runs == 1 else 1)
        return [simulate(self.job, self.fleet, self.costs, seed) for seed in seeds]

    def mean(self, name):
        """Of what the simulations found."""
        return mean(getattr(one, name) for one in self.simulated)

    def gpu_hours(self):
        """With the speed of GPUs as assumed, and its range, the fastest first."""
        ends = (read_costs("high"), read_costs("low"))
        both = [
            self.costs.but(training_rate=end.training_rate, evaluation_rate=end.evaluation_rate)
            for end in ends
        ]
        few, many = (Worked(self.workload, self.fleet, one).plan.gpu / HOUR for one in both)
        return f"{number(self.plan.gpu / HOUR)} ({number(few)} to {number(many)})"


def observations(workload):
    return workload.runs * workload.trials * workload.observations
