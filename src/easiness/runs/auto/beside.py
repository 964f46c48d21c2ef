"""How fast trials train in several processes that really work at the same time."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from functools import partial

from easiness.data import available_memory
from easiness.executors import ProcessesExecutor
from easiness.spec import Resolved
from easiness.training import Speed, Workload, look_at, rehearsing, warm

_BYTES_OF_A_PROCESS = 700 * 2**20  # Python, torch and a small network's activations


def beside(
    workload: Workload, settings: Resolved, seconds: float, part: int, patience: float
) -> Speed | None:
    """The speed of a trial in one of ``settings.jobs`` processes while all of them train.

    ``None`` where one of them fails. ``seconds`` and ``part`` are those of `look_at`.

    Raises:
        TimeoutError: they have not all started within ``patience`` seconds.
    """
    executor = ProcessesExecutor(settings.jobs)
    try:
        # none begins before all are ready, and the wait is not measured
        if not executor.start(partial(_get_ready, workload.device), patience):
            raise TimeoutError
        alone = settings.model_copy(update={"jobs": 1})
        looks = list(executor.run(partial(_look, workload, seconds, part), [alone] * settings.jobs))
    finally:
        executor.close()
    found = [look.value for look in looks if look.value is not None]
    if len(found) < settings.jobs:  # too little memory, for instance
        return None
    return Speed(
        step=max(speed.step for speed in found), observed_image=max(speed.observed_image for speed in found)
    )


def _get_ready(device: str, _: int) -> int:
    warm(device)
    time.sleep(0.2)  # so that a quick one does not answer for another
    return os.getpid()


def _look(workload: Workload, seconds: float, part: int, settings: Resolved) -> Speed | None:
    with rehearsing(workload.device):
        (found,) = look_at(workload, [settings], seconds, part)
    return None if isinstance(found, Exception) else found


def num_fitting() -> int:
    """How many processes like this one, which has taken such a step, fit into memory."""
    available = available_memory()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 2**30 if available is None else available // max(own, _BYTES_OF_A_PROCESS)


def even_sizes(groups: int, most: int, gpus: int) -> list[int]:
    """Numbers of processes worth looking at for so many ``groups`` of trials, the largest first.

    At most ``most``, and never more than are needed for as many rounds, so that few have nothing to do in
    the last one. On ``gpus``, each of which a handful share, those that lose least by that: 5 and 2 of
    one for 10 trials, since 4 would take three rounds. ``gpus`` is 0 on a CPU.
    """
    if gpus > most > 1:
        return [most]
    if gpus:
        sizes = [size for size in (5 * gpus, 4 * gpus, 3 * gpus, 2 * gpus, gpus) if 1 < size <= most]
        least = min((_rounds(groups, size) * size for size in sizes), default=0)
        sizes = [size for size in sizes if _rounds(groups, size) * size <= 1.1 * least]
        return sizes[:1] + [size for size in sizes if 2 * size <= sizes[0]][:1]
    sizes = []
    size = most
    while size > 1:
        sizes.append(-(-groups // _rounds(groups, size)))
        size //= 2
    return list(dict.fromkeys(sizes))


def _rounds(groups: int, size: int) -> int:
    return math.ceil(groups / size)
