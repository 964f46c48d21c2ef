from .command import command_of as command_of
from .function import (
    function_of as function_of,
)
from .options import (
    ONE_RUN as ONE_RUN,
    ONE_SOURCE as ONE_SOURCE,
    PICTURE as PICTURE,
    SEVERAL_RUNS as SEVERAL_RUNS,
    STUDY_TRAINING as STUDY_TRAINING,
    At as At,
    Data as Data,
    DecisionFile as DecisionFile,
    Device as Device,
    Fraction as Fraction,
    HeldOutToo as HeldOutToo,
    OneFolder as OneFolder,
    OneRun as OneRun,
    Out as Out,
    Policies as Policies,
    Seed as Seed,
    Source as Source,
    share as share,
)
from .registry import (
    find_command as find_command,
    find_function as find_function,
    find_study as find_study,
    heading as heading,
    registered_commands as registered_commands,
)
from .results import (
    check_output_file as check_output_file,
    check_output_folder as check_output_folder,
    output_file as output_file,
    output_folder as output_folder,
    print_rows as print_rows,
    say as say,
    say_text as say_text,
    say_written as say_written,
    write_file as write_file,
    write_page as write_page,
    write_result as write_result,
)
from .study import (
    Argument as Argument,
    Later as Later,
    Study as Study,
    Verb as Verb,
    answer as answer,
    are_outcomes as are_outcomes,
    arguments_of as arguments_of,
    changed_options as changed_options,
    make_value as make_value,
    option_flag as option_flag,
    refuse_options as refuse_options,
)
