"""Runs on disk: folders of whole trials that any Parquet reader understands."""

from easiness.store.at_work import AtWork, at_work
from easiness.store.checkpoint import (
    CHECKPOINTS,
    CheckpointDocument,
    checkpoints_of,
    clear_checkpoints,
    read_checkpoint,
    remove_checkpoints,
    write_checkpoint,
)
from easiness.store.document import is_run, notes_of_failures, read_document
from easiness.store.events import EVENTS, last_events
from easiness.store.files import (
    ASIDE,
    FileDigest,
    digest,
    file_written_whole,
    folder_written_whole,
    is_intact,
    sweep,
    write_whole,
)
from easiness.store.inside import FileName, check_no_links
from easiness.store.json_file import read_json
from easiness.store.observations import STATISTICS, Ids, read_rows, write_observations
from easiness.store.opened import takes_runs
from easiness.store.recorder import Recorder
from easiness.store.run import Run, open_run
from easiness.store.strict_parquet import read_strictly
from easiness.store.trial import WEIGHTS, StoredTrial
from easiness.store.trial_recorder import TrialRecorder
from easiness.store.verifying import Finding, findings, verify
from easiness.store.whole_trials import WholeTrials
from easiness.store.writer import RunWriter, check_output, tidy

__all__ = [
    "ASIDE",
    "AtWork",
    "EVENTS",
    "CHECKPOINTS",
    "CheckpointDocument",
    "FileDigest",
    "FileName",
    "Finding",
    "Ids",
    "STATISTICS",
    "WEIGHTS",
    "WholeTrials",
    "check_no_links",
    "checkpoints_of",
    "clear_checkpoints",
    "digest",
    "findings",
    "file_written_whole",
    "folder_written_whole",
    "is_intact",
    "read_checkpoint",
    "read_json",
    "read_rows",
    "read_strictly",
    "remove_checkpoints",
    "sweep",
    "write_checkpoint",
    "write_observations",
    "write_whole",
    "Recorder",
    "Run",
    "RunWriter",
    "StoredTrial",
    "TrialRecorder",
    "at_work",
    "check_output",
    "is_run",
    "last_events",
    "notes_of_failures",
    "read_document",
    "open_run",
    "takes_runs",
    "tidy",
    "verify",
]
