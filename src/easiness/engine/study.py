"""A study as a frozen value: what it asks, the runs that it plans, and what it finds in them."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from easiness.commands import Group
from easiness.executors import check_execution
from easiness.spec import Fields, Option, at_least, check_within, options_of

if TYPE_CHECKING:
    from easiness.runs import Progress
    from easiness.show import Result


A = TypeVar("A")


@dataclass(frozen=True)
class Asked:
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
    def required(self) -> bool:
        return self.default is MISSING


def asked_of(asks: type) -> list[Asked]:
    """Everything that a value asks, in the order of its fields."""
    hints = typing.get_type_hints(asks, include_extras=True)
    own = options_of(asks)
    found: list[Asked] = []
    for one in fields(asks):
        if one.name in own:
            kind, option = own[one.name]
            python = option.python
            found.append(Asked(one.name, kind, option, _default(one), group=option.group, python=python))
        else:
            kind, *notes = typing.get_args(hints[one.name]) or (hints[one.name],)
            wanted = next((note for note in notes if isinstance(note, Fields)), Fields())
            found += _of_value(kind, one.name, wanted)
    return found


def _of_value(kind: type, holder: str, wanted: Fields) -> Iterator[Asked]:
    known = options_of(kind)
    own = {one.name: one for one in fields(kind)}
    for name in wanted.only or known:
        if name not in known:
            continue
        of, option = known[name]
        option = replace(option, help=wanted.help.get(name, option.help))
        default = MISSING if name in wanted.required else wanted.defaults.get(name, _default(own[name]))
        group = None if option.first or default is MISSING else getattr(kind, "GROUP", None)
        python = option.python and wanted.python and not getattr(kind, "OF_DATA", False)
        yield Asked(name, of, option, default, holder, group, python)


def _default(one: Any) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def made(asks: type[A], given: Mapping[str, Any]) -> A:
    """The value asked, from arguments by name; what is not given keeps its default."""
    values: dict[str, Any] = {}
    of_holders: dict[str, dict[str, Any]] = {}
    hints = typing.get_type_hints(asks, include_extras=True)
    for one in asked_of(asks):
        value = given.get(one.name, one.default)
        name = one.option.flag or one.name
        if one.option.within is not None and value is not None:
            check_within(name, value, one.option.within)
        if one.option.least is not None and value is not None:
            at_least(name, value, one.option.least)
        (of_holders.setdefault(one.holder, {}) if one.holder else values)[one.name] = value
    for holder, parts in of_holders.items():
        kind, *_ = typing.get_args(hints[holder]) or (hints[holder],)
        values[holder] = kind(**parts)
    return asks(**values)


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
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found

    def __call__(self, *asked: Any) -> Any:
        """Call the function."""
        return self.function(*asked)


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
        suffixes: endings of files that it writes beside those of every result, by what is given where they
            depend on it.
        decides: does it, by what is given, write decisions? A file of decisions may then be written over.
        on_page: the page of a run shows it, asked with its defaults.
        watched: ``find`` takes what to tell how far it is, behind what is asked: it asks networks.
        trusts: the command has ``--trust``, since code that a run names may be needed.
    """

    name: str
    group: Group
    summary: str
    asks: type[A]
    find: Callable[..., Result]
    plan: Callable[[A], Any] | None = None
    about: str = ""
    suffixes: tuple[str, ...] | Callable[[Mapping[str, Any]], tuple[str, ...]] = ()
    decides: Callable[[Mapping[str, Any]], bool] = _never
    on_page: bool = False
    watched: bool = False
    trusts: bool = False


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


def answer(study: Study[Any] | Verb[Any], asked: Any, progress: Progress | None = None) -> Any:
    """The result of a study; what it plans is carried out below ``asked.out`` as far as it is missing."""
    told = () if progress is None else (progress,)
    if isinstance(study, Verb):
        return study.call(asked, *told)
    if study.plan is None:
        return study.find(asked, *told)
    from easiness.runs import carry_out_all

    check_execution(asked.execution)
    planned = study.plan(asked)
    runs = carry_out_all(planned.runs, asked.out, asked.execution, progress=progress)
    return study.find(asked, planned, runs)


def forecast(study: Study[Any], asked: Any) -> str:
    """The runs of a study that are there and missing, and their cost, in a sentence; nothing is trained."""
    from easiness.runs import describe, missing_by_run, plan_costs
    from easiness.training import resolve_device

    assert study.plan is not None
    check_execution(asked.execution)
    planned = study.plan(asked)
    costs = plan_costs(planned.runs, asked.out, resolve_device(asked.execution.device), asked.execution)
    text = describe(planned.runs, missing_by_run(planned.runs, asked.out), costs)
    return "; ".join(filter(None, [text, planned.note]))
