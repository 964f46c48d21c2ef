"""Record what a training by skorch makes of each example."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from easiness.integrations.observing import undisturbed
from easiness.store import Recorder


class RecordCallback(Callback):  # type: ignore[misc]
    """Records a trial: after every epoch in a clean pass over ``x``.

    >>> net = NeuralNetClassifier(Module, callbacks=[RecordCallback(recorder, x, ids)])  # doctest: +SKIP

    The recorder is made with ``outputs="probabilities"`` where the module ends in a softmax, as skorch's
    default criterion wants it. The trial is stored when the training ends.
    """

    def __init__(
        self, recorder: Recorder, x: Any, ids: Any, *, seed: int = 0, trained_on: Any = None
    ) -> None:
        """Prepare the recording, which begins with the training.

        Args:
            recorder: of these examples.
            x: the examples, as skorch's ``forward`` takes them, in the order of ``ids``.
            ids: one for each example.
            seed: of the trial.
            trained_on: ids of the examples trained on, where not all were.
        """
        self.recorder, self.x, self.ids = recorder, x, ids
        self.seed, self.trained_on = seed, trained_on

    def on_train_begin(self, net: Any, *_: Any, **__: Any) -> None:
        """Begin the trial."""
        self.trial_ = self.recorder.trial(self.seed, trained_on=self.trained_on)

    def on_epoch_end(self, net: Any, *_: Any, **__: Any) -> None:
        """Look at every example, and close the epoch."""
        with undisturbed(net.module_):
            self.trial_.update(self.ids, net.forward(self.x))
        self.trial_.end_epoch()

    def on_train_end(self, net: Any, *_: Any, **__: Any) -> None:
        """Store the trial."""
        self.trial_.__exit__(None, None, None)
