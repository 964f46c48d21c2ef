"""Record what a Keras training (version 3, torch backend) makes of each example."""

from __future__ import annotations

from typing import Any

from keras.callbacks import Callback

from easiness.integrations.observing import undisturbed
from easiness.store import Recorder


class RecordCallback(Callback):  # type: ignore[misc]
    """Records a trial: after every epoch in a clean pass over ``x``.

    >>> model.fit(x, y, callbacks=[RecordCallback(recorder, x, ids)])  # doctest: +SKIP

    The recorder is made with ``outputs="probabilities"`` where the model ends in a softmax. The trial is
    stored when the training ends.
    """

    def __init__(
        self,
        recorder: Recorder,
        x: Any,
        ids: Any,
        *,
        seed: int = 0,
        trained_on: Any = None,
        batch_size: int = 256,
    ) -> None:
        """Prepare the recording, which begins with the training.

        Args:
            recorder: of these examples.
            x: the examples, as ``model.predict`` takes them, in the order of ``ids``.
            ids: one for each example.
            seed: of the trial.
            trained_on: ids of the examples trained on, where not all were.
            batch_size: of the pass.
        """
        super().__init__()
        self._recorder, self._x, self._ids = recorder, x, ids
        self._seed, self._trained_on, self._batch_size = seed, trained_on, batch_size

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the trial."""
        self._trial = self._recorder.trial(self._seed, trained_on=self._trained_on)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at every example, and close the epoch."""
        with undisturbed(self.model):
            self._trial.update(self._ids, self.model.predict(self._x, self._batch_size, verbose=0))
        self._trial.end_epoch()

    def on_train_end(self, logs: Any = None) -> None:
        """Store the trial."""
        self._trial.__exit__(None, None, None)
