"""Runs on disk: folders of whole trials that any Parquet reader understands."""

from easiness.store.document import is_run, read_document
from easiness.store.recorder import Recorder, TrialRecorder
from easiness.store.run import Run, open_run
from easiness.store.trial import StoredTrial
from easiness.store.writer import RunWriter, check_output, tidy

__all__ = [
    "Recorder",
    "Run",
    "RunWriter",
    "StoredTrial",
    "TrialRecorder",
    "check_output",
    "is_run",
    "read_document",
    "open_run",
    "tidy",
]
