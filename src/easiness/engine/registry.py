"""Commands by their names: those of this package, and studies that other packages register."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from easiness.commands import COMMANDS, ENTRY_POINTS, PAPER, CommandEntry, Group
from easiness.errors import BadInput, unless_exit
from easiness.standard_error import say_on_stderr

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from easiness.engine.study import Study, Verb


def registered_commands() -> tuple[CommandEntry, ...]:
    """The studies that other packages register by an entry point; names that are taken are left alone.

    A package that cannot be loaded is left out with a note, so that it stops nothing but its own command.
    """
    commands = []
    for point in _points():
        try:
            commands.append(_entry(point))
        except BadInput as error:
            say_on_stderr(f"note: {error}")
    return tuple(commands)


def _points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    names = {one.name for one in (*COMMANDS, *PAPER)}
    points = sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name)
    return [point for point in points if point.name not in names]


def _entry(point: EntryPoint) -> CommandEntry:
    study = load_object(point.value, point.name)
    return CommandEntry(point.name, study.group, point.value, study.summary)


def find_command(name: str) -> CommandEntry | None:
    """The command of this name; of another package only where none of ours has it."""
    own = next((one for one in (*COMMANDS, *PAPER) if one.name == name), None)
    return own or next((_entry(point) for point in _points() if point.name == name), None)


def heading(name: str) -> tuple[str, Group, str]:
    """The name, the group and the summary that one of our commands has in the help, for its `Study`."""
    one = next(one for one in (*COMMANDS, *PAPER) if one.name == name)
    return one.name, one.group, one.summary


def find_study(one: CommandEntry) -> Study[Any] | Verb[Any]:
    study: Study[Any] | Verb[Any] = load_object(
        f"easiness.{one.home}" if one in (*COMMANDS, *PAPER) else one.home, one.name
    )
    return study


def find_function(name: str) -> Callable[..., Any]:
    """The function of Python of a command, of this package or another; `AttributeError` where none has it."""
    from easiness.engine.function import function_of

    one = find_command(name)
    if one is None:
        raise AttributeError(f"module 'easiness' has no attribute {name!r}")
    return function_of(find_study(one))


def load_object(home: str, name: str) -> Any:
    """The object of a module, as ``package.module:name``."""
    module, _, attribute = home.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # of a stranger's module, which may end in any way
        if module.startswith("easiness."):
            raise
        raise BadInput(
            f"{name}: its study {home} cannot be loaded ({unless_exit(error)}); mend or remove its package"
        ) from error
