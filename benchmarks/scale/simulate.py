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
    """Serves one after the other, in the order asked."""

    free_at: float = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """When it is done."""
        self.free_at = max(self.free_at, now) + seconds
        return self.free_at


@dataclass(eq=False)
class Trial:
    """One of a run; ``left`` are segments to train, ``began`` is when those of this try did."""

    run: Command
    left: int
    tries: int = 0
    began: float = 0.0
    taken_at: float = 0.0


@dataclass(eq=False)
class Command:
    """One driver with its run; ``left`` trials are not stored yet."""

    left: int
    core: Server = field(default_factory=Server)


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
    """What came of it, in seconds and bytes; ``given_up`` trials were lost too often."""

    wall: float = 0.0
    gpu: float = 0.0
    driver: float = 0.0
    to_driver: float = 0.0
    to_nodes: float = 0.0
    losses: int = 0
    given_up: int = 0
    waiting: int = 0  # records at the driver's machine that are not stored yet, at the most


class Simulation:
    """One course of a job; ``losses`` are times and numbers of nodes, drawn by the seed unless given."""

    def __init__(
        self,
        job: Job,
        fleet: Fleet,
        costs: Costs,
        seed: int = 0,
        losses: Iterable[tuple[float, int]] | None = None,
    ) -> None:
        self._job, self._fleet, self._costs = job, fleet, costs
        self._nodes = [Node(fleet.gpus) for _ in range(fleet.nodes)]
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._waiting: deque[Trial] = deque()
        self._runs_left = job.runs
        self._open = 0  # runs that are not whole
        self._cores, self._link = Server(), Server()  # of the drivers' machine
        self._unstored = 0
        self._found = Found()
        drawn = random_losses(fleet.nodes, costs.node_losses / HOUR, seed)
        self._losses = iter(drawn if losses is None else losses)

    def run(self) -> Found:
        """Go on until every trial is stored or given up."""
        for _ in range(min(self._fleet.commands, self._job.runs)):
            self._begin_run()
        self._next_loss()
        while self._open:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        self._found.wall = self._now
        return self._found

    def _at(self, when: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), happen))

    def _begin_run(self) -> None:
        self._runs_left -= 1
        self._open += 1
        command = Command(self._job.trials)
        ready = self._cores.serve(self._now, self._job.prepares)
        self._at(ready, lambda: self._submit(command))

    def _submit(self, command: Command) -> None:
        self._waiting.extend(Trial(command, self._job.segments) for _ in range(self._job.trials))
        self._place()

    def _place(self) -> None:
        """Put waiting trials onto free GPUs, in order."""
        for node in self._nodes:
            while node.up and node.free and self._waiting:
                self._take(node, self._waiting.popleft())

    def _take(self, node: Node, trial: Trial) -> None:
        node.free -= 1
        node.in_hand.append(trial)
        trial.tries += 1
        trial.taken_at = self._now
        trial.began = max(self._now, self._photos(node, trial.run))
        this = trial.tries
        ends = trial.began + trial.left * self._job.segment
        self._at(ends, lambda: self._trained(node, trial, this))

    def _photos(self, node: Node, run: Command) -> float:
        """When the photos of a run are on the node, which gets them once."""
        if run not in node.photos_at:
            self._found.to_nodes += self._job.fetches
            link = self._link if self._job.serves else node.link
            fetched = link.serve(self._now, self._job.fetches / self._costs.link_rate)
            node.photos_at[run] = node.cores.serve(fetched, self._job.decodes)
        return node.photos_at[run]

    def _trained(self, node: Node, trial: Trial, which: int) -> None:
        if trial not in node.in_hand or trial.tries != which:
            return  # its node was lost
        self._leave(node, trial)
        node.free += 1
        job, rate = self._job, self._costs.link_rate
        self._found.to_driver += job.sends
        self._unstored += 1
        self._found.waiting = max(self._found.waiting, self._unstored)
        sent = self._link.serve(self._now, job.sends / rate)
        self._found.driver += job.stores
        self._at(trial.run.core.serve(sent, job.stores), lambda: self._stored(trial.run))
        self._place()

    def _leave(self, node: Node, trial: Trial) -> None:
        node.in_hand.remove(trial)
        self._found.gpu += self._now - trial.taken_at

    def _stored(self, command: Command) -> None:
        self._unstored -= 1
        self._ended(command)

    def _ended(self, command: Command) -> None:
        command.left -= 1
        if command.left:
            return
        self._open -= 1
        for node in self._nodes:
            node.photos_at.pop(command, None)
        if self._runs_left:
            self._begin_run()

    def _next_loss(self) -> None:
        coming = next(self._losses, None)
        if coming is not None:
            when, number = coming
            self._at(when, lambda: self._lose(self._nodes[number]))

    def _lose(self, node: Node) -> None:
        """Its trials go on elsewhere from their last checkpoints; it comes back empty."""
        self._next_loss()
        if not node.up:
            return
        self._found.losses += 1
        for trial in list(node.in_hand):
            self._leave(node, trial)
            trial.left -= max(0, int((self._now - trial.began) / self._job.segment))
            if trial.tries < TRIES:
                self._waiting.appendleft(trial)
            else:
                self._found.given_up += 1
                self._ended(trial.run)
        node.up, node.photos_at = False, {}
        node.free, node.link, node.cores = self._fleet.gpus, Server(), Server()
        self._at(self._now + self._costs.repair_seconds, lambda: self._repaired(node))
        self._place()

    def _repaired(self, node: Node) -> None:
        node.up = True
        self._place()


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
    """One course of a job, the same for the same seed."""
    return Simulation(job, fleet, costs, seed, losses).run()
