"""The function of Python that follows from a study: its signature, its help, and the call."""

from __future__ import annotations

import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from easiness import models, runs
from easiness.commands import OLD_ARGUMENTS
from easiness.engine.study import Argument, Later, Study, Verb, answer, arguments_of, make_value
from easiness.errors import BadInput
from easiness.named_import import needing_torch
from easiness.regular_file import at_home
from easiness.store import Run, check_opened

OF_THE_RECIPE = ("batch_size", "image_size", "pretrained")
"""Settings of a recipe in Python that the command line has flags for."""
_OF_AUTO = ("reliability", "max_trials")
_WIDTH = 100
_NUMBERS: dict[Any, Any] = {int: Integral, int | None: Integral, float: Real, float | None: Real}


def function_of(study: Study[Any] | Verb[Any]) -> Callable[..., Any]:
    """The study as a function of Python, which gives its result."""
    parameters = [one for one in arguments_of(study.asks) if one.python]
    carries = study.plan is not None or study.tells if isinstance(study, Study) else study.trains

    def call(values: Mapping[str, Any], progress: runs.Progress | bool) -> Any:
        value = make_value(study.asks, field_values(parameters, values))
        if not carries:
            with runs.passes_shown(bool(progress)):
                return answer(study, value)
        with runs.progress_of(progress) as tell:
            return answer(study, value, tell)

    signature = signature_of(parameters, _return_type(study.find if isinstance(study, Study) else study.call))
    module, _, short = f"easiness.{study.name.replace(' ', '.')}".rpartition(".")

    def function(*args: Any, **keywords: Any) -> Any:
        # an unknown argument is refused as Python does, one by its old name with the new one
        for old in OLD_ARGUMENTS.keys() & keywords.keys() - signature.parameters.keys():
            now = re.match(r"is (\w+)= now", OLD_ARGUMENTS[old])
            if now is None or now[1] in signature.parameters:
                raise BadInput(f"{short}(): {old}= {OLD_ARGUMENTS[old]}")
        try:
            binding = signature.bind(*args, **keywords)
        except TypeError as error:
            raise TypeError(f"{short}(): {error}") from None
        arguments = dict(binding.arguments)
        with needing_torch(short):
            return call(arguments, arguments.pop("progress", True))

    function.__name__ = function.__qualname__ = short
    function.__module__ = module
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()} | {
        "return": signature.return_annotation
    }
    lines = [f"{one.name}: {one.option.help}" for one in parameters]
    lines.append("progress: show how far it is, or tell a `Progress` of your own.")
    fill = textwrap.TextWrapper(_WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8).fill
    about = filter(None, [study.summary, study.about])
    function.__doc__ = "\n\n".join([*about, "\n".join(["Args:", *map(fill, lines)])])
    return function


def _annotation(one: Argument) -> Any:
    """The type of an argument: names of files may be texts, and one run stands for several."""
    if one.option.python_type is not None:
        return one.option.python_type
    if one.option.opens and one.option.several:
        return Run | Sequence[Run]
    return {Path: str | Path, Path | None: str | Path | None}.get(one.kind, one.kind)


def _return_type(function: Callable[..., Any]) -> Any:
    """The type that a function returns; those of its parameters may be known to type checkers alone."""
    if isinstance(function, Later):
        function = function.function
    alone = SimpleNamespace(__annotations__={"return": function.__annotations__.get("return", Any)})
    return typing.get_type_hints(alone, function.__globals__)["return"]


def signature_of(arguments: Sequence[Argument], returns: Any) -> inspect.Signature:
    """Arguments by place first, then a keyword for everything else, and the progress."""
    places = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            one.name,
            places[0] if one.option.has_place else places[1],
            annotation=_annotation(one),
            default=inspect.Parameter.empty if one.is_required else one.default,
        )
        for one in sorted(arguments, key=lambda one: (not one.option.has_place, not one.is_required))
    ]
    telling = inspect.Parameter("progress", places[1], annotation="bool | Progress", default=True)
    return inspect.Signature([*parameters, telling], return_annotation=returns)


def field_values(arguments: Sequence[Argument], values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of Python as the fields have them: runs that are open, paths, settings of the recipe."""
    fields = dict(values)
    for one in arguments:
        value = fields.get(one.name)
        if value is None:
            continue
        if one.option.opens:
            if one.option.takes_files and isinstance(value, str | Path):
                fields[one.name] = value = at_home(value)
            else:
                check_opened(**{one.name: value})
            if one.option.several:
                fields[one.name] = (value,) if isinstance(value, Run | Path) else tuple(value)
                if not fields[one.name]:
                    raise BadInput(f"{one.name}: is empty; give one or several")
        elif one.kind in (Path, Path | None):
            fields[one.name] = at_home(value)
        elif one.kind in _NUMBERS and (isinstance(value, bool) or not isinstance(value, _NUMBERS[one.kind])):
            whole = "whole " if _NUMBERS[one.kind] is Integral else ""
            raise BadInput(f"{one.name} {value!r}: is no {whole}number; give one")
    if callable(fields.get("model")):
        fields["model"] = models.model_name(fields["model"])
    for name, parts, otherwise in (("recipe", OF_THE_RECIPE, None), ("trials", _OF_AUTO, "auto")):
        if isinstance(value := fields.get(name), Mapping):
            fields |= {part: value[part] for part in parts if part in value}
            fields[name] = {key: value[key] for key in value if key not in parts} or otherwise
    return fields
