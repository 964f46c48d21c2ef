"""A study as a frozen value: what it asks, the runs that it plans, and what it finds in them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from easiness.commands import Group
from easiness.executors import check_execution

if TYPE_CHECKING:
    from easiness.runs import Plan
    from easiness.show import Result
if TYPE_CHECKING:
    from easiness.runs import Progress


A = TypeVar("A")


class Planned(Protocol):
    """The runs of a study by name, with whatever else it settled before any is carried out."""

    @property
    def runs(self) -> Mapping[str, Plan]:
        """The plans of the runs, each for the folder of its name below that of the study."""

    @property
    def note(self) -> str:
        """Sentence of ``--dry-run`` beside the cost; empty where there is no more."""


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
        """The function itself."""
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
        plan: the runs to carry out below ``out``, a field of what is asked; none for a study of runs that
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
    plan: Callable[[A], Planned] | None = None
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
