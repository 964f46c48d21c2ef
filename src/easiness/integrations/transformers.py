"""Record what a training by `transformers.Trainer` makes of each example, in passes or in its steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file, save_file
from transformers import TrainerCallback, default_data_collator

from easiness.errors import BadInput, recast
from easiness.integrations.observing import evaluation_aside, id_of
from easiness.records import to_numpy
from easiness.store import Recorder, TrialRecorder

STATE = "easiness.safetensors"
"""In each checkpoint of the Trainer: what was recorded so far."""

_AT_ONCE = 256  # examples whose texts are taken together

Collator = Callable[[list[Any]], dict[str, Any]]


class _Recording(TrainerCallback):  # type: ignore[misc]
    """Base of both ways to record: a trial begins, is kept, and is stored in the end."""

    def __init__(self, recorder: Recorder, seed: int, trained_on: Any, id_key: str) -> None:
        self._recorder, self._seed, self._trained_on, self._id_key = recorder, seed, trained_on, id_key
        self._trial: TrialRecorder | None = None

    def _begin(self, args: Any, state: Any) -> None:
        trial = self._recorder.trial(self._seed, trained_on=self._trained_on)
        if state.global_step:
            folder = args.resume_from_checkpoint
            if not isinstance(folder, str) or not Path(folder, STATE).exists():
                folder = str(_folder(args, state))
            trial.restore(_read_state(Path(folder, STATE)))
        self._trial = trial

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = _folder(args, state)
        if self._trial is not None and folder.is_dir():
            save_file(self._trial.state(), folder / STATE)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._trial is not None:
            self._trial.__exit__(None, None, None)
            self._trial = None


class RecordCallback(_Recording):
    """Records a trial: after every epoch in a clean pass over ``dataset``.

    >>> callback = RecordCallback(recorder, dataset, seed=0)  # doctest: +SKIP
    >>> Trainer(model, args, train_dataset=dataset, callbacks=[callback]).train()  # doctest: +SKIP

    The pass is the callback's own: in order, over the whole data set, in the first process, in evaluation
    mode. The Trainer needs no other settings and goes on as if nobody had looked. Recorded epochs are kept
    beside the Trainer's checkpoints, so that a training that is resumed records one whole trial; they are
    stored when the training ends. `RecordTraining` records the training steps instead.
    """

    def __init__(
        self,
        recorder: Recorder,
        dataset: Any,
        *,
        seed: int = 0,
        trained_on: Any = None,
        collator: Collator | None = None,
        id_key: str = "id",
        batch_size: int | None = None,
        text_key: str | None = "text",
    ) -> None:
        """Prepare the recording, which begins with the training.

        Args:
            recorder: of the examples of the data set.
            dataset: of every example once, each a mapping with its id and what the network takes.
            seed: of the trial.
            trained_on: ids of the examples trained on, where not all were.
            collator: makes a batch of examples without their ids; the Trainer's default one unless given.
            id_key: where an example has its id.
            batch_size: of the pass; that of the Trainer's evaluation by default.
            text_key: where an example has its text. Where the examples have one, and the run keeps none yet,
                it keeps the texts, so that pages show them (see `Recorder.keep`); ``None`` leaves them out.
        """
        super().__init__(recorder, seed, trained_on, id_key)
        self._text_key = text_key
        self._dataset, self._batch_size = dataset, batch_size
        self._collator = collator or default_data_collator

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if state.is_world_process_zero:
            with evaluation_aside(
                model
            ):  # an id that is missing would otherwise show after an epoch of training
                for examples in self._batches(1):
                    self._ids(examples)
                    self._keep_texts(examples[0])
                    break
            self._begin(args, state)

    def _keep_texts(self, first: Any) -> None:
        key = self._text_key
        if key is None or not isinstance(first.get(key), str) or self._recorder.keeps_examples:
            return
        texts: dict[Any, Any] = {}
        for examples in self._batches(_AT_ONCE):
            ids = to_numpy(self._ids(examples)).tolist()
            texts.update(zip(ids, (one.get(key) for one in examples), strict=True))
        try:
            self._recorder.keep(texts=texts)
        except BadInput as error:
            raise BadInput(
                f"RecordCallback: the texts cannot be kept ({error}); mend them, or give text_key=None"
            ) from None

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if self._trial is None:
            return
        net = getattr(model, "module", model)  # without what makes it parallel
        parameters = inspect.signature(net.forward).parameters
        with evaluation_aside(net):
            for examples in self._batches(self._batch_size or args.per_device_eval_batch_size):
                ids = self._ids(examples)
                rows = [{k: v for k, v in one.items() if k in parameters} for one in map(dict, examples)]
                batch = {name: value.to(args.device) for name, value in self._collator(rows).items()}
                self._trial.update(ids, _logits_of(net(**batch)))
        self._trial.end_epoch()

    def _batches(self, size: int) -> Any:
        return torch.utils.data.DataLoader(self._dataset, size, collate_fn=list)

    def _ids(self, examples: list[Any]) -> list[Any]:
        return [id_of(example, self._id_key, "RecordCallback") for example in examples]


class RecordTraining(_Recording):
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
                "RecordTraining: make the Recorder with augmented=True; training steps are recorded"
            )
        super().__init__(recorder, seed, trained_on, id_key)
        self._ids: Any = None
        self._hooks: list[Any] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if args.remove_unused_columns:
            raise BadInput(
                "RecordTraining: give TrainingArguments remove_unused_columns=False, or ids are lost"
            )
        if args.world_size > 1:
            raise BadInput("RecordTraining: several processes see parts of the examples; use RecordCallback")
        self._begin(args, state)
        net = getattr(model, "module", model)
        self._hooks = [
            net.register_forward_pre_hook(self._before, with_kwargs=True),
            net.register_forward_hook(self._after),
        ]

    def _before(self, module: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        self._ids = keywords.pop(self._id_key, None)
        if module.training and self._ids is None:
            raise BadInput(
                f"RecordTraining: a batch has no {self._id_key!r}; give data_collator=keep_ids(...)"
            )
        return arguments, keywords

    def _after(self, module: Any, arguments: Any, outputs: Any) -> None:
        if module.training and self._trial is not None:
            self._trial.update(self._ids, _logits_of(outputs))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._trial is not None:
            self._trial.end_epoch()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        super().on_train_end(args, state, control)


def keep_ids(collator: Collator, id_key: str = "id") -> Collator:
    """A collator that makes batches as the one given does, and keeps the ids of the examples in them.

    Ids are numbers, which a Trainer can move between devices. The collator raises `BadInput` for an example
    without an id, or with one that is a text.
    """

    def collate(examples: list[Any]) -> dict[str, Any]:
        ids = [id_of(example, id_key, "keep_ids") for example in examples]
        if text := next((one for one in ids if isinstance(one, str)), ""):
            raise BadInput(
                f"keep_ids: id {text!r} is a text, which a Trainer cannot move between devices; number the "
                "examples, or use RecordCallback"
            )
        rows = [{name: value for name, value in dict(one).items() if name != id_key} for one in examples]
        return {**collator(rows), id_key: torch.tensor(ids)}

    return collate


def _logits_of(outputs: Any) -> torch.Tensor:
    logits: torch.Tensor = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
    return logits


def _read_state(file: Path) -> dict[str, Any]:
    message = (
        f"{file}: is {'damaged' if file.exists() else 'missing'}, so that the epochs before the checkpoint "
        "are not recorded; go on from an earlier checkpoint or train from the start"
    )
    with recast(lambda _: BadInput(message)):
        return dict(load_file(file))


def _folder(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
