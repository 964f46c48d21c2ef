"""What a public function tells whoever called it: progress, and after Ctrl-C how to go on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easiness.errors import BadInput
from easiness.models import module_of
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.shown import ShownProgress
from easiness.standard_error import say_on_stderr
from easiness.store import Run

_LONGEST = 100  # characters of a value in the text of a call
_UNSAID = "..."


@contextmanager
def progress_of(
    progress: Progress | bool, function: Callable[..., Any], given: Mapping[str, Any]
) -> Iterator[Progress]:
    """The progress to tell, within the block: shown for true, none for false, or the caller's own.

    Where it is shown, an interrupt says which call of ``function`` with the arguments ``given`` goes on.

    Raises:
        BadInput: ``progress`` is none of these.
    """
    if isinstance(progress, Progress):
        yield progress
    elif progress is False or progress is None:
        yield Progress()
    elif progress is True:
        try:
            with ShownProgress() as shown:
                yield shown
        except KeyboardInterrupt:
            say_on_stderr(
                "interrupted; everything finished so far is kept. To go on, call it again: "
                f"{call_text(function, given)}"
            )
            raise
    else:
        raise BadInput(f"progress {progress!r}: give True, False, or a Progress of your own")


def tell_of_data(plan: Plan, progress: Progress) -> None:
    """Say what was found in the source and is not used."""
    if plan.asked.data.num_unreadable:
        progress.note(f"images left out, since they cannot be read: {plan.asked.data.unreadable_text()}")
    for note in plan.data.notes:
        progress.note(f"note: {note}")


def call_text(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """The call of a public function, without what is at its default; ``...`` for what has no short text."""
    said = []
    for parameter in inspect.signature(function).parameters.values():
        value = given.get(parameter.name, parameter.default)
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            said.append(_text(value))
        elif parameter.default is parameter.empty or not _same(value, parameter.default):
            said.append(f"{parameter.name}={_text(value)}")
    return f"easiness.{function.__name__}({', '.join(said)})"


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, str | int | float | tuple) and value == default)


def _text(value: Any) -> str:
    """How a value is written in Python, where that is short and makes it again."""
    if isinstance(value, Run):
        trust = ", trust=True" if value.trusted and module_of(value.model) else ""
        return f"easiness.open_run({str(value.path)!r}{trust})"
    if isinstance(value, Path):
        value = str(value)
    if callable(value):
        return str(getattr(value, "__name__", _UNSAID)).replace("<lambda>", _UNSAID)
    text = repr(value) if _is_plain(value) else _UNSAID
    return text if len(text) <= _LONGEST else _UNSAID


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)
