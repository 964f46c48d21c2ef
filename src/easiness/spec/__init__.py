"""What is to be done: recipes, trials and runs as frozen values, and the seeds they draw from."""

from easiness.spec.draw import Draw, Effect
from easiness.spec.named_recipes import (
    BASE,
    DEFAULT_RECIPE,
    RECIPES,
    describe_recipe,
    named_recipe,
    recipe_settings,
)
from easiness.spec.observe import ALL, LAST, TRAIN, check_observe, observe_text, observed_epochs
from easiness.spec.recipe import RECIPE_VERSION, Recipe, make_recipe, read_recipe
from easiness.spec.seeds import TrialSeeds, trial_seeds
from easiness.spec.stopping import Check, Stopped, StoppingRule, Tail
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
    "ALL",
    "BASE",
    "DEFAULT_RECIPE",
    "LAST",
    "RECIPES",
    "RECIPE_VERSION",
    "TRAIN",
    "Check",
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
    "Stopped",
    "StoppingRule",
    "Tail",
    "TrialSeeds",
    "TrialSpec",
    "check_observe",
    "content_hash",
    "describe_recipe",
    "make_recipe",
    "named_recipe",
    "observe_text",
    "observed_epochs",
    "read_recipe",
    "recipe_settings",
    "trial_seeds",
]
