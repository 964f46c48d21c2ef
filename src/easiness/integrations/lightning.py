"""Record what a Lightning training makes of each example."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
import torch.distributed as dist
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from easiness.errors import BadInput
from easiness.integrations.observing import evaluation_aside, ids_apart
from easiness.records import to_numpy
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
        self._trial = self._in_the_first(lambda: recorder.trial(seed, trained_on=trained_on))

    def _in_the_first(self, act: Callable[[], Any]) -> Any:
        """Do it in the first process, which gets the result; what goes wrong there is raised everywhere."""
        result, failure = None, [""]
        if self._first:
            try:
                result = act()
            except BadInput as error:
                failure[0] = str(error)
        dist.broadcast_object_list(failure, src=0, group=self._group)
        if failure[0]:
            raise BadInput(failure[0])
        return result

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
            for part in filter(None, parts or ()):
                self._trial.update(*part)
            self._trial.end_epoch(held_out_accuracy=held_out_accuracy)

        self._in_the_first(close)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:  # else the others may have stopped as well, so that nobody is waited for
            self._in_the_first(lambda: self._trial.__exit__(None, None, None))


class RecordCallback(Callback):  # type: ignore[misc]
    """Records a trial: after every epoch in a clean pass, or what the training steps compute.

    >>> callback = RecordCallback(recorder, loader, seed=0)  # doctest: +SKIP
    >>> Trainer(callbacks=[callback]).fit(module, train_loader)  # doctest: +SKIP

    With a ``loader``, all its examples are seen in evaluation mode after each epoch, in the first process
    alone; the training goes on as if nobody had looked. Without one, ``training_step`` returns ``{"loss":
    ..., "logits": ..., "ids": ...}``, and the recorder is made with ``augmented=True``; every example is
    then to be seen once in each epoch (no ``drop_last``), and processes merge what they saw.

    Lightning's checkpoints have the recorded epochs, so that a training that is resumed records one whole
    trial. The trial is stored when the training ends, and not at all where it fails.
    """

    def __init__(
        self,
        recorder: Recorder,
        loader: Iterable[Any] | None = None,
        *,
        seed: int = 0,
        trained_on: Any = None,
        forward: Callable[[LightningModule, Any], torch.Tensor] | None = None,
        id_key: str = "id",
    ) -> None:
        """Prepare the recording, which begins with the training.

        Args:
            recorder: of the examples that the loader or the training has.
            loader: batches ``(ids, inputs, ...)``, or mappings with ``id_key``, of every example once.
            seed: of the trial.
            trained_on: ids of the examples trained on, where not all were.
            forward: logits [b, classes] of a module and the inputs of a batch (the mapping without its ids,
                or what comes second); by default the module called with them.
            id_key: where a mapping has the ids.

        Raises:
            BadInput: there is no loader, and the recorder was not made for augmented observations.
        """
        if loader is None and not recorder.augmented:
            raise BadInput(
                "RecordCallback: give a loader for a clean pass, or make the Recorder with augmented=True to "
                "record what training_step returns"
            )
        self._recorder, self._loader = recorder, loader
        self._seed, self._trained_on = seed, trained_on
        self._forward = forward or (lambda module, inputs: module(inputs))
        self._id_key = id_key
        self._trial: TrialRecorder | DistributedTrial | None = None
        self._state: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._loader is None and trainer.world_size > 1:
            self._trial = DistributedTrial(self._recorder, self._seed, trained_on=self._trained_on)
        elif trainer.is_global_zero:
            if self._loader is not None and not isinstance(self._loader, Iterator):
                with evaluation_aside(
                    pl_module
                ):  # ids that are missing would show after an epoch of training
                    for batch in itertools.islice(self._loader, 1):
                        ids_apart(batch, self._id_key)
            self._trial = self._recorder.trial(self._seed, trained_on=self._trained_on)
            self._trial.restore(self._state)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._loader is not None or self._trial is None:
            return
        if not isinstance(outputs, dict) or not {"ids", "logits"} <= outputs.keys():
            raise BadInput(
                'RecordCallback: training_step must return {"loss": ..., "logits": ..., "ids": ...}'
            )
        self._trial.update(outputs["ids"], outputs["logits"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._trial is None:
            return
        if self._loader is not None:
            with evaluation_aside(pl_module), trainer.precision_plugin.forward_context():
                for batch in self._loader:
                    ids, inputs = ids_apart(batch, self._id_key)
                    inputs = pl_module.transfer_batch_to_device(inputs, pl_module.device, 0)
                    self._trial.update(ids, self._forward(pl_module, inputs))
        self._trial.end_epoch()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._trial is not None:
            self._trial.__exit__(None, None, None)
            self._trial = None

    def state_dict(self) -> dict[str, Any]:
        if not isinstance(self._trial, TrialRecorder):
            return {}
        return {name: torch.from_numpy(to_numpy(values)) for name, values in self._trial.state().items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._state = dict(state_dict)
