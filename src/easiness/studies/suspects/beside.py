"""Features that judge labels beside a run of networks, and cost little beside it."""

from __future__ import annotations

from pathlib import Path

from easiness import features
from easiness.inputs import IMAGE, VECTOR
from easiness.spec import DatasetRef, command_line, loading_of
from easiness.store import Run

_TRIALS = 20
_LARGE = 32  # pixels: networks that know photos say little of smaller pictures


def features_command(run: Run) -> str | None:
    """The command that measures usual features of the examples of a run of networks.

    ``None`` where none know such examples or are installed, and of a run without a source or on features.
    """
    spec = run.spec.measured
    if spec is None or spec.data.source is None or run.shares or not _known(spec.data):
        return None
    words = ("--features", "auto", "--trials", _TRIALS, loading_of(spec.data))
    return command_line("measure", spec.data.source, *words, "--out", _out(run))


def to_judge_along(run: Run) -> str:
    """A sentence with the commands by which features judge the labels along; empty where none can."""
    command = features_command(run)
    if command is None:
        return ""
    both = command_line("suspects", run.path, _out(run))
    return f"Heads on features cost little and judge along: {command}, then {both}."


def _out(run: Run) -> Path:
    return Path(f"{run.path}-features")


def _known(data: DatasetRef) -> bool:
    if data.kind == VECTOR.name:
        return False
    small = data.kind == IMAGE.name and max((data.image_shape or (0,))[1:], default=_LARGE) < _LARGE
    return not small and features.has_usual(data.kind)
