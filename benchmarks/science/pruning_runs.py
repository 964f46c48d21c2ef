"""The trainings behind `pruning.py`: the run that scores the examples, and one training of each cell.

A cell's examples are chosen by `keep`. What it leaves out is handed to the trial as a ranking whose largest
values are drawn with certainty, so that equal steps and seeds are those of `ablate`.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from easiness import keep, load_dataset
from easiness.errors import BadInput
from easiness.runs import Drawn, carry_out, make_plan
from easiness.spec import Draw, Execution, Recording, Training
from easiness.store import open_run

SCORING_TRIALS, SCORING_SEED = 8, 1000  # another seed than any that is judged
CERTAIN = (1e9, 1.0)  # a density that draws the largest values and no others
_WORKING = {}  # of this process: the data and the settings


@dataclass(frozen=True)
class Settings:
    """What all trainings have in common; results of other settings are not comparable."""

    examples: int = 3000
    held_out: int = 4000
    model: str = "wrn_10_1"
    reduce: int = 2
    epochs: int = 16

    def training(self, seed):
        """How a network is trained: the recipe for short trainings, on pictures of half their side."""
        recipe = {"base": "short", "reduce": self.reduce}
        return Training(model=self.model, epochs=self.epochs, seed=seed, recipe=recipe, precision="float32")

    def load(self, source):
        """The examples, class-balanced, and those to test on."""
        data = load_dataset(str(source))
        return replace(data.limit(self.examples), held_out=data.held_out.limit(self.held_out))


def score(data, settings, folder):
    """The run that every score is read from, trained as far as it is missing."""
    plan = make_plan(
        data,
        settings.training(SCORING_SEED),
        SCORING_TRIALS,
        recording=Recording(keep_weights=False, splits=("train",)),
    )
    return carry_out(plan, folder, Execution(executor="processes", jobs=2, compile="off"))


def begin(source, settings, runs):
    """In a process of its own: load what all of its trainings share."""
    data = settings.load(source)
    scored = open_run(runs / "scores")
    assert scored.ids.tolist() == data.ids.tolist()
    _WORKING.update(data=data, settings=settings, scored=scored, runs=runs)


def train(cell):
    """The held-out accuracy of a cell after its last epoch, and the seconds it took.

    The accuracy is ``None`` where the sampler would leave a class without examples.
    """
    began = time.perf_counter()
    data, settings = _WORKING["data"], _WORKING["settings"]
    drawn = None
    if cell.kept < 1:
        try:
            left_out = ~keep(_WORKING["scored"], **cell.options()).kept
        except BadInput as error:
            return {"name": cell.name, "accuracy": None, "why": str(error), "seconds": 0.0}
        digest = hashlib.sha256(left_out.tobytes()).hexdigest()
        draw = Draw(effect="drop", rate=cell.drop, beta=CERTAIN, ranking=digest)
        drawn = Drawn(draw, left_out.astype(np.float64), cell.length == "steps")
    plan = make_plan(
        data,
        settings.training(cell.seed),
        1,
        recording=Recording(observe="last", keep_weights=False, splits=("held_out",)),
        drawn=drawn,
    )
    assert plan.num_trained_on == len(data) - (0 if drawn is None else int(left_out.sum()))
    with tempfile.TemporaryDirectory(dir=_WORKING["runs"]) as folder:
        run = carry_out(plan, Path(folder) / "cell", Execution(executor="serial", jobs=1, compile="off"))
        accuracy = run.trials[0].document.accuracy["held_out"][-1]
    return {"name": cell.name, "accuracy": accuracy, "seconds": round(time.perf_counter() - began, 2)}
