from .command_words import (
    command_line as command_line,
    command_parts as command_parts,
    featuring_of as featuring_of,
    loading_of as loading_of,
    training_of as training_of,
)
from .data_ref import (
    LONGEST_NAME as LONGEST_NAME,
    TABLE_OPTIONS as TABLE_OPTIONS,
    DatasetRef as DatasetRef,
    LoadOptions as LoadOptions,
    SplitRef as SplitRef,
)
from .heads import (
    BOOSTING as BOOSTING,
    NOT_BY_STEPS as NOT_BY_STEPS,
    RIDGE as RIDGE,
    SHARES as SHARES,
    FeaturesRef as FeaturesRef,
    Heads as Heads,
    check_shares as check_shares,
    fraction_of as fraction_of,
    shares_text as shares_text,
)
from .loading import Loading as Loading
from .named_recipes import (
    BASE as BASE,
    DEFAULT_RECIPE as DEFAULT_RECIPE,
    RECIPES as RECIPES,
    describe_recipe as describe_recipe,
    named_recipe as named_recipe,
    recipe_settings as recipe_settings,
)
from .option import (
    Fields as Fields,
    Option as Option,
    OptionGroup as OptionGroup,
    at_least as at_least,
    options_of as options_of,
    read_at as read_at,
    read_names as read_names,
    read_numbers as read_numbers,
)
from .options import (
    ALL as ALL,
    LAST as LAST,
    TRAIN as TRAIN,
    CheckpointEvery as CheckpointEvery,
    Compile as Compile,
    Drawing as Drawing,
    Execution as Execution,
    Featuring as Featuring,
    Jobs as Jobs,
    Keep as Keep,
    Measuring as Measuring,
    Precision as Precision,
    RecipeGiven as RecipeGiven,
    Recording as Recording,
    Split as Split,
    Steps as Steps,
    Training as Training,
    Trials as Trials,
    check_observe as check_observe,
    observe_text as observe_text,
    observed_epochs as observed_epochs,
)
from .recipe import (
    KIND_SETTINGS as KIND_SETTINGS,
    RECIPE_VERSION as RECIPE_VERSION,
    Recipe as Recipe,
    make_recipe as make_recipe,
    read_recipe as read_recipe,
    settings_of_others as settings_of_others,
)
from .stopping import Check as Check, Stopped as Stopped, StoppingRule as StoppingRule, Tail as Tail
from .trial import (
    MOST as MOST,
    UNNAMED as UNNAMED,
    Draw as Draw,
    Effect as Effect,
    Probe as Probe,
    RecordedSpec as RecordedSpec,
    Resolved as Resolved,
    RunSpec as RunSpec,
    TrialSeeds as TrialSeeds,
    TrialSpec as TrialSpec,
    content_hash as content_hash,
    examples_of_epoch as examples_of_epoch,
    trial_seeds as trial_seeds,
)
