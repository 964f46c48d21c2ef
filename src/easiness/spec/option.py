"""How a field of a value is given by users: on the command line by its flag, in Python by its name."""

from __future__ import annotations

import operator
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from easiness.errors import BadInput

OptionGroup: TypeAlias = Literal["Data", "Drawing", "Training", "Recording", "Machine"]
"""Parts of the help of a command, in this order; a value of options names its own as ``GROUP``."""


@dataclass(frozen=True)
class Option:
    """Option of the command line that sets a field.

    Args:
        flag: as typed, ``--limit``; empty for an option of Python alone.
        help: one sentence.
        metavar: stands for the value in the help.
        words: the words to type, each with its value, where a word is not the value itself.
        also: other spellings, as the command line declares them.
        typed: type on the command line, where that is narrower than the field's.
        read: makes the value of the typed text; a ``ValueError`` of it is bad input.
        several: the option is repeated, once for each value.
        first: most people need it, so that the help has it before all groups.
        python_type: type in Python, where that is wider than the field's.
        python: the function of Python has it, too.
        argument: it has no flag, but a place behind the command, and in Python before the keywords.
        placed: in Python it has a place before the keywords, too.
        opens: it is a run, or several: folders on the command line, which are opened.
        takes_files: of those, a file stays as it is, and stands in place of a run.
        least: the least number.
        within: the interval of numbers, such as ``(0, 1]``.
        group: part of the help, where it is not that of the value.
        writes: it is a file to write, whose name has one of these endings.
    """

    flag: str
    help: str
    metavar: str | None = None
    words: Mapping[str, Any] | None = None
    also: tuple[str, ...] = ()
    typed: Any = None
    read: Callable[[str], Any] | None = None
    several: bool = False
    first: bool = False
    python_type: Any = None
    python: bool = True
    argument: bool = False
    placed: bool = False
    opens: bool = False
    takes_files: bool = False
    least: int | None = None
    within: str | None = None
    group: OptionGroup | None = None
    writes: tuple[str, ...] = ()

    @property
    def has_place(self) -> bool:
        return self.argument or self.placed


@dataclass(frozen=True)
class Fields:
    """Fields of a value of options that a study asks: ``Annotated[Training, Fields(...)]``.

    Args:
        only: these alone, in this order; all options by default. The others keep their defaults.
        required: fields without a default.
        help: other help for some.
        defaults: other defaults for some.
        python: the function of Python has them, too.
    """

    only: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    python: bool = True


def setting(flag: str, help: str, *, default: Any = None, **settings: Any) -> Any:
    """The default of a field that is an `Option`; a field without a default has it in ``Annotated``."""
    return field(default=default, metadata={"option": Option(flag, help, **settings)})


def options_of(kind: type) -> dict[str, tuple[Any, Option]]:
    """The fields of a dataclass that are options: name to its type and `Option`."""
    is_text = any(isinstance(one.type, str) and "option" not in one.metadata for one in fields(kind))
    hints = typing.get_type_hints(kind, include_extras=True) if is_text else {}
    options = {}
    for one in fields(kind):
        kind_of, entry = hints.get(one.name, one.type), one.metadata.get("option")
        if entry is None:
            kind_of, *notes = typing.get_args(kind_of) or (kind_of,)
            entry = next((note for note in notes if isinstance(note, Option)), None)
        if entry is not None:
            options[one.name] = typing.ForwardRef(kind_of) if isinstance(kind_of, str) else kind_of, entry
    return options


def at_least(name: str, value: int, least: int, most: int | None = None) -> int:
    """The value of the option ``name``, a whole number from ``least`` to ``most``."""
    try:
        value = operator.index(value)
    except TypeError:
        raise BadInput(f"{name} {value!r}: must be a whole number") from None
    if value < least:
        raise BadInput(f"{name} {value}: must be at least {least}")
    if most is not None and value > most:
        raise BadInput(f"{name} {value}: must be at most {most:,}")
    return value


def check_within(name: str, value: float, within: str) -> None:
    """Make sure that the value of the option ``name`` is in an interval, such as ``(0, 1]``."""
    low, high = map(float, within[1:-1].split(","))
    above = value > low if within[0] == "(" else value >= low
    if not (above and (value < high if within[-1] == ")" else value <= high)):  # nor NaN
        raise BadInput(f"{name} {value:g}: not in {within}; give a number in it")


def read_numbers(flag: str, text: str, example: str) -> tuple[float, ...]:
    """The numbers in ``0,0.5,1``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"{flag} {text!r}: give numbers with commas between them, such as {example}") from None


def read_band(text: str) -> tuple[float, float]:
    """The ends of ``0.2,0.8``."""
    return check_band(read_numbers("--between", text, "0.2,0.8"))


def check_band(band: Sequence[float]) -> tuple[float, float]:
    """Two numbers in [0, 1], the first below the second."""
    if len(band) != 2 or not 0 <= band[0] < band[1] <= 1:
        text = ",".join(f"{one:g}" for one in band)
        raise BadInput(f"between {text}: give two numbers from 0 to 1, the lower first, such as 0.2,0.8")
    return band[0], band[1]


def read_at(text: str) -> float:
    """The epoch, a whole number, or the share in ``text``."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"{text!r}: give an epoch, such as 3, or a share, such as 0.8") from None


def number_or(make: Callable[[str], Any], *words: str) -> Callable[[str], Any]:
    """The reader of a number, by ``make``, or of one of these words."""

    def read(text: str) -> Any:
        try:
            return text if text in words else make(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a number nor {' or '.join(words)}") from None

    return read


def read_columns(text: str) -> dict[str, str]:
    """The names in ``path=filename,label=breed``, ours to those of the file."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(ours and theirs for ours, _, theirs in pairs):
        raise ValueError(f"{text!r}: name them as in path=filename,label=breed, or item=problem")
    if len({ours.strip() for ours, _, _ in pairs}) < len(pairs):
        raise ValueError(f"{text!r}: names one of ours twice; name each once")
    return {ours.strip(): theirs for ours, _, theirs in pairs}


def read_names(text: str) -> tuple[str, ...]:
    """The names in ``a,b``, without the spaces around them."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError(f"{text!r}: name columns with commas between them, as in length,width")
    return names
