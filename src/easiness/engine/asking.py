"""What a study asks, option by option: the fields of one value, and those of the common values in it."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, TypeVar

from easiness.spec import Fields, Option, options_of

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
        """Does it have to be given?"""
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
        (of_holders.setdefault(one.holder, {}) if one.holder else values)[one.name] = value
    for holder, parts in of_holders.items():
        kind, *_ = typing.get_args(hints[holder]) or (hints[holder],)
        values[holder] = kind(**parts)
    return asks(**values)
