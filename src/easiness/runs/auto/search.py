"""Looking for the fastest way to train the trials of a run, within a budget and by what is known already."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from easiness.runs.auto.beside import beside, even_sizes, num_fitting
from easiness.runs.auto.budget import Budget
from easiness.runs.auto.looks import BESIDE, Looks
from easiness.runs.work import Work
from easiness.spec import Jobs, Resolved
from easiness.training import Speed, can_train_together, num_gpus, part_of_batch

GROUPS = (5, 10)
"""Numbers of trials that are tried side by side in one process."""

_WORTH = 0.95  # another way must take at most this share of the time
_WORTH_BFLOAT16 = 1.2  # and float32, which needs no explanation, so many times as long
_HOPELESS = 1.2  # times the best, even if processes did not slow each other down
_WORTH_LOOKING = 20.0  # seconds of training below which no choice pays for being made
_LONGER = 1.5  # times as much choosing allowed: then what was too dear is looked at after all
_STARTING = {"cpu": 4.0, "cuda": 6.0}  # seconds that worker processes take until they train


@dataclass(frozen=True)
class Way:
    """A way to train, and the speed of a trial in it while the others train, or what that is likely to be."""

    settings: Resolved
    speed: Speed
    likely: bool = False


@dataclass(frozen=True)
class Search:
    """Looks for the fastest way to train ``trials`` with this work each."""

    work: Work
    trials: int
    cores: int
    looks: Looks
    budget: Budget
    may_group: bool
    tell: Callable[[str], None]

    def fastest(self, candidates: Sequence[Resolved], jobs: Jobs) -> Way:
        """The fastest way, as measured or known; the first candidate unless another is clearly faster.

        What wins most comes first, and what the budget does not reach is left out. ``candidates`` differ in
        precision alone.
        """
        best = self._alone(candidates)
        if jobs != "auto" and jobs > 1:
            best = Way(changed(best.settings, f"{jobs} trials at a time, as asked", jobs=jobs), best.speed)
        seconds = self._seconds(best)
        self.budget.meet(seconds)
        if seconds < _WORTH_LOOKING or self.trials == 1:
            return best
        groups = self._groups(best.settings)
        found = self._compared([best.settings, *groups]) if groups else None
        if found is not None:
            usual, *rest = (
                Way(way.settings.model_copy(update={"jobs": best.settings.jobs}), way.speed) for way in found
            )
            best = self._better(usual, rest)
        return self._better(best, self._processes(best)) if jobs == "auto" else best

    def _alone(self, candidates: Sequence[Resolved]) -> Way:
        """The first way to look at, which no budget forbids: one trial in this process.

        On a GPU steps as graphs are looked at as well, since a precision that saves arithmetic shows in no
        step that is bound by launches. Without a budget only what is known is compared: a look at one way
        tells what a run will about take.
        """
        ways = list(candidates)
        if self._on_cuda:
            ways += [one.model_copy(update={"graphed": True}) for one in candidates]
        elif len(candidates) > 1 and not self._on_gpu:
            # in one thread, which other programs disturb least
            ways = [one.model_copy(update={"threads": 1}) for one in candidates]
        if self.budget.is_none and self.looks.compared(ways) is None:
            return self._precision(candidates[:1])
        chosen = self._precision(ways)
        threads = candidates[0].threads
        if self._on_gpu or chosen.settings.threads == threads:
            return chosen
        settings = chosen.settings.model_copy(update={"threads": threads})
        return Way(settings, self._must([settings])[0].speed)

    def _precision(self, candidates: Sequence[Resolved]) -> Way:
        ways = self._must(candidates)
        best: dict[str, Way] = {}
        for way in ways:
            usual = best.setdefault(way.settings.precision, way)
            if self._seconds(way) < _WORTH * self._seconds(usual):
                best[way.settings.precision] = way
        chosen = next(iter(best.values()))
        narrow = best.get("bfloat16", chosen)
        if self._seconds(chosen) > _WORTH_BFLOAT16 * self._seconds(narrow):
            chosen = narrow
        if len(candidates) == 1:
            return chosen
        measured = ", ".join(
            f"{way.settings.precision}{' as CUDA graphs' if way.settings.graphed else ''} "
            f"{1000 * way.speed.step:.1f} ms"
            for way in ways
        )
        why = f"measured per step: {measured}; {chosen.settings.reason}"
        if candidates[0].precision not in best:
            why = f"{candidates[0].precision} does not fit into memory; {why}"
        return Way(chosen.settings.model_copy(update={"reason": why}), chosen.speed)

    def _must(self, ways: Sequence[Resolved]) -> list[Way]:
        """Those that work here, by looks that no budget forbids."""
        speeds = self.looks.compared(ways) or self.looks.measure(ways, self.budget.look)
        return _working(ways, speeds)

    def _compared(self, ways: Sequence[Resolved]) -> list[Way] | None:
        """Those that work here, the first being the usual one; ``None`` where looks take too long."""
        ways = [way.model_copy(update={"jobs": 1}) for way in ways]
        found = self._drawn(ways, self._price(ways), lambda: self.looks.measure(ways, self.budget.look))
        return None if found is None else _working(ways, found)

    def _drawn(
        self, ways: Sequence[Resolved], price: float, measure: Callable[[], list[Speed | None]]
    ) -> list[Speed | None] | None:
        """Speeds as known, or measured where the budget has the ``price`` and this is no news."""
        known = self.looks.compared(ways)
        if known is not None:
            return known
        if self.budget.allowed < _LONGER * self.looks.too_dear(ways):
            return None
        if self.budget.affords(price):
            try:
                return measure()
            except TimeoutError:
                pass
        self.looks.pass_over(ways, self.budget.allowed)
        return None

    def _price(self, ways: Sequence[Resolved]) -> float:
        """Seconds that looks at these will take: steps to begin with, steps to look at, and evaluation."""
        facts, workload = self.looks.facts(), self.work.workload
        first = self._must([ways[0]])[0]
        total = 0.0
        for way in ways:
            share = min(1.0, part_of_batch(facts, workload) * way.threads / workload.batch)
            step = first.speed.step * share * way.together * first.settings.threads / way.threads
            total += 3 * step + self.budget.look
        return total

    @property
    def _on_gpu(self) -> bool:
        return self.work.workload.device != "cpu"

    @property
    def _on_cuda(self) -> bool:
        return self.work.workload.device == "cuda"

    @property
    def _starting(self) -> float:
        return _STARTING["cuda" if self._on_gpu else "cpu"]

    def _rounds(self, settings: Resolved) -> int:
        return math.ceil(self.trials / (settings.jobs * settings.together))

    def _seconds(self, way: Way) -> float:
        """Of the whole run, in whose last round some may have nothing to do."""
        starting = self._starting if way.settings.jobs > 1 else 0.0
        return starting + self._rounds(way.settings) * way.settings.together * self.work.seconds(way.speed)

    def _groups(self, first: Resolved) -> list[Resolved]:
        """Trials side by side in this process, where that can pay.

        Groups are always trained whole, and networks with convolutions run channels-last.
        """
        sizes = [size for size in GROUPS if self.may_group and self.trials % size == 0]
        workload = self.work.workload
        if first.channels_last or not (
            sizes and can_train_together(workload.model, workload.shape, workload.num_classes)
        ):
            return []
        return [first.model_copy(update={"together": size}) for size in sizes]

    def _processes(self, best: Way) -> list[Way]:
        """Ways with several processes, and the best of one process where it was looked at again.

        Starting them takes seconds. Where the budget lacks those, their speed is estimated by that of one
        of them alone.
        """
        settings = best.settings
        found: list[Way] = []
        again: list[Way] = []
        groups = self.trials // settings.together
        most = min(self.cores, groups, num_fitting()) if groups > 1 else 1
        if self._on_gpu and not self._on_cuda:
            most = 1  # Apple's GPU runs what several processes give it one after the other
        gpus = num_gpus(torch.device(self.work.workload.device)) if self._on_gpu else 0
        for jobs in even_sizes(groups, most, gpus):
            threads = settings.threads if self._on_gpu else max(1, self.cores // jobs)
            alone = settings.model_copy(update={"threads": threads})
            speed = best.speed
            if threads != settings.threads:
                pair = self._compared([settings, alone])
                if pair is None or len(pair) < 2:
                    continue
                # in turn with the best, and so as its share of what that has taken before
                speed = pair[1].speed.times(best.speed.step / pair[0].speed.step)
            candidate = alone.model_copy(update={"jobs": jobs})
            if not self._on_gpu and self._seconds(Way(candidate, speed)) > _HOPELESS * self._seconds(best):
                continue
            ways = [settings, candidate]
            price = self._starting + self._price([settings, alone])
            seen = self._drawn(ways, price, partial(self._at_work, ways))
            if seen is not None:
                usual, at_work = seen
                again += _working([settings], [usual])
                if at_work is None:
                    continue
                way = Way(candidate, at_work)
            elif jobs > gpus > 0:  # some would share one, and nothing tells how well
                continue
            else:
                way = Way(candidate, speed.times(BESIDE), likely=True)
            found.append(way)
            if self._seconds(way) > self._seconds(found[0]):
                break
        return again + found

    def _at_work(self, ways: Sequence[Resolved]) -> list[Speed | None]:
        """Of the second, with its processes all at work, and of the first right after.

        Raises:
            TimeoutError: the processes have not started in time.
        """
        usual, candidate = ways
        workload = self.work.workload
        self.tell(f"{workload.model}: measuring {candidate.jobs} trials at a time, some seconds")
        part = part_of_batch(self.looks.facts(), workload)
        patience = self.budget.left - self._price([usual, usual])
        speed = beside(workload, candidate, self.budget.look, part, patience)
        # looked at again, since a shared machine is not what it was seconds ago
        speeds = [*self.looks.look([usual], self.budget.look), speed]
        self.looks.keep(ways, speeds)
        return speeds

    def _better(self, usual: Way, others: Sequence[Way]) -> Way:
        """The fastest, the usual one unless that is clearly slower; its reason says what was compared."""
        again = [way for way in others if way.settings == usual.settings]
        usual = min([usual, *again], key=self._seconds)
        others = [way for way in others if way.settings != usual.settings]
        if not others:
            return usual
        fastest = min(others, key=self._seconds)
        chosen = fastest if self._seconds(fastest) < _WORTH * self._seconds(usual) else usual
        shown = ", ".join(f"{_text(way.settings)} {self._shown(way)}" for way in (usual, *others))
        reason = f"{usual.settings.reason}; per step and trial: {shown}"
        return Way(chosen.settings.model_copy(update={"reason": reason}), chosen.speed)

    def _shown(self, way: Way) -> str:
        each = self._rounds(way.settings) * way.settings.together / self.trials
        return f"{'about ' if way.likely else ''}{1000 * way.speed.step * each:.1f} ms"


def changed(settings: Resolved, why: str, **changes: Any) -> Resolved:
    """Other settings, with one more reason."""
    return settings.model_copy(update={**changes, "reason": f"{settings.reason}; {why}"})


def _working(ways: Sequence[Resolved], speeds: Sequence[Speed | None]) -> list[Way]:
    return [Way(way, speed) for way, speed in zip(ways, speeds, strict=True) if speed is not None]


def _text(settings: Resolved) -> str:
    threads = "1 thread" if settings.threads == 1 else f"{settings.threads} threads"
    parts = [f"{settings.jobs} processes" if settings.jobs > 1 else "1 process", f"of {threads}"]
    if settings.together > 1:
        parts.append(f"with {settings.together} trials in each")
    if settings.graphed:
        parts.append("as CUDA graphs")
    return " ".join(parts)
