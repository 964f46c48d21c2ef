"""Answers of people who labelled in Label Studio, as files of labels: one a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from easiness.data.label_files import COLUMNS, DROP, UNSURE, Cells, LabelFile, Labelled
from easiness.errors import BadInput, shorten
from easiness.regular_file import read_regular

CONTROL = "decision"
"""The name of the element whose choices are read."""

_CLASS = "class "
_MOST_BYTES = 2**30  # pictures may be in it
_MADE_BY = "give the JSON that Label Studio exports of tasks made by `export --to label-studio`"


def choice_of(label: int) -> str:
    """What stands in answers for a class: not its name, which may be that of an action, or blank."""
    return f"{_CLASS}{label}"


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Person(_Read):
    id: int
    email: str = ""

    @property
    def name(self) -> str:
        return self.email.strip() or f"user {self.id}"


class _Value(_Read):
    choices: list[str] = []


class _Result(_Read):
    from_name: str = ""
    value: _Value = _Value()


class _Annotation(_Read):
    completed_by: _Person | int | None = None
    was_cancelled: bool = False
    created_at: str = ""
    updated_at: str = ""
    result: list[_Result] = []

    @property
    def person(self) -> str:
        one = self.completed_by
        return one.name if isinstance(one, _Person) else "user" if one is None else f"user {one}"

    @property
    def time(self) -> str:
        return self.updated_at or self.created_at

    @property
    def choices(self) -> list[str]:
        """What was chosen; nothing where the task was skipped."""
        results = () if self.was_cancelled else self.result
        return [one for result in results if result.from_name == CONTROL for one in result.value.choices]


class _Data(_Read):
    id: str
    was: Annotated[int, Field(ge=0)]
    split: str
    of: str


class _Task(_Read):
    data: _Data
    annotations: list[_Annotation] = []


def read_answers(path: Path, of: Labelled) -> dict[str, LabelFile]:
    """The answers in the JSON that Label Studio exports, by the person who gave them.

    A choice of the class that an example has keeps its label; of another one, it is to have that. Of several
    answers of a person to a task the last counts. A task that was skipped is undecided.

    Raises:
        BadInput: the file cannot be read, or is no such JSON, or an answer is none of the choices.
    """
    rows: dict[str, list[tuple[str, Cells]]] = {}
    for number, task in enumerate(_tasks(path), start=1):
        where = f"{path}: task {number}"
        last: dict[str, _Annotation] = {}
        for one in sorted(task.annotations, key=lambda one: one.time):
            last[one.person] = one
        for person, one in last.items():
            rows.setdefault(person, []).append((where, _row(task.data, person, one, of, where)))
    if not rows:
        raise BadInput(f"{path}: has no answers; {_MADE_BY} and people have looked at")
    return {person: LabelFile(path, frozenset(COLUMNS), some) for person, some in rows.items()}


def _tasks(path: Path) -> list[_Task]:
    try:
        return TypeAdapter(list[_Task]).validate_json(read_regular(path, _MOST_BYTES))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {_MADE_BY}") from None
    except ValidationError as error:
        raise BadInput(f"{path}: {_problem(error.errors(include_url=False)[0])}; {_MADE_BY}") from None


def _problem(what: Any) -> str:
    place = ".".join(map(str, what["loc"]))
    return f"is not as expected{f' at {place}' if place else ''} ({what['msg']})"


def _row(data: _Data, person: str, one: _Annotation, of: Labelled, where: str) -> Cells:
    """The row of a file of labels that says what somebody has chosen."""
    label, action = data.was, ""
    if len(one.choices) > 1:
        raise BadInput(f"{where}: has {len(one.choices)} choices of {person}; give each example one")
    for choice in one.choices:
        if choice in (DROP, UNSURE):
            action = choice
        else:
            label = _label(choice, of, where)
            action = "keep" if label == data.was else "relabel"
    return {
        "id": data.id,
        "label": str(label),
        "class": of.classes[label] if label < len(of.classes) else "",
        "was": str(data.was),
        "action": action,
        "by": person,
        "time": one.time,
        "split": data.split,
        "data": data.of,
    }


def _label(choice: str, of: Labelled, where: str) -> int:
    number = choice.removeprefix(_CLASS)
    label = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else len(of.classes)
    if label < len(of.classes) and choice == choice_of(label):
        return label
    known = shorten([*map(choice_of, range(len(of.classes))), DROP, UNSURE], limit=6)
    raise BadInput(
        f"{where}: the answer {choice!r} is none of {known}; label with the config.xml that lies beside "
        "the tasks"
    )
