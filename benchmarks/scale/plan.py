"""The plan in closed form: hours, bytes and the driver's share of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scale.costs import Costs
from scale.workload import HOUR, Fleet, Job


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

    @property
    def driver_share(self) -> float:
        """Of one core, over the whole time."""
        return self.driver / self.wall


def expected_seconds(segments: int, segment: float, losses: float) -> float:
    """Of segments each of which begins anew where its node is lost, at so many losses a second.

    A segment of s seconds under losses at rate r takes (exp(r s) - 1) / r.
    """
    return segments * (math.expm1(losses * segment) / losses if losses else segment)


def plan_of(job: Job, fleet: Fleet, costs: Costs) -> Plan:
    """What a job takes on a fleet whose GPUs have a trial to go on with as long as any is left."""
    losses = costs.node_losses / HOUR
    num = job.runs * job.trials
    rounds = math.ceil(num / fleet.num_gpus)
    nodes = min(fleet.nodes, math.ceil(job.trials / fleet.gpus))
    begins = seconds_to_begin(job, fleet, costs, nodes)
    # photos stay on a node while trials of the run follow one another there
    times = rounds if job.runs > 1 else 1
    trains = expected_seconds(job.segments, job.segment, losses)
    gpu = min(num, times * fleet.num_gpus) * begins + num * trains
    away = 1 + losses * costs.repair_seconds  # of the time of a node, over what it is there
    in_rounds = times * begins + rounds * job.trains + late(job, fleet, costs, begins)
    trained = max(in_rounds, gpu * away / fleet.num_gpus)
    stored = max(trained + last_stored(job, fleet, costs), driver_bound(job, fleet, costs, begins))
    return Plan(
        wall=job.prepares + stored,
        gpu=gpu,
        driver=num * job.stores,
        to_driver=num * job.sends,
        to_nodes=job.runs * nodes * job.fetches,
        to_nodes_most=job.runs * (nodes if job.runs == 1 else min(fleet.nodes, job.trials)) * job.fetches,
    )


def late(job: Job, fleet: Fleet, costs: Costs, begins: float) -> float:
    """What losses add to the last round, which nothing follows that could fill in.

    On average half a segment is trained again, once the photos are there. Where the other nodes have not
    enough GPUs for all trials of the round it waits for the node.
    """
    num = (job.runs * job.trials - 1) % fleet.num_gpus + 1
    nodes = math.ceil(num / fleet.gpus)
    some = -math.expm1(-costs.node_losses / HOUR * nodes * job.trains)
    waits = costs.repair_seconds if num > fleet.num_gpus - fleet.gpus else 0.0
    return some * (job.segment / 2 + begins + waits)


def last_stored(job: Job, fleet: Fleet, costs: Costs) -> float:
    """Until the trials of a run that end together at its end are stored, one behind the other."""
    at_once = min(job.trials, (job.runs * job.trials) % fleet.num_gpus or fleet.num_gpus)
    first, others = sorted((job.stores, job.sends / costs.link_rate))
    return first + at_once * others


def driver_bound(job: Job, fleet: Fleet, costs: Costs, begins: float) -> float:
    """From the first trial on, where records come faster than they are sent or stored."""
    num, cores = job.runs * job.trials, min(fleet.commands, job.runs)
    return begins + job.trains + max(num * job.stores / cores, num * job.sends / costs.link_rate)


def seconds_to_begin(job: Job, fleet: Fleet, costs: Costs, nodes: int) -> float:
    """Until a trial has its photos; those of several runs, or nodes, come one after the other."""
    fetch = job.fetches / costs.link_rate
    if job.serves:
        return fetch * nodes
    return (fetch + job.decodes) * min(job.runs, 1 + (fleet.gpus - 1) / job.trials)
