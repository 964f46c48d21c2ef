"""The plan for a fleet in closed form: what a trial costs each machine, the hours, and where the design ends.

Costs come from measured.json (`measure.py` writes it) and from assumed.toml.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

MEASURED = Path(__file__).with_name("measured.json")
ASSUMED = Path(__file__).with_name("assumed.toml")
ENDS = ("low", "value", "high")
HOUR = 3600.0
WEEK = 7 * 24 * HOUR
CHECKPOINT_BYTES = 20  # an example and epoch observed, as a checkpoint keeps them
LEAST_SECONDS, SHARE_OF_TIME = 120.0, 0.02  # of checkpoints, as runs/checkpoints.py has them
IMAGE_BYTES = 3 * 224 * 224  # of one size, as the object store holds them
COPIES = 3  # of a record on the driver's machine: in the object store, as bytes, and as arrays
CIFAR_BYTES = 3 * 32 * 32


@dataclass(frozen=True)
class Costs:
    """Numbers by their names, as attributes; units are in the files that they come from."""

    values: Mapping[str, float]

    def __getattr__(self, name: str) -> float:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def but(self, **changes: float) -> Costs:
        unknown = changes.keys() - self.values.keys()
        if unknown:
            raise KeyError(f"no costs: {', '.join(sorted(unknown))}")
        return Costs({**self.values, **changes})


def read_measured() -> dict[str, dict[str, str | float]]:
    """Each with ``value``, ``what``, ``command``, ``measured``."""
    return json.loads(MEASURED.read_text("utf-8"))


def read_assumed() -> dict[str, dict[str, str | float]]:
    """Each with ``value``, ``low``, ``high``, ``what``, ``source``, ``instead``."""
    return tomllib.loads(ASSUMED.read_text("utf-8"))


def read_costs(end: str = "value") -> Costs:
    measured = {name: float(one["value"]) for name, one in read_measured().items()}
    assumed = {name: float(one[end]) for name, one in read_assumed().items()}
    assert not measured.keys() & assumed.keys()
    return Costs({**measured, **assumed})


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
    def photos(self) -> int:
        return self.examples + self.held_out

    @property
    def rows(self) -> int:
        return self.observed or self.epochs

    @property
    def observations(self) -> int:
        return self.rows * self.photos


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
    """Work of driver, nodes and links, in seconds and bytes.

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


def rates(fleet: Fleet, costs: Costs) -> tuple[float, float]:
    """Photos a second that a GPU trains on and evaluates: the least of GPU, cores and file server."""
    served = costs.link_rate / (fleet.gpus * costs.cached_bytes) if fleet.way == "server" else math.inf
    cores = costs.cores_of_gpu
    return (
        min(costs.training_rate, cores * costs.crops_rate, served),
        min(costs.evaluation_rate, cores * costs.centres_rate, served),
    )


def segments(workload: Workload, fleet: Fleet, costs: Costs) -> tuple[int, float]:
    """How many parts a trial has that each end in a checkpoint, and the seconds of one."""
    training, evaluation = rates(fleet, costs)
    trains = workload.epochs * workload.examples / training + workload.observations / evaluation
    if not fleet.checkpoints:
        return 1, trains
    # weights, their moments, and half of what will be observed
    checkpoint = 2 * costs.resnet50_bytes + CHECKPOINT_BYTES * workload.observations / 2
    one = checkpoint / costs.checkpoint_rate
    epochs = math.ceil(max(LEAST_SECONDS, one / SHARE_OF_TIME) / (trains / workload.epochs))
    num = max(1, workload.epochs // epochs)
    return num, trains / num + one * (num - 1) / num  # none is written after the last epoch


def job_of(workload: Workload, fleet: Fleet, costs: Costs) -> Job:
    photos = workload.photos
    decodes = photos * costs.decoding_seconds / (fleet.gpus * costs.cores_of_gpu)
    num, seconds = segments(workload, fleet, costs)
    return Job(
        runs=workload.runs,
        trials=workload.trials,
        prepares=max(decodes, photos * costs.source_bytes / costs.link_rate),
        fetches=photos * {"node": costs.source_bytes, "server": 0.0, "store": IMAGE_BYTES}[fleet.way],
        decodes=decodes if fleet.way == "node" else 0.0,
        segments=num,
        segment=seconds + costs.packing_seconds * workload.observations / num,
        sends=costs.sent_bytes * workload.observations + costs.resnet50_bytes,
        stores=storing_seconds(workload, costs),
        serves=fleet.way == "store",
    )


def storing_seconds(workload: Workload, costs: Costs) -> float:
    an_observation = costs.unpacking_seconds + costs.writing_seconds
    return costs.dispatch_seconds + costs.store_seconds + an_observation * workload.observations


def driver_bytes(workload: Workload, costs: Costs) -> float:
    """Memory of one command at its most: examples, and a record in hand."""
    record = COPIES * (costs.sent_bytes * workload.observations + costs.resnet50_bytes)
    return costs.scoring_base_bytes + costs.held_bytes * workload.photos + record


def fits_driver(workload: Workload, costs: Costs, commands: int = 1) -> bool:
    return commands * driver_bytes(workload, costs) <= costs.driver_memory


@dataclass(frozen=True)
class Plan:
    """Seconds and bytes of a job: ``wall`` until all is stored, ``gpu`` that GPUs are taken for.

    ``driver`` is the processor time of all drivers together and ``to_driver`` the bytes of records; photos
    to nodes are at least ``to_nodes`` and at most ``to_nodes_most`` bytes, as few or as many nodes share the
    trials of a run. Fetches after a loss are not in them.
    """

    wall: float
    gpu: float
    driver: float
    to_driver: float
    to_nodes: float
    to_nodes_most: float


def expected_seconds(segments: int, segment: float, losses: float) -> float:
    """Seconds of segments that each begin anew where their node is lost, at so many losses a second.

    A segment of s seconds under losses at rate r takes (exp(r s) - 1) / r.
    """
    return segments * (math.expm1(losses * segment) / losses if losses else segment)


def plan_of(job: Job, fleet: Fleet, costs: Costs) -> Plan:
    """Plan of a job on a fleet whose GPUs have a trial to go on with as long as any is left."""
    losses, link = costs.node_losses / HOUR, costs.link_rate
    num = job.runs * job.trials
    rounds = math.ceil(num / fleet.num_gpus)
    nodes = min(fleet.nodes, math.ceil(job.trials / fleet.gpus))
    # until a trial has its photos; those of several runs, or nodes, come one after the other
    begins = job.fetches / link * nodes
    if not job.serves:
        begins = (job.fetches / link + job.decodes) * min(job.runs, 1 + (fleet.gpus - 1) / job.trials)
    # photos stay on a node while trials of the run follow one another there
    times = rounds if job.runs > 1 else 1
    trains = expected_seconds(job.segments, job.segment, losses)
    gpu = min(num, times * fleet.num_gpus) * begins + num * trains
    away = 1 + losses * costs.repair_seconds  # of the time of a node, over what it is there
    in_rounds = times * begins + rounds * job.trains + late(job, fleet, costs, begins)
    trained = max(in_rounds, gpu * away / fleet.num_gpus)
    # until the trials that end together at the end are stored, one behind the other
    at_once = min(job.trials, num % fleet.num_gpus or fleet.num_gpus)
    first, others = sorted((job.stores, job.sends / link))
    # from the first trial on, where records come faster than they are sent or stored
    slowest = num * max(job.stores / min(fleet.commands, job.runs), job.sends / link)
    stored = max(trained + first + at_once * others, begins + job.trains + slowest)
    return Plan(
        wall=job.prepares + stored,
        gpu=gpu,
        driver=num * job.stores,
        to_driver=num * job.sends,
        to_nodes=job.runs * nodes * job.fetches,
        to_nodes_most=job.runs * (nodes if job.runs == 1 else min(fleet.nodes, job.trials)) * job.fetches,
    )


def late(job: Job, fleet: Fleet, costs: Costs, begins: float) -> float:
    """Seconds that losses add to the last round, which nothing follows that could fill in.

    On average half a segment is trained again, once the photos are there. Where the other nodes have not
    enough GPUs for all trials of the round it waits for the node.
    """
    num = (job.runs * job.trials - 1) % fleet.num_gpus + 1
    nodes = math.ceil(num / fleet.gpus)
    some = -math.expm1(-costs.node_losses / HOUR * nodes * job.trains)
    waits = costs.repair_seconds if num > fleet.num_gpus - fleet.gpus else 0.0
    return some * (job.segment / 2 + begins + waits)


def examples_in_driver(epochs: int, costs: Costs) -> float:
    """Examples whose records of so many epochs one driver can take: where `driver_bytes` fill its memory."""
    free = costs.driver_memory - costs.scoring_base_bytes - COPIES * costs.resnet50_bytes
    return free / (costs.held_bytes + COPIES * costs.sent_bytes * epochs)


def examples_in_a_week(epochs: int, fleet: Fleet, costs: Costs) -> float:
    training, evaluation = rates(fleet, costs)
    return WEEK / (epochs * (1 / training + 1 / evaluation))


def gpus_of_driver(workload: Workload, fleet: Fleet, costs: Costs) -> float:
    training, evaluation = rates(fleet, costs)
    trial = workload.epochs * workload.examples / training + workload.observations / evaluation
    return trial / storing_seconds(workload, costs)


class Limit(NamedTuple):
    """``holds`` up to so much, in words and as a number of ``unit``; ``then`` is what has to come."""

    what: str
    holds: float
    unit: str
    then: str


def limits(workload: Workload, fleet: Fleet, costs: Costs) -> list[Limit]:
    """All of them, in examples first, for trials of as many epochs as the workload's."""
    memory, epochs = costs.driver_memory, workload.epochs
    a_third = memory / 3  # as data/memory.py has it
    a_week = examples_in_a_week(epochs, fleet, costs)
    comparing = (memory - costs.comparing_base_bytes) / costs.comparing_bytes
    scoring = (memory - costs.scoring_base_bytes) / costs.scoring_bytes
    served = costs.link_rate / (costs.cached_bytes * costs.training_rate)
    driven = gpus_of_driver(workload, fleet, costs)
    tiny = costs.dispatch_seconds + costs.store_seconds
    tiny_trials = f"tiny trials through one driver, {1000 * tiny:.1f} ms each"
    parts, loop = "runs over parts", "your own loop on several GPUs"
    last, ducks = f"`--observe last`; {parts}", f"DuckDB; {parts}"
    through = f"a record of {epochs} epochs through one driver"
    found = [
        ("images of 224 pixels in the object store", a_third / IMAGE_BYTES, "images", "files"),
        ("the same of 32 pixels", a_third / CIFAR_BYTES, "images", "files"),
        ("a cache of photos on a node's disk", costs.node_disk / costs.cached_bytes, "photos", parts),
        (f"a trial on one GPU in a week, {epochs} epochs", a_week, "examples", f"{loop}; {parts}"),
        (through, examples_in_driver(epochs, costs), "examples", last),
        ("`compare` of two runs in one process", comparing, "examples", ducks),
        ("`scores` in one process", scoring, "examples", "the same"),
        ("photos read from one file server at each use", served, "GPUs", "a cache on each node"),
        ("one driver that stores every record", driven, "GPUs", "several commands"),
        (tiny_trials, 1 / tiny, "trials a second", "several commands"),
    ]
    return [Limit(*one) for one in found]
