"""The command that follows from a study: its options, its help, and what it prints and writes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from easiness import runs, store
from easiness.engine.results import OUTPUT_HELP, check_output_file, say_text, show_result
from easiness.engine.study import Argument, Study, Verb, answer, arguments_of, forecast, make_value
from easiness.errors import BadInput
from easiness.executors import executor_names, find_executor
from easiness.show import SUFFIXES
from easiness.spec import Option

_TRUST = Option("--trust", "Import the module that the run names for its network. Its code runs.")
_EXECUTOR, _OWN = "executor", "package.module:name"  # registered above `spec`, which cannot list them
_DRY = Option("--dry-run", "Show what is there and what is missing, and train nothing.")
_OUTPUT = Option("-o", OUTPUT_HELP, also=("--output",), typed=list[Path] | None, several=True)


def command_of(study: Study[Any] | Verb[Any]) -> Callable[..., None]:
    """The study as Typer reads a command."""
    arguments = [one for one in arguments_of(study.asks) if one.option.flag or one.option.argument]
    extra: list[Argument] = []
    if isinstance(study, Study):
        extra = [
            *([Argument("dry_run", bool, _DRY, False)] if study.plan else []),
            *([Argument("trust", bool, _TRUST, False)] if study.trusts else []),
            Argument("output", Any, _OUTPUT, None),
        ]

    everything = [*arguments, *extra]

    def command(**words: Any) -> None:
        values = {}
        for one in everything:
            value = _read(words[one.name], one.option)
            values[one.name] = one.default if value is None else value
        if isinstance(study, Verb):
            study.carry(make_value(study.asks, open_runs(arguments, values)))
            return
        outputs, dry = values.pop("output", None) or [], values.pop("dry_run", False)
        trust = values.pop("trust", False)
        suffixes = study.suffixes(values) if callable(study.suffixes) else (*study.suffixes, *SUFFIXES)
        for output in outputs:
            check_output_file(output, suffixes, decisions=study.decides(values))
        for one in arguments:
            if one.option.writes and values[one.name] is not None:
                check_output_file(values[one.name], one.option.writes)
        options = make_value(study.asks, open_runs(arguments, values, trust=trust))
        if dry:
            say_text(f"{forecast(study, options)}\nnothing was trained and nothing written")
            return
        if study.plan is None and not study.tells:
            with runs.passes_shown(True):
                result = answer(study, options)
        else:
            with runs.ShownProgress() as progress:
                result = answer(study, options, progress)
        show_result(result, outputs, decisions=study.decides(values))

    parameters = [_parameter(one) for one in everything]
    # what Typer looks at: those without a default come first in a signature
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    command.__name__ = study.name.rpartition(" ")[2]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = "\n\n".join(filter(None, (study.summary, study.about)))
    return command


def open_runs(
    arguments: Sequence[Argument], values: Mapping[str, Any], *, trust: bool = False
) -> dict[str, Any]:
    """The values with runs in place of their folders."""
    values = dict(values)
    for one in arguments:
        value = values.get(one.name)
        if one.option.opens and value is not None:
            paths = value if isinstance(value, list) else [value]
            if one.option.several:
                paths = [folder for path in paths for folder in store.runs_in(path, several=True)]
            as_runs = tuple(
                path if one.option.takes_files and path.is_file() else store.open_run(path, trust=trust)
                for path in paths
            )
            values[one.name] = as_runs if one.option.several else as_runs[0]
    return values


def _parameter(one: Argument) -> inspect.Parameter:
    option = one.option
    if option.argument:
        parameter: Any = typer.Argument(help=option.help, metavar=option.metavar or one.name.upper())
    else:
        parameter = typer.Option(
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
        annotation=Annotated[_annotation(one.kind, option), parameter],
        default=inspect.Parameter.empty if one.is_required else _default(one.default, option),
    )


def _checking(name: str, option: Option) -> Callable[[Any], Any] | None:
    """Refuses text that cannot be read while the command line still knows the name of the option."""

    def check(text: Any) -> Any:
        try:
            find_executor(text) if name == _EXECUTOR else _read(text, option)
        except ValueError as error:
            if isinstance(error, BadInput) and name != _EXECUTOR:  # which names the option itself
                raise
            raise typer.BadParameter(str(error).removeprefix(f"{name} ")) from None
        return text

    return check if option.read is not None or name == _EXECUTOR else None


def _annotation(kind: Any, option: Option) -> Any:
    if option.opens:
        return list[Path] if option.several else Path | None if type(None) in typing.get_args(kind) else Path
    if option.words is not None:
        return Literal[tuple(option.words)]
    if option.read is None:
        return option.typed or kind
    return str | None if type(None) in typing.get_args(kind) else str


def _default(default: Any, option: Option) -> Any:
    if option.words is not None:
        return next(word for word, value in option.words.items() if value == default)
    if option.read is None or default is None:
        return default
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else str(default)


def _read(text: Any, option: Option) -> Any:
    if option.words is not None:
        return option.words[text]
    return option.read(text) if option.read is not None and text is not None else text
