"""A study as a frozen value: what it asks, the runs that it plans, and what it finds in them."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Generic, TypeVar

from easiness import data, runs, show, training
from easiness.commands import Group
from easiness.errors import BadInput
from easiness.executors import check_execution
from easiness.spec import Fields, Option, at_least, check_within, options_of

A = TypeVar("A")


@dataclass(frozen=True)
class Argument:
    """One thing that is asked: an option by its name, with the type and the default of its field.

    ``default`` is `dataclasses.MISSING` where it has to be given. ``holder`` is the field of the common value
    that it belongs to, and ``group`` the part of the help; both are empty for a study's own. ``python`` says
    whether the function of Python has it.
    """

    name: str
    kind: Any
    option: Option
    default: Any
    holder: str = ""
    group: str | None = None
    python: bool = True

    @property
    def is_required(self) -> bool:
        return self.default is MISSING


def arguments_of(asks: type) -> list[Argument]:
    """Everything that a value asks, in the order of its fields."""
    hints = typing.get_type_hints(asks, include_extras=True)
    options = options_of(asks)
    arguments: list[Argument] = []
    for one in fields(asks):
        if one.name in options:
            kind, option = options[one.name]
            python = option.python
            default, group = _default(one), option.group
            arguments.append(Argument(one.name, kind, option, default, group=group, python=python))
        else:
            kind, *notes = typing.get_args(hints[one.name]) or (hints[one.name],)
            choice = next((note for note in notes if isinstance(note, Fields)), Fields())
            arguments += _of_value(kind, one.name, choice)
    return arguments


def _of_value(kind: type, holder: str, choice: Fields) -> Iterator[Argument]:
    options = options_of(kind)
    own = {one.name: one for one in fields(kind)}
    for name in choice.only or options:
        if name not in options:
            continue
        of, option = options[name]
        option = replace(option, help=choice.help.get(name, option.help))
        default = MISSING if name in choice.required else choice.defaults.get(name, _default(own[name]))
        group = None if option.first or default is MISSING else getattr(kind, "GROUP", None)
        python = option.python and choice.python and not getattr(kind, "OF_DATA", False)
        yield Argument(name, of, option, default, holder, group, python)


def _default(one: Any) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def make_value(asks: type[A], values: Mapping[str, Any]) -> A:
    """The value asked, from arguments by name; what is not given keeps its default."""
    fields_given: dict[str, Any] = {}
    of_holders: dict[str, dict[str, Any]] = {}
    hints = typing.get_type_hints(asks, include_extras=True)
    for one in arguments_of(asks):
        value = values.get(one.name, one.default)
        name = one.option.flag or one.name
        if one.option.within is not None and value is not None:
            check_within(name, value, one.option.within)
        if one.option.least is not None and value is not None:
            at_least(name, value, one.option.least)
        (of_holders.setdefault(one.holder, {}) if one.holder else fields_given)[one.name] = value
    for holder, parts in of_holders.items():
        kind, *_ = typing.get_args(hints[holder]) or (hints[holder],)
        fields_given[holder] = kind(**parts)
    return asks(**fields_given)


def option_flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def changed_options(kind: type, values: Mapping[str, Any]) -> list[str]:
    """The names of the options of ``kind`` whose values are not their defaults."""
    defaults = {one.name: one.default for one in fields(kind) if one.default is not MISSING}
    return [name for name, usual in defaults.items() if repr(values.get(name, usual)) != repr(usual)]


def refuse_options(
    options: Any, problem: str, *, among: Collection[str] = (), but: Collection[str] = ()
) -> None:
    """Refuse by its flag an option that is not at its default: one ``among`` these, or any ``but`` these."""
    for name in changed_options(type(options), vars(options)):
        if name in among if among else name not in but:
            raise BadInput(f"{option_flag(name)}: {problem}")


def _never(_: Mapping[str, Any]) -> bool:
    return False


@dataclass(frozen=True)
class Later:
    """A function by its ``home``, ``package.module:name``, which is imported when it is first called.

    So the help of a study that trains loads no torch.
    """

    home: str

    @property
    def function(self) -> Callable[..., Any]:
        module, _, name = self.home.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return self.function(*arguments)


@dataclass(frozen=True)
class Study(Generic[A]):
    """A study, from which its command and its function of Python follow.

    Args:
        name: of the command, and of the function.
        group: of the list of commands.
        summary: the first line of its help.
        asks: a frozen dataclass whose fields are options (`Option`, `Argument`), or values of options.
        find: the result, from what is asked; of a study that trains also from what it planned and from its
            finished runs by name. It neither trains nor writes.
        plan: a value with the ``runs`` to carry out below ``out``, a field of what is asked: plans by the
            names of their folders; and a ``note``, a sentence of ``--dry-run``. None for a study of runs that
            are there.
        about: the rest of its help, paragraphs with a blank line between them.
        suffixes: endings of files that it writes beside those of every result; where they depend on what is
            given, a function of that for all of them.
        decides: does it, by what is given, write decisions? A file of decisions may then be written over.
        on_page: the page of a run shows it, asked with its defaults.
        tells: ``find`` takes what to tell how far it is, behind what is asked: it asks networks.
        trusts: the command has ``--trust``, since code that a run names may be needed.
        outcomes: finds the result where the runs are outcomes that somebody else measured. A study without
            it refuses them.
        needs: the noun for what it then lacks.
        not_of_tags: what is asked that makes no sense of several tags an example, and is refused: ``keep
            --steps``; empty where nothing is. The paper's studies are all refused.
    """

    name: str
    group: Group
    summary: str
    asks: type[A]
    find: Callable[..., show.Result]
    plan: Callable[[A], Any] | None = None
    about: str = ""
    suffixes: tuple[str, ...] | Callable[[Mapping[str, Any]], tuple[str, ...]] = ()
    decides: Callable[[Mapping[str, Any]], bool] = _never
    on_page: bool = False
    tells: bool = False
    trusts: bool = False
    outcomes: Callable[[A], show.Result] | None = None
    needs: str = "classes"
    not_of_tags: Callable[[A], str] = lambda _: ""


@dataclass(frozen=True)
class Verb(Generic[A]):
    """A command that is no study: ``call`` gives what its function of Python returns, ``carry`` prints.

    ``call`` of one that ``trains`` takes the progress to tell behind what is asked.
    """

    name: str
    group: Group
    summary: str
    asks: type[A]
    call: Callable[..., Any]
    carry: Callable[[A], None]
    about: str = ""
    trains: bool = False


# runs are imported where they are planned: what only reads them starts without torch


def are_outcomes(runs: Iterable[Any]) -> bool:
    """Are the runs among these outcomes that somebody else measured? All are, or none."""
    paths = {run.is_outcomes: run.path for run in runs}
    if len(paths) > 1:
        raise BadInput(f"{paths[True]}: has outcomes, and {paths[False]} was measured; give runs of one kind")
    return True in paths


def _in_outcomes(study: Study[Any], options: Any) -> Callable[[Any], show.Result] | None:
    """The function that finds the result where the runs asked are outcomes; None where none is."""
    values = [getattr(options, one.name, None) for one in arguments_of(type(options)) if one.option.opens]
    every = [one for value in values for one in (value if isinstance(value, list | tuple) else [value])]
    runs_asked: list[Any] = [one for one in every if hasattr(one, "is_outcomes")]
    if not are_outcomes(runs_asked):
        return None
    if study.outcomes is None:
        needs = f"has outcomes, without {study.needs}, which `{study.name}` needs"
        raise BadInput(f"{runs_asked[0].path}: {needs}; give a run of `measure`")
    return study.outcomes


def _check_tags(study: Study[Any], options: Any) -> None:
    """Refuse what makes no sense of runs and data whose examples have several tags."""
    if what := study.not_of_tags(options) or study.name * (study.group == "Paper"):
        for value in vars(options).values():
            for one in value if isinstance(value, list | tuple) else [value]:
                if getattr(one, "tags", None):
                    raise data.refusal_of_tags(getattr(one, "path", getattr(one, "name", "--tags")), what)


def answer(study: Study[Any] | Verb[Any], options: Any, progress: runs.Progress | None = None) -> Any:
    """The result of a study; what it plans is carried out below ``asked.out`` as far as it is missing."""
    extra = () if progress is None else (progress,)
    if isinstance(study, Verb):
        return study.call(options, *extra)
    if find := _in_outcomes(study, options):
        return find(options)
    _check_tags(study, options)
    if study.plan is None:
        return study.find(options, *extra)
    check_execution(options.execution)
    plans = study.plan(options)
    done = runs.carry_out_all(plans.runs, options.out, options.execution, progress=progress)
    return study.find(options, plans, done)


def forecast(study: Study[Any], options: Any) -> str:
    """The runs of a study that are there and missing, and their cost, in a sentence; nothing is trained."""
    assert study.plan is not None
    _in_outcomes(study, options)  # or refuse them
    _check_tags(study, options)
    check_execution(options.execution)
    plans = study.plan(options)
    device = training.resolve_device(options.execution.device)
    costs = runs.plan_costs(plans.runs, options.out, device, options.execution)
    text = runs.describe(plans.runs, runs.missing_by_run(plans.runs, options.out), costs)
    return "; ".join(filter(None, [text, plans.note]))
