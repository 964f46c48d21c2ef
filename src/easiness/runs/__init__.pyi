from .carrying_out import (
    Foreseen as Foreseen,
    carry_out as carry_out,
    carry_out_all as carry_out_all,
    check_readable as check_readable,
    check_study_folder as check_study_folder,
    describe as describe,
    foresee as foresee,
    missing_by_run as missing_by_run,
    plan_costs as plan_costs,
)
from .execution import (
    Cost as Cost,
    effort_text as effort_text,
    estimate_cost as estimate_cost,
    resolve_plan as resolve_plan,
    seconds_beside as seconds_beside,
    work_of as work_of,
)
from .leak import find_leak as find_leak, leak_of as leak_of
from .measuring import measure as measure, plan_measuring as plan_measuring
from .plan import (
    Plan as Plan,
    RankedDraw as RankedDraw,
    check_rotates as check_rotates,
    make_plan as make_plan,
    on_features as on_features,
    plan_of as plan_of,
    recipe_of_run as recipe_of_run,
    with_recipe as with_recipe,
)
from .progress import (
    Progress as Progress,
    ShownProgress as ShownProgress,
    TrackedProgress as TrackedProgress,
    passes_shown as passes_shown,
    progress_of as progress_of,
    reading_shown as reading_shown,
    trackers_of as trackers_of,
)
from .source import (
    CellTexts as CellTexts,
    cache_beside as cache_beside,
    cell_texts as cell_texts,
    data_of as data_of,
    data_version as data_version,
    decisions_on as decisions_on,
    features_beside as features_beside,
    features_of as features_of,
    find_data as find_data,
    find_split as find_split,
    given_data as given_data,
    has_held_out as has_held_out,
    labelled_examples as labelled_examples,
    load_as as load_as,
    positions_in as positions_in,
    recipe_of as recipe_of,
    run_values as run_values,
    training_difference as training_difference,
)
