"""Driver, nodes and links as they work through a job, event by event: what the plan is checked against."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scale.model import HOUR, Costs, Fleet, Job

TRIES = 4  # of a trial whose node is lost, as executors/ray.py has it


@dataclass
class Server:
    free_at: float = 0.0

    def serve(self, now: float, seconds: float) -> float:
        self.free_at = max(self.free_at, now) + seconds
        return self.free_at


@dataclass(eq=False)
class Command:
    """One driver with its run; ``left`` trials are not stored yet."""

    left: int
    core: Server = field(default_factory=Server)


@dataclass(eq=False)
class Trial:
    run: Command
    left: int
    tries: int = 0
    began: float = 0.0
    taken_at: float = 0.0


@dataclass(eq=False)
class Node:
    """A machine with GPUs: ``free`` ones, what is in hand, and when the photos of a run are there."""

    free: int
    link: Server = field(default_factory=Server)
    cores: Server = field(default_factory=Server)
    in_hand: list[Trial] = field(default_factory=list)
    photos_at: dict[Command, float] = field(default_factory=dict)
    up: bool = True


@dataclass
class Found:
    """Outcome in seconds and bytes; ``given_up`` trials were lost too often."""

    wall: float = 0.0
    gpu: float = 0.0
    driver: float = 0.0
    to_driver: float = 0.0
    to_nodes: float = 0.0
    losses: int = 0
    given_up: int = 0
    waiting: int = 0  # records at the driver's machine that are not stored yet, at the most


def random_losses(nodes: int, rate: float, seed: int) -> Iterable[tuple[float, int]]:
    """Times and nodes without end, each node lost so many times a second on average."""
    draw, now = random.Random(seed), 0.0
    while rate:
        now += draw.expovariate(rate * nodes)
        yield now, draw.randrange(nodes)


def simulate(
    job: Job,
    fleet: Fleet,
    costs: Costs,
    seed: int = 0,
    losses: Iterable[tuple[float, int]] | None = None,
) -> Found:
    """One course of a job until every trial is stored or given up, the same for the same seed.

    ``losses`` are times and numbers of nodes, drawn by the seed unless given.
    """
    found = Found()
    nodes = [Node(fleet.gpus) for _ in range(fleet.nodes)]
    events: list[tuple[float, int, Callable[[], None]]] = []
    order = itertools.count()
    waiting: deque[Trial] = deque()
    cores, driver_link = Server(), Server()  # of the drivers' machine
    now, runs_left, runs_open, unstored = 0.0, job.runs, 0, 0
    coming = iter(random_losses(fleet.nodes, costs.node_losses / HOUR, seed) if losses is None else losses)

    def at(when: float, happen: Callable[[], None]) -> None:
        heapq.heappush(events, (when, next(order), happen))

    def begin_run() -> None:
        nonlocal runs_left, runs_open
        runs_left, runs_open = runs_left - 1, runs_open + 1
        command = Command(job.trials)

        def submit() -> None:
            waiting.extend(Trial(command, job.segments) for _ in range(job.trials))
            place()

        at(cores.serve(now, job.prepares), submit)

    def place() -> None:
        for node in nodes:
            while node.up and node.free and waiting:
                take(node, waiting.popleft())

    def take(node: Node, trial: Trial) -> None:
        node.free -= 1
        node.in_hand.append(trial)
        trial.tries += 1
        if trial.run not in node.photos_at:  # a node gets those of a run once
            found.to_nodes += job.fetches
            link = driver_link if job.serves else node.link
            fetched = link.serve(now, job.fetches / costs.link_rate)
            node.photos_at[trial.run] = node.cores.serve(fetched, job.decodes)
        trial.taken_at, trial.began = now, max(now, node.photos_at[trial.run])
        this = trial.tries
        at(trial.began + trial.left * job.segment, lambda: trained(node, trial, this))

    def trained(node: Node, trial: Trial, which: int) -> None:
        nonlocal unstored
        if trial not in node.in_hand or trial.tries != which:
            return  # its node was lost
        leave(node, trial)
        node.free += 1
        found.to_driver += job.sends
        found.driver += job.stores
        unstored += 1
        found.waiting = max(found.waiting, unstored)
        sent = driver_link.serve(now, job.sends / costs.link_rate)

        def stored() -> None:
            nonlocal unstored
            unstored -= 1
            ended(trial.run)

        at(trial.run.core.serve(sent, job.stores), stored)
        place()

    def leave(node: Node, trial: Trial) -> None:
        node.in_hand.remove(trial)
        found.gpu += now - trial.taken_at

    def ended(command: Command) -> None:
        nonlocal runs_open
        command.left -= 1
        if command.left:
            return
        runs_open -= 1
        for node in nodes:
            node.photos_at.pop(command, None)
        if runs_left:
            begin_run()

    def next_loss() -> None:
        loss = next(coming, None)
        if loss is not None:
            at(loss[0], lambda: lose(nodes[loss[1]]))

    def lose(node: Node) -> None:
        """Its trials go on elsewhere from their last checkpoints; it comes back empty."""
        next_loss()
        if not node.up:
            return
        found.losses += 1
        for trial in list(node.in_hand):
            leave(node, trial)
            trial.left -= max(0, int((now - trial.began) / job.segment))
            if trial.tries < TRIES:
                waiting.appendleft(trial)
            else:
                found.given_up += 1
                ended(trial.run)
        node.up, node.photos_at = False, {}
        node.free, node.link, node.cores = fleet.gpus, Server(), Server()

        def repaired() -> None:
            node.up = True
            place()

        at(now + costs.repair_seconds, repaired)
        place()

    for _ in range(min(fleet.commands, job.runs)):
        begin_run()
    next_loss()
    while runs_open:
        now, _, happen = heapq.heappop(events)
        happen()
    found.wall = now
    return found
