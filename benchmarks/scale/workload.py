"""What is to be measured, on which machines, and what each trial of it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from scale.costs import Costs

HOUR = 3600.0
CHECKPOINT_BYTES = 20  # an example and epoch observed, as a checkpoint keeps them
LEAST_SECONDS, SHARE_OF_TIME = 120.0, 0.02  # of checkpoints, as runs/checkpoints.py has them
IMAGE_BYTES = 3 * 224 * 224  # of one size, as the object store holds them
COPIES = 3  # of a record on the driver's machine: in the object store, as bytes, and as arrays


@dataclass(frozen=True)
class Workload:
    """``runs`` over data of their own, each of ``trials`` over ``examples``, observed after every epoch.

    ``observed`` says after how many epochs where that is not all; ``held_out`` are observed as well.
    """

    runs: int
    examples: int
    trials: int
    epochs: int
    held_out: int = 0
    observed: int = 0

    @property
    def rows(self) -> int:
        """Epochs observed."""
        return self.observed or self.epochs

    @property
    def observations(self) -> int:
        """Of one trial."""
        return self.rows * (self.examples + self.held_out)


@dataclass(frozen=True)
class Fleet:
    """``nodes`` that train, and one machine of the same kind with ``commands`` at a time that drive them.

    A node gets the photos by ``way``: ``node``, it loads the source and makes its own cache; ``server``, it
    reads the run's cache on a file server at each use; ``store``, it takes images of one size from the
    driver's object store, once. Checkpoints need a file server in any case.
    """

    nodes: int
    gpus: int
    commands: int = 1
    way: Literal["node", "server", "store"] = "node"
    checkpoints: bool = True

    @property
    def num_gpus(self) -> int:
        return self.nodes * self.gpus


@dataclass(frozen=True)
class Job:
    """What driver, nodes and links have to do; seconds, and bytes.

    A trial ``fetches`` the photos of its run where its node has none yet, from the driver's machine if that
    ``serves`` them, ``decodes`` them there, trains in ``segments`` of ``segment`` s, each ending in a
    checkpoint, and ``sends`` its record, which takes the driver ``stores`` s. Before a run its driver
    ``prepares``.
    """

    runs: int
    trials: int
    prepares: float
    fetches: float
    decodes: float
    segments: int
    segment: float
    sends: float
    stores: float
    serves: bool = False

    @property
    def trains(self) -> float:
        """Seconds of training, observation and checkpoints of a trial that nothing happens to."""
        return self.segments * self.segment

    def but(self, **changes: float) -> Job:
        return replace(self, **changes)  # type: ignore[arg-type]


def rates(fleet: Fleet, costs: Costs) -> tuple[float, float]:
    """Photos a second that a GPU trains on and evaluates: the least of GPU, cores and file server."""
    served = costs.link_rate / (fleet.gpus * costs.cached_bytes) if fleet.way == "server" else math.inf
    cores = costs.cores_of_gpu
    return (
        min(costs.training_rate, cores * costs.crops_rate, served),
        min(costs.evaluation_rate, cores * costs.centres_rate, served),
    )


def epoch_seconds(workload: Workload, fleet: Fleet, costs: Costs) -> float:
    """The mean over epochs, observed or not."""
    training, evaluation = rates(fleet, costs)
    return workload.examples / training + workload.observations / workload.epochs / evaluation


def checkpoint_bytes(workload: Workload, costs: Costs, share: float = 1.0) -> float:
    """Of a trial that has come so far: weights, their moments, and what was observed."""
    return 2 * costs.resnet50_bytes + CHECKPOINT_BYTES * share * workload.observations


def segments(workload: Workload, fleet: Fleet, costs: Costs) -> tuple[int, float]:
    """How many parts a trial has that each end in a checkpoint, and the seconds of one."""
    epoch = epoch_seconds(workload, fleet, costs)
    if not fleet.checkpoints:
        return 1, workload.epochs * epoch
    one = checkpoint_bytes(workload, costs, 0.5) / costs.checkpoint_rate
    epochs = math.ceil(max(LEAST_SECONDS, one / SHARE_OF_TIME) / epoch)
    num = max(1, workload.epochs // epochs)
    # none is written after the last epoch
    return num, workload.epochs * epoch / num + one * (num - 1) / num


def job_of(workload: Workload, fleet: Fleet, costs: Costs) -> Job:
    """The work of a workload on photos."""
    photos = workload.examples + workload.held_out
    cores = fleet.gpus * costs.cores_of_gpu
    num, seconds = segments(workload, fleet, costs)
    sends = costs.sent_bytes * workload.observations + costs.resnet50_bytes
    packing = costs.packing_seconds * workload.observations
    return Job(
        runs=workload.runs,
        trials=workload.trials,
        prepares=photos * max(costs.decoding_seconds / cores, costs.source_bytes / costs.link_rate),
        fetches=photos * {"node": costs.source_bytes, "server": 0.0, "store": IMAGE_BYTES}[fleet.way],
        decodes=photos * costs.decoding_seconds / cores if fleet.way == "node" else 0.0,
        segments=num,
        segment=seconds + packing / num,
        sends=sends,
        stores=storing_seconds(workload, costs),
        serves=fleet.way == "store",
    )


def storing_seconds(workload: Workload, costs: Costs) -> float:
    """Of the driver, for a trial."""
    an_observation = costs.unpacking_seconds + costs.writing_seconds
    return costs.dispatch_seconds + costs.store_seconds + an_observation * workload.observations


def driver_bytes(workload: Workload, costs: Costs) -> float:
    """Memory of one command at its most: examples, and a record in hand."""
    record = COPIES * (costs.sent_bytes * workload.observations + costs.resnet50_bytes)
    return costs.scoring_base_bytes + costs.held_bytes * (workload.examples + workload.held_out) + record


def stored_bytes(workload: Workload, costs: Costs) -> float:
    """Of all records and weights."""
    a_trial = costs.record_bytes * workload.observations + costs.resnet50_bytes
    return workload.runs * workload.trials * a_trial


def logits_bytes(workload: Workload, costs: Costs, classes: int) -> float:
    """Beside these, with ``--keep-logits``."""
    return workload.runs * workload.trials * workload.observations * classes * costs.logit_bytes
