"""``easiness ablate``: Figure 4 (a, b) for any data and model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from easiness.cli import training_sets as options
from easiness.cli.spread import Fields, spread
from easiness.spec import Drawing

if TYPE_CHECKING:
    from easiness.runs import Progress
    from easiness.studies.training_sets import TrainingSetStudy


@spread
def ablate(
    source: options.Source,
    scores: options.Scores,
    out: options.Out,
    training: options.Trained,
    drawing: Annotated[Drawing, Fields((*options.DRAWN, "steps"), required=("rates",))],
    loading: options.Loaded,
    execution: options.Executed,
    every_epoch: options.EveryEpoch = False,
    output: options.Output = None,
) -> None:
    """Train without some easy, hard or random examples, and test.

    The test is on the held-out split.
    """
    from easiness.store import open_run
    from easiness.studies.training_sets import plan_training_sets, train_sets

    def study(progress: Progress) -> TrainingSetStudy:
        sets = plan_training_sets("drop", source, open_run(scores), training, drawing, loading)
        return train_sets(sets, out, execution, progress)

    options.show(study, execution, output, every_epoch)
