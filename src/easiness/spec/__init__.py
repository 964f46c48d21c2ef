"""What is to be done: recipes, trials and runs as frozen values, and the seeds they draw from."""

from easiness.spec.draw import Draw, Effect
from easiness.spec.recipe import RECIPE_VERSION, Recipe, make_recipe, read_recipe
from easiness.spec.seeds import TrialSeeds, trial_seeds
from easiness.spec.trial import (
    DatasetRef,
    LoadOptions,
    Probe,
    RecordedSpec,
    Resolved,
    RunSpec,
    SplitRef,
    TrialSpec,
    content_hash,
)

__all__ = [
    "RECIPE_VERSION",
    "DatasetRef",
    "Draw",
    "Effect",
    "LoadOptions",
    "Probe",
    "Recipe",
    "RecordedSpec",
    "Resolved",
    "RunSpec",
    "SplitRef",
    "TrialSeeds",
    "TrialSpec",
    "content_hash",
    "make_recipe",
    "read_recipe",
    "trial_seeds",
]
