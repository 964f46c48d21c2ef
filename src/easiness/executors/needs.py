"""What an item takes of the machine that it runs on, and how many of them machines hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from easiness.show import counted


@dataclass(frozen=True)
class Needs:
    """What an item takes: ``cores``, ``memory`` in bytes, and how many items share a GPU (0: none)."""

    cores: int = 1
    memory: int = 0
    per_gpu: int = 0

    def __str__(self) -> str:
        parts = [counted(self.cores, "core")]
        if self.per_gpu:
            parts.append("1 GPU" if self.per_gpu == 1 else f"1/{self.per_gpu} of a GPU")
        if self.memory:
            parts.append(f"{self.memory / 2**30:.1f} GiB of memory")
        return ", ".join(parts)


@dataclass(frozen=True)
class Machine:
    """What a machine has for items: cores, bytes of memory, GPUs."""

    cores: int
    memory: int
    gpus: int = 0

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.gpus} GPUs, {self.memory / 2**30:.1f} GiB of memory"

    def room(self, needs: Needs) -> int:
        """How many items with these needs work beside each other on it."""
        rooms = [self.cores // max(1, needs.cores)]
        if needs.memory:
            rooms.append(self.memory // needs.memory)
        if needs.per_gpu:
            rooms.append(self.gpus * needs.per_gpu)
        return min(rooms)


def room(machines: Iterable[Machine], needs: Needs) -> int:
    """How many items with these needs work beside each other, each on one of the machines."""
    return sum(machine.room(needs) for machine in machines)
