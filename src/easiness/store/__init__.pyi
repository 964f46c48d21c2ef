from .answers import (
    Arrays as Arrays,
    Form as Form,
    keep_answer as keep_answer,
    kept_answer as kept_answer,
    kept_in_run as kept_in_run,
)
from .checkpoint import (
    CHECKPOINTS as CHECKPOINTS,
    CheckpointDocument as CheckpointDocument,
    checkpoints_of as checkpoints_of,
    clear_checkpoints as clear_checkpoints,
    read_checkpoint as read_checkpoint,
    remove_checkpoints as remove_checkpoints,
    write_checkpoint as write_checkpoint,
)
from .examples import KEPT_FILE as KEPT_FILE
from .files import (
    ASIDE as ASIDE,
    FileDigest as FileDigest,
    FileName as FileName,
    LaterVersion as LaterVersion,
    check_no_links as check_no_links,
    digest as digest,
    file_written_whole as file_written_whole,
    folder_written_whole as folder_written_whole,
    is_intact as is_intact,
    later as later,
    own_version as own_version,
    read_json as read_json,
    read_sealed as read_sealed,
    sweep as sweep,
    write_sealed as write_sealed,
    write_whole as write_whole,
)
from .outcome_writer import model_folders as model_folders, record_outcomes as record_outcomes
from .outcomes import Outcomes as Outcomes
from .over_trials import Seats as Seats, num_heard as num_heard
from .parquet import (
    STATISTICS as STATISTICS,
    Ids as Ids,
    read_row as read_row,
    read_strictly as read_strictly,
)
from .probabilities import record_probabilities as record_probabilities
from .recorder import Recorder as Recorder, TrialRecorder as TrialRecorder
from .run import COURSE as COURSE, Row as Row, Run as Run, open_run as open_run
from .run_folder import (
    check_opened as check_opened,
    is_run as is_run,
    notes_of_failures as notes_of_failures,
    read_document as read_document,
    runs_in as runs_in,
)
from .trial import (
    WEIGHTS as WEIGHTS,
    StoredTrial as StoredTrial,
    write_observations as write_observations,
)
from .watching import EVENTS as EVENTS, AtWork as AtWork, at_work as at_work, last_events as last_events
from .writer import (
    Finding as Finding,
    RunWriter as RunWriter,
    check_output as check_output,
    damaged_trials as damaged_trials,
    findings as findings,
    tidy as tidy,
    verify as verify,
)
