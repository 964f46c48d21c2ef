"""The command that follows from a study: its options, its help, and what it prints and writes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from easiness.engine.results import WRITTEN, check_output_file, say_text, show_result
from easiness.engine.study import Asked, Study, Verb, answer, asked_of, forecast, made
from easiness.errors import BadInput
from easiness.executors import executor_names, find_executor
from easiness.show import SUFFIXES
from easiness.spec import Option

_TRUST = Option("--trust", "Import the module that the run names for its network. Its code runs.")
_EXECUTOR, _OWN = "executor", "package.module:name"  # registered above `spec`, which cannot list them
_DRY = Option("--dry-run", "Show what is there and what is missing, and train nothing.")
_OUTPUT = Option("-o", WRITTEN, also=("--output",), typed=list[Path] | None, several=True)


def command_of(study: Study[Any] | Verb[Any]) -> Callable[..., None]:
    """The study as Typer reads a command."""
    asked = [one for one in asked_of(study.asks) if one.option.flag or one.option.argument]
    own: list[Asked] = []
    if isinstance(study, Study):
        own = [
            *([Asked("dry_run", bool, _DRY, False)] if study.plan else []),
            *([Asked("trust", bool, _TRUST, False)] if study.trusts else []),
            Asked("output", Any, _OUTPUT, None),
        ]

    every = [*asked, *own]

    def command(**typed: Any) -> None:
        values = {one.name: _read(typed[one.name], one.option) for one in every}
        given = {one.name: one.default if values[one.name] is None else values[one.name] for one in every}
        if isinstance(study, Verb):
            study.carry(made(study.asks, opened(asked, given)))
            return
        outputs, dry = given.pop("output", None) or [], given.pop("dry_run", False)
        trust = given.pop("trust", False)
        suffixes = study.suffixes(given) if callable(study.suffixes) else study.suffixes
        for output in outputs:
            check_output_file(output, (*suffixes, *SUFFIXES), decisions=study.decides(given))
        for one in asked:
            if one.option.writes and given[one.name] is not None:
                check_output_file(given[one.name], one.option.writes)
        value = made(study.asks, opened(asked, given, trust=trust))
        if dry:
            say_text(f"{forecast(study, value)}\nnothing was trained and nothing written")
            return
        from easiness import runs  # not where its help is shown

        if study.plan is None and not study.watched:
            with runs.passes_shown(True):
                result = answer(study, value)
        else:
            with runs.ShownProgress() as progress:
                result = answer(study, value, progress)
        show_result(result, outputs, decisions=study.decides(given))

    parameters = [_parameter(one) for one in every]
    # what Typer looks at: those without a default come first in a signature
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    command.__name__ = study.name.rpartition(" ")[2]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = "\n\n".join(filter(None, (study.summary, study.about)))
    return command


def opened(asked: Sequence[Asked], given: Mapping[str, Any], *, trust: bool = False) -> dict[str, Any]:
    """The same with runs in place of their folders."""
    from easiness.store import open_run  # not where its help is shown

    found = dict(given)
    for one in asked:
        value = found.get(one.name)
        if one.option.opens and value is not None:
            paths = value if isinstance(value, list) else [value]
            runs = tuple(open_run(path, trust=trust) for path in paths)
            found[one.name] = runs if one.option.several else runs[0]
    return found


def _parameter(one: Asked) -> inspect.Parameter:
    option, required = one.option, one.required
    if option.argument:
        declared: Any = typer.Argument(help=option.help, metavar=option.metavar or one.name.upper())
    else:
        declared = typer.Option(
            option.flag,
            *option.also,
            help=option.help,
            metavar="|".join((*executor_names(), _OWN)) if one.name == _EXECUTOR else option.metavar,
            callback=_checking(one.name, option),
            rich_help_panel=one.group,
        )
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[_typed(one.kind, option), declared],
        default=inspect.Parameter.empty if required else _shown(one.default, option),
    )


def _checking(name: str, option: Option) -> Callable[[Any], Any] | None:
    """Refuses text that cannot be read while the command line still knows the name of the option."""

    def check(given: Any) -> Any:
        try:
            find_executor(given) if name == _EXECUTOR else _read(given, option)
        except ValueError as error:
            if isinstance(error, BadInput) and name != _EXECUTOR:  # which names the option itself
                raise
            raise typer.BadParameter(str(error).removeprefix(f"{name} ")) from None
        return given

    return check if option.read is not None or name == _EXECUTOR else None


def _typed(kind: Any, option: Option) -> Any:
    if option.opens:
        return list[Path] if option.several else Path
    if option.words is not None:
        return Literal[tuple(option.words)]
    if option.read is None:
        return option.typed or kind
    return str | None if type(None) in typing.get_args(kind) else str


def _shown(default: Any, option: Option) -> Any:
    if option.words is not None:
        return next(word for word, value in option.words.items() if value == default)
    if option.read is None or default is None:
        return default
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else str(default)


def _read(given: Any, option: Option) -> Any:
    if option.words is not None:
        return option.words[given]
    return option.read(given) if option.read is not None and given is not None else given
