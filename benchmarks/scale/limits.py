"""Up to where today's design holds: one driver, a record a trial, a trial on one GPU."""

from __future__ import annotations

from dataclasses import dataclass

from scale.costs import Costs
from scale.workload import COPIES, HOUR, IMAGE_BYTES, Fleet, Workload, driver_bytes, rates, storing_seconds

WEEK = 7 * 24 * HOUR
STATUS_SECONDS = 60.0  # that one is ready to wait for `status`
CIFAR_BYTES = 3 * 32 * 32


@dataclass(frozen=True)
class Limit:
    """``holds`` up to so much, in words and as a number of ``unit``; ``then`` is what has to come."""

    what: str
    holds: float
    unit: str
    then: str


def examples_in_driver(epochs: int, costs: Costs) -> float:
    """Examples whose records of so many epochs one driver can take: where `driver_bytes` fill its memory."""
    free = costs.driver_memory - costs.scoring_base_bytes - COPIES * costs.resnet50_bytes
    return free / (costs.held_bytes + COPIES * costs.sent_bytes * epochs)


def examples_in_a_week(epochs: int, fleet: Fleet, costs: Costs) -> float:
    """Examples that one GPU trains on and observes after each of so many epochs in a week."""
    training, evaluation = rates(fleet, costs)
    return WEEK / (epochs * (1 / training + 1 / evaluation))


def gpus_of_driver(workload: Workload, fleet: Fleet, costs: Costs) -> float:
    """GPUs whose trials keep one driver busy all the time."""
    training, evaluation = rates(fleet, costs)
    trial = workload.epochs * workload.examples / training + workload.observations / evaluation
    return trial / storing_seconds(workload, costs)


def gpus_of_server(costs: Costs) -> float:
    """GPUs at full speed on photos that one link serves anew at each use."""
    return costs.link_rate / (costs.cached_bytes * costs.training_rate)


def limits(workload: Workload, fleet: Fleet, costs: Costs) -> list[Limit]:
    """All of them, in examples first, for trials of as many epochs as the workload's."""
    a_third = costs.driver_memory / 3  # as data/memory.py has it
    tiny = costs.dispatch_seconds + costs.store_seconds
    return [
        Limit(
            "images of 224 pixels in the object store",
            a_third / IMAGE_BYTES,
            "images",
            "files",
        ),
        Limit(
            "the same of 32 pixels",
            a_third / CIFAR_BYTES,
            "images",
            "files",
        ),
        Limit(
            "a cache of photos on a node's disk",
            costs.node_disk / costs.cached_bytes,
            "photos",
            "runs over parts",
        ),
        Limit(
            f"a trial on one GPU in a week, {workload.epochs} epochs",
            examples_in_a_week(workload.epochs, fleet, costs),
            "examples",
            "your own loop on several GPUs; runs over parts",
        ),
        Limit(
            f"a record of {workload.epochs} epochs through one driver",
            examples_in_driver(workload.epochs, costs),
            "examples",
            "`--observe last`; runs over parts",
        ),
        Limit(
            "`compare` of two runs in one process",
            (costs.driver_memory - costs.comparing_base_bytes) / costs.comparing_bytes,
            "examples",
            "DuckDB; runs over parts",
        ),
        Limit(
            "`scores` in one process",
            (costs.driver_memory - costs.scoring_base_bytes) / costs.scoring_bytes,
            "examples",
            "the same",
        ),
        Limit(
            "photos read from one file server at each use",
            gpus_of_server(costs),
            "GPUs",
            "a cache on each node",
        ),
        Limit(
            "one driver that stores every record",
            gpus_of_driver(workload, fleet, costs),
            "GPUs",
            "several commands",
        ),
        Limit(
            f"tiny trials through one driver, {1000 * tiny:.1f} ms each",
            1 / tiny,
            "trials a second",
            "several commands",
        ),
        Limit(
            "`status` in a minute, without an index",
            STATUS_SECONDS / costs.trial_seconds,
            "trials",
            "several runs",
        ),
    ]


def fits_driver(workload: Workload, costs: Costs, commands: int = 1) -> bool:
    """Whether so many commands of such runs fit into the memory of the driver's machine."""
    return commands * driver_bytes(workload, costs) <= costs.driver_memory
