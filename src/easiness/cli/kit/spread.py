"""Values as options: a command takes whole values, the command line their fields."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Annotated, Any, Literal

import typer

from easiness.errors import BadInput
from easiness.executors import executor_names, find_executor
from easiness.spec import Option, options_of


@dataclass(frozen=True)
class Fields:
    """Which fields of a value a command has options for: ``Annotated[Training, Fields(...)]``.

    Args:
        only: these alone, in this order; all that are options by default. The others keep their defaults.
        required: those that have to be given.
        help: other words for some.
        defaults: other values to begin with.
    """

    only: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer reads it: each parameter that is a value of options becomes those options."""
    hints = typing.get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    plain: list[str] = []
    values: dict[str, _Spread] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind, *notes = typing.get_args(hints[name]) or (hints[name],)
        if not (isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")):
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            plain.append(name)
            continue
        wanted = next((note for note in notes if isinstance(note, Fields)), Fields())
        values[name] = _Spread.of(kind, wanted)
        parameters += values[name].parameters()

    @functools.wraps(command)
    def flat(**given: Any) -> None:
        made = {name: value.made(given) for name, value in values.items()}
        command(**{name: given[name] for name in plain}, **made)

    # what Typer looks at: those without a default come first in a signature
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


@dataclass(frozen=True)
class _Spread:
    """A value of options as one command has it: the type, option and default of each field."""

    kind: type
    options: dict[str, tuple[Any, Option, Any]]

    @classmethod
    def of(cls, kind: type, wanted: Fields) -> _Spread:
        known = options_of(kind)
        defaults = {one.name: one.default for one in fields(kind)} | dict(wanted.defaults)
        return cls(
            kind,
            {
                name: (
                    known[name][0],
                    replace(known[name][1], help=wanted.help.get(name, known[name][1].help)),
                    MISSING if name in wanted.required else defaults[name],
                )
                for name in wanted.only or known
            },
        )

    def parameters(self) -> list[inspect.Parameter]:
        """One for each option, as Typer takes it."""
        return [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[
                    _typed(kind, option),
                    typer.Option(
                        option.flag,
                        *option.also,
                        help=option.help,
                        metavar=_REGISTERED[name].names() if name in _REGISTERED else option.metavar,
                        callback=_checking(name, option),
                        rich_help_panel=None
                        if option.first or default is MISSING
                        else getattr(self.kind, "GROUP", None),
                    ),
                ],
                default=inspect.Parameter.empty if default is MISSING else _shown(default, option),
            )
            for name, (kind, option, default) in self.options.items()
        ]

    def made(self, given: Mapping[str, Any]) -> Any:
        """The value, from what was typed."""
        return self.kind(
            **{name: _read(given[name], option) for name, (_, option, _) in self.options.items()}
        )


def _checking(name: str, option: Option) -> Callable[[Any], Any] | None:
    """Refuses text that cannot be read while the command line still knows the name of the option."""
    known = _REGISTERED.get(name)

    def check(given: Any) -> Any:
        try:
            _read(given, option)
        except BadInput:  # which names the option itself
            raise
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if known is not None:
            try:
                known.check(given)
            except BadInput as error:
                raise typer.BadParameter(str(error).removeprefix(f"{name} ")) from None
        return given

    return check if option.read is not None or known is not None else None


@dataclass(frozen=True)
class _Registered:
    """What the help shows for an option that names something registered, and what refuses an unknown name."""

    names: Callable[[], str]
    check: Callable[[str], Any]


# above `spec`, which therefore cannot list them
_REGISTERED: Mapping[str, _Registered] = {
    "executor": _Registered(lambda: "|".join((*executor_names(), "package.module:name")), find_executor)
}


def _typed(kind: Any, option: Option) -> Any:
    """The type of what is typed."""
    if option.words is not None:
        return Literal[tuple(option.words)]
    if option.read is None:
        return option.typed or kind
    return str | None if type(None) in typing.get_args(kind) else str


def _shown(default: Any, option: Option) -> Any:
    if option.words is not None:
        return next(word for word, value in option.words.items() if value == default)
    return str(default) if option.read is not None and default is not None else default


def _read(given: Any, option: Option) -> Any:
    if option.words is not None:
        return option.words[given]
    return option.read(given) if option.read is not None and given is not None else given
