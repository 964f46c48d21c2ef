"""One trial recorded by several processes of `torch.distributed`, each with its part of the examples."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
import torch.distributed as dist

from easiness.errors import BadInput
from easiness.record import to_numpy
from easiness.store import Recorder, TrialRecorder


class DistributedTrial:
    """A trial of a `Recorder` in every process at once: the first merges by id and stores.

    >>> with DistributedTrial(recorder, seed=0) as trial:  # doctest: +SKIP
    ...     trial.update(ids, logits)  # the batches of this process
    ...     trial.end_epoch()          # in every process

    Every id belongs in each epoch once, in whichever process. A sampler that pads its batches gives some
    twice: make the Recorder with ``duplicates="first"`` then. Ids and logits travel between the processes
    by gloo, at the end of each epoch; a mistake is raised in all of them.
    """

    def __init__(self, recorder: Recorder, seed: int, *, trained_on: Any = None) -> None:
        """Raises `BadInput` in every process if the first cannot begin the trial.

        Args:
            recorder: made in every process with the same arguments.
            seed: of the trial.
            trained_on: ids of the examples trained on, where not all were.
        """
        self._group = dist.new_group(backend="gloo")
        self._first = dist.get_rank() == 0
        self._parts: list[tuple[Any, Any]] = []
        self._trial: TrialRecorder | None = None

        def begin() -> None:
            self._trial = recorder.trial(seed, trained_on=trained_on)

        self._in_the_first(begin)

    def _in_the_first(self, act: Any) -> None:
        """Do it in the first process; what goes wrong there is raised everywhere."""
        failure: list[str | None] = [None]
        if self._first:
            try:
                act()
            except BadInput as error:
                failure[0] = str(error)
        dist.broadcast_object_list(failure, src=0, group=self._group)
        if failure[0] is not None:
            raise BadInput(failure[0])

    def __enter__(self) -> Self:
        return self

    def update(self, ids: Any, logits: Any) -> None:
        """Take a batch of this process, as `TrialRecorder.update`."""
        self._parts.append((to_numpy(ids).copy(), to_numpy(logits).copy()))

    def end_epoch(self, *, held_out_accuracy: float | None = None) -> None:
        """Close the epoch in every process, as `TrialRecorder.end_epoch`; the accuracy is the first's.

        Raises:
            BadInput: in every process: an id was unknown, given twice or missing.
        """
        mine = self._parts and tuple(np.concatenate(part) for part in zip(*self._parts, strict=True))
        self._parts = []
        parts: list[Any] | None = [None] * dist.get_world_size() if self._first else None
        dist.gather_object(mine, parts, dst=0, group=self._group)

        def close() -> None:
            assert self._trial is not None
            assert parts is not None
            for part in parts:
                if part:
                    self._trial.update(*part)
            self._trial.end_epoch(held_out_accuracy=held_out_accuracy)

        self._in_the_first(close)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return  # the others may have stopped as well, so that nobody is waited for

        def store() -> None:
            assert self._trial is not None
            self._trial.__exit__(None, None, None)

        self._in_the_first(store)
