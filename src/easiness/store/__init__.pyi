from .checkpoint import (
    CHECKPOINTS as CHECKPOINTS,
    CheckpointDocument as CheckpointDocument,
    checkpoints_of as checkpoints_of,
    clear_checkpoints as clear_checkpoints,
    read_checkpoint as read_checkpoint,
    remove_checkpoints as remove_checkpoints,
    write_checkpoint as write_checkpoint,
)
from .document import is_run as is_run, notes_of_failures as notes_of_failures, read_document as read_document
from .events import EVENTS as EVENTS, last_events as last_events
from .files import (
    ASIDE as ASIDE,
    FileDigest as FileDigest,
    digest as digest,
    file_written_whole as file_written_whole,
    folder_written_whole as folder_written_whole,
    is_intact as is_intact,
    sweep as sweep,
    write_whole as write_whole,
)
from .inside import FileName as FileName, check_no_links as check_no_links
from .json_file import read_json as read_json
from .observations import (
    STATISTICS as STATISTICS,
    Ids as Ids,
    read_rows as read_rows,
    write_observations as write_observations,
)
from .opened import check_opened as check_opened
from .recorder import Recorder as Recorder
from .run import Run as Run, open_run as open_run
from .run_lock import AtWork as AtWork, at_work as at_work
from .strict_parquet import read_strictly as read_strictly
from .trial import WEIGHTS as WEIGHTS, StoredTrial as StoredTrial
from .trial_recorder import TrialRecorder as TrialRecorder
from .verifying import Finding as Finding, findings as findings, verify as verify
from .whole_trials import WholeTrials as WholeTrials
from .writer import RunWriter as RunWriter, check_output as check_output, tidy as tidy
