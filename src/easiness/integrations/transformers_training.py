"""Record the training steps of `transformers.Trainer`: nothing is computed for it."""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback

from easiness.errors import BadInput
from easiness.integrations.ids_of_batches import id_of
from easiness.integrations.transformers import Collator, begun, logits_of, save
from easiness.store import Recorder, TrialRecorder


def keep_ids(collator: Collator, id_key: str = "id") -> Collator:
    """A collator that makes batches as the one given does, and keeps the ids of the examples in them.

    Ids are numbers, which a Trainer can move between devices. The collator raises `BadInput` for an example
    without an id, or with one that is a text.
    """

    def collate(examples: list[Any]) -> dict[str, Any]:
        given = [id_of(example, id_key, "keep_ids") for example in examples]
        for one in given:
            if isinstance(one, str):
                raise BadInput(
                    f"keep_ids: id {one!r} is a text, which a Trainer cannot move between devices; number "
                    "the examples, or use RecordCallback"
                )
        ids = torch.tensor(given)
        rows = [{name: value for name, value in dict(one).items() if name != id_key} for one in examples]
        return {**collator(rows), id_key: ids}

    return collate


class RecordTraining(TrainerCallback):  # type: ignore[misc]
    """Records a trial from what the training steps compute anyway.

    >>> args = TrainingArguments(..., remove_unused_columns=False)  # doctest: +SKIP
    >>> trainer = Trainer(model, args, data_collator=keep_ids(collator), train_dataset=dataset,
    ...                   callbacks=[RecordTraining(recorder)])  # doctest: +SKIP

    The ids that `keep_ids` leaves in the batches are taken out before the network sees them, and its logits
    are read as it returns them. The recorder is made with ``augmented=True``: weights move within an epoch.
    Every example is to be seen once in each epoch (no ``dataloader_drop_last``).
    """

    def __init__(
        self, recorder: Recorder, *, seed: int = 0, trained_on: Any = None, id_key: str = "id"
    ) -> None:
        """Raises `BadInput` if the recorder was not made for augmented observations."""
        if not recorder.augmented:
            raise BadInput(
                "RecordTraining: make the Recorder with augmented=True: training steps are recorded"
            )
        self._recorder, self._seed, self._trained_on = recorder, seed, trained_on
        self._id_key = id_key
        self._trial: TrialRecorder | None = None
        self._ids: Any = None
        self._hooks: list[Any] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Begin the trial, or go on with that of the checkpoint; from now on the network is listened to."""
        if args.remove_unused_columns:
            raise BadInput(
                "RecordTraining: give TrainingArguments remove_unused_columns=False, or ids are lost"
            )
        if args.world_size > 1:
            raise BadInput("RecordTraining: several processes see parts of the examples; use RecordCallback")
        self._trial = begun(self._recorder, self._seed, self._trained_on, args, state)
        net = getattr(model, "module", model)
        self._hooks = [
            net.register_forward_pre_hook(self._before, with_kwargs=True),
            net.register_forward_hook(self._after),
        ]

    def _before(self, module: Any, arguments: Any, named: dict[str, Any]) -> Any:
        self._ids = named.pop(self._id_key, None)
        if module.training and self._ids is None:
            raise BadInput(
                f"RecordTraining: a batch has no {self._id_key!r}; give data_collator=keep_ids(...)"
            )
        return arguments, named

    def _after(self, module: Any, arguments: Any, outputs: Any) -> None:
        if module.training and self._trial is not None:
            self._trial.update(self._ids, logits_of(outputs))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the epoch."""
        if self._trial is not None:
            self._trial.end_epoch()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep what was recorded beside the Trainer's checkpoint."""
        save(self._trial, args, state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Store the trial, and listen no longer."""
        for hook in self._hooks:
            hook.remove()
        if self._trial is not None:
            self._trial.__exit__(None, None, None)
            self._trial = None
